"""Data augmentation: geometric transformations as one resampling, then colours, random erasing, CutMix and Mixup."""

from __future__ import annotations

from math import log, pi

import numpy as np

from archlab.bridge import load_keras
from archlab.bridge.types import Tensor, TensorFlow
from archlab.training.recipes import Recipe


def augment(images: Tensor, labels: Tensor, size: Tensor, seed: Tensor, recipe: Recipe) -> tuple[Tensor, Tensor]:
    """Augment a batch of images by a recipe, deterministically by the seed.

    Args:
        images: uint8 of shape (batch, height, width, channels).
        labels: float32 of shape (batch, units).
        size: (height, width) of the result, px.
        seed: two integers.
        recipe: how images are augmented.

    Returns:
        The images, float32 between 0 and 255, of shape (batch, *size, channels), and the labels.
    """
    tf, _ = load_keras()
    random = _BatchRandom(tf, seed, tf.shape(images)[0])
    channels = images.shape[-1]
    inputs = [images, _affine_maps(tf, random, images, size, recipe), size]
    images = tf.numpy_function(warp, inputs, tf.float32, stateful=False)
    images.set_shape([None, None, None, channels])
    images = _adjust_colours(tf, random, images, recipe)
    if recipe.erase:
        images = _random_erase(tf, random, images, recipe.erase)
    if recipe.cutmix:
        images, labels = _cutmix(tf, random, images, labels, recipe.cutmix)
    if recipe.mixup:
        images, labels = _mixup(tf, random, images, labels, recipe.mixup)
    return images, labels


