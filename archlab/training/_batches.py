"""The batches of a run: a pure function of seed and step, so that an interrupted run can be resumed."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil, sqrt

import numpy as np

from archlab.bridge import load_keras
from archlab.bridge.types import Dataset, Tensor
from archlab.training._augment import augment
from archlab.training.recipes import Recipe

_CHUNK = 256
"""Images resized at once."""


def test_size(recipe: Recipe, input: tuple[int, ...]) -> tuple[int, int]:
    """(height, width) of the images in validation and test."""
    side = recipe.test_size or (recipe.size[-1][1] if recipe.size else 0)
    return (side, side) if side else (input[0], input[1])


def stored_size(recipe: Recipe, input: tuple[int, ...]) -> tuple[int, int]:
    """(height, width) at which images are stored: the largest that an epoch or a test-time crop needs."""
    side = max((_source_side(recipe, pixels) for _, pixels in recipe.size), default=0)
    trained = (side, side) if side else input[:2]
    height, width = (max(a, ceil(b / recipe.test_crop)) for a, b in zip(trained, test_size(recipe, input), strict=True))
    return height, width


def _source_side(recipe: Recipe, pixels: int) -> int:
    """The side of an image whose average crop has this many pixels per side."""
    return ceil(pixels / sqrt((1 + recipe.crop) / 2))


@dataclass
class Batches:
    """The training images of a run.

    Attributes:
        images: uint8 of shape (N, height, width, channels).
        labels: float32 of shape (N, units).
        input: (height, width) if the recipe sets no size.
    """

    images: np.ndarray
    labels: np.ndarray
    recipe: Recipe
    input: tuple[int, int]
    seed: int
    _resized: dict[int, np.ndarray] = field(default_factory=dict)
    _order: tuple[int, np.ndarray] = (-1, np.zeros(0, dtype="int64"))

    @property
    def steps(self) -> int:
        """Steps per epoch; the last batch may be smaller."""
        return ceil(len(self.labels) / self.recipe.batch)

    def size(self, epoch: int) -> tuple[int, int]:
        """(height, width) in an epoch, counted from 0."""
        pixels = [pixels for start, pixels in self.recipe.size if start * self.recipe.epochs <= epoch + 1e-9]
        return (pixels[-1], pixels[-1]) if pixels else self.input

    def select(self, step: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The images of a step before augmentation, their labels, and (height, width) after it."""
        epoch, position = divmod(int(step), self.steps)
        if self._order[0] != epoch:
            self._order = (epoch, np.random.default_rng((self.seed, epoch)).permutation(len(self.labels)))
        indices = self._order[1][position * self.recipe.batch :][: self.recipe.batch]
        size = self.size(epoch)
        return self._source(size)[indices], self.labels[indices], np.array(size, dtype="int32")

    def _source(self, size: tuple[int, int]) -> np.ndarray:
        if not self.recipe.size:
            return self.images
        side = min(_source_side(self.recipe, size[0]), *self.images.shape[1:3])
        if side not in self._resized:
            self._resized = {side: resized(self.images, (side, side))}
        return self._resized[side]

    def dataset(self, start: int = 0, limit: int | None = None) -> Dataset:
        """Batches from step `start` on, endless without a limit: float32 images and labels."""
        tf, _ = load_keras()
        channels, units = self.images.shape[-1], self.labels.shape[-1]

        @tf.autograph.experimental.do_not_convert
        def selected(step: object) -> tuple[Tensor, Tensor]:
            images, labels, size = tf.numpy_function(
                self.select, [step], (tf.uint8, tf.float32, tf.int32), stateful=False
            )
            images.set_shape([None, None, None, channels])
            labels.set_shape([None, units])
            size.set_shape([2])
            images, labels = augment(
                images, labels, size, tf.stack([step, tf.constant(self.seed, "int64")]), self.recipe
            )
            if not self.recipe.size:
                images.set_shape([None, *self.input, channels])
            return images, labels

        steps = tf.data.Dataset.range(start, np.iinfo("int64").max if limit is None else start + limit)
        return steps.map(selected, num_parallel_calls=1, deterministic=True).prefetch(2)


def resized(images: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Images at another size, antialiased, as uint8."""
    if images.shape[1:3] == size:
        return images
    tf, _ = load_keras()
    result = np.empty((len(images), *size, images.shape[-1]), dtype="uint8")
    for start in range(0, len(images), _CHUNK):
        chunk = tf.image.resize(images[start : start + _CHUNK], size, antialias=True)
        result[start : start + _CHUNK] = np.clip(np.rint(chunk.numpy()), 0, 255)
    return result


def evaluation_batches(images: np.ndarray, labels: np.ndarray, size: tuple[int, int], batch: int) -> Dataset:
    """Images for validation or test, in order, without augmentation: a dataset of float32 images and labels."""
    tf, _ = load_keras()
    images = resized(images, size)
    units = labels.shape[-1]

    @tf.autograph.experimental.do_not_convert
    def selected(start: object) -> tuple[Tensor, Tensor]:
        inputs, targets = tf.numpy_function(
            lambda at: (images[at : at + batch], labels[at : at + batch]),
            [start],
            (tf.uint8, tf.float32),
            stateful=False,
        )
        inputs.set_shape([None, *images.shape[1:]])
        targets.set_shape([None, units])
        return tf.cast(inputs, "float32"), targets

    starts = tf.data.Dataset.range(0, len(images), batch)
    return starts.map(selected, num_parallel_calls=1, deterministic=True).prefetch(2)
