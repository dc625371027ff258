from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any

from archlab.errors import UsageError
from archlab.statistics._crossed import components
from archlab.statistics._interval import LEVEL, Interval, normal, student
from archlab.statistics._predictions import Runs, aligned
from archlab.statistics._words import image_count, percent


@dataclass(frozen=True)
class FurtherRun:
    """Whether a published accuracy is consistent with one further run; as text, a sentence.

    Attributes:
        published: the published accuracy.
        inside: whether it lies in the interval; None with a single run, which has no spread.
        interval: the prediction interval of one further run, wider than the confidence interval of the mean.
        seeds: the number of runs.
        images: the number of test images of the further run.
        other_images: whether its test images differ from those of the runs.
    """

    published: float
    inside: bool | None
    interval: Interval | None
    seeds: int
    images: int
    other_images: bool

    def __str__(self) -> str:
        return _sentence(self)

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "published": self.published,
            "inside": self.inside,
            "interval": self.interval.to_dict() if self.interval else None,
            "seeds": self.seeds,
            "photos": self.images,
            "other_photos": self.other_images,
            "sentence": str(self),
        }


def further_run(runs: Runs, published: float, *, other_images: int | None = None, level: float = LEVEL) -> FurtherRun:
    """Test whether the published accuracy of one run is consistent with these runs.

    A published accuracy such as the lecture's 0.743 comes from one run, so the interval is a prediction interval of one
    further run: mean ± t √(s² (1 + 1/seeds)) with the standard deviation s over the runs (Hahn and Meeker 1991,
    'Statistical Intervals', section 4.7). A confidence interval of the mean would be too narrow: it shrinks with the
    number of seeds, while the spread of single runs does not.

    The test images decide which variances count. On the same images it is only the variance between runs: easy or hard
    images affect the published run and these runs alike. On other images of the same kind (`other_images`), the
    variance over both sets of images is added in quadrature.

    Args:
        runs: booleans of shape (seeds, images), whether each run classified each image correctly, or the predictions of
            the runs.
        published: the accuracy of one run.
        other_images: the number of its test images, if they are not the same.
        level: the probability that a further run lies inside.

    Raises:
        UsageError: the accuracy is not between 0 and 1, or `other_images` is not positive.

    >>> import numpy as np
    >>> ours = np.arange(2000) < np.array([[1500], [1452], [1471]])
    >>> print(further_run(ours, 0.743))
    0.743 lies inside 0.677 to 0.797, the 95 % prediction interval of one further run on the same 2,000 images (from 3
    seeds)
    """
    (correct,), _ = aligned(runs)
    if not 0 <= published <= 1:
        raise UsageError(f"an accuracy must lie between 0 and 1, got {published}")
    if other_images is not None and other_images < 1:
        raise UsageError(f"other_images must be at least 1, got {other_images}")
    seeds, images = correct.shape
    on = images if other_images is None else other_images
    if seeds == 1:
        return FurtherRun(published, None, None, 1, on, other_images is not None)
    mean = float(correct.mean())
    of_seeds = float(correct.mean(axis=1).var(ddof=1)) * (1 + 1 / seeds)
    of_images = 0.0
    if other_images is not None:
        parts = components(correct)
        # With fewer images, more of the interaction remains.
        of_seeds += max(0.0, parts.interaction * (1 / on - 1 / images))
        of_images = max(0.0, parts.image) * (1 / on + 1 / images)
    margin = sqrt(student(level, seeds - 1) ** 2 * of_seeds + normal(level) ** 2 * of_images)
    method = "prediction interval of one run, Student's t" + (", with the variance over images" if other_images else "")
    interval = Interval(max(0.0, mean - margin), min(1.0, mean + margin), level, method)
    return FurtherRun(published, published in interval, interval, seeds, on, other_images is not None)


def _sentence(found: FurtherRun) -> str:
    """Whether the published accuracy lies in the prediction interval."""
    where = f"{found.images:,} other images" if found.other_images else f"the same {image_count(found.images, False)}"
    if found.interval is None:
        return f"one run has no spread to compare {found.published:.3f} with: at least 2 seeds are needed"
    side = "inside" if found.inside else "below" if found.published < found.interval.low else "above"
    return (
        f"{found.published:.3f} lies {side} {found.interval}, the {percent(found.interval.level)} prediction interval "
        f"of one further run on {where} (from {found.seeds} seeds)"
    )
