"""One image: every format, agreement with Keras, and whatever else a file may hold."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archlab.bridge import load_keras
from archlab.data import decode_image, open_images
from archlab.data._quiet import quiet_decoders
from archlab.errors import DataError, UsageError
from tests.data.pictures import CMYK_JPEG, FLAG, GIF, bmp, folder, jpeg, pixels, png, put

GREY = bytes(value for level in range(256) for value in (level, level, level, 0))


def test_lossless_formats_come_back_pixel_for_pixel(tmp_path: Path) -> None:
    colours, grey = pixels(1), pixels(1, channels=1)
    transparent = np.concatenate([colours, np.full((20, 30, 1), 7, np.uint8)], axis=-1)
    for name, content, expected in (
        ("a.png", png(colours), colours),
        ("a.bmp", bmp(colours), colours),
        ("b.bmp", bmp(transparent), colours),
        ("c.bmp", bmp(grey, GREY), np.repeat(grey, 3, -1)),
    ):
        np.testing.assert_array_equal(decode_image(put(tmp_path / name, content), (20, 30)), expected)
    np.testing.assert_array_equal(decode_image(tmp_path / "c.bmp", (20, 30), 1), grey)
    np.testing.assert_array_equal(decode_image(put(tmp_path / "a.gif", GIF), (4, 6)), FLAG)


def test_png_with_transparency(tmp_path: Path) -> None:
    tf, _ = load_keras()
    transparent = np.concatenate([pixels(1), np.zeros((20, 30, 1), np.uint8)], axis=-1)
    file = put(tmp_path / "a.png", tf.io.encode_png(transparent).numpy())
    np.testing.assert_array_equal(decode_image(file, (20, 30)), pixels(1))


def test_cmyk_and_grey_jpegs(tmp_path: Path) -> None:
    found = decode_image(put(tmp_path / "cmyk.jpg", CMYK_JPEG), (4, 6)).astype(int)
    assert found[0, 0, 0] > found[0, 0, 2] + 100 and found[3, 0, 2] > found[3, 0, 0] + 50
    assert decode_image(tmp_path / "cmyk.jpg", (4, 6), 1).shape == (4, 6, 1)
    grey = decode_image(put(tmp_path / "grey.jpg", jpeg(1, channels=1)), (8, 9))
    assert grey.shape == (8, 9, 3) and (grey == grey[..., :1]).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_pixels_labels_and_order_are_those_of_keras(tmp_path: Path, channels: int) -> None:
    """The lecture reads its images with `image_dataset_from_directory`; ours differ from it by rounding alone."""
    _, keras = load_keras()
    root = folder(tmp_path / "data")
    put(root / "train" / "cats" / "large.jpg", jpeg(90, 61, 47))
    put(root / "train" / "dogs" / "cat.jpeg", jpeg(91, 5, 300))
    put(root / "train" / "dogs" / "b.png", png(pixels(92)))
    ours = open_images(root, (33, 21), channels, splits=("train",)).train
    theirs = keras.utils.image_dataset_from_directory(
        root / "train",
        image_size=(33, 21),
        batch_size=None,
        shuffle=False,
        color_mode="rgb" if channels == 3 else "grayscale",
        verbose=False,
    )
    x, y = zip(*theirs.as_numpy_iterator(), strict=True)
    assert [Path(path).relative_to(root).as_posix() for path in theirs.file_paths] == list(ours.names)
    np.testing.assert_array_equal(np.array(y), ours.labels)
    assert np.abs(np.stack(x) - ours.pixels).max() <= 0.5
    assert ours.pixels.dtype == np.uint8 and ours.labels.dtype == np.int64


READABLE = "JPEG, PNG, BMP and GIF can be read"
# Made when they are needed: a JPEG takes TensorFlow.
HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "empty: 0 bytes"),
    "text": (lambda: b"this is no image", f"not an image: {READABLE}"),
    "html": (lambda: b"<!doctype html><html>", f"not an image: {READABLE}"),
    "half a JPEG": (lambda: jpeg(1)[: len(jpeg(1)) // 2], "damaged: has the header of a JPEG but cannot be decoded"),
    "three bytes": (lambda: b"\xff\xd8\xff", "damaged: has the header of a JPEG but cannot be decoded"),
    "half a PNG": (lambda: png(pixels(1))[:-40], "damaged: has the header of a PNG but cannot be decoded"),
    "half a GIF": (lambda: GIF[:40], "damaged: has the header of a GIF but cannot be decoded"),
    "half a BMP": (lambda: bmp(pixels(1))[:-40], "damaged: has the header of a BMP but cannot be decoded"),
    "WebP": (lambda: b"RIFF\x00\x00\x00\x00WEBPVP8 ", f"a WebP image: {READABLE}"),
    "HEIC": (lambda: b"\x00\x00\x00\x18ftypheic", f"a HEIC image: {READABLE}"),
    "palette": (
        lambda: bmp(pixels(1, channels=1), GREY[::-1]),
        "a BMP with a colour palette: 8 (greyscale), 24 and 32 bits per pixel can be read",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_cannot_be_decoded_is_one_line(tmp_path: Path, capfd, name: str) -> None:
    make, reason = HOSTILE[name]
    file = put(tmp_path / "cat.jpg", make())
    capfd.readouterr()
    with pytest.raises(DataError) as caught:
        decode_image(file, (8, 8))
    assert str(caught.value) == f"{file}: {reason}"
    assert capfd.readouterr().err == ""


def test_paths_and_arguments_that_make_no_sense(tmp_path: Path) -> None:
    for path, message in (
        (tmp_path / "none.jpg", f"{tmp_path / 'none.jpg'}: there is no such file"),
        (tmp_path, f"{tmp_path}: is a folder, name an image in it"),
    ):
        with pytest.raises(DataError) as caught:
            decode_image(path, (8, 8))
        assert str(caught.value) == message
    image = put(tmp_path / "a.jpg", jpeg(1))
    for size, channels in (((0, 8), 3), ((8, -1), 3), ((8, 8), 2), ((8, 8), 4), ((8.0, 8), 3)):
        with pytest.raises(UsageError):
            decode_image(image, size, channels)  # pyright: ignore[reportArgumentType]


@given(
    kind=st.sampled_from(["JPEG", "PNG", "GIF", "BMP", "CMYK", "none"]),
    noise=st.binary(max_size=64),
    at=st.floats(0, 1),
    end=st.floats(0, 1),
)
def test_any_bytes_are_a_image_or_an_error_of_ours(
    tmp_path_factory, kind: str, noise: bytes, at: float, end: float
) -> None:
    """Noise, and images with noise in them, cut off anywhere."""
    whole = {"JPEG": jpeg(1), "PNG": png(pixels(1)), "GIF": GIF, "BMP": bmp(pixels(1)), "CMYK": CMYK_JPEG}.get(
        kind, b""
    )
    place = int(at * len(whole))
    content = (whole[:place] + noise[:4] + whole[place + len(noise[:4]) :])[: int(end * len(whole))] if whole else noise
    file = tmp_path_factory.getbasetemp() / "any.jpg"
    file.write_bytes(content)
    with contextlib.suppress(DataError):
        found = decode_image(file, (7, 5))
        assert found.shape == (7, 5, 3) and found.dtype == np.uint8


def test_remarks_of_decoders_are_kept_from_the_terminal(tmp_path: Path, capfd) -> None:
    """A few stray bytes before the end are common; libjpeg speaks of them, past TensorFlow's log levels."""
    tf, _ = load_keras()
    stray = jpeg(1)[:-2] + b"stray" + jpeg(1)[-2:]
    tf.io.decode_image(stray)
    assert "Corrupt JPEG data" in capfd.readouterr().err, "libjpeg has changed: the test proves nothing any more"
    assert decode_image(put(tmp_path / "a.jpg", stray), (20, 30)).shape == (20, 30, 3)
    assert capfd.readouterr().err == ""
    with quiet_decoders():
        os.write(2, b"something else\nlibpng warning: iCCP: known incorrect sRGB profile\n")
    assert capfd.readouterr().err == "something else\n"
