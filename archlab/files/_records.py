"""Records that were written as JSON, read back: what type each field has, its dataclass says, once.

A record is a dataclass whose fields are numbers, text, truth values, further records, or tuples, lists, mappings and
unions of these. Metadata of a field says how a file differs from it: `{KEY: "photos"}` names the field otherwise,
`INLINE` has the fields of a record among those of the record around it. A record with a method `restored(data)` is what
that returns: there it checks what no type says, or fills in what older files lack.

A number that is not finite is `null` in JSON: read where only a number may stand, it is NaN.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import MISSING, fields, is_dataclass
from functools import cache, partial
from math import isinf
from pathlib import Path
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    TextIO,
    TypeAlias,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from archlab.errors import SourceError, did_you_mean
from archlab.files._read import check_regular
from archlab.files._reason import reason_of
from archlab.text import shown

R = TypeVar("R")
KEY = "key"
"""The entry of a field's metadata with its key in files, if that differs from its name."""
INLINE: Mapping[str, object] = {"inline": True}
"""The metadata of a field whose own fields stand in a file beside those of the record that it belongs to."""
_ANY_SIZE = "any size"
Exact: TypeAlias = Annotated[int, _ANY_SIZE]
"""A whole number of any size; every other is one that 64 bits hold."""

_LARGEST = 2**27
_LARGEST_NUMBER = 2**63
_DEEPEST = 32
"""How deep plain data may be nested where a field takes any."""

Kind: TypeAlias = Any
"""A type as a field is annotated with it."""
Value: TypeAlias = Any
"""What a field holds."""
Read: TypeAlias = Callable[[object], Value]


def read_json(path: Path) -> object:
    """The plain data in a JSON file.

    Raises:
        FileNotFoundError: there is no such file.
        SourceError: it cannot be read, is too large, or is invalid JSON; names the file.
    """
    with _opened(path) as file:
        text = file.read(_LARGEST + 1)
    if len(text) > _LARGEST:
        raise _too_large(path)
    return parse_json(text, path)


def read_lines(path: Path) -> Iterator[tuple[str, str]]:
    """The lines of a file of JSON lines, each with its place: the file and its number.

    Raises:
        FileNotFoundError: there is no such file.
        SourceError: it cannot be read, or a line is too large; names the file.
    """
    with _opened(path) as file:
        number = 0
        while line := file.readline(_LARGEST + 1):
            number += 1
            where = f"{path}:{number}"
            if len(line) > _LARGEST:
                raise _too_large(where)
            yield line, where


def _too_large(where: str | Path) -> SourceError:
    return SourceError(f"{where} is larger than {_LARGEST:,} characters: refused")


@contextmanager
def _opened(path: Path) -> Generator[TextIO]:
    try:
        check_regular(path)
        with path.open(encoding="utf-8", newline="\n") as file:
            yield file
    except FileNotFoundError:
        raise
    except OSError as error:
        raise SourceError(f"{path} cannot be read, {reason_of(error)}") from None
    except UnicodeDecodeError:
        raise SourceError(f"{path} cannot be read, it is not a text file") from None


def parse_json(text: str, where: str | Path) -> object:
    """The plain data in a JSON text.

    Raises:
        SourceError: invalid JSON, or nested too deeply; begins with `where`, the file and the line.

    >>> parse_json("{", "run.json")
    Traceback (most recent call last):
    archlab.errors.SourceError: run.json: invalid JSON
    """
    try:
        return json.loads(text, parse_float=partial(_parsed, where))
    except RecursionError:
        raise SourceError(f"{where}: nested too deeply") from None
    except SourceError:
        raise
    except ValueError:  # a number of more digits than Python reads is one too
        raise SourceError(f"{where}: invalid JSON") from None


def _parsed(where: str | Path, text: str) -> float:
    found = float(text)
    if isinf(found):
        raise SourceError(f"{where}: {shown(text)} is no number below 10^308")
    return found


