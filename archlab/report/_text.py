"""A report as text for a terminal of a given width."""

from __future__ import annotations

import textwrap
from math import floor, log10

from archlab.report._listing import listing
from archlab.report._parts import Chart, Listing, Part, Report, Table

_NARROWEST = 24  # columns that a folded text needs to be read
BARS = "▁▂▃▄▅▆▇█"
ASCII_BARS = "_.-:=+*#"
_ASCII = str.maketrans(
    {"×": "x", "–": "-", "−": "-", "→": ">", "≥": ">", "…": ".", "∞": "i", "·": ".", "’": "'", "∂": "d"}
)


def to_text(report: Report | tuple[Part, ...], width: int | None = None, ascii: bool = False) -> str:
    """Write a report as text.

    Args:
        report: or the parts of one.
        width: columns of the terminal; None where it does not matter (a pipe, a file).
        ascii: keep to ASCII, for terminals that cannot show more.
    """
    parts = report.parts if isinstance(report, Report) else report
    text = "\n\n".join(_part(part, width, ASCII_BARS if ascii else BARS) for part in parts)
    return text.translate(_ASCII) if ascii else text


def _part(part: Part, width: int | None, bars: str) -> str:
    if isinstance(part, Table):
        return _titled(part.title, _table(part, width))
    if isinstance(part, Chart):
        return _titled("\n".join(_wrapped(part.title, width)), draw(part, width, bars))
    if isinstance(part, Listing):
        return _titled(part.title, listing(part, width))
    lines = [line for text in part.lines for line in _wrapped(text, width, "  " if part.title else "")]
    return _titled(part.title, "\n".join(lines))


def _titled(title: str, body: str) -> str:
    return f"{title}\n{body}" if title else body


def _wrapped(text: str, width: int | None, indent: str = "") -> list[str]:
    if width is None:
        return [indent + text]
    # A path or a name is not broken: it could not be copied.
    return textwrap.wrap(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=indent + "  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def grid(
    columns: tuple[str, ...], rows: tuple[tuple[str, ...], ...], align: tuple[str, ...] = (), folded: bool = False
) -> str:
    """A plain table; `folded` breaks the heads of columns into lines."""
    from tabulate import tabulate

    heads = [
        _folded(column, [row[place] for row in rows]) if folded else column for place, column in enumerate(columns)
    ]
    return tabulate(rows, heads, "simple", colalign=align or None, disable_numparse=True, preserve_whitespace=True)


def _folded(head: str, cells: list[str]) -> str:
    """The head of a column, in lines no longer than its cells or its longest word."""
    room = max([*map(len, head.split()), *[_widest(cell) for cell in cells if cell]], default=0)
    return "\n".join(textwrap.wrap(head, room, break_on_hyphens=False)) if len(head) > room else head


def _widest(text: str) -> int:
    return max(len(line) for line in text.splitlines())


def _table(table: Table, width: int | None) -> str:
    text = grid(table.columns, table.texts, table.align)
    if width is None or _widest(text) <= width:
        return text
    if table.stack:
        return _cards(table, width)
    if table.fold:
        longest = max(len(row[-1]) for row in table.texts)
        room = width - (_widest(text) - longest)
        if room >= _NARROWEST:
            rows = tuple((*row[:-1], "\n".join(textwrap.wrap(row[-1], room))) for row in table.texts)
            return grid(table.columns, rows, table.align)
    text = grid(table.columns, table.texts, table.align, folded=True)
    if _widest(text) <= width:
        return text
    # The last columns go first.
    for kept in range(len(table.columns) - 1, table.essential - 1, -1):
        text = grid(table.columns[:kept], tuple(row[:kept] for row in table.texts), table.align[:kept], folded=True)
        if _widest(text) <= width:
            break
    return text


def _cards(table: Table, width: int) -> str:
    """A table turned: for each column a card of its own."""
    labels = [row[0] for row in table.texts]
    longest = max(map(len, labels))
    cards: list[str] = []
    for column, name in enumerate(table.columns[1:], start=1):
        lines = [*_wrapped(name, width), "-" * min(width, max(len(name), longest))]
        for label, row in zip(labels, table.texts, strict=True):
            line = f"{label.ljust(longest)}  {row[column]}"
            lines += [line] if len(line) <= width else [label, f"    {row[column]}"]
        cards.append("\n".join(lines))
    return "\n\n".join(cards)


def draw(chart: Chart, width: int | None, bars: str = BARS) -> str:
    """A chart as rows of bars."""
    known = [value for curve in chart.curves for value in curve.values if value is not None and value > 0]
    low, high = (floor(log10(min(known))), floor(log10(max(known))) + 1) if known else (0, 1)
    scale = f"1e{low} … 1e{high}"
    columns = ("", scale, *chart.columns)
    align = ("left", "left", *["left" if name == "verdict" else "right" for name in chart.columns])
    for room in (48, 32, 24, 16):
        rows = [(curve.name, sparkline(curve.values, low, high, room, bars), *curve.notes) for curve in chart.curves]
        text = grid(columns, tuple(rows), align)
        if width is None or _widest(text) <= width:
            return text
    assert width is not None
    cards: list[str] = []
    for curve in chart.curves:
        lines = _wrapped(curve.name, width)
        lines.append("  " + sparkline(curve.values, low, high, width - 2, bars))
        longest = max(map(len, chart.columns))
        lines += [f"  {name.ljust(longest)}  {note}" for name, note in zip(chart.columns, curve.notes, strict=True)]
        cards.append("\n".join(lines))
    return "\n".join([scale, *cards])


def sparkline(values: tuple[float | None, ...], low: int, high: int, room: int, bars: str = BARS) -> str:
    """A curve as a row of bars on a logarithmic scale; a space where there is no value, the lowest bar for zero.

    >>> sparkline((1e-4, 1e-3, 1e-2, 0.0, None, 0.9), -4, 0, 6)
    '▁▃▅▁ █'
    """
    if len(values) > room:
        values = tuple(_median(values[i * len(values) // room : (i + 1) * len(values) // room]) for i in range(room))
    text = ""
    for value in values:
        if value is None:
            text += " "
        elif value <= 0:
            text += bars[0]
        else:
            place = (log10(value) - low) / max(1, high - low)
            text += bars[min(len(bars) - 1, max(0, int(place * len(bars))))]
    return text


def _median(values: tuple[float | None, ...]) -> float | None:
    known = sorted(value for value in values if value is not None)
    return known[len(known) // 2] if known else None
