"""What a report is made of: plain data, no glyphs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from archlab.shown import Shown

Align = Literal["left", "right"]


@dataclass(frozen=True)
class Table:
    """Cells that are already written as text; the first row of `columns` names them.

    `records` are the same numbers unformatted, for machines: a mapping for each row. `essential` columns stay when
    there is little room; the others go, the last first. A table with `stack` is turned, a card a column, instead; in
    one with `fold` the text of the last column is broken into lines. The last `totals` rows sum up the others.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    align: tuple[Align, ...] = ()
    records: tuple[dict[str, object], ...] = ()
    essential: int = 1
    stack: bool = False
    fold: bool = False
    totals: int = 0


@dataclass(frozen=True)
class Curve:
    """One line of a chart: a value at each place, in order; None where there is none."""

    name: str
    values: tuple[float | None, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Chart:
    """Curves on one common logarithmic scale."""

    title: str
    columns: tuple[str, ...]
    curves: tuple[Curve, ...]


@dataclass(frozen=True)
class Line:
    """A line of a listing: what it is, numbers in the listing's columns, and notes that stand below it.

    One without a `sign` that has no numbers either is a heading; the others stand below it.
    """

    text: str
    sign: Literal["", "same", "added", "removed", "changed", "follows"] = ""
    numbers: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Listing:
    """What changed, line by line, with numbers beside it; `records` are all of it unformatted, for machines."""

    title: str
    columns: tuple[str, ...]
    lines: tuple[Line, ...]
    records: tuple[dict[str, object], ...] = ()


@dataclass(frozen=True)
class Prose:
    """Sentences, each a line of its own; `title` stands above them."""

    title: str
    lines: tuple[str, ...]


Part: TypeAlias = Table | Chart | Listing | Prose


@dataclass(frozen=True)
class Report(Shown):
    """Parts in order."""

    parts: tuple[Part, ...]
