"""Cells of tables: what is read, and the number behind it that it is sorted by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import isnan
from typing import Any, Literal

from archlab.analysis import Value
from archlab.graph import Shape, elements, is_known
from archlab.report._parts import Cell
from archlab.report._style import Mark
from archlab.units import (
    BYTES,
    COUNT,
    EXACT,
    SHARE,
    SMALL,
    Unit,
    format_seconds,
    format_sizes,
    format_slope,
)

_TWO = 2


def cell(value: Value, unit: Unit, brief: bool = True) -> Cell:
    """A value of a quantity.

    >>> from archlab.analysis import State
    >>> cell(Value(991_041), EXACT), cell(Value(None, State.UNKNOWN), COUNT).text
    (Cell(text='991,041', number=991041.0, mark=''), 'unknown')
    """
    return Cell(value.text(unit, brief), value.rank)


def ranked(cells: Sequence[Cell], better: Literal["lower", "higher"] | None) -> list[Cell]:
    """The cells of a row, the best marked, and of three or more the worst; unmarked where none is better.

    >>> [each.mark for each in ranked([Cell("3", 3), Cell("1", 1), Cell("2", 2), Cell("?")], "lower")]
    ['worst', 'best', '', '']
    """
    numbers = [each.number for each in cells if each.number is not None]
    if better is None or len(set(numbers)) < _TWO:
        return list(cells)
    best, worst = (min(numbers), max(numbers)) if better == "lower" else (max(numbers), min(numbers))
    marks: dict[float | None, Mark] = {best: "best"}
    if len(numbers) > _TWO:
        marks[worst] = "worst"
    return [replace(each, mark=marks.get(each.number, "")) for each in cells]


def _of(unit: Unit) -> Callable[[Any], Cell]:
    def written(number: Any) -> Cell:
        return Cell(unit.write(number), None if number is None or isnan(number) else float(number))

    return written


exact, count, size, share, small = map(_of, (EXACT, COUNT, BYTES, SHARE, SMALL))
"""A number in a unit; a dash where there is none."""


def slope(number: float | None, digits: int = 2) -> Cell:
    """A slope, or any difference, with its sign."""
    return Cell(format_slope(number, digits), number)


def seconds(number: float | None) -> Cell:
    """A time."""
    return Cell(format_seconds(number), number)


def shape(sizes: Shape) -> Cell:
    """A shape, sorted by how many values it holds."""
    return Cell(format_sizes(sizes), float(elements(sizes)) if is_known(sizes) else None)
