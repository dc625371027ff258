"""Splits: missing ones are taken from the training images, duplicates across splits are removed."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from archlab.data._folder import SPLITS, ImageFile, Listing
from archlab.data._image_set import Skipped
from archlab.errors import DataError

_SHARE = 0.15


def divide(listing: Listing) -> Listing:
    """A listing with all three splits, if it has training images, and with no image in two of them.

    A missing split gets the 15 % of each class whose contents have the lowest hashes. This does not depend on the
    folder's location or the files' names, and keeps duplicates together. Of an image in two splits, the copy for test
    precedes the copy for validation, and that the copy for training: no network is tested on its training images.

    Raises:
        DataError: a class has too few images to split.
    """
    return _with_all_splits(_without_copies(_without_contradictions(listing)))


def fingerprint(images: Iterable[ImageFile]) -> str:
    """SHA-256 of names, labels and contents, in order."""
    total = hashlib.sha256()
    for image in images:
        total.update(f"{image.name}\0{image.label}\0{image.digest}\n".encode())
    return total.hexdigest()


def example(listing: Listing, skipped: Iterable[Skipped], folder: Path) -> str:
    """The end of an error message about a folder: its first skipped file, if any."""
    inside = f"{folder.relative_to(listing.root).as_posix()}/"
    found = next((each for each in skipped if each.name.startswith(inside)), None)
    return f", such as {found.name}: {found.reason}" if found else ""


def _without_contradictions(listing: Listing) -> Listing:
    """Without images that a split holds in two classes: their label is ambiguous."""
    images, skipped = dict(listing.images), dict(listing.skipped)
    for split, each in images.items():
        labels: dict[str, dict[int, ImageFile]] = defaultdict(dict)
        for image in each:
            labels[image.digest].setdefault(image.label, image)
        for image in each:
            others = [other for label, other in labels[image.digest].items() if label != image.label]
            if others:
                skipped[split] += (Skipped(image.name, f"duplicate of {others[0].name}, in another class"),)
        images[split] = tuple(image for image in each if len(labels[image.digest]) == 1)
    return replace(listing, images=images, skipped=skipped)


def _with_all_splits(listing: Listing) -> Listing:
    missing = [split for split in ("test", "validation") if split not in listing.images]
    if not missing or "train" not in listing.images:
        return listing
    images, skipped = dict(listing.images), dict(listing.skipped)
    taken: dict[str, str] = {}
    for label, name in enumerate(listing.classes):
        contents = sorted({image.digest for image in images["train"] if image.label == label})
        share = max(1, round(_SHARE * len(contents)))
        if len(contents) < (len(missing) + 1) * share:
            folder = listing.folders.get("train", listing.root) / name
            why = f"{len(contents)} image(s) are too few to split off {missing[-1]}"
            raise DataError(f"{folder}: {why}{example(listing, skipped['train'], folder)}")
        for number, split in enumerate(missing):
            taken |= dict.fromkeys(contents[number * share : (number + 1) * share], split)
    for split in missing:
        images[split] = tuple(image for image in images["train"] if taken.get(image.digest) == split)
        skipped[split] = ()
    images["train"] = tuple(image for image in images["train"] if image.digest not in taken)
    names = " and ".join(reversed(missing))
    verb, each = ("are", " each") if len(missing) > 1 else ("is", "")
    whole = "training images" if listing.folders else "images"
    note = f"{names} {verb} split off: 15 %{each} of every class's {whole}, by the hash of their contents"
    return replace(
        listing,
        images={split: images[split] for split in SPLITS},
        skipped={split: skipped[split] for split in SPLITS},
        notes=(*listing.notes, note),
    )


def _without_copies(listing: Listing) -> Listing:
    images, skipped = dict(listing.images), dict(listing.skipped)
    seen: dict[str, str] = {}
    for split in reversed(SPLITS):
        for image in images.get(split, ()):
            if image.digest in seen:
                skipped[split] += (Skipped(image.name, f"duplicate of {seen[image.digest]}"),)
        kept = tuple(image for image in images.get(split, ()) if image.digest not in seen)
        seen |= {image.digest: image.name for image in reversed(kept)}
        if split in images:
            images[split] = kept
    return replace(listing, images=images, skipped=skipped)
