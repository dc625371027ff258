from __future__ import annotations

from math import sqrt

import numpy as np
from scipy.special import bdtr

from archlab.errors import UsageError
from archlab.statistics._accuracy import check_method
from archlab.statistics._bootstrap import bootstrap
from archlab.statistics._crossed import components, welch
from archlab.statistics._difference import Difference
from archlab.statistics._interval import LEVEL, Interval, newcombe_paired, normal, student
from archlab.statistics._power import needed_from_runs
from archlab.statistics._predictions import Runs, aligned, name_of

IMAGES_ALONE = "over images, with one discordant image added to each side (after Bonett and Price 2012)"
CROSSED = "seeds by Welch's t and images by the normal, margins added in quadrature (Zou and Donner 2008)"


def mcnemar(first: int, second: int) -> float:
    """The p-value of McNemar's exact test that two networks are equally accurate.

    Only discordant images count, which one network classified correctly and the other did not: of two equally accurate
    networks, each is correct on half of them. McNemar 1947, 'Note on the sampling error of the difference between
    correlated proportions or percentages', Psychometrika 12; exact, from the binomial distribution, two-sided.

    Args:
        first: the number of images that only the first network classified correctly.
        second: the number that only the second classified correctly.

    Raises:
        UsageError: a number is negative.

    >>> round(mcnemar(1, 7), 3)
    0.07
    """
    if min(first, second) < 0:
        raise UsageError(f"the numbers of images must not be negative, got {first} and {second}")
    return min(1.0, 2 * float(bdtr(min(first, second), first + second, 0.5)))


def compare_runs(
    first: Runs,
    second: Runs,
    *,
    names: tuple[str, str] | None = None,
    level: float = LEVEL,
    method: str = "margins",
    synthetic: bool | None = None,
) -> Difference:
    """Compare two architectures by runs on the same test images.

    One run each: McNemar's exact test and Newcombe's paired interval, which hold for the two trained networks. Several
    runs: an interval over seeds and images, as for `accuracy`, paired by image, with Welch's degrees of freedom for the
    independent seeds. In simulations with 2 to 5 seeds each and 200 to 2,000 images, 95 % intervals cover the true
    difference in 95 to 99 % of cases; those of `method="bootstrap"` in 74 to 99 %. With several runs of one and a
    single run of the other, the interval is over images only.

    Args:
        first: the runs of the first: results of `read_predictions`, or booleans of shape (seeds, images): whether each
            run classified each image correctly.
        second: the runs of the second; their number may differ.
        names: of the two, for the sentence. Default: the names in the runs.
        level: the confidence level.
        method: 'margins' or 'bootstrap'; ignored with one run each.
        synthetic: whether the images are synthetic. Default: as recorded in the runs.

    Raises:
        DataError: the runs were tested on different images.
        UsageError: the arrays are invalid, or differ in the number of images.

    >>> one, two = np.arange(200) < 150, np.arange(200) % 100 < 70
    >>> print(compare_runs(one, two, names=("residual", "baseline")))
    no difference can be shown at n = 200: residual 0.750 against baseline 0.700, 95 % interval of the difference −2.0
    to +11.9 points, McNemar's exact p = 0.20; one run each: valid for these two trained networks, not for the
    architectures
    """
    (one, two), any_synthetic = aligned(first, second)
    check_method(method)
    if one.shape[1] != two.shape[1]:
        raise UsageError(f"both must have been tested on the same images, got {one.shape[1]:,} and {two.shape[1]:,}")
    seeds, images = (len(one), len(two)), one.shape[1]
    p_value: float | None = None
    only: tuple[int, int] | None = None
    if seeds == (1, 1):
        a, b = one[0], two[0]
        only = int((a & ~b).sum()), int((b & ~a).sum())
        p_value = mcnemar(*only)
        interval = newcombe_paired(int((a & b).sum()), *only, int((~a & ~b).sum()), level)
    elif method == "bootstrap":
        interval = bootstrap(one, two, level)
    else:
        interval = _margins(one, two, level)
    return Difference(
        names=names or (name_of(first), name_of(second)),
        accuracies=(float(one.mean()), float(two.mean())),
        difference=float(one.mean() - two.mean()),
        interval=interval,
        shown=not interval.low <= 0 <= interval.high and (p_value is None or p_value < 1 - level),
        p_value=p_value,
        only=only,
        images=images,
        seeds=seeds,
        paired=True,
        same=bool((one == one[0]).all() and (two == one[0]).all()),
        needed=needed_from_runs(one, two, level),
        synthetic=any_synthetic if synthetic is None else synthetic,
    )


def _margins(one: np.ndarray, two: np.ndarray, level: float) -> Interval:
    images = one.shape[1]
    by_image = one.mean(axis=0) - two.mean(axis=0)
    mean = float(by_image.mean())
    # One discordant image is added to each side: otherwise networks that agree on every image would have no variance.
    of_images = float(np.append(by_image, (1, -1)).var(ddof=1)) / (images + 2)
    if min(len(one), len(two)) == 1:
        margin = normal(level) * sqrt(of_images)
        return Interval(max(-1.0, mean - margin), min(1.0, mean + margin), level, IMAGES_ALONE)
    a, b = components(one), components(two)
    # The interaction is already part of the variance due to seeds.
    shared = (a.interaction / a.seeds + b.interaction / b.seeds) / images
    of_images = max(of_images - shared, 2 / (images + 2) ** 2)
    of_seeds = a.of_seeds + b.of_seeds
    freedom = welch((a.of_seeds, a.seeds), (b.of_seeds, b.seeds))
    margin = sqrt(student(level, freedom) ** 2 * of_seeds + normal(level) ** 2 * of_images)
    return Interval(max(-1.0, mean - margin), min(1.0, mean + margin), level, CROSSED)
