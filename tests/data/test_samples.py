"""A few images of a data set are those that training would read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from archlab.data import open_images, read_samples
from archlab.errors import ArchlabError, DataError, UsageError
from tests.data.pictures import jpeg, put

SIZE = (12, 16)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for split in ("train", "val", "test"):
        for label, name in enumerate(("cats", "dogs")):
            for number in range(3):
                put(tmp_path / split / name / f"{number}.jpg", jpeg(10 * number + label + len(split) * 100))
    return tmp_path


def test_they_are_the_images_that_training_reads(root: Path) -> None:
    samples, images = read_samples(root, SIZE, count=6), open_images(root, SIZE)
    assert samples.labels.tolist() == [0, 1, 0, 1, 0, 1] and samples.classes == images.classes
    in_order = samples.pixels[[0, 2, 4, 1, 3, 5]]
    np.testing.assert_array_equal(np.rint(in_order), images.train.pixels)
    assert not samples.skipped


def test_synthetic_images_are_those_that_training_reads() -> None:
    samples = read_samples("shapes:train=5", SIZE, count=9)
    images = open_images("shapes:train=5", SIZE)
    assert samples.labels.tolist() == [0, 1, 0, 1, 0]
    np.testing.assert_array_equal(samples.pixels[[0, 2, 4, 1, 3]], images.train.pixels)


def test_damaged_files_are_skipped_by_the_same_reasons(root: Path) -> None:
    put(root / "train" / "cats" / "0.jpg", jpeg(1)[:200])
    put(root / "train" / "dogs" / "0.txt", b"not an image")
    samples, images = read_samples(root, SIZE, count=6), open_images(root, SIZE, splits=("train",))
    assert {*samples.skipped} == {*images.skipped} and len(samples.skipped) == 2
    assert samples.labels.tolist() == [1, 0, 0, 1, 1]


@pytest.mark.parametrize("damage", ["val/birds", "validation/cats"])
def test_folders_are_refused_by_the_same_message(root: Path, damage: str) -> None:
    (root / damage).mkdir(parents=True)
    messages = []
    for read in (lambda: read_samples(root, SIZE, count=4), lambda: open_images(root, SIZE)):
        with pytest.raises(DataError) as caught:
            read()
        messages.append(str(caught.value))
    assert messages[0] == messages[1]


@pytest.mark.parametrize("source", ["cats_vs_dogs", "shaps", "no/such", "shapes:train=1", "shapes:sise=3"])
def test_what_does_not_exist_is_refused_by_the_same_message(source: str) -> None:
    messages = []
    for read in (lambda: read_samples(source, SIZE, count=4), lambda: open_images(source, SIZE)):
        with pytest.raises(ArchlabError) as caught:
            read()
        messages.append(str(caught.value))
    assert messages[0] == messages[1]


def test_a_class_without_images_is_named(root: Path) -> None:
    for number in range(3):
        put(root / "train" / "dogs" / f"{number}.jpg", b"nothing")
    with pytest.raises(DataError, match=r"dogs: no usable image for train, such as train/dogs/0.jpg: "):
        read_samples(root, SIZE, count=4)
    with pytest.raises(UsageError, match="channels must be 1"):
        read_samples(root, SIZE, 2, count=4)