def read_record(kind: type[R], data: object, where: str | Path, strict: bool = False) -> R:
    """A record in plain data.

    Args:
        kind: the dataclass.
        data: of its JSON object.
        where: what errors begin with, the file and the line.
        strict: refuse keys that it does not know; else they are passed over, as those that a later version added.

    Raises:
        SourceError: names the place inside of the data, what is there and what is expected.

    >>> from dataclasses import dataclass
    >>> @dataclass
    ... class Point:
    ...     at: tuple[float, float]
    >>> read_record(Point, {"at": [1, 2.5]}, "point.json")
    Point(at=(1.0, 2.5))
    >>> read_record(Point, {"at": [1, "2"]}, "point.json")
    Traceback (most recent call last):
    archlab.errors.SourceError: point.json: at[1] must be a number, got '2'
    """
    try:
        if strict:
            _check_known(kind, data)
        return _of(kind)(data)
    except _WrongError as error:
        raise SourceError(f"{where}: {error}") from None


class _WrongError(Exception):
    """What is wrong with a value: words before and after its place, which grows as the error comes out of the data."""

    def __init__(self, after: str, *place: str | int, before: str = ""):
        super().__init__(after)
        self.before, self.after = before, after
        self.place = list(place)
        self.is_mismatch = False
        """Whether the value is of another type altogether."""

    def at(self, key: str | int) -> _WrongError:
        """The same inside of what has this key or number."""
        self.place.insert(0, key)
        return self

    def __str__(self) -> str:
        text = ""
        for key in self.place:
            if isinstance(key, int):
                text += f"[{key}]"
            elif key.isidentifier():
                text += f".{key}" if text else key
            else:
                text += f"[{shown(key)}]"
        if not text:
            return self.after.removeprefix(": ") if self.after.startswith(": ") else f"{self.before}it{self.after}"
        return f"{self.before}{text}{self.after}"


def _mismatch(expected: str, value: object) -> _WrongError:
    kinds = {dict: "an object", list: "a list", NoneType: "null", bool: "true" if value is True else "false"}
    error = _WrongError(f" must be {expected}, got {kinds.get(type(value)) or shown(value)}")
    error.is_mismatch = True
    return error


def _number(value: object) -> float:
    if value is None:
        return float("nan")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _mismatch("a number", value)
    try:
        return float(value)
    except OverflowError:
        raise _mismatch("a number below 10^308", value) from None


def _whole(value: object) -> int:
    found = _exact(value)
    if abs(found) >= _LARGEST_NUMBER:
        raise _mismatch("a whole number of at most 64 bits", value)
    return found


