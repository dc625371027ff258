"""Where decoded photos are kept: in memory, or, where they do not fit, in a file that is whole or not there."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from archlab.errors import OutputError
from archlab.training.data._decode import reason_of

_MOST_MEMORY = 4 * 2**30
_DAY = 24 * 60 * 60


def default_memory() -> int:
    """A quarter of the memory that is free, at most 4 GiB, for photos; what is beyond it goes into a file."""
    return min(_free_memory() // 4, _MOST_MEMORY)


def default_cache() -> Path:
    """The folder that the system has for what can be made again."""
    home = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "archlab" / "Cache"
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "archlab"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "archlab"


def find(file: Path) -> tuple[np.ndarray, dict[str, Any]] | None:
    """The pixels of a cache file, mapped read-only, with what is written about them; None unless both are whole."""
    try:
        about = json.loads(_beside(file).read_text(encoding="utf-8"))
        if file.stat().st_size != about["bytes"]:
            return None
        pixels = np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if pixels.dtype != np.uint8 or pixels.ndim != 4 or len(pixels) != about.get("photos"):
        return None
    return pixels, about


@contextmanager
def writing(file: Path, shape: tuple[int, int, int]) -> Iterator[Writer]:
    """A writer of photos, one after another, into a file that appears when all are written, or never.

    Raises:
        OutputError: it cannot be written: no room, no permission.
    """
    temporary: Path | None = None
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        _sweep(file.parent)
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=".photos-", suffix=".part")
        temporary = Path(name)
        with os.fdopen(handle, "wb") as stream:
            writer = Writer(stream, shape)
            yield writer
            writer.finish()
        # First the pixels, then the word that they are whole.
        size = temporary.stat().st_size
        os.replace(temporary, file)
        temporary.write_text(json.dumps({"bytes": size, "photos": writer.photos, **writer.about}), encoding="utf-8")
        os.replace(temporary, _beside(file))
    except OSError as error:
        if isinstance(error, OutputError) or error.errno is None:
            raise
        raise OutputError(
            f"{file.parent}: decoded photos cannot be kept here, {reason_of(error)}: name another folder as cache"
        ) from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)


class Writer:
    """Photos on their way into a file.

    Written, not mapped: on a full disk a map is killed by a signal, a write raises an error.
    """

    def __init__(self, stream: BinaryIO, shape: tuple[int, int, int]):
        self.stream = stream
        self.shape = shape
        self.photos = 0
        self.about: dict[str, Any] = {}
        self._header()

    def add(self, photo: np.ndarray) -> None:
        """The next photo."""
        self.stream.write(photo.tobytes())
        self.photos += 1

    def finish(self) -> None:
        """Everything to the disk, with the number of photos in front."""
        self.stream.seek(0)
        self._header()
        self.stream.flush()
        os.fsync(self.stream.fileno())

    def _header(self) -> None:
        # NumPy leaves room in it for a first axis that grows: it is as long now as at the end.
        header = {"descr": "|u1", "fortran_order": False, "shape": (self.photos, *self.shape)}
        np.lib.format.write_array_header_1_0(self.stream, header)


def _beside(file: Path) -> Path:
    return file.with_suffix(".json")


def _sweep(folder: Path) -> None:
    """Remove what writers that were killed have left."""
    for path in folder.glob(".photos-*.part"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > _DAY:
                path.unlink()


def _free_memory() -> int:
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    with contextlib.suppress(AttributeError, OSError, ValueError):
        # Half of what is built in, where the system does not say what is free.
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    return 4 * 2**30
