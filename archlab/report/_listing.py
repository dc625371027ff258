"""A listing of changes as text: a sign, what it is, and numbers at the right; below, what changed."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

from archlab.report._parts import Line, Listing
from archlab.report._style import Mark, Paint, plain

SIGNS = {"added": "+", "removed": "−", "changed": "~", "follows": "·", "same": " ", "": " "}
_MARKS: Mapping[str, Mark] = {"added": "good", "removed": "bad", "changed": "warn", "follows": "dim", "same": "dim"}
_ROOM = 22  # columns that a text beside numbers needs to be read
_LONGEST_NOTE = 100  # columns of what stands below a line where the width does not matter
_WIDEST = 64  # columns beyond which numbers would be too far from what they belong to


def listing(part: Listing, width: int | None, signs: Mapping[str, str] = SIGNS, paint: Paint = plain) -> str:
    """Write a listing for a terminal of some width; where numbers have no room beside the text, they stand below it."""
    widths = [
        max(len(column), *[len(line.numbers[i]) for line in part.lines if line.numbers])
        for i, column in enumerate(part.columns)
    ]
    beside = sum(2 + each for each in widths)
    longest = min(_WIDEST, max(len(_indent(line)) + 2 + len(line.text) for line in part.lines))
    room = longest if width is None else min(longest, width - beside)
    if room < min(_ROOM, longest):
        return "\n".join(_painted(_narrow(line, part.columns, width or 0, signs), line, paint) for line in part.lines)
    header = " " * room + "".join(f"  {name:>{each}}" for name, each in zip(part.columns, widths, strict=True))
    # The column of signs stays free: a line that begins with a sign is a change.
    rule = "  " + "-" * (room - 2) + "".join("  " + "-" * each for each in widths)
    lines = [_painted(_wide(line, room, beside, widths, width, signs), line, paint) for line in part.lines]
    return "\n".join([paint(header, "name"), rule, *lines])


def _painted(text: str, line: Line, paint: Paint) -> str:
    mark = _MARKS.get(line.sign, "") if line.sign or line.numbers else "name"
    return "\n".join(paint(row, mark) for row in text.split("\n"))


def _indent(line: Line) -> str:
    return "  " if line.sign else ""


def _wide(line: Line, room: int, beside: int, widths: list[int], width: int | None, signs: Mapping[str, str]) -> str:
    sign = signs[line.sign]
    start = f"{sign} {_indent(line)}" if line.sign else ""
    pieces = _broken(line.text, room - len(start))
    numbers = "".join(f"  {number:>{each}}" for number, each in zip(line.numbers, widths, strict=False))
    rows = [f"{start}{pieces[0]}".ljust(room) + numbers, *_under(sign, len(start) + 2, pieces[1:])]
    for note in line.notes:
        rows += _noted(sign, len(start) + 4, note, max(room + beside, _LONGEST_NOTE) if width is None else width)
    return "\n".join(row.rstrip() for row in rows)


def _narrow(line: Line, columns: tuple[str, ...], width: int, signs: Mapping[str, str]) -> str:
    sign = signs[line.sign]
    start = f"{sign} " if line.sign else ""
    pieces = _broken(line.text, width - len(start))
    rows = [start + pieces[0], *_under(sign, len(start) + 2, pieces[1:])]
    numbers = zip(columns, line.numbers, strict=False)
    said = ", ".join(f"{column} {number}" for column, number in numbers if number)
    for note in filter(None, (*line.notes, said)):
        rows += _noted(sign, len(start) + 4, note, width)
    return "\n".join(row.rstrip() for row in rows)


def _noted(sign: str, indent: int, note: str, width: int) -> list[str]:
    return _under(sign, indent, _broken(note, width - indent))


def _under(sign: str, indent: int, pieces: list[str]) -> list[str]:
    """Further lines of something: its sign again, so that whoever filters lines by it has all of them."""
    return [f"{sign:{indent}}{piece}" for piece in pieces]


def _broken(text: str, width: int) -> list[str]:
    """Lines of at most that width, as far as names that are not broken allow."""
    return textwrap.wrap(text, max(width, 8), break_long_words=False, break_on_hyphens=False) or [""]
