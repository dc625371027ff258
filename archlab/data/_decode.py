"""One file → uint8 pixels of a given size, decoded as `keras.utils.image_dataset_from_directory` does."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from archlab.bridge import load_keras
from archlab.bridge.types import Tensor, TensorFlow
from archlab.data._quiet import quiet_decoders
from archlab.errors import DataError, UsageError
from archlab.files import read_bytes, reason_of

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif")
LARGEST = 2**28
"""Bytes of a file that is read."""
_MOST_PIXELS = 100_000_000
"""Of an image that is decoded: 300 MB in memory."""
READABLE = "JPEG, PNG, BMP and GIF can be read"

# The first bytes of a file. Those that cannot be decoded are here for the error message.
_MAGIC = (
    ("JPEG", 0, b"\xff\xd8\xff"),
    ("PNG", 0, b"\x89PNG\r\n\x1a\n"),
    ("GIF", 0, b"GIF8"),
    ("BMP", 0, b"BM"),
    ("WebP", 8, b"WEBP"),
    ("TIFF", 0, b"II*\x00"),
    ("TIFF", 0, b"MM\x00*"),
    ("HEIC", 4, b"ftyphei"),
    ("HEIC", 4, b"ftypmif1"),
    ("AVIF", 4, b"ftypavif"),
)
DECODED = ("JPEG", "PNG", "GIF", "BMP")
_OF_SUFFIX = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".gif": "GIF", ".bmp": "BMP"}


class UndecodableError(Exception):
    """A file that is not an image, or a damaged one; the text is the reason alone."""


def kind_of(content: bytes) -> str | None:
    """The format by the first bytes, whatever the suffix; None if unknown."""
    return next((kind for kind, at, magic in _MAGIC if content.startswith(magic, at)), None)


def kind_by_suffix(path: Path) -> str | None:
    """The format by the suffix."""
    return _OF_SUFFIX.get(path.suffix.lower())


def check_content(content: bytes) -> str:
    """The format of a file that may be decoded.

    Raises:
        UndecodableError: it is empty, or its format cannot be decoded.
    """
    if not content:
        raise UndecodableError("empty: 0 bytes")
    kind = kind_of(content)
    if kind is None:
        raise UndecodableError(f"not an image: {READABLE}")
    if kind not in DECODED:
        raise UndecodableError(f"a {kind} image: {READABLE}")
    size = _declared(content, kind)
    if size is not None and size[0] * size[1] > _MOST_PIXELS:
        width, height = size
        raise UndecodableError(f"{width:,} × {height:,} pixels, the limit is {_MOST_PIXELS:,} in all")
    return kind


def _declared(content: bytes, kind: str) -> tuple[int, int] | None:
    """Width and height as the header says, before anything is decoded; None where it says nothing."""
    if kind == "PNG" and len(content) >= 24:
        return int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")
    if kind == "GIF" and len(content) >= 10:
        return int.from_bytes(content[6:8], "little"), int.from_bytes(content[8:10], "little")
    if kind == "BMP" and len(content) >= 26:
        sides = (int.from_bytes(content[at : at + 4], "little", signed=True) for at in (18, 22))
        width, height = map(abs, sides)
        return width, height
    at = 2
    while kind == "JPEG" and at + 9 <= len(content) and content[at] == 0xFF:
        marker, length = content[at + 1], int.from_bytes(content[at + 2 : at + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):  # a frame: its height and width stand here
            return int.from_bytes(content[at + 7 : at + 9], "big"), int.from_bytes(content[at + 5 : at + 7], "big")
        at += 2 + length
    return None


def check_size(size: tuple[int, int], channels: int) -> None:
    """Check the size and channels that images are resized to.

    Raises:
        UsageError: a height or width below 1, or channels that are neither 1 nor 3.
    """
    if len(size) != 2 or any(not isinstance(n, int) or n < 1 for n in size):
        raise UsageError(f"size must be (height, width), both at least 1, got {size}")
    if channels not in (1, 3):
        raise UsageError(f"channels must be 1 (greyscale) or 3 (RGB), got {channels}")


def decode_image(path: str | Path, size: tuple[int, int], channels: int = 3) -> np.ndarray:
    """One image, decoded and resized as `open_images` does it.

    JPEG, PNG, BMP or GIF (first frame), in greyscale, RGB or CMYK; an alpha channel is dropped. Resizing is bilinear,
    ignores the aspect ratio, as `image_dataset_from_directory` does, and rounds to integers. EXIF orientation is
    ignored, as in Keras.

    Args:
        path: the file.
        size: (height, width) in pixels.
        channels: 3, or 1 for greyscale.

    Returns:
        (height, width, channels), uint8.

    Raises:
        DataError: the file is missing or cannot be decoded.
        UsageError: an invalid size or number of channels.

    >>> decode_image("cat.jpg", (180, 180))
    Traceback (most recent call last):
    ...
    archlab.errors.DataError: cat.jpg: there is no such file
    """
    check_size(size, channels)
    path = Path(path)
    try:
        content = read_bytes(path, LARGEST)
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file") from None
    except OSError as error:
        why = "is a folder, name an image in it" if path.is_dir() else f"cannot be read, {reason_of(error)}"
        raise DataError(f"{path}: {why}") from None
    try:
        check_content(content)
        tf, _ = load_keras()
        with quiet_decoders():
            return resize(tf, decode(tf, content, channels), size)
    except UndecodableError as error:
        raise DataError(f"{path}: {error}") from None


def decode(tf: TensorFlow, content: bytes, channels: int) -> Tensor:
    """The content of a file as a uint8 tensor (height, width, channels) of its original size, on the CPU.

    Raises:
        UndecodableError: it is not a complete image.
    """
    kind = check_content(content)
    # TensorFlow decodes BMP only to its own channels and GIF only to three; they are converted afterwards.
    wanted = channels if kind in ("JPEG", "PNG") else 0
    if kind == "BMP":
        _refuse_palette(content)
    with tf.device("cpu:0"):
        image = _attempt(tf, content, wanted)
        if image is None and wanted == 1:  # CMYK, which TensorFlow decodes only to RGB
            image = _attempt(tf, content, 3)
        if image is None:
            raise UndecodableError(f"damaged: has the header of a {kind} but cannot be decoded")
        if 0 in image.shape:
            raise UndecodableError(f"damaged: a {kind} of {image.shape[0]} × {image.shape[1]} pixels")
        found = image.shape[-1]
        if found == channels:
            return image
        colours = image[..., :3] if found >= 3 else tf.repeat(image[..., :1], 3, axis=-1)
        return colours if channels == 3 else tf.image.rgb_to_grayscale(colours)


def _attempt(tf: TensorFlow, content: bytes, channels: int) -> Tensor:
    try:
        return tf.io.decode_image(content, channels=channels, expand_animations=False)
    except (tf.errors.OpError, ValueError):
        return None


def resize(tf: TensorFlow, image: Tensor, size: tuple[int, int]) -> np.ndarray:
    """A uint8 tensor at another size: bilinear, without antialiasing, rounded to integers."""
    with tf.device("cpu:0"):
        return np.rint(tf.image.resize(image, size).numpy()).astype(np.uint8)


def _refuse_palette(content: bytes) -> None:
    # TensorFlow reads palette indices as grey levels, which is wrong for every other palette.
    header, bits = int.from_bytes(content[14:18], "little"), int.from_bytes(content[28:30], "little")
    if bits < 8:
        raise UndecodableError(f"a BMP with {bits} bits per pixel: 8 (greyscale), 24 and 32 can be read")
    palette = content[14 + header : int.from_bytes(content[10:14], "little")] if bits == 8 else b""
    if any(palette[at : at + 3] != bytes([at // 4] * 3) for at in range(0, len(palette) - 3, 4)):
        raise UndecodableError("a BMP with a colour palette: 8 (greyscale), 24 and 32 bits per pixel can be read")
