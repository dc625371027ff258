"""A file from the network: gone on with where it broke off, and taken for good only by its hash."""

from __future__ import annotations

import hashlib
import http.client
import re
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from archlab.errors import DataError, OutputError
from archlab.training.data._decode import reason_of
from archlab.training.data._folder import Progress

_BLOCK = 2**20
_PATIENCE = 30
"""Seconds without a byte after which a connection counts as broken."""


def download(url: str, to: Path, size: int, sha256: str, progress: Progress) -> None:
    """Have a file of a known size and hash.

    `to` may hold the beginning of it, from a download that broke off. Of one that breaks off now, by an error or by
    Ctrl-C, the beginning stays there. A file with another hash does not.

    Raises:
        DataError: the network or the server fails, or the file is not the one that was expected.
        OutputError: it cannot be written.
    """
    # A connection that breaks off after it brought something is worth another one.
    have, trouble = -1, ""
    while _size(to) < size and _size(to) > have:
        have = _size(to)
        trouble = _go_on(url, to, size, progress)
    if _size(to) < size:
        if not _size(to):
            raise DataError(f"{url}: cannot be reached, {trouble}")
        here = f"{_size(to) / 1e6:.0f} of {size / 1e6:.0f} MB are here"
        raise DataError(f"{url}: broke off, {trouble}: {here}, run it again to go on")
    progress("checking", 0, 1)
    found = hash_file(to)
    if found != sha256 or _size(to) != size:
        to.unlink()
        raise DataError(f"{url}: not the file that was expected: SHA-256 {found[:16]}…, not {sha256[:16]}…; removed")


def hash_file(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _go_on(url: str, to: Path, size: int, progress: Progress) -> str:
    """Fetch what is missing, as far as it comes; why it did not come any further."""
    start = _size(to)
    request = urllib.request.Request(url, headers={"Range": f"bytes={start}-"} if start else {})
    try:
        with urllib.request.urlopen(request, timeout=_PATIENCE) as answer:
            start = _first(answer)
            length = answer.headers.get("Content-Length")
            if length is not None and start + int(length) != size:
                raise DataError(f"{url}: the server has a file of {start + int(length)} bytes there, not of {size}")
            _save(answer, to, start, size, progress)
    except urllib.error.HTTPError as error:
        if error.code == 416:  # the server's file is another one, and shorter than what is here
            to.unlink()
            return "the server has another file now"
        raise DataError(f"{url}: the server answers {error.code} {error.reason}") from None
    except (DataError, OutputError):
        raise
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        return (reason_of(reason) if isinstance(reason, OSError) else str(reason)) or type(error).__name__
    return "the connection was closed"


def _first(answer: Any) -> int:
    """Where in the file an answer begins: a server may send all of it although a part was asked for."""
    found = re.match(r"bytes (\d+)-", answer.headers.get("Content-Range", "")) if answer.status == 206 else None
    return int(found[1]) if found else 0


def _save(answer: Any, to: Path, start: int, size: int, progress: Progress) -> None:
    try:
        file = to.open("r+b" if start else "wb")
    except OSError as error:
        raise OutputError(f"{to}: cannot be written, {reason_of(error)}") from error
    with file:
        file.truncate(start)
        file.seek(start)
        done = start
        # One byte more than there should be is enough to know that it is another file.
        while done <= size and (block := answer.read(min(_BLOCK, size + 1 - done))):
            try:
                file.write(block)
                file.flush()
            except OSError as error:
                raise OutputError(f"{to}: cannot be written, {reason_of(error)}") from error
            done += len(block)
            progress("downloading (MB)", done // 10**6, size // 10**6)
