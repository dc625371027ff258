"""Tables as a page shows them: cells with the number behind the text, so that they sort as numbers do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from archlab.report._parts import Table

_NUMBER = re.compile(r"(?:[≥~<>] )?([+−-]?)((?:\d[\d,]*)(?:\.\d+)?(?:e[+-]?\d+)?)(?: ?([kKMGTPE])(i?)B?\b)?")
_PREFIXES = "kMGTPE"


class Cell(NamedTuple):
    """What a cell says, the number that it is sorted by (None where it has none), and what it is coloured by."""

    text: str
    value: float | None = None
    mark: str = ""

    @property
    def indented(self) -> bool:
        """Whether it belongs to the row above."""
        return self.text.startswith(" ")


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
        sortable: whether the order of the rows is the reader's.
        tall: whether it may be longer than a screen, and then scrolls by itself.
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    totals: tuple[tuple[Cell, ...], ...] = ()
    sortable: bool = True
    tall: bool = False


def grid(table: Table, title: str = "", tall: bool = False) -> Grid:
    """A report's table, its numbers read from what they are written as."""
    numeric = [place < len(table.align) and table.align[place] == "right" for place in range(len(table.columns))]
    columns = tuple(Column(name, right) for name, right in zip(table.columns, numeric, strict=True))
    rows = tuple(
        tuple(Cell(text, number(text) if right else None) for text, right in zip(row, numeric, strict=True))
        for row in table.rows
    )
    body = len(rows) - table.totals
    # In a table of labels the rows have an order of their own; one or none has no order to choose.
    return Grid(title or table.title, columns, rows[:body], rows[body:], not table.stack and body > 1, tall)


def number(text: str) -> float | None:
    """The number that a text begins with, in the units that reports are written in.

    >>> number("991,041"), number("415 M"), number("≥ 2 KiB"), number("−0.5"), number("1:15"), number("–")
    (991041.0, 415000000.0, 2048.0, -0.5, 75.0, None)
    """
    text = text.strip()
    if re.fullmatch(r"\d+(:\d\d){1,2}", text):
        seconds = 0.0
        for part in text.split(":"):
            seconds = 60 * seconds + int(part)
        return seconds
    found = _NUMBER.match(text)
    if found is None:
        return None
    sign, digits, prefix, binary = found.groups()
    value = float(digits.replace(",", "")) * (-1 if sign in ("-", "−") and sign else 1)
    return value * (1024 if binary else 1000) ** (_PREFIXES.index(prefix.replace("K", "k")) + 1) if prefix else value
