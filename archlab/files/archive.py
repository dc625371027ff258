"""Zip archives from elsewhere: their directory is checked before any member is unpacked."""

from __future__ import annotations

import io
import re
import stat
import zipfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

# Deflate compresses by at most 1,032.
_MOST_DEFLATED = 1032
# A member so small may be as dense as it likes.
_SMALL = 2**16
_LEAST_SIZE = 2**20


class UnsafeArchiveError(ValueError):
    """What is wrong with an archive; the caller adds its path."""


@dataclass(frozen=True)
class ArchiveLimits:
    """What an archive may hold at most; None: no limit.

    Attributes:
        members: number of files.
        directory_bytes: size of the central directory, which is read before anything else.
        total_bytes: size of all members, unpacked.
        total_ratio: the same as a multiple of the archive's size.
        member_bytes: size of one member, unpacked.
        member_ratio: the same as a multiple of its packed size.
    """

    members: int
    directory_bytes: int
    total_bytes: int | None = None
    total_ratio: int | None = None
    member_bytes: int | None = None
    member_ratio: int | None = None


class _Bounded(io.BufferedReader):
    """A file of which no more than `most` bytes are read at once: a zip states its directory's length itself."""

    def __init__(self, path: Path, most: int):
        super().__init__(io.FileIO(path))
        self.most = most

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > self.most:
            raise UnsafeArchiveError(f"its directory takes more than {self.most:,} bytes")
        return super().read(size)


@contextmanager
def open_archive(path: Path, limits: ArchiveLimits) -> Generator[zipfile.ZipFile]:
    """Open a zip archive whose directory has passed every check.

    Raises:
        UnsafeArchiveError: a member leads out of the folder, is not a plain file, or unpacks to more than the limits.
        zipfile.BadZipFile: the file is not a zip archive, or is damaged.
        OSError: the file cannot be read.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.zip"
    >>> with zipfile.ZipFile(path, "w") as archive:
    ...     archive.writestr("../evil", "")
    >>> with open_archive(path, ArchiveLimits(members=10, directory_bytes=2**20)):
    ...     pass
    Traceback (most recent call last):
    ...
    archlab.files.archive.UnsafeArchiveError: '../evil' leads out of the folder
    """
    with _Bounded(path, limits.directory_bytes) as file, zipfile.ZipFile(file) as archive:
        _check(archive.infolist(), path.stat().st_size, limits)
        yield archive


def _check(members: list[zipfile.ZipInfo], size: int, limits: ArchiveLimits) -> None:
    if len(members) > limits.members:
        raise UnsafeArchiveError(f"{len(members):,} files in it, more than {limits.members:,}")
    seen: set[str] = set()
    for member in members:
        problem = "is in it twice" if member.filename in seen else _problem(member, size, limits)
        if problem:
            raise UnsafeArchiveError(f"{member.filename[:80]!r} {problem}")
        seen.add(member.filename)
    total = sum(member.file_size for member in members)
    if limits.total_bytes is not None and total > limits.total_bytes:
        raise UnsafeArchiveError(f"unpacks to {total / 1e9:.1f} GB, which is too much")
    if limits.total_ratio is not None and total > limits.total_ratio * max(size, _LEAST_SIZE):
        raise UnsafeArchiveError(f"unpacks to {total:,} bytes, far more than its {size:,}")


def _problem(member: zipfile.ZipInfo, size: int, limits: ArchiveLimits) -> str:
    name, packed, unpacked = member.filename, member.compress_size, member.file_size
    if name.startswith("/") or "\\" in name or ".." in PurePosixPath(name).parts or re.match("[A-Za-z]:", name):
        return "leads out of the folder"
    if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a link or a device, not a file"
    if member.flag_bits & 1:
        return "is encrypted"
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        # The other methods compress without a bound.
        return "is compressed by a method other than deflate"
    if packed > size or not _plausible(member):
        return "is not as large as the file says"
    if limits.member_bytes is not None and unpacked > limits.member_bytes:
        return f"unpacks to {unpacked / 1e6:.0f} MB"
    if limits.member_ratio is not None and unpacked > _SMALL and unpacked > limits.member_ratio * packed:
        return "unpacks to far more than it takes up"
    return ""


def _plausible(member: zipfile.ZipInfo) -> bool:
    packed, unpacked = member.compress_size, member.file_size
    if member.compress_type == zipfile.ZIP_STORED:
        return packed == unpacked
    # What deflate cannot make smaller grows by five bytes for every 16 KiB at most.
    return unpacked <= _MOST_DEFLATED * max(packed, 1) and packed <= unpacked + unpacked // 1000 + 64
