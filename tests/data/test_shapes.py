"""The synthetic images: the same ones everywhere, neither trivial nor impossible to tell apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from archlab.data import open_images, write_shapes
from archlab.data._canvas import Canvas, PortableRandom
from archlab.errors import ArchlabError, DataError, OutputError

NINES = "9" * 5000  # more digits than Python turns into a number
SPLITS = ("train", "validation", "test")


def test_the_same_bytes_on_every_machine() -> None:
    """A change here is a change of everybody's results on shapes: say so in the changelog."""
    images = open_images("shapes:train=20,validation=10,test=10", (64, 64))
    assert images.fingerprint == "5da2ac7aab6cbd361a733e788b99d5fa52bde16b42a55569a0c46182651e92f0"


def test_what_they_are_called() -> None:
    images = open_images("shapes:train=5,validation=2,test=3", (64, 64))
    assert images.title == "shapes (synthetic images)" and images.synthetic
    assert images.notes == (
        "synthetic images, generated from a seed: results on them do not transfer to natural images",
    )
    assert images.classes == ("cats", "dogs") and images.skipped == ()
    assert images.train.names == (
        *(f"train/cats/cat.{n}.png" for n in range(3)),
        "train/dogs/dog.0.png",
        "train/dogs/dog.1.png",
    )
    assert images.train.labels.tolist() == [0, 0, 0, 1, 1] and images.train.labels.dtype == np.int64


def test_more_of_them_begin_with_the_same_ones() -> None:
    few, many = (open_images(f"shapes:train={n},validation=2,test=2", (64, 64)) for n in (6, 10))
    np.testing.assert_array_equal(few.train.pixels[:3], many.train.pixels[:3])
    np.testing.assert_array_equal(few.train.pixels[3:], many.train.pixels[5:8])
    assert few.test.fingerprint == many.test.fingerprint and few.train.fingerprint != many.train.fingerprint


def test_no_two_are_alike() -> None:
    images = [open_images(f"shapes:train=40,validation=40,test=40,seed={seed}", (64, 64)) for seed in (0, 1)]
    every = np.concatenate([getattr(each, split).pixels for each in images for split in SPLITS])
    assert len({picture.tobytes() for picture in every}) == len(every) == 240


def test_fingerprints_do_not_depend_on_size_channels_and_splits() -> None:
    source = "shapes:train=4,validation=2,test=4"
    whole, small = open_images(source, (64, 64)), open_images(source, (20, 31), 1, splits=("test",))
    assert small.test.pixels.shape == (4, 20, 31, 1) and len(small.train) == 0
    assert (whole.fingerprint, whole.test.fingerprint) == (small.fingerprint, small.test.fingerprint)
    assert open_images(f"{source},size=65", (64, 64)).fingerprint != whole.fingerprint


def test_drawn_to_a_folder_they_open_as_the_same_pixels(tmp_path: Path) -> None:
    source = "shapes:train=6,validation=4,test=4,size=48,seed=3"
    assert write_shapes(source, tmp_path / "drawn") == tmp_path / "drawn"
    ours, theirs = open_images(tmp_path / "drawn", (30, 40)), open_images(source, (30, 40))
    for split in SPLITS:
        np.testing.assert_array_equal(getattr(ours, split).pixels, getattr(theirs, split).pixels)
        assert getattr(ours, split).names == getattr(theirs, split).names
    # Nor do they pass for images there.
    assert ours.synthetic and ours.title == "drawn (synthetic images)" and ours.notes == theirs.notes
    assert [path.name for path in tmp_path.iterdir()] == ["drawn"]


def test_a_folder_of_an_earlier_version_is_synthetic_too(tmp_path: Path) -> None:
    folder = write_shapes("shapes:train=2,validation=2,test=2,size=16", tmp_path / "drawn")
    (folder / "SOURCE.txt").write_text("shapes (synthetic drawings)\nMade by: archlab data draw shapes\n")
    assert open_images(folder, (16, 16)).synthetic


def test_a_folder_that_exists_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "drawn").mkdir()
    with pytest.raises(OutputError) as caught:
        write_shapes("shapes", tmp_path / "drawn")
    assert str(caught.value) == f"{tmp_path / 'drawn'}: exists already, and is not written over: name another folder"


