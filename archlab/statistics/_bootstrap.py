from __future__ import annotations

import numpy as np

from archlab.statistics._interval import Interval, normal

RESAMPLES = 4000
_CHUNK = 250
METHOD = "pigeonhole bootstrap (Owen 2007), percentiles"


def bootstrap(correct: np.ndarray, other: np.ndarray | None, level: float, resamples: int = RESAMPLES) -> Interval:
    """The percentile interval of a mean accuracy, or of the difference of two, by resampling seeds and images.

    Rows and columns are resampled independently with replacement; the weight of a result is the product of the counts
    of its row and its column (Owen 2007, 'The pigeonhole bootstrap', Annals of Applied Statistics 1). Two architectures
    share the resampled images, on which both were tested, but not the seeds. The random seed is fixed, so that the same
    results always give the same interval.

    Args:
        correct: results of (seeds, images).
        other: results of another architecture; its accuracy is subtracted from the first.
        level: the confidence level.
        resamples: the number of resamples.
    """
    normal(level)
    rng = np.random.default_rng(0)
    means: list[np.ndarray] = []
    for start in range(0, resamples, _CHUNK):
        size = min(_CHUNK, resamples - start)
        images = _weights(rng, correct.shape[1], size)
        by_image = _weights(rng, correct.shape[0], size) @ correct
        if other is not None:
            by_image = by_image - _weights(rng, other.shape[0], size) @ other
        means.append((by_image * images).sum(axis=1))
    low, high = np.quantile(np.concatenate(means), [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high), level, METHOD)


def _weights(rng: np.random.Generator, levels: int, resamples: int) -> np.ndarray:
    """Multinomial weights of the levels, which add up to one."""
    return rng.multinomial(levels, np.full(levels, 1 / levels), size=resamples) / levels
