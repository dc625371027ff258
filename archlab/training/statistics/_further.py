from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any

from archlab.errors import UsageError
from archlab.training.statistics import _words
from archlab.training.statistics._crossed import components
from archlab.training.statistics._interval import LEVEL, Interval, normal, student
from archlab.training.statistics._predictions import Runs, aligned


@dataclass(frozen=True)
class FurtherRun:
    """Whether a published accuracy is one that a further run would give; as text, a sentence.

    Attributes:
        published: the accuracy in question.
        inside: whether it lies in the interval; None where one run alone says nothing of others.
        interval: where a further run is to be expected: a prediction interval, wider than that of the mean.
        seeds: how many runs it comes from.
        photos: on which the further run would be tested.
        other_photos: whether those are others than the runs were tested on.
    """

    published: float
    inside: bool | None
    interval: Interval | None
    seeds: int
    photos: int
    other_photos: bool

    def __str__(self) -> str:
        return _words.of_further_run(self)

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "published": self.published,
            "inside": self.inside,
            "interval": self.interval.to_dict() if self.interval else None,
            "seeds": self.seeds,
            "photos": self.photos,
            "other_photos": self.other_photos,
            "sentence": str(self),
        }


def further_run(runs: Runs, published: float, *, other_photos: int | None = None, level: float = LEVEL) -> FurtherRun:
    """Ask whether a published accuracy of one run fits what these runs gave.

    A published figure such as the lecture's 0.743 is one run, so the question is where one further run would come out:
    a prediction interval, mean ± t √(s² (1 + 1/seeds)) with the standard deviation s over the runs (Hahn and Meeker
    1991, 'Statistical Intervals', section 4.7). An interval of the mean would be too narrow: it shrinks with the number
    of seeds, while single runs go on scattering.

    Which photos the figure was measured on decides what belongs to s. On the same test photos it is the deviation from
    run to run as it was seen, and nothing more: that these photos may be easier or harder than others moves the
    published run and ours alike, and adding binomial noise of the photos would count that twice. On other photos of
    the same kind (`other_photos`) their luck comes on top, and that of ours, as a margin added in quadrature.

    Args:
        runs: (seeds, photos), whether each run classified each photo correctly, or the runs' predictions.
        published: the accuracy of one run.
        other_photos: how many photos it was measured on, if they are not the same ones.
        level: how often a further run comes out inside.

    Raises:
        UsageError: the accuracy is no share, or `other_photos` is not positive.

    >>> import numpy as np
    >>> ours = np.arange(2000) < np.array([[1500], [1452], [1471]])
    >>> print(further_run(ours, 0.743))
    0.743 lies inside 0.677 to 0.797, where one further run on the same 2,000 photos is to be expected (95 %, from 3
    seeds)
    """
    (correct,), _ = aligned(runs)
    if not 0 <= published <= 1:
        raise UsageError(f"an accuracy is a share between 0 and 1, got {published}")
    if other_photos is not None and other_photos < 1:
        raise UsageError(f"other_photos must be at least 1, got {other_photos}")
    seeds, photos = correct.shape
    on = photos if other_photos is None else other_photos
    if seeds == 1:
        return FurtherRun(published, None, None, 1, on, other_photos is not None)
    mean = float(correct.mean())
    of_seeds = float(correct.mean(axis=1).var(ddof=1)) * (1 + 1 / seeds)
    of_photos = 0.0
    if other_photos is not None:
        parts = components(correct)
        # Fewer photos also leave more of what single seeds do with single photos.
        of_seeds += max(0.0, parts.interaction * (1 / on - 1 / photos))
        of_photos = max(0.0, parts.photo) * (1 / on + 1 / photos)
    margin = sqrt(student(level, seeds - 1) ** 2 * of_seeds + normal(level) ** 2 * of_photos)
    method = "prediction interval of one run, Student's t" + (", with the luck of other photos" if other_photos else "")
    interval = Interval(max(0.0, mean - margin), min(1.0, mean + margin), level, method)
    return FurtherRun(published, published in interval, interval, seeds, on, other_photos is not None)
