"""The loss that gradients are taken of: given, the one a model was compiled with, or one that goes with its head."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from archlab.analysis.static import head_loss
from archlab.bridge import load_keras
from archlab.errors import UsageError, closest, did_you_mean
from archlab.graph import Graph

Given = str | Callable[..., Any] | Sequence[Any] | Mapping[str, Any] | None
"""A loss as it may be given: a name, a function or a Keras loss; for several outputs one for each."""


@dataclass(frozen=True)
class Loss:
    """The mean loss over a batch: one function for each output, weighted and added. None: an output has no loss."""

    functions: tuple[Any, ...]
    weights: tuple[float, ...]
    names: tuple[str, ...]

    @property
    def name(self) -> str:
        """What it is called; several are joined by a plus."""
        return " + ".join(dict.fromkeys(name for name in self.names if name))

    def __call__(self, labels: Sequence[Any], outputs: Sequence[Any]) -> Any:
        """The loss as one number."""
        tf, _ = load_keras()
        total = None
        for function, weight, label, output in zip(self.functions, self.weights, labels, outputs, strict=True):
            if function is None:
                continue
            value = tf.reduce_mean(function(label, output))
            value = value if weight == 1 else value * tf.cast(weight, value.dtype)
            total = value if total is None else total + value
        return total


def choose(graph: Graph, given: Given, model: Any = None) -> Loss:
    """The loss that was given; without one that of a compiled model; without that the one that goes with the head.

    Raises:
        UsageError: the loss is not known, or does not fit the outputs.
    """
    count = len(graph.outputs)
    weights: Any = None
    if given is None and model is not None and getattr(model, "loss", None) is not None:
        given = model.loss
        weights = getattr(getattr(model, "_compile_loss", None), "_user_loss_weights", None)
    names = list(getattr(model, "output_names", ())) or [graph.nodes[position].name for position in graph.outputs]
    if given is None:
        given = [head_loss(graph, number) for number in range(count)]
    each = _spread(given, names, "loss")
    if all(loss is None for loss in each):
        raise UsageError("no output has a loss")
    functions = tuple(None if loss is None else _function(loss) for loss in each)
    asked = [None] * count if weights is None else _spread(weights, names, "loss weight")
    factors = tuple(1.0 if factor is None else float(factor) for factor in asked)
    return Loss(functions, factors, tuple("" if loss is None else _named(loss) for loss in each))


def _spread(given: Any, names: Sequence[str], what: str) -> list[Any]:
    """One for each output, of one for all, a list, or a mapping by the outputs' names."""
    if isinstance(given, Mapping):
        for name in given:
            if name not in names:
                raise UsageError(f"{what} for {name!r}: no output has that name, {did_you_mean(str(name), names)}")
        return [given.get(name) for name in names]
    if isinstance(given, list | tuple):
        if len(given) != len(names):
            raise UsageError(f"{len(given)} values for {what} do not match {len(names)} outputs")
        return list(given)
    return [given] * len(names)


def _function(loss: Any) -> Any:
    _, keras = load_keras()
    if not isinstance(loss, str):
        if not callable(loss):
            raise UsageError(f"a loss is a name, a function or a Keras loss, got {loss!r}")
        return loss
    try:
        return keras.losses.get(loss)
    except ValueError:
        known = [name for name in dir(keras.losses) if re.fullmatch(r"[a-z]+(_[a-z]+)+", name)]
        near = closest(loss, known)
        hint = f"did you mean {' or '.join(near)}?" if near else "give the name of a function in keras.losses"
        raise UsageError(f"no loss named {loss!r}: {hint}") from None


def _named(loss: Any) -> str:
    if isinstance(loss, str):
        return loss
    name = getattr(loss, "__name__", None) or getattr(loss, "name", None)
    return str(name or "custom")
