from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np

from archlab.errors import UsageError, did_you_mean
from archlab.statistics._bootstrap import bootstrap
from archlab.statistics._crossed import components
from archlab.statistics._interval import LEVEL, Interval, mean_over_seeds, student, wilson
from archlab.statistics._predictions import Runs, aligned, name_of
from archlab.statistics._words import SYNTHETIC, image_count, percent, points

CROSSED = "seeds by Student's t and images by Wilson's score, margins added in quadrature (Zou and Donner 2008)"
METHODS = ("margins", "bootstrap")


@dataclass(frozen=True)
class Accuracy:
    """The accuracy of an architecture, with an interval; as text, a sentence.

    Attributes:
        name: of the architecture.
        mean: the mean accuracy of the runs.
        runs: the accuracy of each run.
        images: the number of test images.
        interval: a confidence interval. Of several runs: of the expected accuracy over seeds and images. Of one run: of
            this trained network's accuracy over images.
        over_seeds: a confidence interval of the mean over seeds, on the same images; None for one run.
        deviation: the standard deviation of the accuracy over the runs; None for one run.
        synthetic: whether the test images are synthetic.
    """

    name: str
    mean: float
    runs: tuple[float, ...]
    images: int
    interval: Interval
    over_seeds: Interval | None
    deviation: float | None
    synthetic: bool = False

    def __str__(self) -> str:
        return _sentence(self)

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "name": self.name,
            "mean": self.mean,
            "runs": list(self.runs),
            "photos": self.images,
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
    """The accuracy of an architecture from runs on the same test images, with an interval over seeds and images.

    Accuracy varies with the seed and with the test images. The seeds are few and need Student's t; the images are many.
    The two margins, each from its own variance component, are added in quadrature (Zou and Donner 2008, 'Construction
    of confidence limits about effect measures', Statistics in Medicine 27). In simulations with 2 to 5 seeds and 200 to
    2,000 images, 95 % intervals cover the true accuracy in 95 to 99 % of cases.

    `method="bootstrap"` resamples seeds and images with replacement (Owen 2007, 'The pigeonhole bootstrap'). It is not
    the default because few seeds make its intervals too narrow: where seeds matter most, their coverage is 66 % with 2
    seeds, 80 % with 3 and 89 % with 5.

    One run says nothing about other seeds: its interval is Wilson's, and holds for this trained network only.

    Args:
        runs: results of `read_predictions`, or booleans of shape (seeds, images): whether each run classified each
            image correctly.
        name: of the architecture, for the sentence. Default: the name in the runs.
        level: the confidence level.
        method: 'margins' or 'bootstrap'.
        synthetic: whether the images are synthetic. Default: as recorded in the runs.

    Raises:
        DataError: the runs were tested on different images.
        UsageError: the array is invalid, or there are several seeds and a single image.

    >>> import numpy as np
    >>> runs = np.arange(200) < np.array([[150], [152], [144]])
    >>> print(accuracy(runs, name="residual"))
    residual: 0.743 (95 % interval 0.662 to 0.818; 3 seeds, 200 images; standard deviation over seeds 2.1 points)
    >>> print(accuracy(runs[0], name="residual"))
    residual: 0.750 (95 % interval 0.686 to 0.805; one run, 200 images): valid for this trained network, not for the
    architecture
    """
    (found,), any_synthetic = aligned(runs)
    check_method(method)
    seeds, images = found.shape
    means = found.mean(axis=1)
    interval = bootstrap(found, None, level) if method == "bootstrap" else _margins(found, level)
    return Accuracy(
        name=name_of(runs) if name is None else name,
        mean=float(found.mean()),
        runs=tuple(means.tolist()),
        images=images,
        interval=interval,
        over_seeds=mean_over_seeds(means, level) if seeds > 1 else None,
        deviation=float(means.std(ddof=1)) if seeds > 1 else None,
        synthetic=any_synthetic if synthetic is None else synthetic,
    )


def check_method(method: str) -> None:
    """Check the name of a method."""
    if method not in METHODS:
        raise UsageError(f"no method named {method!r}: {did_you_mean(method, METHODS)}")


def _margins(correct: np.ndarray, level: float) -> Interval:
    seeds, images = correct.shape
    mean = float(correct.mean())
    if seeds == 1:
        return wilson(mean, images, level)
    parts = components(correct)
    of_seeds = student(level, seeds - 1) * sqrt(parts.of_seeds)
    # Wilson's score, which behaves well near 0 and 1, at the number of independent images with the same variance. That
    # number is at most the number of results.
    spread = mean * (1 - mean)
    effective = spread / parts.of_images if parts.of_images else seeds * images
    score = wilson(mean, min(effective, seeds * images) if spread else images, level)
    low = mean - sqrt(of_seeds**2 + (mean - score.low) ** 2)
    high = mean + sqrt(of_seeds**2 + (score.high - mean) ** 2)
    return Interval(max(0.0, low), min(1.0, high), level, CROSSED)


def _sentence(found: Accuracy) -> str:
    """The accuracy, its interval, and the scope of both."""
    name = f"{found.name}: " if found.name else ""
    runs = "one run" if len(found.runs) == 1 else f"{len(found.runs)} seeds"
    spread = "" if found.deviation is None else f"; standard deviation over seeds {points(found.deviation)} points"
    sentence = (
        f"{name}{found.mean:.3f} ({percent(found.interval.level)} interval {found.interval}; {runs}, "
        f"{image_count(found.images, found.synthetic)}{spread})"
    )
    if len(found.runs) == 1:
        sentence += ": valid for this trained network, not for the architecture"
    return f"{sentence}; {SYNTHETIC}" if found.synthetic else sentence
