"""A folder of class folders, read as far as it takes to know which photos there are and which are left out."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from archlab.errors import DataError, did_you_mean
from archlab.training.data._decode import SUFFIXES, UndecodableError, check_content, kind_by_suffix, reason_of
from archlab.training.data._photos import Skipped

Progress = Callable[[str, int, int], None]
A = TypeVar("A")
B = TypeVar("B")

SPLITS = ("train", "validation", "test")
_SPELLINGS = {"train": "train", "training": "train", "validation": "validation", "valid": "validation",
              "val": "validation", "test": "test", "testing": "test"}  # fmt: skip
_AT_ONCE = 256


@dataclass(frozen=True)
class Photo:
    """A file that begins like an image."""

    path: Path
    name: str
    """Below the root, with forward slashes."""
    label: int
    digest: str
    """SHA-256 of its content."""
    bytes: int
    kind: str


@dataclass(frozen=True)
class Listing:
    """A folder's photos by split, before anything is decoded. A split may be missing."""

    root: Path
    classes: tuple[str, ...]
    folders: dict[str, Path]
    """Where each split that is on disk lies; only 'train', the root itself, where there are none."""
    photos: dict[str, tuple[Photo, ...]]
    skipped: dict[str, tuple[Skipped, ...]]
    notes: tuple[str, ...]


def list_folder(root: Path, progress: Progress) -> Listing:
    """Every photo of a folder with its content's hash.

    Raises:
        DataError: there is no such folder, it has fewer than two classes, or splits whose classes differ.
    """
    if not root.is_dir():
        raise DataError(f"{root}: {'is a file, not a folder' if root.exists() else 'there is no such folder'}")
    folders = _split_folders(root)
    divided = bool(folders)
    folders = folders or {"train": root}
    classes = _classes(root, folders)
    files = [
        (split, label, path)
        for split, folder in folders.items()
        for label, name in enumerate(classes)
        for path in _files(folder / name)
    ]
    photos: dict[str, list[Photo]] = {split: [] for split in folders}
    skipped: dict[str, list[Skipped]] = {split: [] for split in folders}
    found = in_parallel(lambda file: _examine(root, *file[1:]), files, lambda n: progress("reading", n, len(files)))
    for (split, _, _), each in zip(files, found, strict=True):
        (photos if isinstance(each, Photo) else skipped)[split].append(each)  # pyright: ignore[reportArgumentType]
    return Listing(
        root,
        classes,
        folders if divided else {},
        {split: tuple(each) for split, each in photos.items()},
        {split: tuple(each) for split, each in skipped.items()},
        _misnamed([photo for each in photos.values() for photo in each]),
    )


def in_parallel(
    work: Callable[[A], B],
    items: Sequence[A],
    step: Callable[[int], None],
    around: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> Iterable[B]:
    """The results in order, from threads: reading, hashing and decoding all happen outside Python's lock."""
    with ThreadPoolExecutor(min(os.cpu_count() or 1, 16), "archlab-photos") as pool:
        # By the hundred, so that no more results wait to be taken than that, and Ctrl-C has not long to wait.
        for start in range(0, len(items), _AT_ONCE):
            with around():
                results = list(pool.map(work, items[start : start + _AT_ONCE]))
            yield from results
            step(min(start + _AT_ONCE, len(items)))


def _folders(folder: Path) -> list[Path]:
    try:
        return sorted(child for child in folder.iterdir() if child.is_dir() and not child.name.startswith("."))
    except OSError as error:
        raise DataError(f"{folder}: cannot be read, {reason_of(error)}") from None


def _split_folders(root: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for child in _folders(root):
        split = _SPELLINGS.get(child.name.lower())
        if split is None:
            continue
        if split in found:
            raise DataError(f"{root}: {found[split].name} and {child.name} are both for {split}: keep one of them")
        found[split] = child
    return {split: found[split] for split in SPLITS if split in found}


def _classes(root: Path, folders: dict[str, Path]) -> tuple[str, ...]:
    by_split = {split: [child.name for child in _folders(folder)] for split, folder in folders.items()}
    first, *others = by_split
    classes = by_split[first]
    if len(classes) < 2:
        folder = folders[first]
        inner = [child for child in _folders(folder) if len(_folders(child)) > 1]
        hint = f": did you mean {inner[0]}?" if inner else f", such as {folder / 'cats'} and {folder / 'dogs'}"
        raise DataError(f"{folder} needs a folder of photos for each class{hint}")
    for split in others:
        for name in by_split[split]:
            if name not in classes:
                raise DataError(
                    f"{folders[split] / name}: {first} has no class {name!r}: {did_you_mean(name, classes)}"
                )
        for name in classes:
            if name not in by_split[split]:
                raise DataError(f"{folders[split]} has no folder for the class {name!r}, which {first} has")
    return tuple(classes)


def _files(folder: Path) -> list[Path]:
    """All files below a class folder that are not hidden, in alphabetical order."""

    def fail(error: OSError) -> None:
        raise DataError(f"{error.filename}: cannot be read, {reason_of(error)}")

    found: list[Path] = []
    for base, inner, names in os.walk(folder, onerror=fail):
        inner[:] = [name for name in inner if not name.startswith(".")]
        found += [Path(base, name) for name in names if not name.startswith(".")]
    return sorted(found, key=lambda path: path.relative_to(folder).parts)


def _examine(root: Path, label: int, path: Path) -> Photo | Skipped:
    # Names that are no valid text would break whatever prints them.
    name = os.fsencode(path.relative_to(root).as_posix()).decode("utf-8", "replace")
    if path.suffix.lower() not in SUFFIXES:
        return Skipped(name, f"not a photo by its name: {', '.join(SUFFIXES)} are read")
    try:
        content = path.read_bytes()
        kind = check_content(content)
    except OSError as error:
        return Skipped(name, f"cannot be read, {reason_of(error)}")
    except UndecodableError as error:
        return Skipped(name, str(error))
    return Photo(path, name, label, hashlib.sha256(content).hexdigest(), len(content), kind)


def _misnamed(photos: list[Photo]) -> tuple[str, ...]:
    found = [photo for photo in photos if kind_by_suffix(photo.path) != photo.kind]
    if not found:
        return ()
    example = f"{found[0].name} is a {found[0].kind}"
    return (f"{len(found)} photo(s) are of another format than their names say, and read as what they are: {example}",)
