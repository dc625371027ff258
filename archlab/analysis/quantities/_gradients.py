"""Gradients, predicted and, where they were, measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from archlab.analysis._flow import Curve, LayerFlow
from archlab.analysis._state import State, Value, nothing
from archlab.analysis.quantities._quantity import QUANTITIES, Combine, Place, Quantity, Subject
from archlab.units import SLOPE, SMALL

Read = Callable[[LayerFlow], float | None]


def _along(subject: Subject, flow: Curve, read: Read) -> Sequence[Value]:
    """A value for every node; where a layer is used several times, at each of its uses."""
    rows = {layer.name: layer for layer in flow.layers}
    found: list[Value] = []
    for node in subject.analysis.graph:
        layer = rows.get(node.name) or rows.get(node.layer)
        number = None if layer is None else read(layer)
        found.append(nothing() if number is None else Value(number, State.COUNTED if number else State.FREE))
    return found


def _measured(read: Read) -> Callable[[Subject], Sequence[Value] | None]:
    def values(subject: Subject) -> Sequence[Value] | None:
        flow = subject.gradient_flow
        return None if flow is None else _along(subject, flow, read)

    return values


def _predicted(read: Read) -> Callable[[Subject], Sequence[Value]]:
    return lambda subject: _along(subject, subject.gradient_flow_predicted, read)


def _activation(layer: LayerFlow) -> float | None:
    return layer.activation_gradient_rms


def _kernel(layer: LayerFlow) -> float | None:
    return layer.kernel_gradient_norm


def _slope(subject: Subject) -> Value:
    slope = None if subject.gradient_flow is None else subject.gradient_flow.slope
    return nothing() if slope is None else Value(slope)


_ACTIVATION = "Root mean square, over samples, positions and channels, of ∂loss/∂output, times the batch size"
_KERNEL = "Euclidean norm of the mean loss's gradient with respect to the layer's kernels"


def _add(name: str, label: str, combine: Combine, read: Read, meaning: str, aliases: tuple[str, ...] = ()) -> None:
    """A gradient of layers twice: as it is measured, and as it is predicted."""
    common: dict[str, Any] = {
        "unit": SMALL,
        "combine": combine,
        "places": _PAGE,
        "state_record": "",
        "logarithmic": True,
        "counted": False,
    }
    measured, predicted = f"{meaning}; measured on the Keras model.", f"{meaning}; predicted by mean-field theory."
    QUANTITIES.add(
        Quantity(name, f"{label}, measured", explanation=measured, layers=_measured(read), column=label, **common)
    )
    QUANTITIES.add(
        Quantity(
            f"predicted_{name}",
            f"{label}, predicted",
            explanation=predicted,
            layers=_predicted(read),
            aliases=aliases,
            **common,
        )
    )


_PAGE: frozenset[Place] = frozenset(("page",))
_add("activation_gradient", "activation gradient", "last", _activation, _ACTIVATION, ("gradient",))
_add("kernel_gradient", "kernel gradient", "norm", _kernel, _KERNEL)
QUANTITIES.add(
    Quantity(
        "slope",
        "slope of the activation gradient",
        SLOPE,
        "Decades per layer, by least squares: positive where gradients shrink on their way back to the input.",
        whole=_slope,
        places=frozenset(),
        key="",
    )
)
