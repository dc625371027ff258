"""What an obstacle is called, where it is, and how it is said."""

from __future__ import annotations

from typing import NamedTuple

from archlab.analysis.trainability._obstacles import RATES, STEPS, highest_rate, slowness
from archlab.analysis.trainability._statistics import Statistics
from archlab.units import format_share


class Words(NamedTuple):
    """An obstacle in words.

    Attributes:
        quantity: what is measured.
        layers: where.
        value: of the quantity.
        sign: −1 where it is too small, 1 where it is too large.
        sentence: all of it.
    """

    quantity: str
    layers: tuple[str, ...]
    value: float
    sign: float
    sentence: str


def times(decades: float) -> str:
    """A factor in words.

    >>> times(1.3), times(7.2)
    ('20 times', '10^7 times')
    """
    return f"{10**decades:,.0f} times" if decades < 4 else f"10^{decades:.0f} times"


def words_of(kind: str, found: Statistics) -> Words:
    """An obstacle of a kind in words, for a network with these statistics."""
    match kind:
        case "fading":
            back, layers = found.fading, (found.fading.first, found.fading.last)
            sentence = (
                f"The activation gradient fades {times(back.decades)} on its way from {back.last} back to {back.first}."
            )
            return Words("activation gradient", layers, back.decades, 1.0, sentence)
        case "growing":
            back, layers = found.growth, (found.growth.first, found.growth.last)
            sentence = (
                f"The activation gradient grows {times(back.decades)} on its way from {back.last} back to {back.first}."
            )
            return Words("activation gradient", layers, back.decades, 1.0, sentence)
        case "weak":
            layer = found.head.layer
            sentence = (
                f"The features that {layer} reads differ by 10^{found.distance:.1f} between two samples: too little."
            )
            return Words("difference of two samples' features at the head", (layer,), found.distance, -1.0, sentence)
        case "strong":
            value, layer = found.head
            return Words(
                "features at the head",
                (layer,),
                value,
                1.0,
                f"The features that {layer} reads are too large: 10^{value:.1f}.",
            )
        case "collapse":
            value, layer = found.collapse
            sentence = f"Two samples have nearly the same features before {layer}: 1 − c = 10^{value:.1f}."
            return Words("1 − correlation of two samples' features", (layer,), value, -1.0, sentence)
        case "dead":
            value, layer = found.dead
            sentence = f"With probability {format_share(value, 0)} every unit of {layer} is dead: zero for all samples."
            return Words("probability of dead units", (layer,), value, 1.0, sentence)
        case "saturated":
            value, layer = found.saturated
            sentence = f"{layer} is saturated: {format_share(value, 0)} of its slope is lost."
            return Words("lost slope of a saturated activation", (layer,), value, 1.0, sentence)
        case "curved":
            sentence = f"SGD diverges at learning rates above {10 ** highest_rate(found):.2g}, as the loss is curved."
            return Words("curvature of the loss", (), found.common, 1.0, sentence)
        case _:
            rate = min(RATES[1], 10 ** min(highest_rate(found), 3.0))
            sentence = (
                f"At the highest stable learning rate, {rate:.2g}, the loss changes too slowly: in {STEPS} steps by "
                f"10^{-slowness(found):.1f}."
            )
            return Words(f"change of the loss in {STEPS} steps", (), -slowness(found), -1.0, sentence)
