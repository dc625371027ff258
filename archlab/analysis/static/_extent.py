"""What units see along one axis, and how that composes: through a window, and over paths that merge."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import gcd, lcm
from typing import NamedTuple

from archlab.ops import MOST_UNITS, Axis


class Extent(NamedTuple):
    """What the units of a map see along one axis of the input.

    Unit `q · period + r` sees the pixels from `q · shift + first` to `q · shift + last` (both included) where
    `(first, last) = spans[r]`, the period being the number of spans; None where it sees nothing.
    """

    shift: int
    spans: tuple[tuple[int, int] | None, ...]
    anchor: int = 0
    """What the spans are counted from: 0 is the edge of the image; any other number a place that 'same' padding of an
    unknown size has moved. Extents with the same anchor can be compared all the same."""

    @property
    def placed(self) -> bool:
        """Whether it is known where in the image the units look."""
        return self.anchor == 0

    @property
    def size(self) -> int:
        """The most pixels that a unit sees."""
        if len(self.spans) == 1 and self.spans[0]:  # nearly always: every unit alike
            first, last = self.spans[0]
            return last - first + 1
        return max([last - first + 1 for first, last in filter(None, self.spans)], default=0)

    @property
    def stride(self) -> Fraction | int:
        """By how many pixels the field moves from one unit to the next, on average over a period."""
        return self.shift if len(self.spans) == 1 else Fraction(self.shift, len(self.spans))

    @property
    def start(self) -> int | None:
        """The first pixel of the first unit's field (left of the image where negative); None where unknown."""
        return self.spans[0][0] if self.placed and self.spans[0] else None

    @property
    def centre(self) -> Fraction:
        """The middle of the field of the first unit, on average over a period."""
        middles = [Fraction(span[0] + span[1], 2) - self.stride * r for r, span in enumerate(self.spans) if span]
        return sum(middles, Fraction(0)) / len(middles) if middles else Fraction(0)

    def span(self, unit: int) -> tuple[int, int] | None:
        """First and last pixel that a unit sees."""
        turn, phase = divmod(unit, len(self.spans))
        span = self.spans[phase]
        return None if span is None else (span[0] + turn * self.shift, span[1] + turn * self.shift)


PIXEL = Extent(1, ((0, 0),))


def through(extent: Extent, axis: Axis, anchor: int = 0) -> Extent | None:
    """What is seen through a window that looks at units which see `extent`.

    Where the window's place depends on an unknown size, the result is counted from `anchor`. None where more units
    would have to be told apart than any image has.
    """
    shift, spans, before = extent
    stride, taps, settled = axis
    anchor = before if settled else anchor
    if len(spans) == 1 and len(taps) == 1:
        # By far the most: every unit alike on both sides.
        (span,), (tap,) = spans, taps
        if span is None:
            return extent
        return Extent(shift * stride, ((span[0] + shift * tap[0], span[1] + shift * tap[-1]),), anchor)
    turns = len(spans) // gcd(len(spans), stride)
    seen: list[tuple[int, int] | None] = []
    if len(taps) * turns * max(map(len, taps)) > MOST_UNITS:
        return None
    for unit in range(len(taps) * turns):
        turn, phase = divmod(unit, len(taps))
        read = [extent.span(turn * stride + tap) for tap in taps[phase]]
        hit = [span for span in read if span is not None]
        seen.append((min(first for first, _ in hit), max(last for _, last in hit)) if hit else None)
    return Extent(turns * stride // len(spans) * shift, tuple(seen), anchor)


def union(extents: Sequence[Extent], anchor: int = 0) -> tuple[Extent, Fraction | None]:
    """What is seen over several paths that merge, and by how much their centres disagree.

    Where the strides disagree (the second is None), or an unknown size moves the paths against each other, there is no
    telling: it is the largest field alone, counted from `anchor`.
    """
    widest = max(extents, key=lambda extent: extent.size)
    if any([extent.stride != widest.stride for extent in extents]):
        return widest._replace(anchor=anchor), None
    if any([extent.anchor != widest.anchor for extent in extents]):
        return widest._replace(anchor=anchor), Fraction(0)
    if all([len(extent.spans) == 1 and extent.spans[0] for extent in extents]):
        # By far the most, and exact in whole numbers.
        known = [span for extent in extents if (span := extent.spans[0])]
        doubled = [first + last for first, last in known]
        hull = min([first for first, _ in known]), max([last for _, last in known])
        return widest._replace(spans=(hull,)), Fraction(max(doubled) - min(doubled), 2)
    period = lcm(*[len(extent.spans) for extent in extents])
    if period > MOST_UNITS:
        return widest._replace(anchor=anchor), None
    spans: list[tuple[int, int] | None] = []
    for unit in range(period):
        hit = [span for span in [extent.span(unit) for extent in extents] if span is not None]
        spans.append((min(first for first, _ in hit), max(last for _, last in hit)) if hit else None)
    centres = [extent.centre for extent in extents]
    shift = widest.shift * period // len(widest.spans)
    return Extent(shift, tuple(spans), widest.anchor), max(centres) - min(centres)
