"""Accuracy varies with the seed and with the photos, which cross: every seed's net is tested on every photo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from archlab.errors import UsageError


@dataclass(frozen=True)
class Components:
    """How much of the variance of one photo's result comes from where.

    By the analysis of variance of two crossed random factors without replication (Searle, Casella and McCulloch 1992,
    'Variance Components', section 4.3). In squared shares; `interaction` is what a photo does with one seed and not
    with another. Estimates may come out below zero, which stands for nothing.
    """

    seeds: int
    photos: int
    seed: float
    photo: float
    interaction: float

    @property
    def of_seeds(self) -> float:
        """The variance of the mean that comes from having these seeds, with what they make of these photos."""
        return (self.seed + self.interaction / self.photos) / self.seeds

    @property
    def of_photos(self) -> float:
        """The variance of the mean that comes from having these photos, at least nothing."""
        return max(0.0, self.photo / self.photos)


def as_runs(correct: Any) -> np.ndarray:
    """What was given as an array of (seeds, photos) truth values; one run may come as one row.

    Raises:
        UsageError: it is not such an array.
    """
    try:
        found = np.asarray(correct)
    except ValueError:
        raise UsageError("every seed must have been tested on the same number of photos") from None
    found = found[None, :] if found.ndim == 1 else found
    if found.ndim != 2 or 0 in found.shape:
        raise UsageError(f"correct must be an array of (seeds, photos), got the shape {found.shape}")
    if found.dtype != bool and not np.isin(found, (0, 1)).all():
        raise UsageError("correct must hold truth values: whether each photo was classified correctly")
    return found.astype(bool)


def components(correct: np.ndarray) -> Components:
    """Estimate them from (seeds, photos) results, at least two of each.

    >>> found = components(np.array([[1, 1, 0, 1], [1, 0, 0, 1], [1, 1, 0, 0]], float))
    >>> round(found.photo, 3), round(found.interaction, 3), round(found.of_photos, 3)
    (0.111, 0.194, 0.028)
    """
    values = np.asarray(correct, float)
    seeds, photos = values.shape
    if photos < 2:
        raise UsageError("several seeds need at least 2 photos to be tested on, got 1")
    by_seed, by_photo, mean = values.mean(axis=1), values.mean(axis=0), values.mean()
    rest = values - by_seed[:, None] - by_photo[None, :] + mean
    interaction = float((rest**2).sum()) / ((seeds - 1) * (photos - 1))
    return Components(
        seeds=seeds,
        photos=photos,
        seed=float(by_seed.var(ddof=1)) - interaction / photos,
        photo=float(by_photo.var(ddof=1)) - interaction / seeds,
        interaction=interaction,
    )


def welch(*estimates: tuple[float, int]) -> float:
    """Degrees of freedom of a sum of variances of means, each with the number of seeds that it comes from.

    Welch 1947, 'The generalization of Student's problem when several different population variances are involved',
    Biometrika 34.
    """
    total = sum(variance for variance, _ in estimates)
    if total <= 0:
        return float(min(seeds for _, seeds in estimates) - 1)
    return total**2 / sum(variance**2 / (seeds - 1) for variance, seeds in estimates)
