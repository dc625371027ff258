"""Folders of images as they come: with splits and without, tidy and not."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from archlab.data import ImageSet, Skipped, open_images
from archlab.errors import DataError, UnknownNameError, UsageError
from tests.data.pictures import folder, jpeg, pixels, png, put, write

SIZE = (12, 16)
SPLITS = ("train", "validation", "test")


def names(images: ImageSet) -> dict[str, list[str]]:
    return {split: list(getattr(images, split).names) for split in SPLITS}


def test_splits_classes_labels_and_names(tmp_path: Path) -> None:
    images = open_images(folder(tmp_path / "pets", train=3, validation=1, test=2), SIZE)
    assert (images.title, images.source, images.synthetic) == ("pets", str(tmp_path / "pets"), False)
    assert images.classes == ("cats", "dogs") and not images.skipped and not images.notes
    assert names(images)["train"] == [
        f"train/{animal}s/{animal}.{n}.jpg" for animal in ("cat", "dog") for n in range(3)
    ]
    assert images.train.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert images.validation.pixels.shape == (2, 12, 16, 3) and len(images.test) == 4


def test_only_the_splits_asked_for_are_decoded(tmp_path: Path) -> None:
    root = folder(tmp_path / "pets")
    put(root / "train" / "cats" / "bad.jpg", b"\xff\xd8\xff")
    whole, one = open_images(root, SIZE), open_images(root, SIZE, splits=("test",))
    assert len(one.train) == len(one.validation) == 0 and one.train.pixels.shape == (0, 12, 16, 3)
    np.testing.assert_array_equal(one.test.pixels, whole.test.pixels)
    assert one.fingerprint == whole.fingerprint and one.test.fingerprint == whole.test.fingerprint
    assert one.skipped == () and [each.name for each in whole.skipped] == ["train/cats/bad.jpg"]


def test_a_folder_with_the_test_images_alone_is_enough_to_be_tested_on(tmp_path: Path) -> None:
    root = folder(tmp_path / "pets")
    expected = open_images(root, SIZE).test
    for split in ("train", "validation"):
        shutil.rmtree(root / split)
    found = open_images(root, SIZE, splits=("test",)).test
    assert (found.names, found.fingerprint) == (expected.names, expected.fingerprint)
    with pytest.raises(DataError, match="has no folder train, and no training images to split it off from"):
        open_images(root, SIZE)


def test_spellings_of_splits(tmp_path: Path) -> None:
    root = folder(tmp_path / "pets")
    expected = open_images(root, SIZE)
    (root / "validation").rename(root / "val")
    (root / "train").rename(root / "Train")
    found = open_images(root, SIZE)
    assert found.validation.names[0] == "val/cats/cat.0.jpg"
    np.testing.assert_array_equal(found.validation.pixels, expected.validation.pixels)


def test_what_is_hidden_is_passed_over_and_what_is_nested_is_not(tmp_path: Path) -> None:
    root = folder(tmp_path / "pets")
    put(root / "train" / "cats" / ".hidden.jpg", b"")
    put(root / "train" / "cats" / ".cache" / "a.jpg", b"")
    put(root / "train" / ".ipynb_checkpoints" / "a.jpg", b"")
    put(root / ".git" / "config", b"")
    put(root / "README.txt", b"about")
    put(root / "train" / "cats" / "breeds" / "siamese" / "a.jpg", jpeg(70))
    images = open_images(root, SIZE)
    assert images.skipped == () and images.classes == ("cats", "dogs")
    assert images.train.names[0] == "train/cats/breeds/siamese/a.jpg"


def test_a_class_folder_may_be_a_link(tmp_path: Path) -> None:
    root = folder(tmp_path / "pets")
    (root / "train" / "cats").rename(tmp_path / "elsewhere")
    (root / "train" / "cats").symlink_to(tmp_path / "elsewhere")
    assert len(open_images(root, SIZE).train) == 8


def test_what_is_skipped_and_why(tmp_path: Path) -> None:
    root = folder(tmp_path / "pets")
    cats = root / "train" / "cats"
    put(cats / "cut.jpg", jpeg(80)[:-100])
    put(cats / "empty.jpg", b"")
    put(cats / "text.jpg", b"nothing to see here")
    put(cats / "phone.heic", b"\x00\x00\x00\x18ftypheic")
    put(cats / "web.jpg", b"RIFF\x00\x00\x00\x00WEBPVP8 ")
    put(cats / "Thumbs.db", b"\xd0\xcf")
    images = open_images(root, SIZE)
    assert set(images.skipped) == {
        Skipped("train/cats/cut.jpg", "damaged: has the header of a JPEG but cannot be decoded"),
        Skipped("train/cats/empty.jpg", "empty: 0 bytes"),
        Skipped("train/cats/text.jpg", "not an image: JPEG, PNG, BMP and GIF can be read"),
        Skipped("train/cats/phone.heic", "no image suffix: .jpg, .jpeg, .png, .bmp, .gif can be read"),
        Skipped("train/cats/web.jpg", "a WebP image: JPEG, PNG, BMP and GIF can be read"),
        Skipped("train/cats/Thumbs.db", "no image suffix: .jpg, .jpeg, .png, .bmp, .gif can be read"),
    }
    assert len(images.train) == len(images.train.pixels) == len(images.train.names) == 8
    clean = open_images(folder(tmp_path / "clean"), SIZE)
    np.testing.assert_array_equal(images.train.pixels, clean.train.pixels)
    np.testing.assert_array_equal(images.test.pixels, clean.test.pixels)


def test_another_format_than_the_name_says_is_fine_and_said(tmp_path: Path) -> None:
    root = folder(tmp_path / "pets")
    put(root / "train" / "dogs" / "a.jpg", png(pixels(60)))
    images = open_images(root, (20, 30))
    np.testing.assert_array_equal(images.train.pixels[4], pixels(60))
    assert images.notes == (
        "1 image(s) have a suffix of another format and are read by their content: train/dogs/a.jpg is a PNG",
    )


def test_copies_across_splits_are_dropped_where_they_do_harm(tmp_path: Path) -> None:
    root = folder(tmp_path / "pets")
    one, two, three = jpeg(81), jpeg(82), jpeg(83)
    write(root, train__cats__a=one, test__cats__b=one)
    write(root, validation__dogs__c=two, test__dogs__d=two)
    write(root, train__dogs__e=three, train__dogs__f=three)
    images = open_images(root, SIZE)
    assert images.skipped == (
        Skipped("train/cats/a.jpg", "duplicate of test/cats/b.jpg"),
        Skipped("validation/dogs/c.jpg", "duplicate of test/dogs/d.jpg"),
    )
    assert "test/cats/b.jpg" in images.test.names and "test/dogs/d.jpg" in images.test.names
    # Within a split and a class a copy does no harm, and nothing is changed that need not be.
    assert {"train/dogs/e.jpg", "train/dogs/f.jpg"} <= set(images.train.names)


def test_an_image_under_two_classes_is_dropped(tmp_path: Path) -> None:
    root = folder(tmp_path / "pets")
    write(root, train__cats__a=jpeg(81), train__dogs__b=jpeg(81))
    assert open_images(root, SIZE).skipped == (
        Skipped("train/cats/a.jpg", "duplicate of train/dogs/b.jpg, in another class"),
        Skipped("train/dogs/b.jpg", "duplicate of train/cats/a.jpg, in another class"),
    )


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may read everything")
def test_an_unreadable_image_is_skipped(tmp_path: Path) -> None:
    root = folder(tmp_path / "pets")
    put(root / "train" / "cats" / "a.jpg", jpeg(80)).chmod(0)
    assert open_images(root, SIZE).skipped == (Skipped("train/cats/a.jpg", "cannot be read, permission denied"),)


def test_names_that_are_no_text(tmp_path: Path) -> None:
    root = folder(tmp_path / "pets")
    try:
        put(Path(os.fsdecode(os.fsencode(root / "train" / "cats") + b"/caf\xe9.jpg")), jpeg(80))
    except OSError:
        pytest.skip("this file system takes valid text only")
    images = open_images(root, SIZE)
    assert "train/cats/caf\ufffd.jpg" in images.train.names
    "".join(images.train.names).encode()


@pytest.mark.skipif(sys.platform == "win32", reason="such names cannot be there")
def test_names_that_would_command_the_terminal(tmp_path: Path) -> None:
    root = folder(tmp_path / "pets")
    put(root / "train" / "cats" / "a\x1b[2J\nb.jpg", jpeg(80))
    assert "train/cats/a\ufffd[2J\ufffdb.jpg" in open_images(root, SIZE).train.names


def test_the_fingerprint_is_that_of_names_and_contents(tmp_path: Path) -> None:
    root = folder(tmp_path / "pets")
    first = open_images(root, SIZE)
    assert open_images(root, (5, 5), 1).fingerprint == first.fingerprint
    root = root.rename(tmp_path / "moved")
    assert open_images(root, SIZE).fingerprint == first.fingerprint
    (root / "train" / "cats" / "cat.0.jpg").rename(root / "train" / "cats" / "cat.00.jpg")
    renamed = open_images(root, SIZE)
    assert renamed.fingerprint != first.fingerprint and renamed.test.fingerprint == first.test.fingerprint
    put(root / "test" / "cats" / "cat.0.jpg", jpeg(99))
    assert open_images(root, SIZE).test.fingerprint != first.test.fingerprint


def test_without_splits_the_images_are_divided_and_that_is_said(tmp_path: Path) -> None:
    root = tmp_path / "pets"
    for number in range(40):
        write(root, **{f"{'cats' if number % 2 else 'dogs'}__{number}": jpeg(number)})
    images = open_images(root, SIZE)
    assert [len(getattr(images, split)) for split in SPLITS] == [28, 6, 6]
    for split in SPLITS:
        assert getattr(images, split).labels.mean() == 0.5
    every = [name for split in names(images).values() for name in split]
    assert len(set(every)) == 40
    assert images.notes == (
        "validation and test are split off: 15 % each of every class's images, by the hash of their contents",
    )
    again = open_images(root.rename(tmp_path / "moved"), SIZE, splits=("test",))
    assert again.test.names == images.test.names


def test_one_missing_split_is_made_of_training_images(tmp_path: Path) -> None:
    root = folder(tmp_path / "pets", train=20)
    whole = open_images(root, SIZE)
    shutil.rmtree(root / "validation")
    images = open_images(root, SIZE)
    assert images.test.names == whole.test.names
    assert len(images.validation) == 6 and len(images.train) == 34
    assert set(images.validation.names) | set(images.train.names) == set(whole.train.names)
    assert images.notes == (
        "validation is split off: 15 % of every class's training images, by the hash of their contents",
    )


def refused(root: Path, message: str, **options: object) -> None:
    with pytest.raises(DataError) as caught:
        open_images(root, SIZE, **options)  # pyright: ignore[reportArgumentType]
    assert str(caught.value) == message


def test_folders_that_cannot_be_used_are_named(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    refused(tmp_path / "none", f"{tmp_path / 'none'}: there is no such folder")
    refused(Path("none"), "none: there is no such folder: shapes needs no folder")
    refused(Path("shaps"), "shaps: there is no such folder: did you mean shapes?")
    refused(
        Path("cats_vs_dogs"),
        "cats_vs_dogs: there is no such folder: archlab data fetch cats_vs_dogs downloads it",
    )
    refused(put(tmp_path / "a.jpg", b""), f"{tmp_path / 'a.jpg'}: is a file, not a folder")
    (tmp_path / "empty").mkdir()
    cats, dogs = tmp_path / "empty" / "cats", tmp_path / "empty" / "dogs"
    refused(tmp_path / "empty", f"{tmp_path / 'empty'} needs one folder of images per class, such as {cats} and {dogs}")
    folder(tmp_path / "outer" / "pets")
    refused(
        tmp_path / "outer",
        f"{tmp_path / 'outer'} needs one folder of images per class: did you mean {tmp_path / 'outer' / 'pets'}?",
    )


def test_classes_that_differ_between_splits_are_named(tmp_path: Path) -> None:
    root = folder(tmp_path / "pets")
    (root / "test" / "dogs").rename(root / "test" / "dog")
    refused(root, f"{root / 'test' / 'dog'}: train has no class 'dog': did you mean dogs?")
    shutil.rmtree(root / "test" / "dog")
    refused(root, f"{root / 'test'} has no folder for the class 'dogs', which train has")
    shutil.copytree(root / "validation", root / "val")
    refused(root, f"{root}: val and validation both name the split validation: keep one")


def test_a_class_of_which_nothing_is_left_is_named(tmp_path: Path) -> None:
    root = folder(tmp_path / "pets")
    for file in (root / "test" / "dogs").iterdir():
        file.write_bytes(b"")
    refused(
        root,
        f"{root / 'test' / 'dogs'}: no usable image for test, such as test/dogs/dog.0.jpg: empty: 0 bytes",
    )
    assert len(open_images(root, SIZE, splits=("train", "validation")).train) == 8
    shutil.rmtree(root / "validation")
    shutil.rmtree(root / "train" / "cats")
    put(root / "train" / "cats" / "one.jpg", jpeg(50))
    refused(root, f"{root / 'train' / 'cats'}: 1 image(s) are too few to split off validation")


@pytest.mark.parametrize("moment", ["reading", "loading TensorFlow", "decoding"])
def test_a_folder_that_vanishes_meanwhile(tmp_path: Path, moment: str) -> None:
    root = tmp_path / "pets"
    # More than one chunk: otherwise the reading ends before the folder vanishes.
    for number in range(300):
        put(root / "train" / ("cats", "dogs")[number % 2] / f"{number}.png", png(pixels(number, 4, 4)))

    def vanish(word: str, done: int, total: int) -> None:
        if word == moment:
            shutil.rmtree(root, ignore_errors=True)

    with pytest.raises(DataError) as caught:
        open_images(root, SIZE, progress=vanish)
    assert "\n" not in str(caught.value) and str(root) in str(caught.value)
    if moment != "reading":
        assert str(caught.value) == f"{root}: the folder vanished while it was being read"


def test_an_image_that_changes_meanwhile(tmp_path: Path) -> None:
    root = folder(tmp_path / "pets")
    image = root / "train" / "cats" / "cat.0.jpg"

    def change(word: str, done: int, total: int) -> None:
        if word == "loading TensorFlow":
            image.write_bytes(jpeg(99))

    with pytest.raises(DataError) as caught:
        open_images(root, SIZE, progress=change)
    assert str(caught.value) == f"{image}: changed or vanished while the folder was being read: try again"


def test_progress_counts_up_to_the_whole(tmp_path: Path) -> None:
    seen: dict[str, list[tuple[int, int]]] = {}
    open_images(
        folder(tmp_path / "pets"), SIZE, progress=lambda word, *counts: seen.setdefault(word, []).append(counts)
    )
    assert list(seen) == ["reading", "loading TensorFlow", "decoding"]
    assert seen["reading"][-1] == seen["decoding"][-1] == (16, 16)


def test_wrong_arguments(tmp_path: Path) -> None:
    root = folder(tmp_path / "pets")
    with pytest.raises(UsageError, match=r"no split 'valid': did you mean validation\?"):
        open_images(root, SIZE, splits=("valid",))
    with pytest.raises(UsageError, match="channels must be 1"):
        open_images(root, SIZE, 2)
    with pytest.raises((UsageError, UnknownNameError)):
        open_images("shapes:many=3", SIZE)


def test_the_lectures_images(images: Path) -> None:
    opened = open_images(images, (24, 24))
    assert [len(getattr(opened, split)) for split in SPLITS] == [2000, 1000, 2000]
    assert opened.classes == ("cats", "dogs") and opened.skipped == () and opened.notes == ()
    for split in SPLITS:
        assert getattr(opened, split).labels.mean() == 0.5
    assert opened.test.names[0] == "test/cats/cat.1500.jpg"
    assert opened.fingerprint == "1dbc713b0699e008be0946b971344623973301ec0e109c57fa39c9cfa585cbfc"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no pipes in its file system")
def test_what_never_ends_or_is_too_large_is_skipped_unread(tmp_path: Path) -> None:
    root = folder(tmp_path / "pets")
    os.mkfifo(root / "train" / "cats" / "pipe.jpg")
    (root / "train" / "cats" / "zero.jpg").symlink_to("/dev/zero")
    with (root / "train" / "dogs" / "sparse.jpg").open("wb") as file:
        file.truncate(200 * 2**30)
    found = {Path(each.name).name: each.reason for each in open_images(root, SIZE).skipped}
    assert found["pipe.jpg"] == found["zero.jpg"] == "cannot be read, it is a pipe or a device, not a file"
    assert found["sparse.jpg"] == "cannot be read, it has 214,748,364,800 bytes, the limit is 268,435,456"


def test_an_image_that_says_it_is_huge_is_not_decoded(tmp_path: Path) -> None:
    root, huge = folder(tmp_path / "pets"), (15_000).to_bytes(4, "big") * 2
    image = png(pixels(0))
    put(root / "train" / "cats" / "huge.png", image[:16] + huge + image[24:])
    photo, frame = jpeg(0), (15_000).to_bytes(2, "big") * 2
    at = photo.index(b"\xff\xc0") + 5
    put(root / "train" / "cats" / "huge.jpg", photo[:at] + frame + photo[at + 4 :])
    found = {Path(each.name).name: each.reason for each in open_images(root, SIZE).skipped}
    assert set(found) == {"huge.png", "huge.jpg"}
    assert set(found.values()) == {"15,000 × 15,000 pixels, the limit is 100,000,000 in all"}
