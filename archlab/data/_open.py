"""Open a data set by name or folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from archlab.data import _cache, _shapes
from archlab.data._decode import check_size
from archlab.data._divide import divide, example, fingerprint
from archlab.data._folder import SPLITS, ImageFile, Listing, Progress, list_folder
from archlab.data._image_set import ImageSet, Skipped, Split, together
from archlab.data._known import ARCHIVES
from archlab.data._load import Loaded, load
from archlab.errors import DataError, UsageError, closest, did_you_mean


def open_images(
    source: str | Path,
    size: tuple[int, int],
    channels: int = 3,
    *,
    splits: Sequence[str] = SPLITS,
    progress: Progress | None = None,
    cache: Path | None = None,
    memory: int | None = None,
) -> ImageSet:
    """Open a data set: decode and resize every image once.

    Files that cannot be read or decoded are skipped and listed. So are duplicates: of an image in two splits, test
    takes precedence over validation, and validation over training. A missing split is taken from the training images:
    15 % of each class, by the hash of their contents.

    Args:
        source: a folder of class folders, optionally inside `train`, `validation` and `test`; or the synthetic data set
            `shapes`, optionally with arguments: `shapes:train=400,size=96,seed=1`. Write `./shapes` for a folder of
            that name.
        size: (height, width) in px that images are resized to, bilinearly; the aspect ratio is not preserved.
        channels: 3, or 1 for greyscale.
        splits: the splits to decode; the others stay empty.
        progress: called with the name of the step, the number of images done and the total.
        cache: the folder for pixels that do not fit into memory. Default: the system's cache folder.
        memory: bytes of pixels held in memory. Default: a quarter of the free memory, at most 4 GiB.

    Raises:
        DataError: there is no such folder, its splits have different classes, or a class has no usable image.
        OutputError: the cache cannot be written.
        UsageError: an invalid size, split or argument.

    >>> images = open_images("shapes:train=6,validation=2,test=4", (32, 48))
    >>> images.train.pixels.shape, images.train.pixels.dtype, images.train.labels
    ((6, 32, 48, 3), dtype('uint8'), array([0, 0, 0, 1, 1, 1]))
    >>> images.classes, images.title
    (('cats', 'dogs'), 'shapes (synthetic images)')
    """
    check_size(size, channels)
    for split in splits:
        if split not in SPLITS:
            raise UsageError(f"no split {split!r}: {did_you_mean(split, SPLITS)}")
    progress = progress or (lambda word, done, total: None)
    memory = _cache.default_memory() if memory is None else memory
    if _shapes.is_shapes(source):
        return _shapes.open_shapes(str(source), size, channels, splits, progress, memory)
    check_source(source)
    root = Path(source)
    listing = divide(list_folder(root, progress))
    missing = [split for split in splits if split not in listing.images]
    if missing:
        raise DataError(f"{root} has no folder {missing[0]}, and no training images to split it off from")
    wanted = [image for split in SPLITS if split in splits for image in listing.images[split]]
    loaded = load(root, wanted, (*size, channels), progress, memory, cache)
    return _assemble(listing, loaded, str(source), splits)


def check_source(source: str | Path) -> None:
    """Check that a data set exists, before anything is loaded. Its images are checked when they are read.

    Raises:
        DataError: there is no such folder; the message says how to get one.
        UnknownNameError: `shapes` has no such argument.
        UsageError: an argument of `shapes` is out of range.

    >>> check_source("cats_vs_dogs")
    Traceback (most recent call last):
    ...
    archlab.errors.DataError: cats_vs_dogs: there is no such folder: archlab data fetch cats_vs_dogs downloads it
    """
    if _shapes.is_shapes(source):
        _shapes.read_shapes(str(source))
        return
    root = Path(source)
    if root.is_dir():
        return
    if root.exists():
        raise DataError(f"{source}: is a file, not a folder")
    if len(root.parts) != 1:
        raise DataError(f"{source}: there is no such folder")
    if root.name in ARCHIVES:
        raise DataError(f"{source}: there is no such folder: archlab data fetch {source} downloads it")
    hint = did_you_mean(str(source), ("shapes",)) if closest(str(source), ("shapes",)) else "shapes needs no folder"
    raise DataError(f"{source}: there is no such folder: {hint}")


def describe(listing: Listing) -> tuple[str, bool, tuple[str, ...]]:
    """A folder's name in results, whether its images are synthetic, and the messages about it."""
    name = listing.root.resolve().name
    if _shapes.is_synthetic_folder(listing.root):
        return f"{name} (synthetic images)", True, (*listing.notes, _shapes.NOTE)
    return name, False, listing.notes


def _assemble(listing: Listing, loaded: Loaded, source: str, splits: Sequence[str]) -> ImageSet:
    pixels, failures, file = loaded
    title, synthetic, notes = describe(listing)
    if file is not None:
        notes = (*notes, f"decoded images are cached in {file} ({pixels.nbytes / 1e9:.1f} GB)")
    opened: dict[str, Split] = {}
    skipped: list[Skipped] = []
    start = 0
    for split in SPLITS:
        images = listing.images.get(split, ())
        used = [image for image in images if image.name not in failures] if split in splits else []
        if split in splits:
            skipped += listing.skipped[split]
            skipped += [Skipped(image.name, failures[image.name]) for image in images if image.name in failures]
            _check_classes(listing, split, used, skipped)
        opened[split] = Split(
            pixels[start : start + len(used)],
            np.array([image.label for image in used], dtype=np.int64),
            tuple(image.name for image in used),
            fingerprint(images),
        )
        start += len(used)
    whole = together(opened[split].fingerprint for split in SPLITS)
    return ImageSet(
        source, title, synthetic, listing.classes, **opened, skipped=tuple(skipped), fingerprint=whole, notes=notes
    )


def _check_classes(listing: Listing, split: str, used: list[ImageFile], skipped: list[Skipped]) -> None:
    for label, name in enumerate(listing.classes):
        if not any(image.label == label for image in used):
            folder = listing.folders.get(split, listing.folders.get("train", listing.root)) / name
            raise DataError(f"{folder}: no usable image for {split}{example(listing, skipped, folder)}")
