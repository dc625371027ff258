"""The cache of decoded images that do not fit into memory. A cache file is complete, or it does not exist."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from archlab.errors import OutputError
from archlab.files import KEY, locked, read_json, read_record, reason_of, replacing

_MOST_MEMORY = 4 * 2**30
_DAY = 24 * 60 * 60


def default_memory() -> int:
    """Bytes of pixels held in memory by default: a quarter of the free memory, at most 4 GiB."""
    return min(_free_memory() // 4, _MOST_MEMORY)


@dataclass(frozen=True)
class About:
    """What stands beside a cache file: its size, what it was made of, and why files are missing in it, by name."""

    bytes: int
    images: int = field(metadata={KEY: "photos"})
    contents: str = ""
    skipped: Mapping[str, str] = field(default_factory=dict)


def find(file: Path) -> tuple[np.ndarray, About] | None:
    """The pixels of a cache file, memory-mapped read-only, and its metadata; None unless both are complete."""
    try:
        about = read_record(About, read_json(_beside(file)), file)
        if file.stat().st_size != about.bytes:
            return None
        pixels = np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError):
        return None
    if pixels.dtype != np.uint8 or pixels.ndim != 4 or len(pixels) != about.images:
        return None
    return pixels, about


@contextmanager
def alone(file: Path) -> Generator[None]:
    """Hold the lock of a cache file: of two processes that need it, one decodes the images and the other waits.

    Raises:
        OutputError: the cache cannot be written.
    """
    with _explained(file.parent):
        file.parent.mkdir(parents=True, exist_ok=True)
    with locked(file.with_suffix(".lock")):
        yield


@contextmanager
def writing(file: Path, shape: tuple[int, int, int]) -> Generator[Writer]:
    """A writer that adds images one by one. The file appears once all are written.

    Raises:
        OutputError: it cannot be written, such as on a full disk.
    """
    with _explained(file.parent):
        _sweep(file.parent)
        with replacing(file) as beside:
            with beside.open("wb") as stream:
                writer = Writer(stream, shape)
                yield writer
                writer.finish()
            size = beside.stat().st_size
        # First the pixels, then the record that they are complete.
        with replacing(_beside(file)) as beside:
            text = json.dumps({"bytes": size, "photos": writer.images, **writer.about})
            beside.write_text(text, encoding="utf-8")


@contextmanager
def _explained(folder: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        if isinstance(error, OutputError) or error.errno is None:
            raise
        raise OutputError(
            f"{folder}: decoded images cannot be cached here, {reason_of(error)}: choose another folder with cache="
        ) from error


class Writer:
    """Writes images into a cache file.

    It does not use a memory map: on a full disk a map kills the process, a write raises an error.
    """

    def __init__(self, stream: BinaryIO, shape: tuple[int, int, int]):
        self.stream = stream
        self.shape = shape
        self.images = 0
        self.about: dict[str, Any] = {}
        self._header()

    def add(self, image: np.ndarray) -> None:
        """Append an image."""
        self.stream.write(image.tobytes())
        self.images += 1

    def finish(self) -> None:
        """Flush everything to disk, with the number of images in the header."""
        self.stream.seek(0)
        self._header()
        self.stream.flush()
        os.fsync(self.stream.fileno())

    def _header(self) -> None:
        # NumPy pads the header for a first axis that grows: its length now is its length at the end.
        header = {"descr": "|u1", "fortran_order": False, "shape": (self.images, *self.shape)}
        np.lib.format.write_array_header_1_0(self.stream, header)


def _beside(file: Path) -> Path:
    return file.with_suffix(".json")


def _sweep(folder: Path) -> None:
    """Remove files of killed writers; a file of the last day may belong to a running one."""
    for path in folder.glob(".new.*.npy"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > _DAY:
                path.unlink()


def _free_memory() -> int:
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    with contextlib.suppress(AttributeError, OSError, ValueError):
        # Half of the physical memory where the system does not report the free memory.
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    return 4 * 2**30