def _exact(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _mismatch("a whole number", value)
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise _mismatch("text", value)
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:  # half of a character, which could not be written again
            raise _mismatch("valid Unicode", value) from None
    return value


def _switch(value: object) -> bool:
    if not isinstance(value, bool):
        raise _mismatch("true or false", value)
    return value


def _nothing(value: object) -> None:
    if value is not None:
        raise _mismatch("null", value)


def _plain(value: object) -> Value:
    """Any plain data, but not so deep that whoever goes through it would go too deep."""
    waiting: list[tuple[object, int]] = [(value, 0)]
    while waiting:
        each, depth = waiting.pop()
        if depth > _DEEPEST:
            raise _WrongError(f" is nested more than {_DEEPEST} deep")
        inner = each.values() if isinstance(each, dict) else each if isinstance(each, list) else ()
        waiting.extend((one, depth + 1) for one in inner)
        if isinstance(each, str | int | dict):
            _storable(each)
    return value


def _storable(value: str | int | dict[str, object]) -> None:
    if isinstance(value, int):
        _whole(int(value))
    for text in value if isinstance(value, dict) else [value]:
        if isinstance(text, str):
            _text(text)


_SIMPLE: Mapping[Kind, tuple[Read, str]] = {
    float: (_number, "a number"),
    int: (_whole, "a whole number"),
    bool: (_switch, "true or false"),
    str: (_text, "text"),
    NoneType: (_nothing, "null"),
    Any: (_plain, "a value"),
    object: (_plain, "a value"),
}


@cache
def _of(kind: Kind) -> Read:
    """What reads a value of a type."""
    if kind in _SIMPLE:
        return _SIMPLE[kind][0]
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated and _ANY_SIZE in inner:
        return _exact
    if origin in (Union, UnionType):
        return _one_of(inner)
    if origin is Literal:
        return _word(inner)
    if origin is list:
        return _several(inner[0], list)
    if origin is tuple:
        return _several(inner[0], tuple) if inner[-1] is Ellipsis else _row(inner)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _mapping(inner[1])
    if isinstance(kind, type) and is_dataclass(kind):
        return _record(kind)
    raise TypeError(f"a field of a record cannot be of type {kind}")


def _expected(kind: Kind) -> str:
    if kind in _SIMPLE:
        return _SIMPLE[kind][1]
    if get_origin(kind) in (tuple, list):
        return "a list"
    return "an object"


def _one_of(kinds: tuple[Kind, ...]) -> Read:
    """The first type that fits. What is wrong is said of the one that fits best, the one that gets deepest."""
    # Null is NaN only where nothing else may stand.
    readers = [_of(kind) for kind in sorted(kinds, key=lambda kind: kind is not NoneType)]
    words = " or ".join(dict.fromkeys(_expected(kind) for kind in kinds))

    def read(value: object) -> Value:
        errors: list[_WrongError] = []
        for reader in readers:
            try:
                return reader(value)
            except _WrongError as error:
                errors.append(error)
        best = max(errors, key=lambda error: (len(error.place), not error.is_mismatch))
        raise _mismatch(words, value) if best.is_mismatch and not best.place else best

    return read


def _word(words: tuple[Kind, ...]) -> Read:
    def read(value: object) -> Value:
        if not isinstance(value, str) or value not in words:
            hint = did_you_mean(value, words) if isinstance(value, str) else f"choose from {', '.join(words)}"
            raise _WrongError(f": {shown(value)} is not known: {hint}")
        return value

    return read


def _several(kind: Kind, make: Callable[[list[Value]], Value]) -> Read:
    reader = _of(kind)

    def read(value: object) -> Value:
        found: list[Value] = []
        for number, each in enumerate(_list(value)):
            try:
                found.append(reader(each))
            except _WrongError as error:
                raise error.at(number) from None
        return make(found)

    return read


def _row(kinds: tuple[Kind, ...]) -> Read:
    readers = [_of(kind) for kind in kinds]

    def read(value: object) -> Value:
        if len(_list(value)) != len(readers):
            raise _WrongError(f" must be a list of {len(readers)}, got one of {len(_list(value))}")
        found: list[Value] = []
        for number, (reader, each) in enumerate(zip(readers, _list(value), strict=True)):
            try:
                found.append(reader(each))
            except _WrongError as error:
                raise error.at(number) from None
        return tuple(found)

    return read


def _list(value: object) -> list[object] | tuple[object, ...]:
    if not isinstance(value, list | tuple):
        raise _mismatch("a list", value)
    return value


def _mapping(kind: Kind) -> Read:
    reader = _of(kind)

    def read(value: object) -> dict[str, Value]:
        found: dict[str, Value] = {}
        for key, each in _object(value).items():
            try:
                found[_text(key)] = reader(each)
            except _WrongError as error:
                raise error.at(str(key)) from None
        return found

    return read


def _object(value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise _mismatch("an object", value)
    return value


def _record(kind: type[Value]) -> Read:
    hints = get_type_hints(kind, include_extras=True)
    known = [each for each in fields(kind) if each.init]
    readers = [
        (each.name, _key(each), _of(hints[each.name]), "inline" in each.metadata,
         each.default is MISSING and each.default_factory is MISSING)
        for each in known
    ]  # fmt: skip
    # `restored` is for the few records that have it.
    restored = getattr(kind, "restored", None)

    def read(value: object) -> Value:
        data = _object(value)
        found: dict[str, Value] = {}
        for name, key, reader, inline, needed in readers:
            if inline:
                found[name] = reader(data)
            elif key in data:
                try:
                    found[name] = reader(data[key])
                except _WrongError as error:
                    raise error.at(key) from None
            elif needed:
                raise _WrongError("' is missing", key, before="the key '")
        made = kind(**found)
        try:
            return restored(made, data) if restored else made
        except SourceError as error:
            raise _WrongError(f": {error}") from None

    return read


def _key(field: Kind) -> str:
    return field.metadata.get(KEY, field.name)


def _check_known(kind: type[Value], data: object) -> None:
    known = [_key(each) for each in fields(kind)]
    for key in _object(data):
        if key not in known:
            raise _WrongError(f": unknown key {shown(key)}: {did_you_mean(str(key), known)}")


def keyed(record: object, data: Mapping[str, Value]) -> dict[str, Value]:
    """A record's fields as plain data, under the keys that its files have for them."""
    keys = {each.name: _key(each) for each in fields(cast("Value", record))}
    return {keys[name]: value for name, value in data.items()}
