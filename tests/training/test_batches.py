from __future__ import annotations

import numpy as np
import pytest

from archlab.training._batches import Batches, evaluation_batches, resized, stored_size
from archlab.training.recipes import Recipe


@pytest.fixture
def batches() -> Batches:
    # Every pixel of an image is its number: a batch says which images it holds.
    images = np.broadcast_to(np.arange(21, dtype="uint8")[:, None, None, None], (21, 20, 20, 3)).copy()
    labels = np.arange(21, dtype="float32")[:, None]
    return Batches(images, labels, Recipe("test", batch=8, epochs=4), (20, 20), seed=5)


def _epoch(batches, number):
    return [batches.select(number * batches.steps + step) for step in range(batches.steps)]


def test_every_image_comes_once_an_epoch_with_its_label(batches) -> None:
    assert batches.steps == 3
    orders = []
    for number in range(3):
        picked = _epoch(batches, number)
        assert [len(images) for images, _, _ in picked] == [8, 8, 5]
        order = np.concatenate([labels[:, 0] for _, labels, _ in picked])
        np.testing.assert_array_equal(np.sort(order), np.arange(21))
        np.testing.assert_array_equal(np.concatenate([images[:, 0, 0, 0] for images, _, _ in picked]), order)
        orders.append(tuple(order))
    assert len(set(orders)) == 3


def test_a_step_is_the_same_whenever_it_is_asked_for(batches) -> None:
    later = batches.select(7)
    _epoch(batches, 0)
    for one, two in zip(batches.select(7), later, strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_data_set_that_begins_later_goes_on_as_the_first_would_have() -> None:
    images = np.random.default_rng(0).integers(0, 256, (10, 16, 16, 3), dtype="uint8")
    how = Recipe("test", batch=4, epochs=3, flip=True, crop=0.5, rotation=0.1, cutmix=0.5, size=((0.0, 8), (0.5, 12)))
    made = Batches(images, np.eye(2, dtype="float32")[np.arange(10) % 2], how, (16, 16), 1)
    whole = list(made.dataset(limit=9).as_numpy_iterator())
    rest = list(Batches(images, made.labels, how, (16, 16), 1).dataset(start=5, limit=4).as_numpy_iterator())
    for (one, its), (two, theirs) in zip(whole[5:], rest, strict=True):
        np.testing.assert_array_equal(one, two)
        np.testing.assert_array_equal(its, theirs)
    # Epochs 0 and 1 begin before half of the run is over, epoch 2 after.
    assert [images.shape[1] for images, _ in whole] == [8] * 6 + [12] * 3


def test_sizes_by_shares_of_the_epochs(batches) -> None:
    how = Recipe("test", epochs=10, size=((0.0, 32), (0.3, 48), (0.85, 64)))
    made = Batches(batches.images, batches.labels, how, (20, 20), 0)
    assert [made.size(epoch)[0] for epoch in range(10)] == [32] * 3 + [48] * 6 + [64]


def test_images_are_kept_as_large_as_any_epoch_needs_them() -> None:
    assert stored_size(Recipe("test"), (180, 160)) == (180, 160)
    assert stored_size(Recipe("test", size=((0.0, 64),)), (180, 180)) == (64, 64)
    assert stored_size(Recipe("test", size=((0.0, 64),), test_size=96), (180, 180)) == (96, 96)
    # Of a cut of the mean area, (1 + 0.5) / 2, 64 pixels are left of 74.
    assert stored_size(Recipe("test", size=((0.0, 64),), crop=0.5), (180, 180)) == (74, 74)
    assert stored_size(Recipe("test", test_size=200), (180, 180)) == (200, 200)


def test_what_is_evaluation_batches_comes_in_order_and_unchanged() -> None:
    images = np.random.default_rng(0).integers(0, 256, (7, 8, 8, 3), dtype="uint8")
    labels = np.arange(7, dtype="float32")[:, None]
    found = list(evaluation_batches(images, labels, (8, 8), 3).as_numpy_iterator())
    np.testing.assert_array_equal(np.concatenate([x for x, _ in found]), images.astype("float32"))
    np.testing.assert_array_equal(np.concatenate([y for _, y in found]), labels)


def test_resizing_does_not_alias() -> None:
    stripes = np.zeros((1, 64, 64, 3), "uint8")
    stripes[:, :, ::2] = 200
    made = resized(stripes, (16, 16))
    assert made.shape == (1, 16, 16, 3) and abs(made.astype(int) - 100).max() <= 15
