"""Zip files from elsewhere: what is in them is looked at before anything is taken out."""

from __future__ import annotations

import re
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from archlab.errors import DataError

_MOST_MEMBERS = 100_000
_MOST_BYTES = 4 * 2**30
_LARGEST = 64 * 2**20
_HIGHEST_RATIO = 200
"""Photos hardly shrink; a member that unpacks to so many times its size is no photo."""
_SMALL = 2**16


def check_members(archive: zipfile.ZipFile, path: Path) -> None:
    """Refuse an archive with a member that leads out of it, is no plain file, or unpacks to far too much.

    Raises:
        DataError: names the member.
    """
    members = archive.infolist()
    if len(members) > _MOST_MEMBERS:
        raise DataError(f"{path}: {len(members)} files in it, more than {_MOST_MEMBERS}: nothing was unpacked")
    seen: set[str] = set()
    for member in members:
        trouble = _trouble(member)
        if member.filename in seen:
            trouble = "is in it twice"
        if trouble:
            raise DataError(f"{path}: {member.filename!r} {trouble}: nothing was unpacked")
        seen.add(member.filename)
    total = sum(member.file_size for member in members)
    if total > _MOST_BYTES:
        raise DataError(f"{path}: unpacks to {total / 1e9:.1f} GB, which is too much: nothing was unpacked")


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


def _trouble(member: zipfile.ZipInfo) -> str:
    name = member.filename
    parts = PurePosixPath(name).parts
    if name.startswith("/") or "\\" in name or ".." in parts or re.match("[A-Za-z]:", name):
        return "leads out of the folder"
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a link or a device, not a file"
    if member.flag_bits & 1:
        return "is encrypted"
    if member.file_size > _LARGEST:
        return f"unpacks to {member.file_size / 1e6:.0f} MB"
    if member.file_size > _SMALL and member.file_size > _HIGHEST_RATIO * member.compress_size:
        return "unpacks to far more than it takes up"
    return ""
