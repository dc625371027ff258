"""Photos changed at random: one resampling for everything that moves pixels, a few products for what changes them."""

from __future__ import annotations

from math import log, pi
from typing import Any

import numpy as np

from archlab.bridge import load_keras
from archlab.training.recipes import Recipe


def augment(photos: Any, labels: Any, size: Any, seed: Any, how: Recipe) -> tuple[Any, Any]:
    """A batch of photos as a recipe changes them, the same for the same seed.

    Args:
        photos: uint8 of shape (batch, height, width, channels).
        labels: float32 of shape (batch, units).
        size: height and width to make, two whole numbers.
        seed: two whole numbers.
        how: the recipe.

    Returns:
        Photos as float32 between 0 and 255, of shape (batch, *size, channels), and the labels.
    """
    tf, _ = load_keras()
    draw = _Draw(tf, seed, tf.shape(photos)[0])
    channels = photos.shape[-1]
    moved = [photos, _movements(tf, draw, photos, size, how), size]
    photos = tf.numpy_function(warped, moved, tf.float32, stateful=False)
    photos.set_shape([None, None, None, channels])
    photos = _recoloured(tf, draw, photos, how)
    if how.erase:
        photos = _erased(tf, draw, photos, how.erase)
    if how.cutmix:
        photos, labels = _cut_and_mixed(tf, draw, photos, labels, how.cutmix)
    if how.mixup:
        photos, labels = _mixed_up(tf, draw, photos, labels, how.mixup)
    return photos, labels


