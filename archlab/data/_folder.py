"""List the images of a folder of class folders, and the files that are skipped."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

from archlab.data._decode import LARGEST, SUFFIXES, UndecodableError, check_content, kind_by_suffix
from archlab.data._image_set import Skipped
from archlab.errors import DataError, did_you_mean
from archlab.files import read_bytes, reason_of

Progress = Callable[[str, int, int], None]
A = TypeVar("A")
B = TypeVar("B")

SPLITS = ("train", "validation", "test")
_SPELLINGS = {"train": "train", "training": "train", "validation": "validation", "valid": "validation",
              "val": "validation", "test": "test", "testing": "test"}  # fmt: skip
_CHUNK = 256


@dataclass(frozen=True)
class ImageFile:
    """A file with the header of an image."""

    path: Path
    name: str
    """The path below the root, with forward slashes."""
    label: int
    digest: str
    """SHA-256 of its content."""
    bytes: int
    kind: str


@dataclass(frozen=True)
class Listing:
    """The image files of a folder by split, not yet decoded. A split may be missing."""

    root: Path
    classes: tuple[str, ...]
    folders: dict[str, Path]
    """The folder of each split; empty if the class folders are in the root."""
    images: dict[str, tuple[ImageFile, ...]]
    skipped: dict[str, tuple[Skipped, ...]]
    notes: tuple[str, ...]


def list_folder(root: Path, progress: Progress) -> Listing:
    """Every image file of a folder, with the hash of its content.

    Raises:
        DataError: there is no such folder, it has fewer than two classes, or its splits have different classes.
    """
    folders, classes, files_of = layout(root)
    files = [
        (split, label, path)
        for split, folder in folders.items()
        for label, name in enumerate(classes)
        for path in files_of(folder / name)
    ]
    images: dict[str, list[ImageFile]] = {split: [] for split in folders}
    skipped: dict[str, list[Skipped]] = {split: [] for split in folders}
    found = in_parallel(lambda file: examine(root, *file[1:]), files, lambda n: progress("reading", n, len(files)))
    for (split, _, _), each in zip(files, found, strict=True):
        if isinstance(each, ImageFile):
            images[split].append(each)
        else:
            skipped[split].append(each)
    return Listing(
        root,
        classes,
        {} if folders == {"train": root} else folders,
        {split: tuple(each) for split, each in images.items()},
        {split: tuple(each) for split, each in skipped.items()},
        _misnamed([image for each in images.values() for image in each]),
    )


class Layout(NamedTuple):
    """The folders of a data set.

    Attributes:
        folders: of each split on the disk; `train` is the root if the class folders are in it.
        classes: in alphabetical order.
        files: the files of a class folder, in alphabetical order.
    """

    folders: dict[str, Path]
    classes: tuple[str, ...]
    files: Callable[[Path], list[Path]]


def layout(root: Path) -> Layout:
    """The splits and classes of a folder. No file is read.

    Raises:
        DataError: there is no such folder, it has fewer than two classes, or its splits have different classes.
    """
    if not root.is_dir():
        raise DataError(f"{root}: {'is a file, not a folder' if root.exists() else 'there is no such folder'}")
    folders = _split_folders(root) or {"train": root}
    return Layout(folders, _classes(root, folders), _files)


def in_parallel(
    work: Callable[[A], B],
    items: Sequence[A],
    step: Callable[[int], None],
    around: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> Iterable[B]:
    """The results in order, from a thread pool: reading, hashing and decoding release the GIL."""
    with ThreadPoolExecutor(min(os.cpu_count() or 1, 16), "archlab-images") as pool:
        # In chunks, which bounds the pending results and lets Ctrl-C through.
        for start in range(0, len(items), _CHUNK):
            with around():
                results = list(pool.map(work, items[start : start + _CHUNK]))
            yield from results
            step(min(start + _CHUNK, len(items)))


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
            raise DataError(f"{root}: {found[split].name} and {child.name} both name the split {split}: keep one")
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
        raise DataError(f"{folder} needs one folder of images per class{hint}")
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
    """All files below a class folder, hidden ones excluded, in alphabetical order."""

    def fail(error: OSError) -> None:
        raise DataError(f"{error.filename}: cannot be read, {reason_of(error)}")

    found: list[Path] = []
    for base, inner, names in os.walk(folder, onerror=fail):
        inner[:] = [name for name in inner if not name.startswith(".")]
        found += [Path(base, name) for name in names if not name.startswith(".")]
    return sorted(found, key=lambda path: path.relative_to(folder).parts)


def examine(root: Path, label: int, path: Path) -> ImageFile | Skipped:
    """An image file, or why the file is skipped, by its name and its first bytes."""
    # Invalid text, line breaks and terminal escapes in a name would break the output that prints it.
    name = os.fsencode(path.relative_to(root).as_posix()).decode("utf-8", "replace")
    name = "".join(letter if letter.isprintable() else "\ufffd" for letter in name)
    if path.suffix.lower() not in SUFFIXES:
        return Skipped(name, f"no image suffix: {', '.join(SUFFIXES)} can be read")
    try:
        content = read_bytes(path, LARGEST)
        kind = check_content(content)
    except OSError as error:
        return Skipped(name, f"cannot be read, {reason_of(error)}")
    except UndecodableError as error:
        return Skipped(name, str(error))
    return ImageFile(path, name, label, hashlib.sha256(content).hexdigest(), len(content), kind)


def _misnamed(images: list[ImageFile]) -> tuple[str, ...]:
    found = [image for image in images if kind_by_suffix(image.path) != image.kind]
    if not found:
        return ()
    example = f"{found[0].name} is a {found[0].kind}"
    return (f"{len(found)} image(s) have a suffix of another format and are read by their content: {example}",)
