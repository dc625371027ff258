"""The parts of a report as a page shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from markupsafe import Markup

from archlab.report._parts import Listing, Part, Prose, Table
from archlab.report.html._grid import Grid, grid
from archlab.report.html._sparkline import bounds, sparkline


@dataclass(frozen=True)
class Tabular:
    """A table under its title."""

    title: str
    grid: Grid
    kind: str = "table"


class Line(NamedTuple):
    """A curve as a small picture, with what is noted of it."""

    name: str
    picture: Markup
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Curves:
    """Curves on one scale, a row each."""

    title: str
    scale: str
    columns: tuple[str, ...]
    curves: tuple[Line, ...]
    kind: str = "chart"


@dataclass(frozen=True)
class Text:
    """Sentences."""

    title: str
    lines: tuple[str, ...]
    kind: str = "prose"


Section: TypeAlias = Tabular | Curves | Text


def sections(parts: Sequence[Part], title: str) -> list[Section]:
    """Every part of a report; a table without a title of its own is named after the report."""
    return [_section(part, title) for part in parts]


def _changes(part: Listing) -> Table:
    """A listing as a table: a row for each line, and one for each of its notes."""
    empty = ("",) * len(part.columns)
    rows: list[tuple[str, ...]] = []
    for line in part.lines:
        numbers = (*line.numbers, *empty[len(line.numbers) :])
        rows.append((f"  {line.text}" if line.sign else line.text, _WORDS.get(line.sign, line.sign), *numbers))
        rows += [(f"    {note}", "", *empty) for note in line.notes]
    return Table(part.title, ("", "change", *part.columns), rows, ("left", "left", *["right" for _ in part.columns]))


_WORDS = {"same": "", "follows": "follows from the others"}


def _section(part: Part, title: str) -> Section:
    if isinstance(part, Prose):
        return Text(part.title, part.lines)
    if isinstance(part, Table):
        return Tabular(part.title, grid(part, part.title or title, tall=len(part.rows) > 40))
    if isinstance(part, Listing):
        return Tabular(part.title, grid(_changes(part), part.title or title, tall=len(part.lines) > 40))
    low, high = bounds(part)
    lines = tuple(Line(curve.name, sparkline(curve.values, low, high), curve.notes) for curve in part.curves)
    return Curves(part.title, f"1e{low} … 1e{high}", part.columns, lines)
