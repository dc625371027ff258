"""From what a user names to photos that can be trained on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from archlab.errors import DataError, UsageError, closest, did_you_mean
from archlab.training.data import _cache, _shapes
from archlab.training.data._decode import check_size
from archlab.training.data._divide import divide, example, fingerprint
from archlab.training.data._fetch import ARCHIVES
from archlab.training.data._folder import SPLITS, Listing, Photo, Progress, list_folder
from archlab.training.data._load import Loaded, load
from archlab.training.data._photos import PhotoSet, Skipped, Split, together


def open_photos(
    source: str | Path,
    size: tuple[int, int],
    channels: int = 3,
    *,
    splits: Sequence[str] = SPLITS,
    progress: Progress | None = None,
    cache: Path | None = None,
    memory: int | None = None,
) -> PhotoSet:
    """Every photo of a data set, decoded once.

    Files that cannot be read or decoded are skipped and listed, and so are copies: of a photo that lies in two splits,
    the one for testing is kept before the one for validation, and that one before the one for training. A split that
    a folder does not have is made of its training photos, 15 % of each class by a hash of their contents.

    Args:
        source: a folder of class folders, with or without `train`, `validation` and `test` around them; or `shapes`,
            drawings made from a seed, with arguments if need be, `shapes:train=400,size=96,seed=1`. A folder of that
            name is `./shapes`.
        size: (height, width) in pixels that photos are resized to, bilinearly, whatever their proportions.
        channels: 3, or 1 for grey.
        splits: which are decoded; the others are left empty.
        progress: called with what is being done, how many photos are done and how many there are.
        cache: where pixels that do not fit into memory are kept; the system's folder for such things unless given.
        memory: bytes of pixels that are held in memory; a quarter of what is free, at most 4 GiB, unless given.

    Raises:
        DataError: there is no such folder, its classes differ between splits, or a class has no photo left.
        OutputError: the cache cannot be written.
        UsageError: a size, a split or an argument that does not exist.

    >>> photos = open_photos("shapes:train=6,validation=2,test=4", (32, 48))
    >>> photos.train.pixels.shape, photos.train.pixels.dtype, photos.train.labels
    ((6, 32, 48, 3), dtype('uint8'), array([0, 0, 0, 1, 1, 1]))
    >>> photos.classes, photos.title
    (('cats', 'dogs'), 'shapes (synthetic drawings)')
    """
    check_size(size, channels)
    for split in splits:
        if split not in SPLITS:
            raise UsageError(f"no split {split!r}: {did_you_mean(split, SPLITS)}")
    progress = progress or (lambda word, done, total: None)
    memory = _cache.default_memory() if memory is None else memory
    if _shapes.is_shapes(source):
        return _shapes.open_shapes(str(source), size, channels, splits, progress, memory)
    root = Path(source)
    check_folder(source, root)
    listing = divide(list_folder(root, progress))
    missing = [split for split in splits if split not in listing.photos]
    if missing:
        raise DataError(f"{root} has no folder {missing[0]}, and no training photos to make it of")
    wanted = [photo for split in SPLITS if split in splits for photo in listing.photos[split]]
    loaded = load(root, wanted, (*size, channels), progress, memory, cache)
    return _assemble(listing, loaded, str(source), splits)


def check_folder(source: str | Path, root: Path) -> None:
    """Say what can be named or fetched, where a single word is no folder.

    Raises:
        DataError: that.
    """
    if root.exists() or len(root.parts) != 1:
        return
    if root.name in ARCHIVES:
        raise DataError(f"{source}: there is no such folder: archlab data fetch {source} downloads it")
    hint = did_you_mean(str(source), ("shapes",)) if closest(str(source), ("shapes",)) else "shapes need none"
    raise DataError(f"{source}: there is no such folder: {hint}")


def _assemble(listing: Listing, loaded: Loaded, source: str, splits: Sequence[str]) -> PhotoSet:
    pixels, bad, file = loaded
    notes = listing.notes
    if file is not None:
        notes = (*notes, f"decoded photos are kept in {file} ({pixels.nbytes / 1e9:.1f} GB)")
    made: dict[str, Split] = {}
    skipped: list[Skipped] = []
    start = 0
    for split in SPLITS:
        photos = listing.photos.get(split, ())
        used = [photo for photo in photos if photo.name not in bad] if split in splits else []
        if split in splits:
            skipped += listing.skipped[split]
            skipped += [Skipped(photo.name, bad[photo.name]) for photo in photos if photo.name in bad]
            _check_classes(listing, split, used, skipped)
        made[split] = Split(
            pixels[start : start + len(used)],
            np.array([photo.label for photo in used], dtype=np.int64),
            tuple(photo.name for photo in used),
            fingerprint(photos),
        )
        start += len(used)
    whole = together(made[split].fingerprint for split in SPLITS)
    title = listing.root.resolve().name
    return PhotoSet(
        source, title, False, listing.classes, **made, skipped=tuple(skipped), fingerprint=whole, notes=notes
    )


def _check_classes(listing: Listing, split: str, used: list[Photo], skipped: list[Skipped]) -> None:
    for label, name in enumerate(listing.classes):
        if not any(photo.label == label for photo in used):
            folder = listing.folders.get(split, listing.folders.get("train", listing.root)) / name
            raise DataError(f"{folder}: no photo for {split} that can be used{example(listing, skipped, folder)}")
