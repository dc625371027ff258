"""What the results of the instruments share: plain data out and in, files, nothing that needs NumPy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from math import isfinite
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from archlab.errors import SourceError

R = TypeVar("R", bound="Record")


class Record:
    """A frozen dataclass that becomes plain data and comes back from it; tuples of further records among its fields."""

    what: ClassVar[str] = "record"
    """What a file of it holds, for messages."""
    parts: ClassVar[Mapping[str, type]] = {}
    """The fields that are tuples of records, and of which kind."""

    def to_dict(self) -> dict[str, Any]:
        """As plain data, which JSON can hold."""
        return {name: _plain(value) for name, value in vars(self).items()}

    @classmethod
    def from_dict(cls: type[R], data: Mapping[str, Any]) -> R:
        """The same from plain data; keys that a later version added are passed over."""
        known = {field.name for field in fields(cls)}  # pyright: ignore[reportArgumentType]
        values = {name: _tuples(value) for name, value in data.items() if name in known}
        for name, kind in cls.parts.items():
            values[name] = tuple(kind.from_dict(each) for each in data[name])
        return cls(**values)

    def save(self, path: str | Path) -> None:
        """Write it to a JSON file, which `load` reads."""
        import json  # most who hold a result never write it down, and loading it takes milliseconds

        Path(path).write_text(json.dumps(self.to_dict(), indent=2, allow_nan=False) + "\n", encoding="utf-8")

    @classmethod
    def load(cls: type[R], path: str | Path) -> R:
        """Read what `save` wrote.

        Raises:
            SourceError: the file cannot be read, or is something else.
        """
        import json

        try:
            return cls.from_dict(json.loads(Path(path).read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise SourceError(f"{path} holds no {cls.what}: {error}") from error


def _plain(value: Any) -> Any:
    if isinstance(value, Record):
        return value.to_dict()
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not isfinite(value) else value


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
