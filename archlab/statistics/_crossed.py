"""Variance components of accuracy over seeds and images, which are crossed: every run is tested on every image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from archlab.errors import UsageError


@dataclass(frozen=True)
class Components:
    """The variance components of a single result.

    By the analysis of variance of two crossed random factors without replication (Searle, Casella and McCulloch 1992,
    'Variance Components', section 4.3). `interaction` is the variance of images that only some seeds classify
    correctly. Estimates can be negative, which means zero.
    """

    seeds: int
    images: int
    seed: float
    image: float
    interaction: float

    @property
    def of_seeds(self) -> float:
        """The variance of the mean due to the seeds, interaction with the images included."""
        return (self.seed + self.interaction / self.images) / self.seeds

    @property
    def of_images(self) -> float:
        """The variance of the mean due to the images, at least zero."""
        return max(0.0, self.image / self.images)


def as_runs(correct: object) -> np.ndarray:
    """Results as booleans of shape (seeds, images); one run may be one-dimensional.

    Raises:
        UsageError: the array has another shape or type.
    """
    try:
        found = np.asarray(correct)
    except ValueError:
        raise UsageError("all seeds must be tested on the same number of images") from None
    found = found[None, :] if found.ndim == 1 else found
    if found.ndim != 2 or 0 in found.shape:
        raise UsageError(f"correct must have the shape (seeds, images), got {found.shape}")
    if found.dtype != bool and not np.isin(found, (0, 1)).all():
        raise UsageError("correct must hold booleans: whether each image was classified correctly")
    return found.astype(bool)


def components(correct: np.ndarray) -> Components:
    """Estimate the variance components from results of shape (seeds, images), at least two of each.

    >>> found = components(np.array([[1, 1, 0, 1], [1, 0, 0, 1], [1, 1, 0, 0]], float))
    >>> round(found.image, 3), round(found.interaction, 3), round(found.of_images, 3)
    (0.111, 0.194, 0.028)
    """
    values = np.asarray(correct, float)
    seeds, images = values.shape
    if images < 2:
        raise UsageError("several seeds need at least 2 test images, got 1")
    by_seed, by_image, mean = values.mean(axis=1), values.mean(axis=0), values.mean()
    rest = values - by_seed[:, None] - by_image[None, :] + mean
    interaction = float((rest**2).sum()) / ((seeds - 1) * (images - 1))
    return Components(
        seeds=seeds,
        images=images,
        seed=float(by_seed.var(ddof=1)) - interaction / images,
        image=float(by_image.var(ddof=1)) - interaction / seeds,
        interaction=interaction,
    )


def welch(*estimates: tuple[float, int]) -> float:
    """Degrees of freedom of a sum of variances of means, each given with its number of seeds.

    Welch 1947, 'The generalization of Student's problem when several different population variances are involved',
    Biometrika 34.
    """
    total = sum(variance for variance, _ in estimates)
    if total <= 0:
        return float(min(seeds for _, seeds in estimates) - 1)
    return total**2 / sum(variance**2 / (seeds - 1) for variance, seeds in estimates)
