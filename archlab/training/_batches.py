"""The batches of a run: a pure function of the seed and the step, so that a run can go on where it was broken off."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil, sqrt
from typing import Any

import numpy as np

from archlab.bridge import load_keras
from archlab.training._augment import augment
from archlab.training.recipes import Recipe

_CHUNK = 256
"""Photos resized at a time."""


def test_size(how: Recipe, input: tuple[int, ...]) -> tuple[int, int]:
    """Height and width of photos that are validated or tested on."""
    side = how.test_size or (how.size[-1][1] if how.size else 0)
    return (side, side) if side else (input[0], input[1])


def stored_size(how: Recipe, input: tuple[int, ...]) -> tuple[int, int]:
    """The height and width at which photos are kept: the largest that any epoch, or a cut at the test, asks for."""
    side = max((_source_side(how, pixels) for _, pixels in how.size), default=0)
    trained = (side, side) if side else input[:2]
    height, width = (max(a, ceil(b / how.test_crop)) for a, b in zip(trained, test_size(how, input), strict=True))
    return height, width


def _source_side(how: Recipe, pixels: int) -> int:
    """The side of a photo of which a cut of middling size has so many pixels."""
    return ceil(pixels / sqrt((1 + how.crop) / 2))


@dataclass
class Batches:
    """What a run trains on.

    Attributes:
        photos: uint8 of shape (N, height, width, channels).
        labels: float32 of shape (N, units).
        input: height and width where the recipe names no sizes.
    """

    photos: np.ndarray
    labels: np.ndarray
    how: Recipe
    input: tuple[int, int]
    seed: int
    _resized: dict[int, np.ndarray] = field(default_factory=dict)
    _order: tuple[int, np.ndarray] = (-1, np.zeros(0, dtype="int64"))

    @property
    def steps(self) -> int:
        """Steps an epoch; the last batch may be smaller."""
        return ceil(len(self.labels) / self.how.batch)

    def size(self, epoch: int) -> tuple[int, int]:
        """Height and width in an epoch, counted from 0."""
        pixels = [pixels for start, pixels in self.how.size if start * self.how.epochs <= epoch + 1e-9]
        return (pixels[-1], pixels[-1]) if pixels else self.input

    def pick(self, step: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The photos of a step before they are changed, their labels, and the height and width to make."""
        epoch, place = divmod(int(step), self.steps)
        if self._order[0] != epoch:
            self._order = (epoch, np.random.default_rng((self.seed, epoch)).permutation(len(self.labels)))
        chosen = self._order[1][place * self.how.batch :][: self.how.batch]
        size = self.size(epoch)
        return self._source(size)[chosen], self.labels[chosen], np.array(size, dtype="int32")

    def _source(self, size: tuple[int, int]) -> np.ndarray:
        if not self.how.size:
            return self.photos
        side = min(_source_side(self.how, size[0]), *self.photos.shape[1:3])
        if side not in self._resized:
            self._resized = {side: resized(self.photos, (side, side))}
        return self._resized[side]

    def dataset(self, start: int = 0, limit: int | None = None) -> Any:
        """Batches from step `start` on, without end unless limited: float32 photos and labels."""
        tf, _ = load_keras()
        channels, units = self.photos.shape[-1], self.labels.shape[-1]

        @tf.autograph.experimental.do_not_convert
        def picked(step: Any) -> tuple[Any, Any]:
            photos, labels, size = tf.numpy_function(
                self.pick, [step], (tf.uint8, tf.float32, tf.int32), stateful=False
            )
            photos.set_shape([None, None, None, channels])
            labels.set_shape([None, units])
            size.set_shape([2])
            photos, labels = augment(photos, labels, size, tf.stack([step, tf.constant(self.seed, "int64")]), self.how)
            if not self.how.size:
                photos.set_shape([None, *self.input, channels])
            return photos, labels

        steps = tf.data.Dataset.range(start, np.iinfo("int64").max if limit is None else start + limit)
        return steps.map(picked, num_parallel_calls=1, deterministic=True).prefetch(2)


def resized(photos: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Photos at another size, without aliasing, as uint8."""
    if photos.shape[1:3] == size:
        return photos
    tf, _ = load_keras()
    made = np.empty((len(photos), *size, photos.shape[-1]), dtype="uint8")
    for start in range(0, len(photos), _CHUNK):
        some = tf.image.resize(photos[start : start + _CHUNK], size, antialias=True)
        made[start : start + _CHUNK] = np.clip(np.rint(some.numpy()), 0, 255)
    return made


def held_out(photos: np.ndarray, labels: np.ndarray, size: tuple[int, int], batch: int) -> Any:
    """Photos to validate or test on, in order, as they are: a dataset of float32 photos and labels."""
    tf, _ = load_keras()
    photos = resized(photos, size)
    units = labels.shape[-1]

    @tf.autograph.experimental.do_not_convert
    def picked(start: Any) -> tuple[Any, Any]:
        some, theirs = tf.numpy_function(
            lambda at: (photos[at : at + batch], labels[at : at + batch]),
            [start],
            (tf.uint8, tf.float32),
            stateful=False,
        )
        some.set_shape([None, *photos.shape[1:]])
        theirs.set_shape([None, units])
        return tf.cast(some, "float32"), theirs

    starts = tf.data.Dataset.range(0, len(photos), batch)
    return starts.map(picked, num_parallel_calls=1, deterministic=True).prefetch(2)
