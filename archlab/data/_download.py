"""Downloads that resume after an interruption and are verified by SHA-256."""

from __future__ import annotations

import hashlib
import http.client
import re
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from archlab.data._folder import Progress
from archlab.errors import DataError, OutputError
from archlab.files import reason_of

_BLOCK = 2**20
_TIMEOUT = 30
"""Seconds without a byte after which a connection counts as lost."""


# No size has more digits than these.
_NUMBER = re.compile(r"[0-9]{1,18}")
_RANGE = re.compile(r"bytes ([0-9]{1,18})-")


def download(url: str, to: Path, size: int, sha256: str, progress: Progress) -> None:
    """Download a file of a known size and hash.

    If `to` holds the beginning of the file, the download resumes there. An interrupted download, by an error or by
    Ctrl-C, keeps what it has. A file with another hash is removed.

    Raises:
        DataError: the network or the server fails, or the hash differs.
        OutputError: it cannot be written.
    """
    # A connection that fails after some progress is tried again.
    have, reason_stopped = -1, ""
    while _size(to) < size and _size(to) > have:
        have = _size(to)
        reason_stopped = _download_rest(url, to, size, progress)
    if _size(to) < size:
        if not _size(to):
            raise DataError(f"{url}: cannot be reached, {reason_stopped}")
        here = f"{_size(to) / 1e6:.0f} of {size / 1e6:.0f} MB downloaded"
        raise DataError(f"{url}: interrupted, {reason_stopped}: {here}, run the command again to resume")
    progress("checking", 0, 1)
    found = hash_file(to)
    if found != sha256 or _size(to) != size:
        to.unlink()
        raise DataError(f"{url}: unexpected SHA-256 {found[:16]}…, expected {sha256[:16]}…; the file was removed")


def hash_file(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _download_rest(url: str, to: Path, size: int, progress: Progress) -> str:
    """Download the missing part; returns why it stopped."""
    asked = _size(to)
    request = urllib.request.Request(url, headers={"Range": f"bytes={asked}-"} if asked else {})
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT) as response:
            start = _first(response)
            if start not in (0, asked):
                raise DataError(f"{url}: the server answers with the bytes from {start:,} on, not from {asked:,}")
            length = response.headers.get("Content-Length", "").strip()
            # What is no number says nothing: the size and the hash are checked in the end.
            if _NUMBER.fullmatch(length) and start + int(length) != size:
                raise DataError(f"{url}: the server has a file of {start + int(length)} bytes, expected {size}")
            _save(response, to, start, size, progress)
    except urllib.error.HTTPError as error:
        if error.code == 416:  # the server's file has changed, and is shorter than the local part
            to.unlink()
            return "the file on the server has changed"
        raise DataError(f"{url}: the server answers {error.code} {error.reason}") from None
    except (DataError, OutputError):
        raise
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        return (reason_of(reason) if isinstance(reason, OSError) else str(reason)) or type(error).__name__
    return "the connection was closed"


def _first(response: Any) -> int:
    """The offset of a response: a server may ignore the range and send the whole file."""
    found = _RANGE.match(response.headers.get("Content-Range", "")) if response.status == 206 else None
    return int(found[1]) if found else 0


def _save(response: Any, to: Path, start: int, size: int, progress: Progress) -> None:
    try:
        file = to.open("r+b" if start else "wb")
    except OSError as error:
        raise OutputError(f"{to}: cannot be written, {reason_of(error)}") from error
    with file:
        file.truncate(start)
        file.seek(start)
        done = start
        # One byte too many is enough to know that the file differs.
        while done <= size and (block := response.read(min(_BLOCK, size + 1 - done))):
            try:
                file.write(block)
                file.flush()
            except OSError as error:
                raise OutputError(f"{to}: cannot be written, {reason_of(error)}") from error
            done += len(block)
            progress("downloading (MB)", done // 10**6, size // 10**6)
