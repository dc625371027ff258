"""The members of an archive of images."""

from __future__ import annotations

import re
import zipfile
import zlib
from pathlib import Path

from archlab.errors import DataError
from archlab.files.archive import ArchiveLimits

# Images hardly compress: a member that unpacks to 200 times its size is not one.
LIMITS = ArchiveLimits(
    members=100_000, directory_bytes=2**25, total_bytes=4 * 2**30, member_bytes=64 * 2**20, member_ratio=200
)


def find_members(archive: zipfile.ZipFile, pattern: re.Pattern[str]) -> list[tuple[zipfile.ZipInfo, re.Match[str]]]:
    """The members whose whole names match, by name."""
    found = [(member, pattern.fullmatch(member.filename)) for member in archive.infolist()]
    return sorted(((m, match) for m, match in found if match), key=lambda pair: pair[0].filename)


def read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path) -> bytes:
    """The content of a member.

    Raises:
        DataError: it is damaged.
    """
    try:
        return archive.read(member)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise DataError(f"{path}: {member.filename!r} cannot be unpacked, {error}") from None
