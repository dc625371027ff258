"""Files that are there whole or not at all, whatever happens while they are written."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from archlab.errors import OutputError


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Have `write` make a file beside `path`, which it then replaces in one step.

    Raises:
        OutputError: it cannot be written, as on a full disk; what stood there before still does.
    """
    # A broken-off write leaves this one behind, which the next write replaces. Keras wants suffixes of its own kept.
    beside = path.with_name(f".new.{path.name}")
    with _writing(path):
        try:
            write(beside)
            with beside.open("rb") as file:
                os.fsync(file.fileno())
            if path.exists():
                shutil.copymode(path, beside)
            os.replace(beside, path)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise


def move_whole(source: Path, path: Path) -> None:
    """Put a file that is whole in the place of another, in one step.

    Raises:
        OutputError: it cannot be put there; both stand where they stood.
    """
    with _writing(path):
        os.replace(source, path)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(f"{path}: cannot be written, {(error.strerror or str(error)).lower()}") from error


def write_text(path: Path, text: str) -> None:
    """Write a text whole or not at all."""
    write_whole(path, lambda beside: beside.write_text(text, encoding="utf-8"))


def write_json(path: Path, data: Any) -> None:
    """Write plain data as JSON, whole or not at all; what is no number becomes null."""
    write_text(path, json.dumps(_finite(data), indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_lines(path: Path, records: list[dict[str, Any]]) -> None:
    """Write records as JSON lines, whole or not at all."""
    write_text(path, "".join(json.dumps(_finite(record), allow_nan=False) + "\n" for record in records))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and value - value != 0 else value
