from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np

from archlab.errors import UsageError, did_you_mean
from archlab.training.statistics import _words
from archlab.training.statistics._bootstrap import bootstrap
from archlab.training.statistics._crossed import components
from archlab.training.statistics._interval import LEVEL, Interval, mean_over_seeds, student, wilson
from archlab.training.statistics._predictions import Runs, aligned, name_of

CROSSED = "seeds by Student's t and photos by Wilson's score, margins added in quadrature (Zou and Donner 2008)"
METHODS = ("margins", "bootstrap")


@dataclass(frozen=True)
class Accuracy:
    """What is known of an architecture's accuracy; as text, a sentence.

    Attributes:
        name: of the architecture.
        mean: accuracy, the mean over the runs.
        runs: the accuracy of each run.
        photos: how many each run was tested on.
        interval: of several runs, where the mean of further ones on further photos is to be expected; of one, where
            this trained net's accuracy on further photos is.
        over_seeds: where the mean of further runs on the same photos is to be expected; None of one run.
        deviation: standard deviation of the accuracy from run to run; None of one run.
        synthetic: the test photos are drawings made by a program.
    """

    name: str
    mean: float
    runs: tuple[float, ...]
    photos: int
    interval: Interval
    over_seeds: Interval | None
    deviation: float | None
    synthetic: bool = False

    def __str__(self) -> str:
        return _words.of_accuracy(self)

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "name": self.name,
            "mean": self.mean,
            "runs": list(self.runs),
            "photos": self.photos,
            "interval": self.interval.to_dict(),
            "over_seeds": self.over_seeds.to_dict() if self.over_seeds else None,
            "deviation": self.deviation,
            "synthetic": self.synthetic,
            "sentence": str(self),
        }


def accuracy(
    runs: Runs,
    *,
    name: str | None = None,
    level: float = LEVEL,
    method: str = "margins",
    synthetic: bool | None = None,
) -> Accuracy:
    """The accuracy of an architecture from runs on the same test photos, with an interval for both.

    An accuracy comes out differently with another seed and with other photos. The seeds are few, so that their part
    needs Student's t; the photos are many. The two margins are added in quadrature (Zou and Donner 2008, 'Construction
    of confidence limits about effect measures', Statistics in Medicine 27), each from its own component of variance.
    In simulations with 2 to 5 seeds and 200 to 2,000 photos 95 to 99 of 100 such intervals hold the true accuracy.

    The alternative, `method="bootstrap"`, draws seeds and photos with replacement (Owen 2007, 'The pigeonhole
    bootstrap'). It is here because it is well known, and is not the default: three seeds drawn from three differ too
    little, so that where seeds matter most, 66 of 100 intervals held the accuracy with 2 seeds, 80 with 3, 89 with 5.

    Of one run nothing is known about other seeds: its interval is Wilson's, and speaks of this trained net alone.

    Args:
        runs: what `read_predictions` gave, or (seeds, photos), whether each run classified each photo correctly.
        name: of the architecture, for the sentence; as its runs say unless given.
        level: how often such an interval holds the accuracy.
        method: 'margins' or 'bootstrap'.
        synthetic: the photos are drawings made by a program; as the runs say unless given.

    Raises:
        DataError: the runs were tested on different photos.
        UsageError: what was given is no such array, or there are several seeds and a single photo.

    >>> import numpy as np
    >>> runs = np.arange(200) < np.array([[150], [152], [144]])
    >>> print(accuracy(runs, name="residual"))
    residual: 0.743 (95 % interval 0.662 to 0.818; 3 seeds, 200 photos; standard deviation over seeds 2.1 points)
    >>> print(accuracy(runs[0], name="residual"))
    residual: 0.750 (95 % interval 0.686 to 0.805; one run, 200 photos): said of this trained net, not of the
    architecture
    """
    (found,), drawings = aligned(runs)
    check_method(method)
    seeds, photos = found.shape
    means = found.mean(axis=1)
    interval = bootstrap(found, None, level) if method == "bootstrap" else _margins(found, level)
    return Accuracy(
        name=name_of(runs) if name is None else name,
        mean=float(found.mean()),
        runs=tuple(means.tolist()),
        photos=photos,
        interval=interval,
        over_seeds=mean_over_seeds(means, level) if seeds > 1 else None,
        deviation=float(means.std(ddof=1)) if seeds > 1 else None,
        synthetic=drawings if synthetic is None else synthetic,
    )


def check_method(method: str) -> None:
    """Refuse a method that is not known."""
    if method not in METHODS:
        raise UsageError(f"no method named {method!r}: {did_you_mean(method, METHODS)}")


def _margins(correct: np.ndarray, level: float) -> Interval:
    seeds, photos = correct.shape
    mean = float(correct.mean())
    if seeds == 1:
        return wilson(mean, photos, level)
    parts = components(correct)
    of_seeds = student(level, seeds - 1) * sqrt(parts.of_seeds)
    # Wilson's score is asked about as many photos as would leave this variance: it knows what to do near 0 and 1. Never
    # about more than all results together, however alike they happen to be.
    spread = mean * (1 - mean)
    alike = spread / parts.of_photos if parts.of_photos else seeds * photos
    score = wilson(mean, min(alike, seeds * photos) if spread else photos, level)
    low = mean - sqrt(of_seeds**2 + (mean - score.low) ** 2)
    high = mean + sqrt(of_seeds**2 + (score.high - mean) ** 2)
    return Interval(max(0.0, low), min(1.0, high), level, CROSSED)
