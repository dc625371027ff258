"""A table whose columns are compared, for a terminal of some width: cells in lines, and columns in groups."""

from __future__ import annotations

from math import ceil

from archlab.report._wrap import narrowest, wrapped_name

_GAP = 2
_HEAD = 2  # tabulate leaves this beside the head of a column
_LABEL = 20  # columns that a label is not narrowed below, where the terminal has them

Lines = tuple[tuple[str, ...], ...]


def side_by_side(columns: tuple[str, ...], rows: Lines, width: int) -> list[tuple[tuple[int, ...], Lines]]:
    """Groups of columns that fit, each led by the labels.

    Args:
        columns: their heads; the first column holds the labels of rows.
        rows: the cells of each row.
        width: of the terminal.

    Returns:
        For each group the places of its columns, and their cells, the heads first, with line breaks.
    """
    cells = [tuple(row[place] for row in (columns, *rows)) for place in range(len(columns))]
    least = [max(narrowest(column[0]) + _HEAD, *map(narrowest, column)) for column in cells]
    natural = [max(len(column[0]) + _HEAD, *map(len, column)) for column in cells]
    least[0] = min(natural[0], max(least[0], min(_LABEL, width // 3)))
    count = len(columns) - 1
    each = next((n for n in range(count, 1, -1) if _all_fit(least, n, width)), 1)
    # Groups of nearly one size are easier to compare than one full and one of a single column.
    each = ceil(count / ceil(count / each)) if count else 0
    groups = [tuple(range(start, min(start + each, count + 1))) for start in range(1, count + 1, max(each, 1))]
    return [_group((0, *group), cells, least, natural, width) for group in groups]


def _all_fit(least: list[int], each: int, width: int) -> bool:
    groups = [least[start : start + each] for start in range(1, len(least), each)]
    return all(least[0] + sum(group) + _GAP * len(group) <= width for group in groups)


def _group(
    places: tuple[int, ...], cells: list[tuple[str, ...]], least: list[int], natural: list[int], width: int
) -> tuple[tuple[int, ...], Lines]:
    widths = {place: least[place] for place in places}
    left = width - sum(widths.values()) - _GAP * (len(places) - 1)
    while left > 0 and (short := [place for place in places if widths[place] < natural[place]]):
        # The labels first: they are read with every column.
        place = 0 if 0 in short else max(short, key=lambda place: natural[place] - widths[place])
        widths[place] += 1
        left -= 1
    columns = [_column(cells[place], widths[place], place == 0) for place in places]
    return places, tuple(zip(*columns, strict=True))


def _column(cells: tuple[str, ...], width: int, labels: bool) -> list[str]:
    head, *others = cells
    lines = [wrapped_name(head, width - _HEAD), *[_lines(text, width, labels) for text in others]]
    return ["\n".join(each) for each in lines]


def _lines(text: str, width: int, label: bool) -> list[str]:
    """A cell in lines; what a label is set in by stands before each of them."""
    inner = text.lstrip() if label else text
    indent = text[: len(text) - len(inner)]
    first, *more = wrapped_name(inner, width - len(indent))
    return [indent + first, *[f"{indent}  {line}" if label and len(line) + 2 <= width else line for line in more]]
