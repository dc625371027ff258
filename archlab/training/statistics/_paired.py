from __future__ import annotations

from math import sqrt

import numpy as np
from scipy.special import bdtr

from archlab.errors import UsageError
from archlab.training.statistics._accuracy import check_method
from archlab.training.statistics._bootstrap import bootstrap
from archlab.training.statistics._crossed import components, welch
from archlab.training.statistics._difference import Difference
from archlab.training.statistics._interval import LEVEL, Interval, newcombe_paired, normal, student
from archlab.training.statistics._power import needed_from_runs
from archlab.training.statistics._predictions import Runs, aligned, name_of

PHOTOS_ALONE = "over photos, with one more won by each (after Bonett and Price 2012)"
CROSSED = "seeds by Welch's t and photos by the normal, margins added in quadrature (Zou and Donner 2008)"


def mcnemar(first: int, second: int) -> float:
    """The p-value of McNemar's exact test that two nets are equally good.

    Only photos that one got right and the other did not can tell: of two equal nets either would be the better one on
    half of them. McNemar 1947, 'Note on the sampling error of the difference between correlated proportions or
    percentages', Psychometrika 12; exact, from the binomial distribution, two-sided.

    Args:
        first: photos that only the first net got right.
        second: photos that only the second got right.

    Raises:
        UsageError: a number is negative.

    >>> round(mcnemar(1, 7), 3)
    0.07
    """
    if min(first, second) < 0:
        raise UsageError(f"photos are counted in whole numbers, got {first} and {second}")
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
    """Compare two architectures by runs that were tested on the same photos.

    One run each: McNemar's exact test and Newcombe's paired interval, which speak of the two trained nets. Several: an
    interval for both seeds and photos, as for `accuracy`; photo by photo, since both saw the same ones, and with
    Welch's degrees of freedom, since the seeds of one have nothing to do with those of the other. In simulations with 2
    to 5 seeds each and 200 to 2,000 photos 95 to 99 of 100 such intervals hold the true difference, of those by
    `method="bootstrap"` 74 to 99. Where one has several runs and the other one, the photos alone count.

    Args:
        first: the runs of the first: what `read_predictions` gave, or (seeds, photos), whether each run classified
            each photo correctly.
        second: those of the second; they may be more or fewer.
        names: of the two, for the sentence; as their runs say unless given.
        level: how often such an interval holds the true difference.
        method: 'margins' or 'bootstrap'; of one run each always as said.
        synthetic: the photos are drawings made by a program; as their runs say unless given.

    Raises:
        DataError: the runs were tested on different photos.
        UsageError: the arrays are none such, or are about different numbers of photos.

    >>> one, two = np.arange(200) < 150, np.arange(200) % 100 < 70
    >>> print(compare_runs(one, two, names=("residual", "baseline")))
    no difference can be shown at n = 200: residual 0.750 against baseline 0.700, 95 % interval of the difference −2.0
    to +11.9 points, McNemar's exact p = 0.20; one run each: said of these two trained nets, not of the architectures
    """
    (one, two), drawings = aligned(first, second)
    check_method(method)
    if one.shape[1] != two.shape[1]:
        raise UsageError(f"both must have been tested on the same photos, got {one.shape[1]:,} and {two.shape[1]:,}")
    seeds, photos = (len(one), len(two)), one.shape[1]
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
        photos=photos,
        seeds=seeds,
        paired=True,
        same=bool((one == one[0]).all() and (two == one[0]).all()),
        needed=needed_from_runs(one, two, level),
        synthetic=drawings if synthetic is None else synthetic,
    )


def _margins(one: np.ndarray, two: np.ndarray, level: float) -> Interval:
    photos = one.shape[1]
    by_photo = one.mean(axis=0) - two.mean(axis=0)
    mean = float(by_photo.mean())
    # Two photos more, one won by each: without them, nets that agree on every photo would leave nothing to doubt.
    of_photos = float(np.append(by_photo, (1, -1)).var(ddof=1)) / (photos + 2)
    if min(len(one), len(two)) == 1:
        margin = normal(level) * sqrt(of_photos)
        return Interval(max(-1.0, mean - margin), min(1.0, mean + margin), level, PHOTOS_ALONE)
    a, b = components(one), components(two)
    # What a photo does with single seeds is in the seeds' part already.
    shared = (a.interaction / a.seeds + b.interaction / b.seeds) / photos
    of_photos = max(of_photos - shared, 2 / (photos + 2) ** 2)
    of_seeds = a.of_seeds + b.of_seeds
    freedom = welch((a.of_seeds, a.seeds), (b.of_seeds, b.seeds))
    margin = sqrt(student(level, freedom) ** 2 * of_seeds + normal(level) ** 2 * of_photos)
    return Interval(max(-1.0, mean - margin), min(1.0, mean + margin), level, CROSSED)
