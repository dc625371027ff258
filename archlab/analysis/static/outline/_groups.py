"""The layers of a graph by stage or by block, and what they cost together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from archlab.analysis.static.outline._outline import outline
from archlab.analysis.static.outline._section import Section, Unit, positions
from archlab.graph import Graph

RowT = TypeVar("RowT", bound=tuple[Any, ...])


def groups(graph: Graph, kind: str) -> Mapping[str, tuple[int, ...]]:
    """The nodes by stage, or by block, in order of appearance; of blocks within blocks by the outer one.

    Nodes outside of all form 'stem' before the first, 'head' after the last and 'between' elsewhere.

    >>> from archlab import load
    >>> list(groups(load("baseline").graph, "stage"))
    ['stem', 'stage1', 'stage2', 'stage3', 'stage4', 'head']
    """
    return graph.fact(("groups", kind), lambda: MappingProxyType(_groups(outline(graph), kind)))


def _groups(units: tuple[Unit, ...], kind: str) -> dict[str, tuple[int, ...]]:
    named = list(_named(units, kind))
    inside = [place for place, (name, _) in enumerate(named) if name is not None]
    first, last = (inside[0], inside[-1]) if inside else (len(named), len(named))
    found: dict[str, list[int]] = {}
    for place, (name, members) in enumerate(named):
        if name is None:
            name = "stem" if place < first else "head" if place > last else "between"
        found.setdefault(name, []).extend(members)
    return {name: tuple(sorted(members)) for name, members in found.items()}


def _named(units: tuple[Unit, ...], kind: str) -> Iterator[tuple[str | None, tuple[int, ...]]]:
    """Stretches of nodes with the name of the section of that kind that holds them."""
    for unit in units:
        if not isinstance(unit, Section):
            yield None, (unit,)
        elif unit.kind == kind:
            yield unit.name, unit.nodes
        elif any(isinstance(part, Section) for part in unit.parts):
            yield from _named(unit.parts, kind)
        else:
            yield None, tuple(positions((unit,)))


def grouped(
    graph: Graph, rows: tuple[RowT, ...], kind: str, add: Callable[[str, Iterable[RowT]], RowT]
) -> Mapping[str, RowT]:
    """Rows added up by stage or by block."""
    return MappingProxyType(
        {name: add(name, [rows[i] for i in members]) for name, members in groups(graph, kind).items()}
    )
