"""What a report is made of: plain data, no glyphs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from archlab.report._style import Mark
from archlab.shown import Shown
from archlab.text import printable

Align = Literal["left", "right"]


def _make_printable(part: object, *names: str) -> None:
    """Whatever a name in a text holds, no renderer hands it on to a terminal."""
    for name in names:
        value = getattr(part, name)
        safe = printable(value) if isinstance(value, str) else tuple(map(printable, value))
        object.__setattr__(part, name, safe)


@dataclass(frozen=True)
class Cell:
    """What a cell says, the number behind it, and what it is among others.

    Attributes:
        text: what is read.
        number: what it is sorted by; None where it has none.
        mark: what sets it off, such as the best of its row.
    """

    text: str
    number: float | None = None
    mark: Mark = ""

    def __post_init__(self) -> None:
        _make_printable(self, "text")

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, init=False)
class Table:
    """Rows of cells under `columns`, which name them.

    `records` are the same numbers unformatted, for machines: a mapping for each row. `hints` explain columns. The first
    `essential` columns stay when there is little room; the others go, the last first. One with `stack` compares its
    columns: they stand in groups instead, as many as there is room for, each led by the first; in one with `fold` the
    text of the last column is broken into lines. The last `totals` rows sum up the others.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    align: tuple[Align, ...] = ()
    records: tuple[dict[str, object], ...] = ()
    essential: int = 1
    stack: bool = False
    fold: bool = False
    totals: int = 0
    hints: Mapping[str, str] = field(default_factory=dict)

    def __init__(
        self,
        title: str,
        columns: Sequence[str],
        rows: Iterable[Sequence[Cell | str]],
        align: Sequence[Align] = (),
        records: Sequence[Mapping[str, object]] = (),
        essential: int = 1,
        stack: bool = False,
        fold: bool = False,
        totals: int = 0,
        hints: Mapping[str, str] | None = None,
    ):
        """A text stands for a cell that has no number."""
        cells = tuple(tuple(Cell(each) if isinstance(each, str) else each for each in row) for row in rows)
        heads = tuple(map(printable, columns))
        values = (
            printable(title),
            heads,
            cells,
            tuple(align),
            tuple(map(dict, records)),
            essential,
            stack,
            fold,
            totals,
        )
        for name, value in zip(self.__dataclass_fields__, (*values, dict(hints or {})), strict=True):
            object.__setattr__(self, name, value)

    @property
    def texts(self) -> tuple[tuple[str, ...], ...]:
        """What the cells say."""
        return tuple(tuple(cell.text for cell in row) for row in self.rows)


@dataclass(frozen=True)
class Curve:
    """One line of a chart: a value at each place, in order; None where there is none."""

    name: str
    values: tuple[float | None, ...]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _make_printable(self, "name", "notes")


@dataclass(frozen=True)
class Chart:
    """Curves on one common logarithmic scale."""

    title: str
    columns: tuple[str, ...]
    curves: tuple[Curve, ...]

    def __post_init__(self) -> None:
        _make_printable(self, "title", "columns")


@dataclass(frozen=True)
class Line:
    """A line of a listing: what it is, numbers in the listing's columns, and notes that stand below it.

    One without a `sign` that has no numbers either is a heading; the others stand below it.
    """

    text: str
    sign: Literal["", "same", "added", "removed", "changed", "follows"] = ""
    numbers: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _make_printable(self, "text", "notes")


@dataclass(frozen=True)
class Listing:
    """What changed, line by line, with numbers beside it; `records` are all of it unformatted, for machines."""

    title: str
    columns: tuple[str, ...]
    lines: tuple[Line, ...]
    records: tuple[dict[str, object], ...] = ()

    def __post_init__(self) -> None:
        _make_printable(self, "title")


@dataclass(frozen=True)
class Prose:
    """Sentences, each a line of its own; `title` stands above them, and `marks` sets phrases in them off."""

    title: str
    lines: tuple[str, ...]
    marks: Mapping[str, Mark] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _make_printable(self, "title", "lines")


Part: TypeAlias = Table | Chart | Listing | Prose


@dataclass(frozen=True)
class Report(Shown):
    """Parts in order."""

    parts: tuple[Part, ...]
