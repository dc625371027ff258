"""The first images of a data set, for measurements on one batch. Only these are decoded."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, zip_longest
from pathlib import Path
from typing import NamedTuple

import numpy as np

from archlab.bridge import load_keras
from archlab.data import _shapes
from archlab.data._decode import LARGEST, UndecodableError, check_size, decode
from archlab.data._folder import ImageFile, examine, layout
from archlab.data._image_set import Skipped
from archlab.data._open import check_source
from archlab.data._quiet import quiet_decoders
from archlab.errors import DataError
from archlab.files import read_bytes


class Samples(NamedTuple):
    """Training images of a data set.

    Attributes:
        pixels: (N, height, width, channels), float32, 0 to 255.
        labels: (N,), int64: indices into the classes.
        classes: in alphabetical order.
        skipped: files that could not be read or decoded.
    """

    pixels: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]
    skipped: tuple[Skipped, ...]


def read_samples(source: str | Path, size: tuple[int, int], channels: int = 3, *, count: int) -> Samples:
    """The first training images of a data set by name, alternating between the classes.

    Folders follow the rules of `open_images`: the same names of splits and classes, and files that cannot be read or
    decoded are skipped and listed. Duplicates are not detected, since that needs every file.

    Args:
        source: a folder of class folders, or `shapes`, as for `open_images`.
        size: (height, width) in px that images are resized to, bilinearly; values are not rounded.
        channels: 3, or 1 for greyscale.
        count: the number of images; fewer if the data set has fewer.

    Raises:
        DataError: the folder cannot be used, or a class has no image that can be decoded.
        UsageError: an invalid size, number of channels or argument of `shapes`.

    >>> samples = read_samples("shapes", (32, 32), count=4)
    >>> samples.pixels.shape, samples.labels.tolist(), samples.classes
    ((4, 32, 32, 3), [0, 1, 0, 1], ('cats', 'dogs'))
    """
    check_size(size, channels)
    check_source(source)
    if _shapes.is_shapes(source):
        labels, pixels = _shapes.first_shapes(str(source), size, channels, count)
        return Samples(pixels.astype("float32"), labels, _shapes.ANIMALS, ())
    root = Path(source)
    folders, classes, files = layout(root)
    if "train" not in folders:
        raise DataError(f"{root} has no folder train")
    skipped: list[Skipped] = []
    by_class = [
        _decoded(root, label, files(folders["train"] / name), size, channels, skipped)
        for label, name in enumerate(classes)
    ]
    found = list(islice(_alternating(by_class), count))
    labels = np.array([label for label, _ in found], dtype=np.int64)
    for label, name in enumerate(classes):
        if label not in labels and (len(found) < count or label < count):
            example = next((each for each in skipped if each.name.startswith(f"{_below(root, folders, name)}/")), None)
            such = f", such as {example.name}: {example.reason}" if example else ""
            raise DataError(f"{folders['train'] / name}: no usable image for train{such}")
    return Samples(np.stack([pixels for _, pixels in found]), labels, classes, tuple(skipped))


def _below(root: Path, folders: dict[str, Path], name: str) -> str:
    return (folders["train"] / name).relative_to(root).as_posix()


def _decoded(
    root: Path, label: int, files: list[Path], size: tuple[int, int], channels: int, skipped: list[Skipped]
) -> Iterator[tuple[int, np.ndarray] | None]:
    """Labels and pixels, in order; None for a skipped file, which leaves its class out of one round."""
    tf, _ = load_keras()
    for path in files:
        file = examine(root, label, path)
        if not isinstance(file, ImageFile):
            skipped.append(file)
            yield None
            continue
        try:
            with quiet_decoders():
                image = decode(tf, read_bytes(path, LARGEST), channels)
        except UndecodableError as error:
            skipped.append(Skipped(file.name, str(error)))
            yield None
            continue
        with tf.device("cpu:0"):
            pixels = tf.image.resize(image, size).numpy().astype("float32")
        yield label, pixels


def _alternating(by_class: list[Iterator[tuple[int, np.ndarray] | None]]) -> Iterator[tuple[int, np.ndarray]]:
    for turn in zip_longest(*by_class):
        yield from (one for one in turn if one is not None)
