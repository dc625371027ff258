"""What boxes can be coloured by, besides what they are."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from archlab.analysis.static import Analysis
from archlab.analysis.static.signal import predict
from archlab.errors import UsageError, did_you_mean
from archlab.rendering._picture import Box, Part, Scale, boxes_of
from archlab.units import format_count, format_small

KIND = "kind"


@dataclass(frozen=True)
class Quantity:
    """A quantity of a box, from the positions of the layers that it stands for; None where it has none."""

    title: str
    of: Callable[[Sequence[int]], float | None]
    words: Callable[[float], str]
    logarithmic: bool = False


def _params(analysis: Analysis, flow: Any) -> Quantity:
    rows = analysis.params.layers
    return Quantity("parameters", lambda members: sum(rows[p].total for p in members) or None, format_count)


def _macs(analysis: Analysis, flow: Any) -> Quantity:
    rows = analysis.compute.layers
    return Quantity(
        "multiply–accumulates", lambda members: sum(rows[p].macs or 0 for p in members) or None, format_count
    )


def _field(analysis: Analysis, flow: Any) -> Quantity:
    rows = analysis.receptive_field.layers

    def of(members: Sequence[int]) -> float | None:
        sizes = [size for p in members for size in rows[p].size or ()]
        return max(sizes, default=None)

    return Quantity("receptive field", of, lambda size: f"{size:.0f} px")


def _gradient(analysis: Analysis, flow: Any) -> Quantity:
    graph = analysis.graph
    found = predict(graph) if flow is None else flow
    # The head stands apart, as it does where slopes are measured.
    signals = {layer.name: layer.output_gradient_rms for layer in found.layers if layer.body}
    values = [signals.get(node.layer or node.name, signals.get(node.name)) for node in graph.nodes]

    def of(members: Sequence[int]) -> float | None:
        known = [value for p in members if (value := values[p])]
        return median(known) if known else None

    title = "error signal, predicted" if flow is None else "error signal, measured"
    return Quantity(title, of, format_small, logarithmic=True)


QUANTITIES: Mapping[str, Callable[[Analysis, Any], Quantity]] = {
    "params": _params,
    "macs": _macs,
    "receptive-field": _field,
    "gradient": _gradient,
}


def check_color(color: str) -> None:
    """Refuse what boxes cannot be coloured by.

    Raises:
        UsageError: naming the closest of what they can.
    """
    if color != KIND and color not in QUANTITIES:
        raise UsageError(f"color {color!r}: {did_you_mean(color, (KIND, *QUANTITIES))}")


def coloured(parts: Sequence[Part], quantity: Quantity) -> tuple[tuple[Part, ...], Scale | None]:
    """The same boxes with a value between 0 and 1 for their colour, and what the two ends stand for."""
    found = {box.id: value for box in boxes_of(parts) if (value := quantity.of(box.members)) is not None}
    if not found:
        return tuple(parts), None
    low, high = min(found.values()), max(found.values())
    start = low if quantity.logarithmic else 0.0
    shares = {name: _share(value, start, high, quantity.logarithmic) for name, value in found.items()}
    scale = Scale(quantity.title, quantity.words(start), quantity.words(high))
    return tuple(_with(part, shares) for part in parts), scale


def _share(value: float, low: float, high: float, logarithmic: bool) -> float:
    if logarithmic:
        value, low, high = math.log(value), math.log(low), math.log(high)
    return (value - low) / (high - low) if high > low else 1.0


def _with(part: Part, shares: Mapping[str, float]) -> Part:
    if isinstance(part, Box):
        return replace(part, value=shares.get(part.id))
    return replace(part, parts=tuple(_with(each, shares) for each in part.parts))
