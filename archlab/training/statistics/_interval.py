from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, sqrt
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri, stdtrit

from archlab.errors import UsageError

LEVEL = 0.95
"""How often an interval made in this way holds what it is about, unless another level is asked for."""


@dataclass(frozen=True)
class Interval:
    """Where a figure is to be expected, at a level, by a method.

    Attributes:
        low: as shares between 0 and 1; of a difference between −1 and 1.
        high: the other end.
        level: how often an interval that is made like this one holds the true value.
        method: by name and source.
    """

    low: float
    high: float
    level: float
    method: str

    def __contains__(self, value: object) -> bool:
        return isinstance(value, int | float) and self.low <= value <= self.high

    def __str__(self) -> str:
        return f"{self.low:.3f} to {self.high:.3f}"

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {"low": self.low, "high": self.high, "level": self.level, "method": self.method}


def normal(level: float) -> float:
    """How many standard errors an interval of a normal figure reaches to either side."""
    if not 0 < level < 1:
        raise UsageError(f"level must lie between 0 and 1, such as 0.95, got {level}")
    return float(ndtri((1 + level) / 2))


def student(level: float, freedom: float) -> float:
    """The same where the standard error is itself estimated, with so many degrees of freedom."""
    normal(level)
    return float(stdtrit(freedom, (1 + level) / 2))


def wilson(accuracy: float, photos: float, level: float = LEVEL) -> Interval:
    """The interval of one trained net's accuracy: what it might be on all photos of the kind it was tested on.

    By the score method: Wilson 1927, 'Probable Inference, the Law of Succession, and Statistical Inference', JASA 22;
    recommended by Newcombe 1998, 'Two-sided confidence intervals for the single proportion', method 3.

    Args:
        accuracy: the share of the photos that was classified correctly.
        photos: how many there were.
        level: how often such an interval holds the true share.

    Raises:
        UsageError: the accuracy is no share, or there are no photos.

    >>> print(wilson(0.743, 2000))
    0.723 to 0.762
    """
    if not 0 <= accuracy <= 1:
        raise UsageError(f"an accuracy is a share between 0 and 1, got {accuracy}")
    if not (isfinite(photos) and photos >= 1):
        raise UsageError(f"an accuracy needs at least 1 photo to be measured on, got {photos}")
    z = normal(level)
    centre = (accuracy + z**2 / (2 * photos)) / (1 + z**2 / photos)
    margin = z / (1 + z**2 / photos) * sqrt(accuracy * (1 - accuracy) / photos + z**2 / (4 * photos**2))
    # An end never passes the share itself, as rounding at 0 and 1 would have it.
    low, high = min(max(0.0, centre - margin), accuracy), max(min(1.0, centre + margin), accuracy)
    return Interval(low, high, level, "Wilson score (1927)")


def newcombe(first: float, second: float, photos: int, others: int | None = None, level: float = LEVEL) -> Interval:
    """The interval of the difference of two accuracies of which nothing but their photos' number is known.

    By the hybrid score method, as for two unrelated sets of photos: Newcombe 1998, 'Interval estimation for the
    difference between independent proportions: comparison of eleven methods', Statistics in Medicine 17, method 10. Two
    nets tested on the same photos mostly fail on the same ones, which would make it narrower; how much, only the
    predictions for each photo can say.

    Args:
        first: an accuracy.
        second: another, which is taken from the first.
        photos: how many photos the first was measured on.
        others: how many the second was measured on; as many unless given.
        level: how often such an interval holds the true difference.

    Raises:
        UsageError: an accuracy is no share, or there are no photos.

    >>> found = newcombe(0.743, 0.744, 2000)
    >>> f"{100 * found.low:+.1f} to {100 * found.high:+.1f} points"
    '-2.8 to +2.6 points'
    """
    one, two = wilson(first, photos, level), wilson(second, photos if others is None else others, level)
    low = first - second - sqrt((first - one.low) ** 2 + (two.high - second) ** 2)
    high = first - second + sqrt((one.high - first) ** 2 + (second - two.low) ** 2)
    return Interval(max(-1.0, low), min(1.0, high), level, "Newcombe hybrid score (1998), unpaired")


def newcombe_paired(both: int, first: int, second: int, neither: int, level: float = LEVEL) -> Interval:
    """The interval of the difference of two accuracies on the same photos.

    By the square-and-add method: Newcombe 1998, 'Improved confidence intervals for the difference between binomial
    proportions based on paired data', Statistics in Medicine 17, method 10.

    Args:
        both: photos that both nets got right.
        first: photos that only the first got right.
        second: photos that only the second got right.
        neither: photos that neither got right.
        level: how often such an interval holds the true difference.

    Raises:
        UsageError: a number is negative, or all are zero.

    >>> print(newcombe_paired(both=36, first=12, second=2, neither=0))
    0.057 to 0.340
    """
    counts = (both, first, second, neither)
    if min(counts) < 0 or sum(counts) == 0:
        raise UsageError(f"photos are counted in whole numbers, and there must be some, got {counts}")
    photos = sum(counts)
    one, two = (both + first) / photos, (both + second) / photos
    score_one, score_two = wilson(one, photos, level), wilson(two, photos, level)
    margins = (both + first) * (second + neither) * (both + second) * (first + neither)
    # The correlation of the two nets' successes, drawn towards zero where it is positive.
    excess = both * neither - first * second
    excess = max(excess - photos / 2, 0) if excess > 0 else excess
    correlation = excess / sqrt(margins) if margins else 0.0

    def added(a: float, b: float) -> float:
        return sqrt(max(0.0, a**2 - 2 * correlation * a * b + b**2))

    low = one - two - added(one - score_one.low, score_two.high - two)
    high = one - two + added(score_one.high - one, two - score_two.low)
    return Interval(max(-1.0, low), min(1.0, high), level, "Newcombe square-and-add (1998), paired")


def mean_over_seeds(values: ArrayLike, level: float = LEVEL) -> Interval:
    """The interval of the mean of what several seeds gave, by Student's t ('Student' 1908, Biometrika 6).

    It speaks of other seeds on the same test photos, not of other photos.

    Args:
        values: a figure of each seed, two at least.
        level: how often such an interval holds the true mean.

    Raises:
        UsageError: fewer than two figures, or one that is not finite.

    >>> print(mean_over_seeds([0.743, 0.751, 0.729]))
    0.713 to 0.769
    """
    found = np.asarray(values, float)
    if found.ndim != 1 or found.size < 2:
        raise UsageError(f"the interval of a mean over seeds needs at least 2 of them, got {found.size}")
    if not np.isfinite(found).all():
        raise UsageError("the figures of the seeds must all be finite numbers")
    margin = student(level, found.size - 1) * float(found.std(ddof=1)) / sqrt(found.size)
    return Interval(float(found.mean()) - margin, float(found.mean()) + margin, level, "Student's t over seeds (1908)")