def warp(images: np.ndarray, maps: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Resample each image by its own affine map: bilinear interpolation, reflection beyond the edges.

    OpenCV needs an eighth of the time of TensorFlow's operation; the results agree to a thousandth of a grey level.

    Args:
        images: of shape (batch, height, width, channels).
        maps: (batch, 2, 3), from the coordinates (column, row, 1) of the result to those of the image.
        size: (height, width) of the result, px.
    """
    import cv2

    # Training steps keep every core busy: more threads would compete with them.
    cv2.setNumThreads(1)
    height, width = map(int, size)
    result = np.empty((len(images), height, width, images.shape[-1]), dtype="float32")
    for image, affine, into in zip(images, maps, result, strict=True):
        warped = cv2.warpAffine(
            image.astype("float32"),
            affine.astype("float64"),
            (width, height),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REFLECT,
        )
        into[:] = warped.reshape(into.shape)  # OpenCV drops a single channel's axis
    return result


class _BatchRandom:
    """Random numbers for a batch; each call uses a seed of its own."""

    def __init__(self, tf: TensorFlow, seed: Tensor, batch: Tensor) -> None:
        self.tf, self.seed, self.batch = tf, seed, batch
        self.count = 0

    def next_seed(self) -> Tensor:
        self.count += 1
        return self.tf.stack([self.seed[0] * 1000 + self.count, self.seed[1]])

    def uniform(self, low: float, high: float) -> Tensor:
        """A uniform number for each image."""
        return self.tf.random.stateless_uniform([self.batch], self.next_seed(), low, high)

    def single(self) -> Tensor:
        """A number between 0 and 1 for the whole batch."""
        return self.tf.random.stateless_uniform([], self.next_seed())

    def chance(self, probability: float) -> Tensor:
        """A Bernoulli sample for each image."""
        return self.uniform(0, 1) < probability


def _affine_maps(tf: TensorFlow, random: _BatchRandom, images: Tensor, size: Tensor, recipe: Recipe) -> Tensor:
    """Flip, crop, zoom and rotation as one affine map per image, of shape (batch, 2, 3)."""
    shape = tf.cast(tf.shape(images)[1:3], "float32")
    height, width = shape[0], shape[1]
    wanted = tf.cast(size, "float32")
    area = random.uniform(recipe.crop, 1)
    stretch = tf.exp(random.uniform(-log(recipe.aspect), log(recipe.aspect)) / 2) if recipe.aspect > 1 else 1.0
    # Fractions of the image's width and height: a crop never leaves the image.
    wide = tf.minimum(tf.sqrt(area) * stretch, 1)
    high = tf.minimum(tf.sqrt(area) / stretch, 1)
    right = (1 - wide) * width * random.uniform(-0.5, 0.5)
    down = (1 - high) * height * random.uniform(-0.5, 0.5)
    zoom = 1 + random.uniform(-recipe.zoom, recipe.zoom)
    across = wide * width / wanted[1] * zoom
    along = high * height / wanted[0] * zoom
    if recipe.flip:
        across = tf.where(random.chance(0.5), -across, across)
    angle = random.uniform(-recipe.rotation, recipe.rotation) * (2 * pi)
    cos, sin = tf.cos(angle), tf.sin(angle)
    a, b, d, e = across * cos, -along * sin, across * sin, along * cos
    # Coordinates count from the centre of the first pixel: the centre of n pixels is at (n − 1) / 2.
    x, y = (wanted[1] - 1) / 2, (wanted[0] - 1) / 2
    c = (width - 1) / 2 + right - a * x - b * y
    f = (height - 1) / 2 + down - d * x - e * y
    return tf.reshape(tf.stack([a, b, c, d, e, f], axis=1), [-1, 2, 3])


def _adjust_colours(tf: TensorFlow, random: _BatchRandom, images: Tensor, recipe: Recipe) -> Tensor:
    """Scale brightness, contrast and saturation by a random factor each, in this order."""
    if not (recipe.brightness or recipe.contrast or recipe.saturation):
        return images

    def factor(by: float) -> Tensor:
        return (1 + random.uniform(-by, by))[:, None, None, None]

    if recipe.brightness:
        images = images * factor(recipe.brightness)
    if recipe.contrast:
        mean = tf.reduce_mean(images, axis=(1, 2, 3), keepdims=True)
        images = mean + (images - mean) * factor(recipe.contrast)
    if recipe.saturation:
        grey = tf.reduce_mean(images, axis=3, keepdims=True)
        images = grey + (images - grey) * factor(recipe.saturation)
    return tf.clip_by_value(images, 0, 255)


def _box_mask(tf: TensorFlow, random: _BatchRandom, images: Tensor, area: Tensor) -> Tensor:
    """A mask of shape (batch or 1, height, width, 1), true inside a rectangle with this fraction of the area."""
    shape = tf.cast(tf.shape(images)[1:3], "float32")
    area = tf.reshape(area, [-1])
    middle = [tf.random.stateless_uniform(tf.shape(area), random.next_seed()) for _ in range(2)]
    sides = tf.sqrt(area)
    inside = []
    for axis in range(2):
        place = (tf.range(shape[axis]) + 0.5) / shape[axis]
        inside.append(tf.abs(place[None] - middle[axis][:, None]) < sides[:, None] / 2)
    return (inside[0][:, :, None] & inside[1][:, None, :])[..., None]


def _random_erase(tf: TensorFlow, random: _BatchRandom, images: Tensor, probability: float) -> Tensor:
    mask = _box_mask(tf, random, images, random.uniform(0.02, 0.33)) & random.chance(probability)[:, None, None, None]
    return tf.where(mask, tf.reduce_mean(images, axis=(1, 2), keepdims=True), images)


def _cutmix(
    tf: TensorFlow, random: _BatchRandom, images: Tensor, labels: Tensor, probability: float
) -> tuple[Tensor, Tensor]:
    # The fraction covered by the other image is uniform, Beta(1, 1), as in the paper; zero in batches without CutMix.
    skipped = random.single() >= probability
    mask = _box_mask(tf, random, images, tf.where(skipped, 0.0, random.single()))
    covered = tf.reduce_mean(tf.cast(mask, "float32"))
    # Batches are shuffled, so the next image is a random one.
    return (
        tf.where(mask, tf.roll(images, 1, axis=0), images),
        labels + covered * (tf.roll(labels, 1, axis=0) - labels),
    )


def _mixup(tf: TensorFlow, random: _BatchRandom, images: Tensor, labels: Tensor, alpha: float) -> tuple[Tensor, Tensor]:
    ours, theirs = (tf.random.stateless_gamma([random.batch], random.next_seed(), alpha) for _ in range(2))
    part = theirs / tf.maximum(ours + theirs, 1e-12)
    mixed = images + part[:, None, None, None] * (tf.roll(images, 1, axis=0) - images)
    return mixed, labels + part[:, None] * (tf.roll(labels, 1, axis=0) - labels)
