from __future__ import annotations

import numpy as np
import pytest

from archlab.bridge import load_keras
from archlab.training._augment import augment, warp
from archlab.training.recipes import Recipe


def _augmented(images, labels=None, size=None, seed=(1, 2), **settings):
    tf, _ = load_keras()
    labels = np.zeros((len(images), 1), "float32") if labels is None else labels
    size = size or images.shape[1:3]
    made, theirs = augment(images, labels, tf.constant(size), tf.constant(seed, "int64"), Recipe("test", **settings))
    return np.asarray(made), np.asarray(theirs)


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (64, 24, 32, 3), dtype="uint8")


def test_nothing_asked_for_is_nothing_done(images) -> None:
    made, _ = _augmented(images)
    np.testing.assert_array_equal(made, images.astype("float32"))


def test_a_flip_is_the_mirror_image_or_nothing(images) -> None:
    made, _ = _augmented(images, flip=True)
    flipped = [np.allclose(one, two[:, ::-1], atol=1e-2) for one, two in zip(made, images, strict=True)]
    same = [np.allclose(one, two, atol=1e-2) for one, two in zip(made, images, strict=True)]
    assert all(a != b for a, b in zip(flipped, same, strict=True)) and 16 < sum(flipped) < 48


def _dot(row: int, column: int, side: int = 65) -> np.ndarray:
    """An image that is black but for one bright pixel, which every affine map moves where its formula says."""
    image = np.zeros((32, side, side, 3), "uint8")
    image[:, row, column] = 255
    return image


def _places(made) -> np.ndarray:
    """The centre of what is bright in each image, from the middle of the image: (N, 2), down and right."""
    weight = made[..., 0]
    axis = np.arange(made.shape[1]) - (made.shape[1] - 1) / 2
    total = weight.sum(axis=(1, 2))
    return np.stack([(weight.sum(2) * axis).sum(1) / total, (weight.sum(1) * axis).sum(1) / total], axis=1)


def test_a_rotation_keeps_the_distance_and_stays_in_its_range() -> None:
    made, _ = _augmented(_dot(32, 48), rotation=0.1)
    places = _places(made)
    np.testing.assert_allclose(np.hypot(*places.T), 16, atol=0.1)
    angles = np.degrees(np.arctan2(places[:, 0], places[:, 1]))
    assert -36.5 < angles.min() < -20 and 20 < angles.max() < 36.5


def test_a_zoom_scales_about_the_middle() -> None:
    made, _ = _augmented(_dot(32, 48), zoom=0.2)
    down, right = _places(made).T
    np.testing.assert_allclose(down, 0, atol=0.02)
    assert 16 / 1.21 < right.min() < 14.5 and 18 < right.max() < 16 / 0.79


def test_a_cut_never_leaves_the_image() -> None:
    """Whatever is cut of a slanted plane, its least and greatest values are none that the plane does not have."""
    plane = np.broadcast_to(np.arange(0, 200, 2, dtype="uint8")[None, :, None, None], (32, 100, 100, 3))
    made, _ = _augmented(plane, size=(50, 50), crop=0.3, aspect=1.5)
    assert made.min() >= 0 and made.max() <= 198
    spans = made[:, -1, 0, 0] - made[:, 0, 0, 0]
    # The height of a cut: from √(0.3 / 1.5) to the whole.
    assert spans.min() > 198 * 0.44 - 6 and spans.max() <= 198 and spans.std() > 10


def test_a_smaller_size_shows_the_whole_image() -> None:
    plane = np.broadcast_to(np.arange(0, 200, 2, dtype="uint8")[None, :, None, None], (2, 100, 100, 3))
    made, _ = _augmented(plane, size=(10, 10))
    # The middle of the first of 10 pixels is at 4.5 of 100, where the plane is 9.
    np.testing.assert_allclose(made[0, :, 0, 0], 9 + 20 * np.arange(10), atol=1e-3)


def test_colours_stay_colours(images) -> None:
    made, _ = _augmented(images, brightness=0.5, contrast=0.5, saturation=0.5)
    assert made.min() >= 0 and made.max() <= 255
    brighter, _ = _augmented(np.full((64, 4, 4, 3), 100, "uint8"), brightness=0.2)
    assert 80 <= brighter.min() < 90 and 110 < brighter.max() <= 120
    grey, _ = _augmented(np.full((8, 4, 4, 3), 100, "uint8"), saturation=0.5, contrast=0.5)
    np.testing.assert_allclose(grey, 100, rtol=1e-5)


