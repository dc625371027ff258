"""One file → uint8 pixels of the size asked for, as `keras.utils.image_dataset_from_directory` would have them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from archlab.bridge import load_keras
from archlab.errors import DataError, UsageError
from archlab.training.data._quiet import quiet_decoders

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif")
READABLE = "JPEG, PNG, BMP and GIF can be read"

# The first bytes of a file; the last ones are recognized only to say what a file is that cannot be read.
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
    """A file that holds no image, or one that is damaged; the text is the reason alone."""


def kind_of(content: bytes) -> str | None:
    """The format by the first bytes, whatever the suffix says; None for one that nobody knows."""
    return next((kind for kind, at, magic in _MAGIC if content.startswith(magic, at)), None)


def kind_by_suffix(path: Path) -> str | None:
    """The format that the suffix promises."""
    return _OF_SUFFIX.get(path.suffix.lower())


def check_content(content: bytes) -> str:
    """The format of a file that may be decoded.

    Raises:
        UndecodableError: it is empty, or not of a format that can be.
    """
    if not content:
        raise UndecodableError("empty: 0 bytes")
    kind = kind_of(content)
    if kind is None:
        raise UndecodableError(f"not an image: {READABLE}")
    if kind not in DECODED:
        raise UndecodableError(f"a {kind} image: {READABLE}")
    return kind


def check_size(size: tuple[int, int], channels: int) -> None:
    """Refuse what no image can be resized to.

    Raises:
        UsageError: a height or width below 1, or channels that are neither 1 nor 3.
    """
    if len(size) != 2 or any(not isinstance(n, int) or n < 1 for n in size):
        raise UsageError(f"photos are resized to (height, width), both at least 1, got {size}")
    if channels not in (1, 3):
        raise UsageError(f"photos have 1 channel (grey) or 3 (red, green, blue), not {channels}")


def decode_photo(path: str | Path, size: tuple[int, int], channels: int = 3) -> np.ndarray:
    """One photo, decoded and resized as `open_photos` does it.

    JPEG, PNG, BMP or GIF (its first picture), grey, coloured, CMYK or with transparency, which is dropped. Resized
    without regard to its proportions, bilinearly, as `image_dataset_from_directory` does; rounded to whole numbers. A
    camera's remark on which side is up is not heeded, as it is not there either.

    Args:
        path: the file.
        size: (height, width) in pixels.
        channels: 3, or 1 for grey.

    Returns:
        (height, width, channels), uint8.

    Raises:
        DataError: the file is missing or cannot be decoded.
        UsageError: a size or channels that no image can have.

    >>> decode_photo("cat.jpg", (180, 180))
    Traceback (most recent call last):
    ...
    archlab.errors.DataError: cat.jpg: there is no such file
    """
    check_size(size, channels)
    path = Path(path)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file") from None
    except OSError as error:
        why = "is a folder, name a photo in it" if path.is_dir() else f"cannot be read, {reason_of(error)}"
        raise DataError(f"{path}: {why}") from None
    try:
        check_content(content)
        tf, _ = load_keras()
        with quiet_decoders():
            return resize(tf, decode(tf, content, channels), size)
    except UndecodableError as error:
        raise DataError(f"{path}: {error}") from None


def decode(tf: Any, content: bytes, channels: int) -> Any:
    """The content of a file as a uint8 tensor (height, width, channels) of its own size, on the processor.

    Raises:
        UndecodableError: it is not a whole image.
    """
    kind = check_content(content)
    # BMP is only decoded to the channels that it has, GIF only to three: what is asked for is made of them.
    wanted = channels if kind in ("JPEG", "PNG") else 0
    if kind == "BMP":
        _refuse_palette(content)
    with tf.device("cpu:0"):
        image = _attempt(tf, content, wanted)
        if image is None and wanted == 1:  # CMYK, which is only decoded to colours
            image = _attempt(tf, content, 3)
        if image is None:
            raise UndecodableError(f"damaged: begins like a {kind}, and cannot be decoded")
        if 0 in image.shape:
            raise UndecodableError(f"damaged: a {kind} of {image.shape[0]} × {image.shape[1]} pixels")
        found = image.shape[-1]
        if found == channels:
            return image
        colours = image[..., :3] if found >= 3 else tf.repeat(image[..., :1], 3, axis=-1)
        return colours if channels == 3 else tf.image.rgb_to_grayscale(colours)


def _attempt(tf: Any, content: bytes, channels: int) -> Any:
    try:
        return tf.io.decode_image(content, channels=channels, expand_animations=False)
    except (tf.errors.OpError, ValueError):
        return None


def resize(tf: Any, image: Any, size: tuple[int, int]) -> np.ndarray:
    """A uint8 tensor at another size, bilinearly and without a filter, in whole numbers."""
    with tf.device("cpu:0"):
        return np.rint(tf.image.resize(image, size).numpy()).astype(np.uint8)


def reason_of(error: OSError) -> str:
    """What the system says, for the end of a line."""
    return (error.strerror or str(error)).lower()


def _refuse_palette(content: bytes) -> None:
    # TensorFlow takes the entries' numbers for shades of grey: with any other palette that is another picture.
    header, bits = int.from_bytes(content[14:18], "little"), int.from_bytes(content[28:30], "little")
    if bits < 8:
        raise UndecodableError(f"a BMP of {bits} bits a pixel: 8 (grey), 24 and 32 can be read")
    palette = content[14 + header : int.from_bytes(content[10:14], "little")] if bits == 8 else b""
    if any(palette[at : at + 3] != bytes([at // 4] * 3) for at in range(0, len(palette) - 3, 4)):
        raise UndecodableError("a BMP with a palette of colours: 8 bits (grey), 24 and 32 can be read")
