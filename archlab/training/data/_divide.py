"""Which photo is in which split: the splits that are missing, made up, and copies across splits, dropped."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from archlab.errors import DataError
from archlab.training.data._folder import SPLITS, Listing, Photo
from archlab.training.data._photos import Skipped

_SHARE = 0.15


def divide(listing: Listing) -> Listing:
    """A listing with all three splits, if there are photos for training to make them of, and no photo in two.

    A missing split gets 15 % of each class, those whose contents have the lowest hashes: the same ones wherever the
    folder lies, whatever the photos are called, and copies always together. Of a photo that is in two splits, that for
    testing keeps it before that for validation, and that before training, so that what is measured stays honest.

    Raises:
        DataError: a class has too few photos to be divided.
    """
    return _with_all_splits(_without_copies(_without_contradictions(listing)))


def fingerprint(photos: Iterable[Photo]) -> str:
    """SHA-256 over names and contents, in order."""
    total = hashlib.sha256()
    for photo in photos:
        total.update(f"{photo.name}\0{photo.label}\0{photo.digest}\n".encode())
    return total.hexdigest()


def example(listing: Listing, skipped: Iterable[Skipped], folder: Path) -> str:
    """The end of a message on a folder where something is missing: the first file in it that was skipped, if any."""
    inside = f"{folder.relative_to(listing.root).as_posix()}/"
    found = next((each for each in skipped if each.name.startswith(inside)), None)
    return f", such as {found.name}: {found.reason}" if found else ""


def _without_contradictions(listing: Listing) -> Listing:
    """Without photos that one split has under two classes: nobody can say which of them is right."""
    photos, skipped = dict(listing.photos), dict(listing.skipped)
    for split, each in photos.items():
        labels: dict[str, dict[int, Photo]] = defaultdict(dict)
        for photo in each:
            labels[photo.digest].setdefault(photo.label, photo)
        for photo in each:
            others = [other for label, other in labels[photo.digest].items() if label != photo.label]
            if others:
                skipped[split] += (Skipped(photo.name, f"duplicate of {others[0].name}, which is another class"),)
        photos[split] = tuple(photo for photo in each if len(labels[photo.digest]) == 1)
    return replace(listing, photos=photos, skipped=skipped)


def _with_all_splits(listing: Listing) -> Listing:
    missing = [split for split in ("test", "validation") if split not in listing.photos]
    if not missing or "train" not in listing.photos:
        return listing
    photos, skipped = dict(listing.photos), dict(listing.skipped)
    taken: dict[str, str] = {}
    for label, name in enumerate(listing.classes):
        contents = sorted({photo.digest for photo in photos["train"] if photo.label == label})
        share = max(1, round(_SHARE * len(contents)))
        if len(contents) < (len(missing) + 1) * share:
            folder = listing.folders.get("train", listing.root) / name
            why = f"{len(contents)} photo(s) are too few to set some apart for {missing[-1]}"
            raise DataError(f"{folder}: {why}{example(listing, skipped['train'], folder)}")
        for number, split in enumerate(missing):
            taken |= dict.fromkeys(contents[number * share : (number + 1) * share], split)
    for split in missing:
        photos[split] = tuple(photo for photo in photos["train"] if taken.get(photo.digest) == split)
        skipped[split] = ()
    photos["train"] = tuple(photo for photo in photos["train"] if photo.digest not in taken)
    made, are, each = " and ".join(reversed(missing)), *(("are", " each") if len(missing) > 1 else ("is", ""))
    whose = "training photos" if listing.folders else "photos"
    note = f"{made} {are} made up: 15 % of each class's {whose}{each}, by a hash of their contents"
    return replace(
        listing,
        photos={split: photos[split] for split in SPLITS},
        skipped={split: skipped[split] for split in SPLITS},
        notes=(*listing.notes, note),
    )


def _without_copies(listing: Listing) -> Listing:
    photos, skipped = dict(listing.photos), dict(listing.skipped)
    seen: dict[str, str] = {}
    for split in reversed(SPLITS):
        for photo in photos.get(split, ()):
            if photo.digest in seen:
                skipped[split] += (Skipped(photo.name, f"duplicate of {seen[photo.digest]}"),)
        kept = tuple(photo for photo in photos.get(split, ()) if photo.digest not in seen)
        seen |= {photo.digest: photo.name for photo in reversed(kept)}
        if split in photos:
            photos[split] = kept
    return replace(listing, photos=photos, skipped=skipped)