@pytest.mark.parametrize("how", [{"mixup": 0.4}, {"cutmix": 1.0}])
def test_labels_are_mixed_as_the_images_are(how) -> None:
    """Images of one value, which is 200 times their label: the mean of a mixed one must still be."""
    labels = (np.arange(32) % 2).astype("float32")[:, None]
    images = np.broadcast_to((labels * 200).astype("uint8")[:, None, None], (32, 16, 16, 3))
    made, mixed = _augmented(images, labels, **how)
    np.testing.assert_allclose(made.mean(axis=(1, 2, 3)) / 200, mixed[:, 0], atol=1e-4)
    assert ((mixed > 0.02) & (mixed < 0.98)).mean() > 0.2


def test_cutmix_spares_as_many_batches_as_asked() -> None:
    labels = (np.arange(8) % 2).astype("float32")[:, None]
    images = np.zeros((8, 8, 8, 3), "uint8")
    changed = [not np.array_equal(_augmented(images, labels, seed=(n, 0), cutmix=0.5)[1], labels) for n in range(60)]
    assert 15 <= sum(changed) <= 45


def test_erasing_blanks_some_images() -> None:
    images = np.random.default_rng(0).integers(0, 256, (64, 32, 32, 3), dtype="uint8")
    made, _ = _augmented(images, erase=0.5)
    blank = np.array([(one != two).any(axis=-1).mean() for one, two in zip(made, images, strict=True)])
    assert 16 < (blank > 0).sum() < 48 and blank.max() < 0.4


def test_the_same_seed_is_the_same_image(images) -> None:
    how = {"flip": True, "crop": 0.5, "rotation": 0.1, "brightness": 0.2, "erase": 0.3, "mixup": 0.2, "cutmix": 0.5}
    one, two, other = (_augmented(images, seed=seed, **how)[0] for seed in ((3, 4), (3, 4), (3, 5)))
    np.testing.assert_array_equal(one, two)
    assert np.abs(one - other).mean() > 5


@pytest.mark.parametrize("channels", [1, 3])
def test_resampling_is_that_of_tensorflow(channels: int) -> None:
    """TensorFlow's operation is what Keras's own layers are made of."""
    tf, _ = load_keras()
    draw = np.random.default_rng(0)
    images = draw.integers(0, 256, (16, 40, 30, channels), dtype="uint8")
    maps = np.tile(np.array([[1.0, 0, 0], [0, 1, 0]], "float32"), (16, 1, 1))
    maps += draw.uniform(-0.3, 0.3, (16, 2, 3)).astype("float32") * np.array([1, 1, 20], "float32")
    expected = tf.raw_ops.ImageProjectiveTransformV3(
        images=images.astype("float32"),
        transforms=np.concatenate([maps.reshape(16, 6), np.zeros((16, 2), "float32")], axis=1),
        output_shape=[24, 36],
        interpolation="BILINEAR",
        fill_mode="REFLECT",
        fill_value=0.0,
    )
    # Noise has the steepest slopes there can be: places differ by float32's last digits.
    np.testing.assert_allclose(warp(images, maps, np.array([24, 36])), expected, atol=0.02)


def test_rotation_and_zoom_are_those_of_keras_layers() -> None:
    """The same numbers drawn: the range of Keras's RandomRotation and RandomZoom is that of the recipe."""
    _, keras = load_keras()
    theirs = keras.Sequential([keras.layers.RandomRotation(0.1, seed=0), keras.layers.RandomZoom(0.2, seed=0)])
    image = _dot(32, 48).astype("float32")
    expected = np.concatenate([_places(theirs(image, training=True).numpy()) for _ in range(8)])
    ours = np.concatenate([_places(_augmented(_dot(32, 48), seed=(n, 0), rotation=0.1, zoom=0.2)[0]) for n in range(8)])
    for measure in (lambda p: np.hypot(*p.T), lambda p: np.arctan2(*p.T)):
        a, b = measure(expected), measure(ours)
        np.testing.assert_allclose([b.min(), b.max(), b.mean()], [a.min(), a.max(), a.mean()], atol=0.6)
