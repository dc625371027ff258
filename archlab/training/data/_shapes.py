"""`shapes`: drawings of cats and dogs from a seed, for when there are no photos."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from archlab.bridge import load_keras
from archlab.errors import DataError, UnknownNameError, UsageError, did_you_mean
from archlab.training.data._animals import ANIMALS, draw
from archlab.training.data._canvas import Dice
from archlab.training.data._decode import resize
from archlab.training.data._folder import SPLITS, Progress
from archlab.training.data._photos import PhotoSet, Split, together
from archlab.training.data._whole import new_folder

NAME = "shapes"
TITLE = "shapes (synthetic drawings)"
_RANGES = {
    "train": (2, 100_000),
    "validation": (2, 100_000),
    "test": (2, 100_000),
    "size": (16, 512),
    "seed": (0, 2**32 - 1),
}


@dataclass(frozen=True)
class Shapes:
    """How many drawings there are of each split, cats and dogs together; how large they are; and where they begin."""

    train: int = 1000
    validation: int = 400
    test: int = 1000
    size: int = 64
    seed: int = 1


def is_shapes(source: str | Path) -> bool:
    """Whether a source names drawings. A path never does, so that a folder of that name can be given."""
    return isinstance(source, str) and source.partition(":")[0] == NAME


def read_shapes(reference: str) -> Shapes:
    """`shapes:train=400,seed=2` as numbers.

    Raises:
        UnknownNameError: there is no such argument.
        UsageError: a value that is no whole number, or out of range.
    """
    found: dict[str, int] = {}
    _, colon, arguments = reference.partition(":")
    for item in arguments.split(",") if colon else ():
        key, equals, value = (part.strip() for part in item.partition("="))
        if not (key and equals and value):
            raise UsageError(f"{reference!r}: arguments are written name=value, as in shapes:train=400, got {item!r}")
        if key not in _RANGES:
            raise UnknownNameError(f"{reference!r}: shapes has no {key!r}: {did_you_mean(key, _RANGES)}")
        low, high = _RANGES[key]
        if not value.isascii() or not value.isdigit() or not low <= int(value) <= high:
            raise UsageError(f"{reference!r}: {key} is a whole number from {low} to {high}, got {value}")
        found[key] = int(value)
    return Shapes(**found)


def drawings(shapes: Shapes, split: str) -> list[tuple[str, int, Dice]]:
    """Name, label and dice of every drawing of a split: cats first, and of an odd number one cat more."""
    count = getattr(shapes, split)
    return [
        (f"{split}/{animal}/{animal[:-1]}.{number}.png", label, Dice(shapes.seed, SPLITS.index(split), label, number))
        for label, animal in enumerate(ANIMALS)
        for number in range((count + 1 - label) // 2)
    ]


def open_shapes(
    source: str, size: tuple[int, int], channels: int, splits: Sequence[str], progress: Progress, memory: int
) -> PhotoSet:
    """The drawings as a data set, resized as photos are.

    Raises:
        DataError: there are more of them than the memory holds.
    """
    shapes = read_shapes(source)
    needed = sum(getattr(shapes, split) for split in splits) * size[0] * size[1] * channels
    if needed > memory:
        raise DataError(f"{source}: {needed / 1e9:.1f} GB of drawings, and {memory / 1e9:.1f} GB of memory for them")
    total = sum(getattr(shapes, split) for split in SPLITS)
    made: dict[str, Split] = {}
    done = 0
    for split in SPLITS:
        listed = drawings(shapes, split)
        pixels = np.empty((len(listed) if split in splits else 0, *size, channels), np.uint8)
        content = hashlib.sha256()
        # All are drawn, asked for or not: the fingerprint is one of everything, as that of a folder is.
        for number, (name, label, dice) in enumerate(listed):
            picture = draw(ANIMALS[label], shapes.size, dice)
            content.update(f"{name}\0{label}\0".encode() + picture.tobytes())
            if split in splits:
                pixels[number] = _fitted(picture, size, channels)
            done += 1
            if done % 50 == 0 or done == total:
                progress("drawing", done, total)
        used = listed if split in splits else []
        labels = np.array([label for _, label, _ in used], dtype=np.int64)
        made[split] = Split(pixels, labels, tuple(name for name, _, _ in used), content.hexdigest())
    whole = together(made[split].fingerprint for split in SPLITS)
    note = "these are drawings, made from a seed: results on them say nothing about photos"
    return PhotoSet(source, TITLE, True, ANIMALS, **made, skipped=(), fingerprint=whole, notes=(note,))


def _fitted(picture: np.ndarray, size: tuple[int, int], channels: int) -> np.ndarray:
    if picture.shape == (*size, channels):
        return picture
    tf, _ = load_keras()
    with tf.device("cpu:0"):
        image = tf.constant(picture)
        return resize(tf, image if channels == 3 else tf.image.rgb_to_grayscale(image), size)


def draw_shapes(source: str, to: str | Path, progress: Progress | None = None) -> Path:
    """Write the drawings as PNG files, to look at: `train/cats/cat.0.png` and so on.

    The folder can be opened as any other one, and holds the same pixels.

    Args:
        source: `shapes`, with arguments if need be, as for `open_photos`.
        to: the folder, which must not exist.
        progress: called with what is being done, how many drawings are done and how many there are.

    Raises:
        OutputError: the folder exists already or cannot be written; nothing of it is left then.

    >>> draw_shapes("shapes:train=2,validation=2,test=2", ".")
    Traceback (most recent call last):
    ...
    archlab.errors.OutputError: .: exists already, and is not written over: name another folder
    """
    shapes, to = read_shapes(source), Path(to)
    listed = [drawing for split in SPLITS for drawing in drawings(shapes, split)]
    with new_folder(to) as folder:
        for number, (name, label, dice) in enumerate(listed, 1):
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(_png(draw(ANIMALS[label], shapes.size, dice)))
            if progress is not None:
                progress("drawing", number, len(listed))
    return to


def _png(picture: np.ndarray) -> bytes:
    """A PNG of (height, width, 3) pixels: a header and the rows, deflated, each behind a 0 for 'not filtered'."""
    height, width, _ = picture.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), picture.reshape(height, width * 3)], axis=1)
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows.tobytes())),
        (b"IEND", b""),
    )
    chunks = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)
