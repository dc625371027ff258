"""What a curve of error signal against depth says: its slope, and the verdict on it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import isfinite, log10
from typing import Any

from archlab.analysis._record import Record

__all__ = ["LIMIT", "SOURCE", "Trend", "trend", "verdict"]

LIMIT = 3.5
"""Decades by which the error signal may change from the first layer to the last before the verdict names it."""

SOURCE = (
    "He et al. 2015, 'Delving Deep into Rectifiers', section 2.2: under Glorot's initialization, where by their theory "
    "each ReLU layer weakens the error signal by 0.15 decades, a net of 22 layers still trains (3.3 decades), one of "
    "30 does not (4.5). For growth the same limit: by the theory of Yang et al. 2019, 'A Mean Field Theory of Batch "
    "Normalization', who find deep nets with it and without shortcuts untrainable, it is passed at 42 layers. What "
    "comes of a larger map alone, whose units share one error, is left out of the change."
)


@dataclass(frozen=True)
class Trend(Record):
    """The error signal against depth.

    Attributes:
        slope: decades per layer, by least squares of log10 of the signal against depth; positive when the signal
            fades on its way back to the input, negative when it grows. The median over the seeds.
        slopes: of each seed.
        decades: the slope times the depth that it spans: how much weaker the signal arrives than it started.
        sharing: the part of `decades` that is geometry: a map with four times as many units spreads the same error
            over four times as many, each of which gets half of it in root mean square.
        silent: layers at which the signal is exactly zero: too small for the arithmetic.
        verdict: 'vanishes', 'explodes', 'level', or 'undefined' where there is nothing to fit.
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
    """Fit log10 of the error signal against depth, for each run.

    Args:
        depths: of the layers.
        units: elements of each layer's output for one example; None where that is not known.
        runs: for each seed the signal at each layer; None where no gradient reaches it.

    >>> found = trend([1, 2, 3], [64, 64, 64], [[0.01, 0.1, 1.0]])
    >>> found.slope, found.decades, found.verdict
    (1.0, 2.0, 'level')
    """
    slopes: list[float] = []
    silent: list[int] = []
    broken = False
    for run in runs:
        known = [(depth, value) for depth, value in zip(depths, run, strict=True) if value is not None]
        broken = broken or any(not isfinite(value) for _, value in known)
        silent.append(sum(value == 0 for _, value in known))
        slope = _slope([(depth, log10(value)) for depth, value in known if value > 0 and isfinite(value)])
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
    return replace(found, verdict=verdict(found, found.silent, broken))


def verdict(found: Trend, silent: int, broken: bool) -> str:
    """The verdict on a fit, given how many layers were exactly zero and whether any figure was not finite."""
    if broken:
        return "explodes"
    # A signal that has become exactly zero has faded below 1e-38, whatever the layers where it is left say.
    if silent:
        return "vanishes"
    if found.decades is None:
        return "undefined"
    change = found.decades - (found.sharing or 0.0)
    return "vanishes" if change > LIMIT else "explodes" if change < -LIMIT else "level"


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
