from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias


@dataclass(frozen=True)
class Section:
    """A stage or a block: parts of a graph in order, smaller sections and the positions of nodes."""

    kind: Literal["stage", "block"]
    name: str
    parts: tuple[Unit, ...]

    @cached_property
    def nodes(self) -> tuple[int, ...]:
        """The positions of all its nodes, in order."""
        return tuple(sorted(positions(self.parts)))

    @cached_property
    def is_leaf(self) -> bool:
        """Whether it holds no smaller section."""
        return not any(isinstance(part, Section) for part in self.parts)


Unit: TypeAlias = Section | int


def positions(units: Iterable[Unit]) -> Iterator[int]:
    """The positions of all nodes of some units."""
    for unit in units:
        if isinstance(unit, Section):
            yield from positions(unit.parts)
        else:
            yield unit
