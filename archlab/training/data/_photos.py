"""What opening a data set gives: pixels and labels, split by split, and what was left out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Split:
    """The photos of one split, in a fixed order: by class, then by name."""

    pixels: np.ndarray
    """(N, height, width, channels), uint8; in memory, or a read-only map of a cache file."""
    labels: np.ndarray
    """(N,), int64: an index into the classes."""
    names: tuple[str, ...]
    """Each photo's path below the data's root, with forward slashes: `test/cats/cat.1500.jpg`."""
    fingerprint: str = ""
    """SHA-256 over names and contents: two runs with the same one were tested on the same photos."""

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Skipped:
    """A file that was left out, and why."""

    name: str
    reason: str


@dataclass(frozen=True, eq=False)
class PhotoSet:
    """A data set, opened: every photo decoded and resized."""

    source: str
    """What the user named."""
    title: str
    """How results on it may be presented: `cats_vs_dogs`, `shapes (synthetic drawings)`."""
    synthetic: bool
    classes: tuple[str, ...]
    """In alphabetical order; labels count from 0 along it."""
    train: Split
    validation: Split
    test: Split
    skipped: tuple[Skipped, ...]
    """Of the splits that were asked for."""
    fingerprint: str
    """SHA-256 over the names and contents of the photos of all splits, in order. The size they are resized to, where
    the folder lies and which splits were asked for do not matter to it."""
    notes: tuple[str, ...] = ()
    """What a reader should know: which split was made up, where pixels are kept."""


def together(fingerprints: Iterable[str]) -> str:
    """The fingerprint of a data set, from those of its splits in order."""
    return hashlib.sha256("".join(fingerprints).encode()).hexdigest()
