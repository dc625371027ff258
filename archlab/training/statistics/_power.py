from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, sqrt
from typing import Any

import numpy as np

from archlab.training.statistics._crossed import components, welch
from archlab.training.statistics._interval import normal, student
from archlab.training.statistics._words import percent, points

POWER = 0.8
"""How often a difference that is there should be shown."""
MOST_PHOTOS = 10**9
MOST_SEEDS = 10**4


@dataclass(frozen=True)
class Needed:
    """Roughly what it would take to show a difference, were it as large as it came out; as text, a sentence.

    Attributes:
        difference: the size in question, a share.
        photos: test photos, with as many seeds as there were; None where a billion would not do.
        seeds: of each, on as many photos as there were; None where ten thousand would not do, or where it is not known
            how runs scatter.
        level: of the interval that is to leave out zero.
        power: how often it should.
    """

    difference: float
    photos: int | None
    seeds: int | None
    level: float
    power: float = POWER

    def __str__(self) -> str:
        if not self.difference:
            return "two equal accuracies: there is no difference to show"
        ways = [f"{rounded(self.photos)} test photos"] if self.photos else []
        ways += [f"{rounded(self.seeds)} seeds each"] if self.seeds else []
        what = f"a difference of {points(abs(self.difference))} points"
        if not ways:
            return f"{what} is too small to be shown with more photos alone or with more seeds alone"
        return (
            f"to show {what} ({percent(self.level)} interval, power {percent(self.power)}) takes roughly "
            + " or ".join(ways)
        )

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "difference": self.difference,
            "photos": self.photos,
            "seeds": self.seeds,
            "level": self.level,
            "power": self.power,
        }


def rounded(count: int) -> str:
    """A rough number: two digits, rounded up.

    >>> rounded(3_001_234), rounded(14)
    ('3,100,000', '14')
    """
    step = 10 ** max(0, len(str(count)) - 2)
    return f"{-(-count // step) * step:,}"


def needed_from_accuracies(first: float, second: float, level: float) -> Needed:
    """Photos for each, were they unrelated.

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
    """Photos or seeds, from what these runs show of the scatter.

    Of one run each the photos of McNemar's test: Connor 1987, 'Sample size for testing differences in proportions for
    the paired-sample design', Biometrics 43. Of several those that the margins of `compare_runs` ask for.
    """
    by_photo = one.mean(axis=0) - two.mean(axis=0)
    size, photos = float(by_photo.mean()), len(by_photo)
    if not size or photos < 2:
        return Needed(size, None, None, level)
    likely = normal(2 * POWER - 1)
    if len(one) == len(two) == 1:
        apart = float(np.abs(by_photo).mean())
        root = normal(level) * sqrt(apart) + likely * sqrt(apart - size**2)
        return Needed(size, ceil((root / size) ** 2), None, level)
    if min(len(one), len(two)) == 1:
        root = (normal(level) + likely) * float(by_photo.std(ddof=1))
        return Needed(size, ceil((root / size) ** 2), None, level)
    a, b = components(one), components(two)
    shared = a.interaction / a.seeds + b.interaction / b.seeds
    photo = max(0.0, float(by_photo.var(ddof=1)) - shared)

    def enough(of_photos: float, first: tuple[float, int], second: tuple[float, int]) -> bool:
        of_seeds = first[0] + second[0]
        margin = sqrt(student(level, welch(first, second)) ** 2 * of_seeds + normal(level) ** 2 * of_photos)
        return abs(size) >= margin + likely * sqrt(of_seeds + of_photos)

    def with_photos(count: int) -> bool:
        first, second = ((max(0.0, each.seed) + each.interaction / count) / each.seeds for each in (a, b))
        return enough(photo / count, (first, a.seeds), (second, b.seeds))

    def with_seeds(count: int) -> bool:
        first, second = ((max(0.0, each.seed) + each.interaction / photos) / count for each in (a, b))
        return enough(photo / photos, (first, count), (second, count))

    return Needed(size, _least(with_photos, MOST_PHOTOS), _least(with_seeds, MOST_SEEDS), level)


def _least(enough: Callable[[int], bool], most: int) -> int | None:
    """The smallest number from 2 on that is enough, where every larger one is too; None beyond `most`."""
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
