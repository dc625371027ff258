"""An opened data set: pixels and labels of each split, and the skipped files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Split:
    """The images of one split, sorted by class, then by name."""

    pixels: np.ndarray
    """(N, height, width, channels), uint8; in memory, or a read-only memory map of a cache file."""
    labels: np.ndarray
    """(N,), int64: indices into the classes."""
    names: tuple[str, ...]
    """Each image's path below the root, with forward slashes: `test/cats/cat.1500.jpg`."""
    fingerprint: str = ""
    """SHA-256 of names and contents: two runs with the same one were tested on the same images."""

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Skipped:
    """A skipped file, and why."""

    name: str
    reason: str


@dataclass(frozen=True, eq=False)
class ImageSet:
    """An opened data set: every image decoded and resized."""

    source: str
    """The folder or data set that was opened."""
    title: str
    """The data set's name in results: `cats_vs_dogs`, `shapes (synthetic images)`."""
    synthetic: bool
    classes: tuple[str, ...]
    """In alphabetical order; labels are their indices."""
    train: Split
    validation: Split
    test: Split
    skipped: tuple[Skipped, ...]
    """Of the opened splits."""
    fingerprint: str
    """SHA-256 of the names and contents of the images of all splits, in order. It does not depend on the size they are
    resized to, the folder's location or the opened splits."""
    notes: tuple[str, ...] = ()
    """Messages for the user: which splits were split off, where pixels are cached."""


def together(fingerprints: Iterable[str]) -> str:
    """The fingerprint of a data set, from the fingerprints of its splits in order."""
    return hashlib.sha256("".join(fingerprints).encode()).hexdigest()
