"""The number and sizes of a data set's images by class, and the skipped files."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median_low
from typing import Any

from archlab.data import _shapes
from archlab.data._divide import divide, fingerprint
from archlab.data._folder import SPLITS, ImageFile, Progress, list_folder
from archlab.data._image_set import Skipped, together
from archlab.data._load import decoded
from archlab.data._open import check_source, describe


@dataclass(frozen=True)
class Pixels:
    """The range of image sizes along one axis, px."""

    smallest: int
    median: int
    largest: int


@dataclass(frozen=True)
class Group:
    """The images of one class in one split; sizes are None without images."""

    split: str
    name: str
    images: int
    bytes: int
    height: Pixels | None
    width: Pixels | None

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {"photos" if key == "images" else key: value for key, value in asdict(self).items()}


@dataclass(frozen=True)
class Survey:
    """The images of a data set by split and class."""

    source: str
    title: str
    synthetic: bool
    classes: tuple[str, ...]
    splits: tuple[str, ...]
    groups: tuple[Group, ...]
    """Each split's classes, in order."""
    height: Pixels | None
    """Of all images together."""
    width: Pixels | None
    skipped: tuple[Skipped, ...]
    fingerprint: str
    """That of `open_images`."""
    notes: tuple[str, ...]

    def count(self, split: str | None = None, name: str | None = None) -> int:
        """The number of usable images: of a split, of a class, of both, or in total."""
        return sum(g.images for g in self.groups if split in (None, g.split) and name in (None, g.name))

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self) | {"groups": [group.to_dict() for group in self.groups]}


def survey(source: str | Path, progress: Progress | None = None) -> Survey:
    """Count the images of a data set. Every image is decoded, so that damaged ones are found.

    Args:
        source: a folder or `shapes`, as for `open_images`.
        progress: called with the name of the step, the number of images done and the total.

    Raises:
        DataError: there is no such folder, or its splits have different classes.

    >>> counts = survey("shapes:train=30,validation=10,test=20")
    >>> counts.classes, counts.count(), counts.count("train", "cats"), counts.height
    (('cats', 'dogs'), 60, 15, Pixels(smallest=64, median=64, largest=64))
    """
    progress = progress or (lambda word, done, total: None)
    if _shapes.is_shapes(source):
        return _of_shapes(str(source), progress)
    root = Path(source)
    check_source(source)
    listing = divide(list_folder(root, progress))
    splits = tuple(listing.images)
    images = [image for split in splits for image in listing.images[split]]
    sizes: dict[ImageFile, tuple[int, int]] = {}
    failures: dict[ImageFile, str] = {}
    measured = decoded(root, images, 3, lambda tf, image: tuple(image.shape[:2]), progress)
    for image, found in zip(images, measured, strict=True):
        if isinstance(found, str):
            failures[image] = found
        else:
            sizes[image] = found
    groups: list[Group] = []
    skipped: list[Skipped] = []
    for split in splits:
        skipped += listing.skipped[split]
        skipped += [Skipped(image.name, failures[image]) for image in listing.images[split] if image in failures]
        for label, name in enumerate(listing.classes):
            used = [image for image in listing.images[split] if image.label == label and image in sizes]
            spread = _spread([sizes[image] for image in used])
            groups.append(Group(split, name, len(used), sum(image.bytes for image in used), *spread))
    title, synthetic, notes = describe(listing)
    return Survey(
        source=str(source),
        title=title,
        synthetic=synthetic,
        classes=listing.classes,
        splits=splits,
        groups=tuple(groups),
        **dict(zip(("height", "width"), _spread(list(sizes.values())), strict=True)),
        skipped=tuple(skipped),
        fingerprint=together(fingerprint(listing.images.get(split, ())) for split in SPLITS),
        notes=notes,
    )


def _spread(sizes: list[tuple[int, int]]) -> tuple[Pixels | None, Pixels | None]:
    if not sizes:
        return None, None
    height, width = (Pixels(min(axis), median_low(axis), max(axis)) for axis in zip(*sizes, strict=True))
    return height, width


def _of_shapes(source: str, progress: Progress) -> Survey:
    size = _shapes.read_shapes(source).size
    opened = _shapes.open_shapes(source, (size, size), 3, SPLITS, progress, sys.maxsize)
    each = Pixels(size, size, size)
    groups = [
        Group(split, name, int((getattr(opened, split).labels == label).sum()), 0, each, each)
        for split in SPLITS
        for label, name in enumerate(opened.classes)
    ]
    return Survey(
        source,
        opened.title,
        True,
        opened.classes,
        SPLITS,
        tuple(groups),
        each,
        each,
        (),
        opened.fingerprint,
        opened.notes,
    )
