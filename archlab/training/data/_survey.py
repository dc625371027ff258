"""What a data set holds, class by class, and what of it would be skipped."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median_low
from typing import Any

from archlab.training.data import _shapes
from archlab.training.data._divide import divide, fingerprint
from archlab.training.data._folder import SPLITS, Photo, Progress, list_folder
from archlab.training.data._load import decoded
from archlab.training.data._open import check_folder
from archlab.training.data._photos import Skipped, together


@dataclass(frozen=True)
class Pixels:
    """How large photos are along one axis."""

    smallest: int
    median: int
    largest: int


@dataclass(frozen=True)
class Group:
    """The photos of one class in one split; sizes are None where there are none."""

    split: str
    name: str
    photos: int
    bytes: int
    height: Pixels | None
    width: Pixels | None


@dataclass(frozen=True)
class Survey:
    """A data set's photos by split and class."""

    source: str
    title: str
    synthetic: bool
    classes: tuple[str, ...]
    splits: tuple[str, ...]
    groups: tuple[Group, ...]
    """Each split's classes, in order."""
    height: Pixels | None
    """Of all photos together."""
    width: Pixels | None
    skipped: tuple[Skipped, ...]
    fingerprint: str
    """That of `open_photos`."""
    notes: tuple[str, ...]

    def count(self, split: str | None = None, name: str | None = None) -> int:
        """How many photos can be used: of a split, of a class, of both, of all."""
        return sum(g.photos for g in self.groups if split in (None, g.split) and name in (None, g.name))

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain data."""
        return asdict(self)


def survey(source: str | Path, progress: Progress | None = None) -> Survey:
    """Count a data set's photos and decode each of them, to find those that cannot be.

    Args:
        source: a folder or `shapes`, as for `open_photos`.
        progress: called with what is being done, how many photos are done and how many there are.

    Raises:
        DataError: there is no such folder, or its classes differ between splits.

    >>> found = survey("shapes:train=30,validation=10,test=20")
    >>> found.classes, found.count(), found.count("train", "cats"), found.height
    (('cats', 'dogs'), 60, 15, Pixels(smallest=64, median=64, largest=64))
    """
    progress = progress or (lambda word, done, total: None)
    if _shapes.is_shapes(source):
        return _of_shapes(str(source), progress)
    root = Path(source)
    check_folder(source, root)
    listing = divide(list_folder(root, progress))
    splits = tuple(listing.photos)
    photos = [photo for split in splits for photo in listing.photos[split]]
    sizes: dict[Photo, tuple[int, int]] = {}
    bad: dict[Photo, str] = {}
    measured = decoded(root, photos, 3, lambda tf, image: tuple(image.shape[:2]), progress)
    for photo, found in zip(photos, measured, strict=True):
        if isinstance(found, str):
            bad[photo] = found
        else:
            sizes[photo] = found
    groups: list[Group] = []
    skipped: list[Skipped] = []
    for split in splits:
        skipped += listing.skipped[split]
        skipped += [Skipped(photo.name, bad[photo]) for photo in listing.photos[split] if photo in bad]
        for label, name in enumerate(listing.classes):
            used = [photo for photo in listing.photos[split] if photo.label == label and photo in sizes]
            spread = _spread([sizes[photo] for photo in used])
            groups.append(Group(split, name, len(used), sum(photo.bytes for photo in used), *spread))
    return Survey(
        source=str(source),
        title=root.resolve().name,
        synthetic=False,
        classes=listing.classes,
        splits=splits,
        groups=tuple(groups),
        **dict(zip(("height", "width"), _spread(list(sizes.values())), strict=True)),
        skipped=tuple(skipped),
        fingerprint=together(fingerprint(listing.photos.get(split, ())) for split in SPLITS),
        notes=listing.notes,
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
