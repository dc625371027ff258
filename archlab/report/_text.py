"""A report as text for a terminal of a given width."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from math import floor, log10

from archlab.report._listing import listing
from archlab.report._parts import Chart, Listing, Part, Report, Table
from archlab.report._side_by_side import side_by_side
from archlab.report._style import Mark, Paint, coloured, marked, plain, verdict
from archlab.report._wrap import wrapped

_NARROWEST = 24  # columns that a folded text needs to be read
BARS = "▁▂▃▄▅▆▇█"
ASCII_BARS = "_.-:=+*#"
_ASCII = str.maketrans(
    {"×": "x", "–": "-", "−": "-", "→": ">", "≥": ">", "…": ".", "∞": "i", "·": ".", "’": "'", "∂": "d"}
)


def to_text(
    report: Report | tuple[Part, ...], width: int | None = None, ascii: bool = False, color: bool = False
) -> str:
    """Write a report as text.

    Args:
        report: or the parts of one.
        width: columns of the terminal; None where it does not matter (a pipe, a file).
        ascii: keep to ASCII, for terminals that cannot show more.
        color: set headings, verdicts and the best values off by the terminal's escape sequences.
    """
    parts = report.parts if isinstance(report, Report) else report
    paint = coloured if color else plain
    text = "\n\n".join(_part(part, width, ASCII_BARS if ascii else BARS, paint) for part in parts)
    return text.translate(_ASCII) if ascii else text


def _part(part: Part, width: int | None, bars: str, paint: Paint) -> str:
    if isinstance(part, Table):
        return _titled(part.title, _table(part, width, paint), paint)
    if isinstance(part, Chart):
        return _titled("\n".join(_wrapped(part.title, width)), draw(part, width, bars, paint), paint)
    if isinstance(part, Listing):
        return _titled(part.title, listing(part, width, paint=paint), paint)
    lines = [line for text in part.lines for line in _wrapped(text, width, "  " if part.title else "")]
    return _titled(part.title, "\n".join(marked(line, part.marks, paint) for line in lines), paint)


def _titled(title: str, body: str, paint: Paint) -> str:
    return f"{_painted(title, 'name', paint)}\n{body}" if title else body


def _wrapped(text: str, width: int | None, indent: str = "") -> list[str]:
    # A path or a name is not broken: it could not be copied.
    return [indent + text] if width is None else wrapped(text, width, indent, indent + "  ")


def _painted(text: str, mark: Mark, paint: Paint) -> str:
    """Every line by itself, so that none begins in the colour of another."""
    return "\n".join(paint(line, mark) for line in text.split("\n"))


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
    return (
        "\n".join(textwrap.wrap(head, room, break_long_words=False, break_on_hyphens=False))
        if len(head) > room
        else head
    )


def _widest(text: str) -> int:
    return max(len(line) for line in text.splitlines())


def _table(table: Table, width: int | None, paint: Paint) -> str:
    rows = table.texts
    text = grid(table.columns, rows, table.align)
    if width is None or _widest(text) <= width:
        return text if paint is plain else _set(table, table.columns, rows, paint)
    if table.stack:
        groups = side_by_side(table.columns, rows, width)
        return "\n\n".join(_set(table, head, cells, paint, places) for places, (head, *cells) in groups)
    if table.fold:
        longest = max(len(row[-1]) for row in rows)
        room = width - (_widest(text) - longest)
        if room >= _NARROWEST:
            rows = tuple((*row[:-1], "\n".join(wrapped(row[-1], room))) for row in rows)
            return _set(table, table.columns, rows, paint)
    # The last columns go first.
    kept = len(table.columns)
    while kept > table.essential and _widest(_folded_grid(table, kept)) > width:
        kept -= 1
    heads = tuple(_folded(column, [row[place] for row in rows]) for place, column in enumerate(table.columns[:kept]))
    text = _set(table, heads, tuple(row[:kept] for row in rows), paint)
    hidden = len(table.columns) - kept
    if not hidden:
        return text
    said = f"{hidden} column{'s' if hidden > 1 else ''} hidden: --wide"
    return f"{text}\n{_painted(said, 'dim', paint)}"


def _folded_grid(table: Table, kept: int) -> str:
    return grid(table.columns[:kept], tuple(row[:kept] for row in table.texts), table.align[:kept], folded=True)


def _set(
    table: Table,
    heads: tuple[str, ...],
    texts: Sequence[tuple[str, ...]],
    paint: Paint,
    places: Sequence[int] | None = None,
) -> str:
    """The table's cells as they have been broken into lines, each with its mark."""
    chosen = places or range(len(heads))
    align = tuple(table.align[place] for place in chosen) if table.align else ()
    if paint is plain:
        return grid(heads, tuple(texts), align)
    painted = tuple(
        tuple(
            _painted(text, row[place].mark or verdict(row[place].text), paint)
            for text, place in zip(cells, chosen, strict=True)
        )
        for cells, row in zip(texts, table.rows, strict=True)
    )
    return grid(tuple(_painted(head, "name", paint) for head in heads), painted, align)


def draw(chart: Chart, width: int | None, bars: str = BARS, paint: Paint = plain) -> str:
    """A chart as rows of bars."""
    known = [value for curve in chart.curves for value in curve.values if value is not None and value > 0]
    low, high = (floor(log10(min(known))), floor(log10(max(known))) + 1) if known else (0, 1)
    scale = f"1e{low} … 1e{high}"
    columns = ("", scale, *chart.columns)
    align = ("left", "left", *["left" if name == "verdict" else "right" for name in chart.columns])
    for room in (48, 32, 24, 16):
        rows = [(curve.name, sparkline(curve.values, low, high, room, bars), *curve.notes) for curve in chart.curves]
        if width is None or _widest(grid(columns, tuple(rows), align)) <= width:
            heads = tuple(_painted(head, "name", paint) for head in columns)
            return grid(heads, tuple(tuple(paint(cell, verdict(cell)) for cell in row) for row in rows), align)
    assert width is not None
    cards: list[str] = []
    for curve in chart.curves:
        lines = [paint(line, "name") for line in _wrapped(curve.name, width)]
        lines.append("  " + sparkline(curve.values, low, high, width - 2, bars))
        longest = max(map(len, chart.columns))
        lines += [
            f"  {name.ljust(longest)}  {paint(note, verdict(note))}"
            for name, note in zip(chart.columns, curve.notes, strict=True)
        ]
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
