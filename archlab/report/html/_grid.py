"""Tables as a page shows them: cells with the number behind the text, so that they sort as numbers do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from archlab.report._parts import Cell, Table


class Column(NamedTuple):
    """The head of a column; what is not numeric is sorted as text."""

    title: str
    numeric: bool = False
    hint: str = ""


@dataclass(frozen=True)
class Grid:
    """A table of a page.

    Attributes:
        title: what it is, for those who come to it without what stands around it.
        columns: their heads.
        rows: cells, of which the first names the row.
        totals: rows that sum up the others, and stay below them.
        marks: for each row, what its cells are coloured by; none where no cell is.
        sortable: whether the order of the rows is the reader's.
        tall: whether it may be longer than a screen, and then scrolls by itself.
        anchors: for each row, the name that links lead to it by; none where no link does.
        links: for each row, the anchor that its first cell leads to, '' for none.
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    totals: tuple[tuple[Cell, ...], ...] = ()
    marks: tuple[tuple[str, ...], ...] = ()
    sortable: bool = True
    tall: bool = False
    anchors: tuple[str, ...] = ()
    links: tuple[str, ...] = ()


def grid(table: Table, title: str = "", tall: bool = False) -> Grid:
    """A report's table, its columns explained where it explains them."""
    numeric = [place < len(table.align) and table.align[place] == "right" for place in range(len(table.columns))]
    columns = tuple(
        Column(name, right, table.hints.get(name, "")) for name, right in zip(table.columns, numeric, strict=True)
    )
    body = len(table.rows) - table.totals
    # In a table of labels the rows have an order of their own; one or none has no order to choose.
    sortable = not table.stack and body > 1
    return Grid(title or table.title, columns, table.rows[:body], table.rows[body:], (), sortable, tall)
