"""`shapes`: the built-in data set of synthetic cats and dogs, generated from a seed."""

from __future__ import annotations

import hashlib
import re
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import numpy as np

from archlab.bridge import load_keras
from archlab.data._animals import ANIMALS, draw
from archlab.data._canvas import PortableRandom
from archlab.data._decode import resize
from archlab.data._folder import SPLITS, Progress
from archlab.data._image_set import ImageSet, Split, together
from archlab.errors import DataError, UnknownNameError, UsageError, did_you_mean
from archlab.files import new_folder

NAME = "shapes"
TITLE = "shapes (synthetic images)"
NOTE = "synthetic images, generated from a seed: results on them do not transfer to natural images"
_FORMER_TITLE = "shapes (synthetic drawings)"
"""What earlier versions wrote into the folder."""
MARK = "SOURCE.txt"
"""Names the source of a data set; beside the class folders, of `shapes` and of downloaded images."""
_RANGES = {
    "train": (2, 100_000),
    "validation": (2, 100_000),
    "test": (2, 100_000),
    "size": (16, 512),
    "seed": (0, 2**32 - 1),
}


@dataclass(frozen=True)
class Shapes:
    """The arguments of `shapes`: the number of images in each split, their size in px, and the seed."""

    train: int = 1000
    validation: int = 400
    test: int = 1000
    size: int = 64
    seed: int = 1


def is_shapes(source: str | Path) -> bool:
    """Whether a source is `shapes`. A `Path` never is, so that a folder of that name can be given."""
    return isinstance(source, str) and source.partition(":")[0] == NAME


def is_synthetic_folder(root: Path) -> bool:
    """Whether `write_shapes` wrote the folder: results on it are marked as synthetic too."""
    try:
        with (root / MARK).open(encoding="utf-8", errors="replace") as file:
            return file.readline(200).strip() in (TITLE, _FORMER_TITLE)
    except OSError:
        return False


def read_shapes(reference: str) -> Shapes:
    """Parse `shapes:train=400,seed=2`.

    Raises:
        UnknownNameError: there is no such argument.
        UsageError: a value is not an integer, or out of range.
    """
    found: dict[str, int] = {}
    _, colon, arguments = reference.partition(":")
    for item in arguments.split(",") if colon else ():
        key, equals, value = (part.strip() for part in item.partition("="))
        if not (key and equals and value):
            raise UsageError(f"{reference!r}: arguments are written name=value, as in shapes:train=400, got {item!r}")
        if key not in _RANGES:
            raise UnknownNameError(f"{reference!r}: shapes has no argument {key!r}: {did_you_mean(key, _RANGES)}")
        low, high = _RANGES[key]
        if not re.fullmatch("[0-9]{1,10}", value) or not low <= int(value) <= high:
            raise UsageError(f"{reference!r}: {key} must be an integer from {low} to {high}, got {value}")
        found[key] = int(value)
    return Shapes(**found)


def list_shapes(shapes: Shapes, split: str) -> list[tuple[str, int, PortableRandom]]:
    """Name, label and random generator of every image of a split: cats, then dogs; an odd number has one cat more."""
    count = getattr(shapes, split)
    return [
        (
            f"{split}/{animal}/{animal[:-1]}.{number}.png",
            label,
            PortableRandom(shapes.seed, SPLITS.index(split), label, number),
        )
        for label, animal in enumerate(ANIMALS)
        for number in range((count + 1 - label) // 2)
    ]


def open_shapes(
    source: str, size: tuple[int, int], channels: int, splits: Sequence[str], progress: Progress, memory: int
) -> ImageSet:
    """The synthetic images as a data set, resized as image files are.

    Raises:
        DataError: they do not fit into the memory.
    """
    shapes = read_shapes(source)
    needed = sum(getattr(shapes, split) for split in splits) * size[0] * size[1] * channels
    if needed > memory:
        raise DataError(f"{source} needs {needed / 1e9:.1f} GB of memory, and {memory / 1e9:.1f} GB are available")
    total = sum(getattr(shapes, split) for split in SPLITS)
    opened: dict[str, Split] = {}
    done = 0
    for split in SPLITS:
        items = list_shapes(shapes, split)
        pixels = np.empty((len(items) if split in splits else 0, *size, channels), np.uint8)
        content = hashlib.sha256()
        # All splits are generated: the fingerprint covers the whole data set, as that of a folder does.
        for number, (name, label, rng) in enumerate(items):
            picture = draw(ANIMALS[label], shapes.size, rng)
            content.update(f"{name}\0{label}\0".encode() + picture.tobytes())
            if split in splits:
                pixels[number] = _fitted(picture, size, channels)
            done += 1
            if done % 50 == 0 or done == total:
                progress("generating", done, total)
        used = items if split in splits else []
        labels = np.array([label for _, label, _ in used], dtype=np.int64)
        opened[split] = Split(pixels, labels, tuple(name for name, _, _ in used), content.hexdigest())
    whole = together(opened[split].fingerprint for split in SPLITS)
    return ImageSet(source, TITLE, True, ANIMALS, **opened, skipped=(), fingerprint=whole, notes=(NOTE,))


def first_shapes(source: str, size: tuple[int, int], channels: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels and pixels of the first training images, alternating between cats and dogs."""
    shapes = read_shapes(source)
    items = list_shapes(shapes, "train")
    cats = (len(items) + 1) // 2
    items = [one for pair in zip_longest(items[:cats], items[cats:]) for one in pair if one is not None][:count]
    pixels = np.stack([_fitted(draw(ANIMALS[label], shapes.size, rng), size, channels) for _, label, rng in items])
    return np.array([label for _, label, _ in items], dtype=np.int64), pixels


def _fitted(picture: np.ndarray, size: tuple[int, int], channels: int) -> np.ndarray:
    if picture.shape == (*size, channels):
        return picture
    tf, _ = load_keras()
    with tf.device("cpu:0"):
        image = tf.constant(picture)
        return resize(tf, image if channels == 3 else tf.image.rgb_to_grayscale(image), size)


def write_shapes(source: str, to: str | Path, progress: Progress | None = None) -> Path:
    """Write the synthetic images as PNG files: `train/cats/cat.0.png` and so on.

    The folder can be opened like any other, with the same pixels.

    Args:
        source: `shapes`, optionally with arguments, as for `open_images`.
        to: the folder, which must not exist.
        progress: called with the name of the step, the number of images done and the total.

    Raises:
        OutputError: the folder exists or cannot be written; in that case nothing is left of it.

    >>> write_shapes("shapes:train=2,validation=2,test=2", ".")
    Traceback (most recent call last):
    ...
    archlab.errors.OutputError: .: exists already, and is not written over: name another folder
    """
    shapes, to = read_shapes(source), Path(to)
    items = [item for split in SPLITS for item in list_shapes(shapes, split)]
    with new_folder(to) as folder:
        (folder / MARK).write_text(f"{TITLE}\nCreated by: archlab data draw {source}\n", encoding="utf-8")
        for number, (name, label, rng) in enumerate(items, 1):
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(png(draw(ANIMALS[label], shapes.size, rng)))
            if progress is not None:
                progress("generating", number, len(items))
    return to


def png(picture: np.ndarray) -> bytes:
    """(height, width, 3) pixels as a PNG: a header and the deflated rows, each after the filter byte 0 (none)."""
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
