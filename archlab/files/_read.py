"""Files read within bounds: of a kind that ends, and of a size that memory holds."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path


def check_regular(path: Path, most: int | None = None) -> None:
    """Refuse what never ends or is too large, before a byte of it is read.

    Raises:
        OSError: there is no such file, it is a pipe, a device or a folder, or it has more than `most` bytes.
    """
    about = path.stat()
    if stat.S_ISDIR(about.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(about.st_mode):
        raise OSError(errno.EINVAL, "It is a pipe or a device, not a file", str(path))
    if most is not None and about.st_size > most:
        raise OSError(errno.EFBIG, f"It has {about.st_size:,} bytes, the limit is {most:,}", str(path))


def read_bytes(path: Path, most: int) -> bytes:
    """The content of a regular file of at most so many bytes.

    Raises:
        OSError: as `check_regular`.
    """
    check_regular(path, most)
    return path.read_bytes()


def read_text(path: Path, most: int) -> str:
    """The text of such a file, in UTF-8.

    Raises:
        OSError: as `check_regular`.
        UnicodeDecodeError: it is no text.
    """
    return read_bytes(path, most).decode("utf-8")
