"""Photos, decoded all at once: by threads, into memory or into a file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from archlab.bridge import load_keras
from archlab.errors import DataError, OutputError
from archlab.training.data import _cache
from archlab.training.data._decode import UndecodableError, decode, resize
from archlab.training.data._divide import fingerprint
from archlab.training.data._folder import Photo, Progress, in_parallel
from archlab.training.data._quiet import quiet_decoders


class Loaded(NamedTuple):
    """Pixels of those that could be decoded, in order; of the others, why they could not; the file, if it is one."""

    pixels: np.ndarray
    bad: dict[str, str]
    file: Path | None = None


def load(
    root: Path,
    photos: Sequence[Photo],
    shape: tuple[int, int, int],
    progress: Progress,
    memory: int,
    cache: Path | None,
) -> Loaded:
    """Photos at (height, width, channels), in memory if they fit, else in a file that the next call finds again.

    Raises:
        DataError: a photo changed or vanished meanwhile.
        OutputError: the file cannot be written.
    """
    images = decoded(root, photos, shape[2], lambda tf, image: resize(tf, image, shape[:2]), progress)
    if len(photos) * shape[0] * shape[1] * shape[2] <= memory:
        return _in_memory(photos, images, shape)
    contents = fingerprint(photos)
    file = (cache or _cache.default_cache()) / f"{contents[:32]}-{'x'.join(map(str, shape))}.npy"
    found = _cache.find(file)
    if found is None or found[1].get("contents") != contents:
        _write(file, photos, images, shape, contents)
        found = _cache.find(file)
    if found is None:
        raise OutputError(f"{file}: vanished as soon as it was written")
    return Loaded(found[0], found[1]["skipped"], file)


def decoded(
    root: Path, photos: Sequence[Photo], channels: int, finish: Callable[[Any, Any], Any], progress: Progress
) -> Iterable[Any]:
    """Of each photo, in order, what `finish(tf, image)` makes of it, or the reason why it cannot be decoded."""
    progress("loading TensorFlow", 0, len(photos))
    tf, _ = load_keras()

    def work(photo: Photo) -> Any:
        try:
            content = photo.path.read_bytes()
        except OSError:
            content = b""
        # What was hashed is what is decoded, or a cache file would hold other photos than its name says.
        if hashlib.sha256(content).hexdigest() != photo.digest:
            if not root.is_dir():
                raise DataError(f"{root}: the folder vanished while it was being read")
            raise DataError(f"{photo.path}: changed or vanished while the folder was being read: try again")
        try:
            return finish(tf, decode(tf, content, channels))
        except UndecodableError as error:
            return str(error)

    yield from in_parallel(work, photos, lambda n: progress("decoding", n, len(photos)), quiet_decoders)


def _in_memory(photos: Sequence[Photo], images: Iterable[Any], shape: tuple[int, int, int]) -> Loaded:
    pixels = np.empty((len(photos), *shape), np.uint8)
    bad: dict[str, str] = {}
    used = 0
    for photo, image in zip(photos, images, strict=True):
        if isinstance(image, str):
            bad[photo.name] = image
            continue
        pixels[used] = image
        used += 1
    return Loaded(pixels[:used], bad)


def _write(
    file: Path, photos: Sequence[Photo], images: Iterable[Any], shape: tuple[int, int, int], contents: str
) -> None:
    bad: dict[str, str] = {}
    with _cache.writing(file, shape) as writer:
        for photo, image in zip(photos, images, strict=True):
            if isinstance(image, str):
                bad[photo.name] = image
            else:
                writer.add(image)
        writer.about = {"contents": contents, "skipped": bad}