def test_drawing_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    def stop(word: str, done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_shapes("shapes", tmp_path / "drawn", stop)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("shapes:trian=5", "'shapes:trian=5': shapes has no argument 'trian': did you mean train?"),
        ("shapes:train", "'shapes:train': arguments are written name=value, as in shapes:train=400, got 'train'"),
        ("shapes:", "'shapes:': arguments are written name=value, as in shapes:train=400, got ''"),
        ("shapes:train=-4", "'shapes:train=-4': train must be an integer from 2 to 100000, got -4"),
        ("shapes:train=many", "'shapes:train=many': train must be an integer from 2 to 100000, got many"),
        ("shapes:train=١٢", "'shapes:train=١٢': train must be an integer from 2 to 100000, got ١٢"),
        ("shapes:size=4000", "'shapes:size=4000': size must be an integer from 16 to 512, got 4000"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_one_line(source: str, message: str) -> None:
    with pytest.raises(ArchlabError) as caught:
        open_images(source, (64, 64))
    assert str(caught.value) == message


def test_a_number_of_thousands_of_digits_is_named_in_one_short_line() -> None:
    with pytest.raises(ArchlabError) as caught:
        open_images(f"shapes:seed={NINES}", (64, 64))
    assert ": seed must be an integer from 0 to 4294967295, got 999" in str(caught.value)
    assert len(str(caught.value)) < 500


def test_more_than_memory_holds() -> None:
    with pytest.raises(DataError) as caught:
        open_images("shapes:train=100000", (64, 64), memory=10**9)
    assert str(caught.value) == "shapes:train=100000 needs 1.2 GB of memory, and 1.0 GB are available"


def test_a_folder_of_that_name_can_be_given_as_a_path(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_shapes("shapes:train=2,validation=2,test=2", "shapes")
    assert open_images("./shapes", (8, 8)).source == "./shapes"
    for source in ("./shapes", Path("shapes")):
        assert len(open_images(source, (8, 8)).train) == 2
    assert len(open_images("shapes", (8, 8)).train) == 1000


def test_pixels_alone_do_not_tell_cats_from_dogs() -> None:
    """A linear classifier on colours and brightness must not get far: it takes shapes."""
    images = open_images("shapes:train=600,validation=2,test=400", (12, 12))

    def flat(pixels: np.ndarray) -> np.ndarray:
        return np.concatenate([pixels.reshape(len(pixels), -1) / 255, np.ones((len(pixels), 1))], axis=1)

    x, y = flat(images.train.pixels), images.train.labels * 2.0 - 1
    weights = np.linalg.solve(x.T @ x + 10 * np.eye(x.shape[1]), x.T @ y)
    accuracy = np.mean((flat(images.test.pixels) @ weights > 0) == images.test.labels)
    assert accuracy < 0.7


@pytest.mark.slow
def test_a_small_network_learns_to() -> None:
    from archlab.bridge import load_keras

    _, keras = load_keras()
    images = open_images("shapes:test=400", (64, 64))
    keras.utils.set_random_seed(0)
    net = keras.Sequential([keras.Input((64, 64, 3)), keras.layers.Rescaling(1 / 255)])
    for width in (16, 32, 64, 96):
        net.add(keras.layers.Conv2D(width, 3, padding="same", use_bias=False))
        net.add(keras.layers.BatchNormalization(momentum=0.9))
        net.add(keras.layers.ReLU())
        net.add(keras.layers.MaxPooling2D())
    net.add(keras.layers.GlobalAveragePooling2D())
    net.add(keras.layers.Dense(1, activation="sigmoid"))
    net.compile(keras.optimizers.Adam(2e-3), "binary_crossentropy", metrics=["accuracy"])
    test = (images.test.pixels, images.test.labels)
    history = net.fit(images.train.pixels, images.train.labels, epochs=9, verbose=0, validation_data=test).history
    assert 0.75 < max(history["val_accuracy"]) < 0.99


def test_shapes_cover_the_area_they_have() -> None:
    """Anti-aliasing is exact where an edge is straight, and nearly so where it is not."""

    def area(draw) -> float:
        canvas = Canvas(np.zeros((200, 200, 3), np.float32))
        canvas.pose((0.8, 0.6), 0.7, (0.1, -0.05))
        draw(canvas)
        return float(canvas.pixels[..., 0].sum()) * (2 / 200 / 0.7) ** 2

    white = (1.0, 1.0, 1.0)
    assert area(lambda c: c.polygon(((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)), white)) == pytest.approx(
        1, rel=1e-3
    )
    assert area(lambda c: c.polygon(((0, -0.6), (0.6, 0.6), (-0.6, 0.6)), white)) == pytest.approx(0.72, rel=1e-2)
    assert area(lambda c: c.ellipse((0.1, 0.1), (0.6, 0.3), white, (0.6, 0.8))) == pytest.approx(np.pi * 0.18, rel=1e-2)
    assert area(lambda c: c.line((-0.4, 0), (0.4, 0.2), 0.1, white)) == pytest.approx(
        np.hypot(0.8, 0.2) * 0.1 + np.pi * 0.05**2, rel=1e-2
    )


def test_dice() -> None:
    rng = PortableRandom(1, 2, 3)
    values = [rng.uniform(2, 5) for _ in range(2000)]
    assert min(values) >= 2 and max(values) < 5 and np.mean(values) == pytest.approx(3.5, abs=0.1)
    cosine, sine = PortableRandom(1).turn(0.3)
    assert cosine * cosine + sine * sine == pytest.approx(1, abs=1e-15)
    assert {PortableRandom(n).choice("abc") for n in range(50)} == set("abc")
    noise = PortableRandom(5).noise(100, 100)
    assert noise.dtype == np.float32 and noise.min() == -1 and noise.max() == 1 and abs(noise.mean()) < 0.02
    clouds = PortableRandom(5).clouds(64, 4, 2)
    assert clouds.shape == (64, 64, 2) and np.abs(np.diff(clouds, axis=0)).max() < 2 * 4 / 64 + 1e-6
    assert PortableRandom(1, 2).uniform(0, 1) != PortableRandom(2, 1).uniform(0, 1)
