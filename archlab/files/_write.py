"""Files that are there whole or not at all, whatever happens while they are written."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from archlab.errors import OutputError
from archlab.files._reason import reason_of

_KEPT = 200
"""Characters of a name that are kept in one with a prefix: most file systems take 255 bytes."""


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Have `write` make a file beside `path`, which it then replaces in one step.

    Raises:
        OutputError: it cannot be written, as on a full disk; what stood there before still does.
    """
    with writing(path), replacing(path) as beside:
        write(beside)


@contextmanager
def replacing(path: Path) -> Generator[Path]:
    """A path beside `path` to write to; the file there replaces `path` at the end, and is removed on any error.

    A symbolic link stays, and the file that it names is replaced. What is no regular file, such as a pipe or a device,
    stays too: it is written into.

    Raises:
        OSError: it cannot be written; what stood at `path` before still does.
    """
    path = Path(os.path.realpath(path))
    if path.exists() and not path.is_file() and not path.is_dir():
        with TemporaryDirectory(prefix="archlab-") as folder:
            yield Path(folder) / path.name
            with (Path(folder) / path.name).open("rb") as made, path.open("wb") as sink:
                shutil.copyfileobj(made, sink)
        return
    # Its own name for each writer, so that two do not share a file. Keras needs its own suffixes kept.
    beside = path.with_name(f".new.{secrets.token_hex(4)}.{path.name[-_KEPT:]}")
    try:
        yield beside
        with beside.open("rb") as file:
            os.fsync(file.fileno())
        if path.exists():
            shutil.copymode(path, beside)
        os.replace(beside, path)
    except BaseException:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise


def remove_unfinished(folder: Path) -> None:
    """Remove what writers left in a folder when they were killed: nobody else may be writing there."""
    for path in folder.glob(".new.*"):
        with suppress(OSError):
            path.unlink()


def move_whole(source: Path, path: Path) -> None:
    """Put a file that is whole in the place of another, in one step.

    Raises:
        OutputError: it cannot be put there; both stand where they stood.
    """
    with writing(path):
        os.replace(source, path)


@contextmanager
def writing(path: Path) -> Generator[None]:
    """Name the file that is being written where it cannot be.

    Raises:
        OutputError: an OSError came up, as on a full disk.
    """
    try:
        yield
    except OSError as error:
        raise OutputError(f"{path}: cannot be written, {reason_of(error)}") from error


def write_text(path: Path, text: str) -> None:
    """Write a text whole or not at all."""
    write_whole(path, lambda beside: beside.write_text(text, encoding="utf-8"))


def write_bytes(path: Path, content: bytes) -> None:
    """Write bytes whole or not at all."""
    write_whole(path, lambda beside: beside.write_bytes(content))


def write_json(path: Path, data: object) -> None:
    """Write plain data as JSON, whole or not at all; what is no number becomes null."""
    write_text(path, json.dumps(_finite(data), indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_lines(path: Path, records: list[dict[str, object]]) -> None:
    """Write records as JSON lines, whole or not at all."""
    write_text(path, "".join(json.dumps(_finite(record), allow_nan=False) + "\n" for record in records))


def append_line(path: Path, record: dict[str, object]) -> None:
    """Add a record to a file of JSON lines, after whatever an interrupted write left at its end.

    Raises:
        OutputError: it cannot be written, as on a full disk.
    """
    try:
        with path.open("ab+") as file:
            if file.tell():
                file.seek(-1, 2)
                if file.read(1) != b"\n":
                    file.write(b"\n")
            file.write(json.dumps(record, ensure_ascii=False, default=str).encode() + b"\n")
    except OSError as error:
        raise OutputError(f"{path} cannot be written, {reason_of(error)}") from None


def _finite(value: object) -> Any:
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and value - value != 0 else value
