from __future__ import annotations

import numpy as np

from archlab.training.statistics._interval import Interval, normal

DRAWS = 4000
_AT_ONCE = 250
METHOD = "pigeonhole bootstrap (Owen 2007), percentiles"


def bootstrap(correct: np.ndarray, other: np.ndarray | None, level: float, draws: int = DRAWS) -> Interval:
    """The percentile interval of a mean accuracy, or of the difference of two, by resampling seeds and photos.

    Rows and columns are drawn with replacement, each by itself, and a result counts as often as its row times its
    column: Owen 2007, 'The pigeonhole bootstrap', Annals of Applied Statistics 1. Of two architectures the photos are
    drawn together, since both saw the same ones, and the seeds apart. The draws come from a fixed seed, so that the
    same results always give the same interval.

    Args:
        correct: results of (seeds, photos).
        other: those of another architecture, whose accuracy is taken from the first's.
        level: of the interval.
        draws: how often seeds and photos are drawn.
    """
    normal(level)
    rng = np.random.default_rng(0)
    means: list[np.ndarray] = []
    for start in range(0, draws, _AT_ONCE):
        size = min(_AT_ONCE, draws - start)
        photos = _weights(rng, correct.shape[1], size)
        by_photo = _weights(rng, correct.shape[0], size) @ correct
        if other is not None:
            by_photo = by_photo - _weights(rng, other.shape[0], size) @ other
        means.append((by_photo * photos).sum(axis=1))
    low, high = np.quantile(np.concatenate(means), [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high), level, METHOD)


def _weights(rng: np.random.Generator, levels: int, draws: int) -> np.ndarray:
    """How often each level is drawn, as shares that add up to one."""
    return rng.multinomial(levels, np.full(levels, 1 / levels), size=draws) / levels
