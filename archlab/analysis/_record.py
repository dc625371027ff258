"""What the results of the instruments share: plain data out and in, files, nothing that needs NumPy."""

from __future__ import annotations

import json
from math import isfinite
from pathlib import Path
from typing import Any, ClassVar, TypeVar, cast

from archlab.errors import SourceError
from archlab.files import read_json, read_record, write_text

R = TypeVar("R", bound="Record")


class Record:
    """A frozen dataclass that becomes plain data and comes back from it, as `archlab.files.records` has it."""

    what: ClassVar[str] = "record"
    """What a file of it holds, for messages."""

    def to_dict(self) -> dict[str, Any]:
        """As plain data, which JSON can hold."""
        return {name: _plain(value) for name, value in vars(self).items()}

    @classmethod
    def from_dict(cls: type[R], data: object) -> R:
        """The same from plain data; keys that a later version added are passed over.

        Raises:
            SourceError: it holds something else; names the place inside of the data.
        """
        return read_record(cls, data, f"this is no {cls.what}")

    def save(self, path: str | Path) -> None:
        """Write it to a JSON file, which `load` reads."""
        write_text(Path(path), json.dumps(self.to_dict(), indent=2, allow_nan=False) + "\n")

    @classmethod
    def load(cls: type[R], path: str | Path) -> R:
        """Read what `save` wrote.

        Raises:
            SourceError: the file cannot be read, or is something else.
        """
        try:
            data = read_json(Path(path))
        except FileNotFoundError:
            raise SourceError(f"{path} holds no {cls.what}: there is no such file") from None
        return read_record(cls, data, f"{path} holds no {cls.what}")


def _plain(value: object) -> Any:
    if isinstance(value, Record):
        return value.to_dict()
    if isinstance(value, tuple):
        return [_plain(each) for each in cast("tuple[object, ...]", value)]
    return None if isinstance(value, float) and not isfinite(value) else value
