from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, sqrt
from typing import Any

import numpy as np

from archlab.statistics._crossed import components, welch
from archlab.statistics._interval import normal, student
from archlab.statistics._words import percent, points

POWER = 0.8
"""The power: the probability that an existing difference is shown."""
MOST_IMAGES = 10**9
MOST_SEEDS = 10**4


@dataclass(frozen=True)
class Needed:
    """The number of images or seeds that would show a difference of the observed size; as text, a sentence.

    Attributes:
        difference: its size, as a fraction.
        images: the number of test images with the same number of seeds; None if a billion are not enough.
        seeds: the number of seeds of each on the same images; None if ten thousand are not enough, or if the spread of
            runs is unknown.
        level: of the interval that should exclude zero.
        power: the probability that it does.
    """

    difference: float
    images: int | None
    seeds: int | None
    level: float
    power: float = POWER

    def __str__(self) -> str:
        if not self.difference:
            return "equal accuracies: there is no difference to show"
        ways = [f"{rounded(self.images)} test images"] if self.images else []
        ways += [f"{rounded(self.seeds)} seeds each"] if self.seeds else []
        what = f"a difference of {points(abs(self.difference))} points"
        if not ways:
            return f"{what} is too small to be shown with more images alone or more seeds alone"
        return (
            f"to show {what} ({percent(self.level)} interval, power {percent(self.power)}) takes roughly "
            + " or ".join(ways)
        )

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "difference": self.difference,
            "photos": self.images,
            "seeds": self.seeds,
            "level": self.level,
            "power": self.power,
        }


def rounded(count: int) -> str:
    """A number rounded up to two digits.

    >>> rounded(3_001_234), rounded(14)
    ('3,100,000', '14')
    """
    step = 10 ** max(0, len(str(count)) - 2)
    return f"{-(-count // step) * step:,}"


def needed_from_accuracies(first: float, second: float, level: float) -> Needed:
    """The number of images of each, for independent test images.

    Fleiss, Levin and Paik 2003, 'Statistical Methods for Rates and Proportions', section 4.2.
    """
    size = first - second
    if not size:
        return Needed(size, None, None, level)
    mean = (first + second) / 2
    apart = first * (1 - first) + second * (1 - second)
    root = normal(level) * sqrt(2 * mean * (1 - mean)) + normal(2 * POWER - 1) * sqrt(apart)
    return Needed(size, max(1, ceil((root / size) ** 2)), None, level)


def needed_from_runs(one: np.ndarray, two: np.ndarray, level: float) -> Needed:
    """The number of images or seeds, from the variances of these runs.

    One run each: the sample size of McNemar's test (Connor 1987, 'Sample size for testing differences in proportions
    for the paired-sample design', Biometrics 43). Several runs: from the margins of `compare_runs`.
    """
    by_image = one.mean(axis=0) - two.mean(axis=0)
    size, images = float(by_image.mean()), len(by_image)
    if not size or images < 2:
        return Needed(size, None, None, level)
    likely = normal(2 * POWER - 1)
    if len(one) == len(two) == 1:
        apart = float(np.abs(by_image).mean())
        root = normal(level) * sqrt(apart) + likely * sqrt(apart - size**2)
        return Needed(size, ceil((root / size) ** 2), None, level)
    if min(len(one), len(two)) == 1:
        root = (normal(level) + likely) * float(by_image.std(ddof=1))
        return Needed(size, ceil((root / size) ** 2), None, level)
    a, b = components(one), components(two)
    shared = a.interaction / a.seeds + b.interaction / b.seeds
    image = max(0.0, float(by_image.var(ddof=1)) - shared)

    def enough(of_images: float, first: tuple[float, int], second: tuple[float, int]) -> bool:
        of_seeds = first[0] + second[0]
        margin = sqrt(student(level, welch(first, second)) ** 2 * of_seeds + normal(level) ** 2 * of_images)
        return abs(size) >= margin + likely * sqrt(of_seeds + of_images)

    def with_images(count: int) -> bool:
        first, second = ((max(0.0, each.seed) + each.interaction / count) / each.seeds for each in (a, b))
        return enough(image / count, (first, a.seeds), (second, b.seeds))

    def with_seeds(count: int) -> bool:
        first, second = ((max(0.0, each.seed) + each.interaction / images) / count for each in (a, b))
        return enough(image / images, (first, count), (second, count))

    return Needed(size, _least(with_images, MOST_IMAGES), _least(with_seeds, MOST_SEEDS), level)


def _least(enough: Callable[[int], bool], most: int) -> int | None:
    """The smallest number from 2 to `most` that is enough, by bisection; None if none is."""
    high = 2
    while not enough(high):
        if high >= most:
            return None
        high = min(2 * high, most)
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
