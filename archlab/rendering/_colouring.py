"""What boxes can be coloured by, besides what they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import isfinite, log

from archlab.analysis import QUANTITIES, Analysis, GradientFlow, Quantity, State
from archlab.analysis.quantities import Counted
from archlab.errors import UsageError, did_you_mean
from archlab.rendering._picture import Box, Part, Scale, boxes_of

KIND = "kind"
GRADIENT = "gradient"
"""The activation gradient, measured where a flow is given and predicted where none is."""


def colors() -> tuple[str, ...]:
    """What boxes can be coloured by: what they are, the gradient, and every quantity that layers have."""
    return (KIND, GRADIENT, *[each.option for each in QUANTITIES.of_layers()])


def check_color(color: str, measured: bool) -> None:
    """Refuse what boxes cannot be coloured by.

    Raises:
        UsageError: naming the closest of what they can, or what has to be measured first.
    """
    if color not in colors() and QUANTITIES.named(color) is None:
        raise UsageError(f"color {color!r}: {did_you_mean(color, colors())}")
    if color in ("activation-gradient", "kernel-gradient") and not measured:
        raise UsageError(f"color {color!r}: is measured, give flow=gradient_flow(…), or color by predicted-{color}")


def coloured(
    parts: Sequence[Part], color: str, analysis: Analysis, flow: GradientFlow | None
) -> tuple[tuple[Part, ...], Scale | None]:
    """The same boxes with a value between 0 and 1 for their colour, and what the two ends stand for."""
    name = ("activation-gradient" if flow else "predicted-activation-gradient") if color == GRADIENT else color
    quantity = QUANTITIES.named(name)
    assert quantity is not None
    values = _found(parts, quantity, Counted(analysis, flow))
    if not values:
        return tuple(parts), None
    found = {box: number for box, (number, _) in values.items()}
    low, high = min(found.values()), max(found.values())
    start = low if quantity.logarithmic else 0.0
    shares = {name: _share(value, start, high, quantity.logarithmic) for name, value in found.items()}
    # Where a part of it has no rule the largest may be larger still.
    bounded = any(state is State.LOWER_BOUND for _, state in values.values())
    most = quantity.unit.text(high, brief=True)
    return tuple(_with(part, shares) for part in parts), Scale(
        quantity.label,
        quantity.unit.text(start, brief=True),
        f"≥ {most}" if bounded else most,
        "logarithmic" if quantity.logarithmic else "linear",
    )


def _found(parts: Sequence[Part], quantity: Quantity, subject: Counted) -> Mapping[str, tuple[float, State]]:
    """The number of every box that has one, and its state; a box stands for the layers that are its members."""
    values = quantity.layers(subject) if quantity.layers else None
    if values is None:
        return {}
    found: dict[str, tuple[float, State]] = {}
    for box in boxes_of(parts):
        if box.members:
            value = quantity.combined([values[place] for place in box.members])
            rank = value.rank
            if rank and isfinite(rank):
                found[box.id] = (int(rank) if rank == int(rank) else rank), value.state
    return found


def _share(value: float, low: float, high: float, logarithmic: bool) -> float:
    if logarithmic:
        value, low, high = log(value), log(low), log(high)
    return (value - low) / (high - low) if high > low else 1.0


def _with(part: Part, shares: Mapping[str, float]) -> Part:
    if isinstance(part, Box):
        return replace(part, value=shares.get(part.id))
    return replace(part, parts=tuple(_with(each, shares) for each in part.parts))
