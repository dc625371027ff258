from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, sqrt
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri, stdtrit

from archlab.errors import UsageError

LEVEL = 0.95
"""The default confidence level."""


@dataclass(frozen=True)
class Interval:
    """A confidence or prediction interval.

    Attributes:
        low: the lower end, a fraction; of a difference between −1 and 1.
        high: the upper end.
        level: the coverage: the probability that such an interval contains the true value.
        method: its name and source.
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
    """The two-sided quantile of the normal distribution."""
    if not 0 < level < 1:
        raise UsageError(f"level must lie between 0 and 1, such as 0.95, got {level}")
    return float(ndtri((1 + level) / 2))


def student(level: float, freedom: float) -> float:
    """The two-sided quantile of Student's t distribution with `freedom` degrees of freedom."""
    normal(level)
    return float(stdtrit(freedom, (1 + level) / 2))


def wilson(accuracy: float, images: float, level: float = LEVEL) -> Interval:
    """A confidence interval of one trained network's accuracy on images like its test images.

    By the score method: Wilson 1927, 'Probable Inference, the Law of Succession, and Statistical Inference', JASA 22;
    recommended by Newcombe 1998, 'Two-sided confidence intervals for the single proportion', method 3.

    Args:
        accuracy: the fraction of images classified correctly.
        images: the number of test images.
        level: the confidence level.

    Raises:
        UsageError: the accuracy is not between 0 and 1, or there are no images.

    >>> print(wilson(0.743, 2000))
    0.723 to 0.762
    """
    if not 0 <= accuracy <= 1:
        raise UsageError(f"an accuracy must lie between 0 and 1, got {accuracy}")
    if not (isfinite(images) and images >= 1):
        raise UsageError(f"an accuracy needs at least 1 test image, got {images}")
    z = normal(level)
    centre = (accuracy + z**2 / (2 * images)) / (1 + z**2 / images)
    margin = z / (1 + z**2 / images) * sqrt(accuracy * (1 - accuracy) / images + z**2 / (4 * images**2))
    # Rounding at 0 and 1 must not move an end past the accuracy.
    low, high = min(max(0.0, centre - margin), accuracy), max(min(1.0, centre + margin), accuracy)
    return Interval(low, high, level, "Wilson score (1927)")


def newcombe(first: float, second: float, images: int, others: int | None = None, level: float = LEVEL) -> Interval:
    """A confidence interval of the difference of two accuracies, from these and the numbers of test images.

    By the hybrid score method for two independent sets of images: Newcombe 1998, 'Interval estimation for the
    difference between independent proportions: comparison of eleven methods', Statistics in Medicine 17, method 10. Two
    networks tested on the same images make mostly the same errors, which narrows the interval; this needs the
    predictions for each image, see `compare_runs`.

    Args:
        first: an accuracy.
        second: another, which is subtracted from the first.
        images: the number of test images of the first.
        others: the number of test images of the second. Default: the same.
        level: the confidence level.

    Raises:
        UsageError: an accuracy is not between 0 and 1, or there are no images.

    >>> found = newcombe(0.743, 0.744, 2000)
    >>> f"{100 * found.low:+.1f} to {100 * found.high:+.1f} points"
    '-2.8 to +2.6 points'
    """
    one, two = wilson(first, images, level), wilson(second, images if others is None else others, level)
    low = first - second - sqrt((first - one.low) ** 2 + (two.high - second) ** 2)
    high = first - second + sqrt((one.high - first) ** 2 + (second - two.low) ** 2)
    return Interval(max(-1.0, low), min(1.0, high), level, "Newcombe hybrid score (1998), unpaired")


def newcombe_paired(both: int, first: int, second: int, neither: int, level: float = LEVEL) -> Interval:
    """A confidence interval of the difference of two accuracies on the same images.

    By the square-and-add method: Newcombe 1998, 'Improved confidence intervals for the difference between binomial
    proportions based on paired data', Statistics in Medicine 17, method 10.

    Args:
        both: the number of images that both networks classified correctly.
        first: that only the first classified correctly.
        second: that only the second classified correctly.
        neither: that neither classified correctly.
        level: the confidence level.

    Raises:
        UsageError: a number is negative, or all are zero.

    >>> print(newcombe_paired(both=36, first=12, second=2, neither=0))
    0.057 to 0.340
    """
    counts = (both, first, second, neither)
    if min(counts) < 0 or sum(counts) == 0:
        raise UsageError(f"the numbers of images must not be negative, nor all be zero, got {counts}")
    images = sum(counts)
    one, two = (both + first) / images, (both + second) / images
    score_one, score_two = wilson(one, images, level), wilson(two, images, level)
    margins = (both + first) * (second + neither) * (both + second) * (first + neither)
    # The correlation of the two networks' results, with Newcombe's continuity correction if positive.
    excess = both * neither - first * second
    excess = max(excess - images / 2, 0) if excess > 0 else excess
    correlation = excess / sqrt(margins) if margins else 0.0

    def added(a: float, b: float) -> float:
        return sqrt(max(0.0, a**2 - 2 * correlation * a * b + b**2))

    low = one - two - added(one - score_one.low, score_two.high - two)
    high = one - two + added(score_one.high - one, two - score_two.low)
    return Interval(max(-1.0, low), min(1.0, high), level, "Newcombe square-and-add (1998), paired")


def mean_over_seeds(values: ArrayLike, level: float = LEVEL) -> Interval:
    """A confidence interval of the mean over seeds, by Student's t ('Student' 1908, Biometrika 6).

    It covers other seeds on the same test images, not other images.

    Args:
        values: one value per seed, at least two.
        level: the confidence level.

    Raises:
        UsageError: there are fewer than two values, or one is not finite.

    >>> print(mean_over_seeds([0.743, 0.751, 0.729]))
    0.713 to 0.769
    """
    found = np.asarray(values, float)
    if found.ndim != 1 or found.size < 2:
        raise UsageError(f"an interval over seeds needs at least 2 values, got {found.size}")
    if not np.isfinite(found).all():
        raise UsageError("the values of the seeds must be finite")
    margin = student(level, found.size - 1) * float(found.std(ddof=1)) / sqrt(found.size)
    return Interval(float(found.mean()) - margin, float(found.mean()) + margin, level, "Student's t over seeds (1908)")
