"""Image files, decoded once by several threads, into memory or into a cache file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from archlab.bridge import load_keras
from archlab.data import _cache
from archlab.data._decode import LARGEST, UndecodableError, decode, resize
from archlab.data._divide import fingerprint
from archlab.data._folder import ImageFile, Progress, in_parallel
from archlab.data._quiet import quiet_decoders
from archlab.errors import DataError, OutputError
from archlab.files import cache_folder, read_bytes

_VERSION = 1
"""Of the decoding. A new version ignores the cache files of older ones."""


class Loaded(NamedTuple):
    """Decoded images.

    Attributes:
        pixels: of the files that could be decoded, in order.
        failures: why each of the others could not, by name.
        cache_file: the file that holds the pixels; None if they are in memory.
    """

    pixels: np.ndarray
    failures: dict[str, str]
    cache_file: Path | None = None


def load(
    root: Path,
    files: Sequence[ImageFile],
    shape: tuple[int, int, int],
    progress: Progress,
    memory: int,
    cache: Path | None,
) -> Loaded:
    """Images of shape (height, width, channels): in memory if they fit, else in a file that the next call reuses.

    Raises:
        DataError: a file changed or vanished meanwhile.
        OutputError: the cache file cannot be written.
    """
    images = decoded(root, files, shape[2], lambda tf, image: resize(tf, image, shape[:2]), progress)
    if len(files) * shape[0] * shape[1] * shape[2] <= memory:
        return _in_memory(files, images, shape)
    contents = f"{_VERSION}-{fingerprint(files)}"
    cache_file = (cache or cache_folder()) / f"{contents[:34]}-{'x'.join(map(str, shape))}.npy"
    cached = _cache.find(cache_file)
    if cached is None or cached[1].contents != contents:
        with _cache.alone(cache_file):
            cached = _cache.find(cache_file)  # another process may have written it meanwhile
            if cached is None or cached[1].contents != contents:
                _write(cache_file, files, images, shape, contents)
                cached = _cache.find(cache_file)
    if cached is None:
        raise OutputError(f"{cache_file}: vanished as soon as it was written")
    return Loaded(cached[0], dict(cached[1].skipped), cache_file)


def decoded(
    root: Path, files: Sequence[ImageFile], channels: int, finish: Callable[[Any, Any], Any], progress: Progress
) -> Iterable[Any]:
    """For each file, in order: the result of `finish(tf, image)`, or the reason why it cannot be decoded."""
    progress("loading TensorFlow", 0, len(files))
    tf, _ = load_keras()

    def work(file: ImageFile) -> Any:
        try:
            content = read_bytes(file.path, LARGEST)
        except OSError:
            content = b""
        # A cache file is named by the hashes of its contents: a file that changed since it was hashed is refused.
        if hashlib.sha256(content).hexdigest() != file.digest:
            if not root.is_dir():
                raise DataError(f"{root}: the folder vanished while it was being read")
            raise DataError(f"{file.path}: changed or vanished while the folder was being read: try again")
        try:
            return finish(tf, decode(tf, content, channels))
        except UndecodableError as error:
            return str(error)

    yield from in_parallel(work, files, lambda n: progress("decoding", n, len(files)), quiet_decoders)


def _in_memory(files: Sequence[ImageFile], images: Iterable[Any], shape: tuple[int, int, int]) -> Loaded:
    pixels = np.empty((len(files), *shape), np.uint8)
    failures: dict[str, str] = {}
    used = 0
    for file, image in zip(files, images, strict=True):
        if isinstance(image, str):
            failures[file.name] = image
            continue
        pixels[used] = image
        used += 1
    return Loaded(pixels[:used], failures)


def _write(
    cache_file: Path, files: Sequence[ImageFile], images: Iterable[Any], shape: tuple[int, int, int], contents: str
) -> None:
    failures: dict[str, str] = {}
    with _cache.writing(cache_file, shape) as writer:
        for file, image in zip(files, images, strict=True):
            if isinstance(image, str):
                failures[file.name] = image
            else:
                writer.add(image)
        writer.about = {"contents": contents, "skipped": failures}