def warped(photos: np.ndarray, movements: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Photos resampled, each by an affine map of its own: bilinear between pixels, mirrored beyond the edge.

    OpenCV takes an eighth of the time of TensorFlow's operation, and gives the same to a thousandth of a grey level.

    Args:
        photos: of shape (batch, height, width, channels).
        movements: (batch, 2, 3), from a place (column, row, 1) of the result to the one of the photo that it shows.
        size: height and width of the result.
    """
    import cv2

    # The steps of training keep every core busy; threads of its own would only stand in their way.
    cv2.setNumThreads(1)
    height, width = map(int, size)
    made = np.empty((len(photos), height, width, photos.shape[-1]), dtype="float32")
    for photo, movement, into in zip(photos, movements, made, strict=True):
        found = cv2.warpAffine(
            photo.astype("float32"),
            movement.astype("float64"),
            (width, height),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REFLECT,
        )
        into[:] = found.reshape(into.shape)  # of one channel OpenCV makes none
    return made


class _Draw:
    """Random numbers for a batch, each draw from a seed of its own."""

    def __init__(self, tf: Any, seed: Any, batch: Any) -> None:
        self.tf, self.seed, self.batch = tf, seed, batch
        self.drawn = 0

    def next_seed(self) -> Any:
        self.drawn += 1
        return self.tf.stack([self.seed[0] * 1000 + self.drawn, self.seed[1]])

    def uniform(self, low: float, high: float) -> Any:
        """A number for each photo."""
        return self.tf.random.stateless_uniform([self.batch], self.next_seed(), low, high)

    def single(self) -> Any:
        """A number between 0 and 1 for the whole batch."""
        return self.tf.random.stateless_uniform([], self.next_seed())

    def chance(self, share: float) -> Any:
        """Whether, for each photo."""
        return self.uniform(0, 1) < share


def _movements(tf: Any, draw: _Draw, photos: Any, size: Any, how: Recipe) -> Any:
    """Where each pixel of the result comes from: flip, cut, zoom and turn as one affine map, of shape (batch, 2, 3)."""
    shape = tf.cast(tf.shape(photos)[1:3], "float32")
    height, width = shape[0], shape[1]
    wanted = tf.cast(size, "float32")
    area = draw.uniform(how.crop, 1)
    stretch = tf.exp(draw.uniform(-log(how.aspect), log(how.aspect)) / 2) if how.aspect > 1 else 1.0
    # Shares of the photo's height and width; a cut never leaves the photo.
    wide = tf.minimum(tf.sqrt(area) * stretch, 1)
    high = tf.minimum(tf.sqrt(area) / stretch, 1)
    right = (1 - wide) * width * draw.uniform(-0.5, 0.5)
    down = (1 - high) * height * draw.uniform(-0.5, 0.5)
    zoom = 1 + draw.uniform(-how.zoom, how.zoom)
    across = wide * width / wanted[1] * zoom
    along = high * height / wanted[0] * zoom
    if how.flip:
        across = tf.where(draw.chance(0.5), -across, across)
    angle = draw.uniform(-how.rotation, how.rotation) * (2 * pi)
    cos, sin = tf.cos(angle), tf.sin(angle)
    a, b, d, e = across * cos, -along * sin, across * sin, along * cos
    # Pixels are counted from the middle of the first one: the centre of n of them is at (n − 1) / 2.
    x, y = (wanted[1] - 1) / 2, (wanted[0] - 1) / 2
    c = (width - 1) / 2 + right - a * x - b * y
    f = (height - 1) / 2 + down - d * x - e * y
    return tf.reshape(tf.stack([a, b, c, d, e, f], axis=1), [-1, 2, 3])


def _recoloured(tf: Any, draw: _Draw, photos: Any, how: Recipe) -> Any:
    """Brightness, contrast and saturation times a random number each, in that order."""
    if not (how.brightness or how.contrast or how.saturation):
        return photos

    def factor(by: float) -> Any:
        return (1 + draw.uniform(-by, by))[:, None, None, None]

    if how.brightness:
        photos = photos * factor(how.brightness)
    if how.contrast:
        mean = tf.reduce_mean(photos, axis=(1, 2, 3), keepdims=True)
        photos = mean + (photos - mean) * factor(how.contrast)
    if how.saturation:
        grey = tf.reduce_mean(photos, axis=3, keepdims=True)
        photos = grey + (photos - grey) * factor(how.saturation)
    return tf.clip_by_value(photos, 0, 255)


def _box(tf: Any, draw: _Draw, photos: Any, area: Any) -> Any:
    """A mask of shape (batch or 1, height, width, 1): true inside a rectangle of this share of the area."""
    shape = tf.cast(tf.shape(photos)[1:3], "float32")
    area = tf.reshape(area, [-1])
    middle = [tf.random.stateless_uniform(tf.shape(area), draw.next_seed()) for _ in range(2)]
    sides = tf.sqrt(area)
    inside = []
    for axis in range(2):
        place = (tf.range(shape[axis]) + 0.5) / shape[axis]
        inside.append(tf.abs(place[None] - middle[axis][:, None]) < sides[:, None] / 2)
    return (inside[0][:, :, None] & inside[1][:, None, :])[..., None]


def _erased(tf: Any, draw: _Draw, photos: Any, share: float) -> Any:
    mask = _box(tf, draw, photos, draw.uniform(0.02, 0.33)) & draw.chance(share)[:, None, None, None]
    return tf.where(mask, tf.reduce_mean(photos, axis=(1, 2), keepdims=True), photos)


def _cut_and_mixed(tf: Any, draw: _Draw, photos: Any, labels: Any, share: float) -> tuple[Any, Any]:
    # The share that the other photo covers is uniform, Beta(1, 1), as in the paper; zero where the batch is spared.
    spared = draw.single() >= share
    mask = _box(tf, draw, photos, tf.where(spared, 0.0, draw.single()))
    covered = tf.reduce_mean(tf.cast(mask, "float32"))
    # Batches are shuffled: the next photo is as good as any other.
    return (
        tf.where(mask, tf.roll(photos, 1, axis=0), photos),
        labels + covered * (tf.roll(labels, 1, axis=0) - labels),
    )


def _mixed_up(tf: Any, draw: _Draw, photos: Any, labels: Any, alpha: float) -> tuple[Any, Any]:
    ours, theirs = (tf.random.stateless_gamma([draw.batch], draw.next_seed(), alpha) for _ in range(2))
    part = theirs / tf.maximum(ours + theirs, 1e-12)
    mixed = photos + part[:, None, None, None] * (tf.roll(photos, 1, axis=0) - photos)
    return mixed, labels + part[:, None] * (tf.roll(labels, 1, axis=0) - labels)
