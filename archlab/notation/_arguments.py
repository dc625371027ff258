"""Which arguments each part takes, and of which kinds: read off the dataclasses, so a new part needs no word here."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from archlab.dsl import Block, Cell, Parallel, Pyramid, Residual, Stage
from archlab.graph import Part, Repeat
from archlab.ops import Op, Width

COMBINATORS: tuple[type[Part], ...] = (Block, Residual, Parallel, Cell, Stage, Pyramid, Repeat)


def part_kinds() -> dict[str, type[Part]]:
    """Every part that can be written, by its name: the combinators and all operations, a user's own too."""
    return {kind.__name__: kind for kind in COMBINATORS} | Op.registry


@dataclass(frozen=True)
class Argument:
    """One argument of a part: its name, the kinds of value it takes, and the value it has by default another."""

    name: str
    kinds: tuple[Any, ...]
    default: Any = MISSING
    spread: bool = False
    """Whether Python takes it as `*name`."""

    @property
    def required(self) -> bool:
        """Whether it has to be given."""
        return self.default is MISSING


@cache
def arguments_of(kind: type[Part]) -> Mapping[str, Argument]:
    """The arguments of a part in order; the first may be given without its name."""
    hints = get_type_hints(kind)
    spread = {p.name for p in inspect.signature(kind.__init__).parameters.values() if p.kind is p.VAR_POSITIONAL}
    found: dict[str, Argument] = {}
    for field in fields(kind):  # pyright: ignore[reportArgumentType]  # every part is a dataclass
        if field.init:
            default = field.default if field.default_factory is MISSING else field.default_factory()
            found[field.name] = Argument(field.name, alternatives(hints[field.name]), default, field.name in spread)
    return found


def alternatives(hint: object) -> tuple[Any, ...]:
    """The kinds that a union is made of; any other hint is its own only one."""
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def items(kind: object, count: int) -> tuple[tuple[Any, ...], ...] | None:
    """The kinds of each of `count` items of a tuple kind; None where it cannot have so many."""
    inner = get_args(kind)
    if len(inner) == 2 and inner[1] is Ellipsis:
        return (alternatives(inner[0]),) * count
    return tuple(alternatives(hint) for hint in inner) if len(inner) == count else None


def is_tuple(kind: object) -> bool:
    """Whether a kind is written as a list of values."""
    return get_origin(kind) is tuple


def choices(kind: object) -> tuple[str, ...]:
    """The words of a `Literal`; empty for any other kind."""
    return get_args(kind) if get_origin(kind) is Literal else ()


def is_part(kind: object) -> bool:
    """Whether a kind is written as a part."""
    return isinstance(kind, type) and issubclass(kind, Part)


_WORDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    NoneType: "null",
    Width: "a width such as WIDTH * 4",
}


def expected(kinds: tuple[Any, ...]) -> str:
    """What may stand there, in words."""
    words: list[str] = []
    for kind in kinds:
        if choices(kind):
            words.extend(choices(kind))
        elif is_tuple(kind):
            inner = get_args(kind)
            words.append("a list" if Ellipsis in inner else f"a list of {len(inner)}")
        elif is_part(kind):
            words.append("a part such as ReLU")
        else:
            words.append(_WORDS.get(kind, "a value"))
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
