"""What a curve of activation gradient against depth says: its slope, and the verdict on it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import isfinite, log10
from typing import Any

from archlab.analysis._record import Record

__all__ = ["LIMIT", "SOURCE", "Trend", "trend"]

LIMIT = 3.5
"""Decades by which the activation gradient may change from the first layer to the last before the verdict names it."""

SOURCE = (
    "He et al. 2015, 'Delving Deep into Rectifiers', section 2.2: under Glorot's initialization, where by their theory "
    "each ReLU layer shrinks the activation gradient by 0.15 decades, a net of 22 layers still trains (3.3 decades), "
    "one of 30 does not (4.5). For growth the same limit: by the theory of Yang et al. 2019, 'A Mean Field Theory of "
    "Batch Normalization', who find deep nets with it and without shortcuts untrainable, it is passed at 42 layers. "
    "What comes of a larger map alone, whose units share one error, is left out of the change."
)


@dataclass(frozen=True)
class Trend(Record):
    """The activation gradient against depth.

    Attributes:
        slope: decades per layer, by least squares of log10 of the signal against depth; positive when the signal
            fades on its way back to the input, negative when it grows. The median over the seeds.
        slopes: of each seed.
        decades: the slope times the depth that it spans: how much weaker the signal arrives than it started.
        sharing: the part of `decades` that is geometry: a map with four times as many units spreads the same error
            over four times as many, each of which gets half of it in root mean square.
        silent: layers at which the signal is exactly zero: too small for the arithmetic, or behind weights or units
            that are zero.
        verdict: 'vanishing', 'exploding', 'stable', or 'undefined' where there is nothing to fit or no gradient reaches
            the first layers.
    """

    slope: float | None
    slopes: tuple[float, ...]
    decades: float | None
    sharing: float | None
    silent: int
    verdict: str

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return super().to_dict() | {"verdict_limit_decades": LIMIT, "verdict_source": SOURCE}


def trend(depths: Sequence[int], units: Sequence[int | None], runs: Sequence[Sequence[float | None]]) -> Trend:
    """Fit log10 of the activation gradient against depth, for each run.

    Args:
        depths: of the layers.
        units: elements of each layer's output for one sample; None where that is not known.
        runs: for each seed the signal at each layer; None where no gradient reaches it.

    >>> found = trend([1, 2, 3], [64, 64, 64], [[0.01, 0.1, 1.0]])
    >>> found.slope, found.decades, found.verdict
    (1.0, 2.0, 'stable')
    """
    slopes: list[float] = []
    silent: list[int] = []
    broken = faded = cut = False
    for run in runs:
        known = [(depth, value) for depth, value in zip(depths, run, strict=True) if value is not None]
        broken = broken or any(not isfinite(value) for _, value in known)
        silent.append(sum(value == 0 for _, value in known))
        alive = [(depth, value) for depth, value in known if value > 0 and isfinite(value)]
        faded = faded or _begins_before(alive, [depth for depth, value in known if value == 0])
        cut = cut or _begins_before(known, [depth for depth, value in zip(depths, run, strict=True) if value is None])
        slope = _slope([(depth, log10(value)) for depth, value in alive])
        if slope is not None:
            slopes.append(slope)
    slope = median(slopes) if slopes else None
    span = max(depths, default=0) - min(depths, default=0)
    # The whole error stays what it is when it is shared by more units: √(n units) × RMS, so that RMS falls as 1/√n.
    shared = _slope([(depth, -log10(n) / 2) for depth, n in zip(depths, units, strict=True) if n])
    found = Trend(
        slope=slope,
        slopes=tuple(slopes),
        decades=None if slope is None else slope * span,
        sharing=None if shared is None else shared * span,
        silent=round(median(silent)) if silent else 0,
        verdict="undefined",
    )
    return replace(found, verdict=_verdict(found, broken, cut, faded))


def _begins_before(alive: Sequence[tuple[int, float]], others: Sequence[int]) -> bool:
    """Whether other layers stand before all those that a signal reaches."""
    return bool(alive and others) and min(others) < min(depth for depth, _ in alive)


def _verdict(found: Trend, broken: bool, cut: bool, faded: bool) -> str:
    """The verdict on a fit: what is not finite comes first, whatever the layers where something is left say.

    Args:
        found: the fit.
        broken: whether any value was not finite.
        cut: whether there is no gradient at all from some layer on.
        faded: whether the signal is exactly zero from some layer on. Zeros elsewhere are no trend: a block that begins
            as the identity (Goyal et al. 2017, section 5.1) has them, and the signal passes it by.
    """
    if broken:
        return "exploding"
    if cut:
        return "undefined"
    if faded:
        return "vanishing"
    if found.decades is None:
        return "undefined"
    change = found.decades - (found.sharing or 0.0)
    return "vanishing" if change > LIMIT else "exploding" if change < -LIMIT else "stable"


# Python's own `statistics` takes longer to load than a static comparison takes to compute.


def fmean(values: Iterable[float]) -> float:
    """The mean."""
    found = list(values)
    return sum(found) / len(found)


def median(values: Iterable[float]) -> float:
    """The middle value, or the mean of the two in the middle."""
    found = sorted(values)
    half = len(found) // 2
    return found[half] if len(found) % 2 else (found[half - 1] + found[half]) / 2


def _slope(points: Sequence[tuple[float, float]]) -> float | None:
    """Least squares; None where the points do not span two depths."""
    if len({x for x, _ in points}) < 2:
        return None
    middle_x, middle_y = fmean(x for x, _ in points), fmean(y for _, y in points)
    spread = sum((x - middle_x) ** 2 for x, _ in points)
    return sum((x - middle_x) * (y - middle_y) for x, y in points) / spread
