"""What stands behind a number, and the number with it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from math import inf
from typing import TypeAlias

from archlab.units import Number, Unit

Plain: TypeAlias = "Number | str | list[Number | None] | None"
"""What JSON and CSV hold."""


class State(IntEnum):
    """What stands behind a number; where several are combined, the highest holds for the whole."""

    FREE = 0
    """Deliberately nothing."""
    COUNTED = 1
    """Counted by a rule."""
    UNSIZED = 2
    """Depends on the size of the input, which is not known."""
    LOWER_BOUND = 3
    """Counted, but for layers without a rule."""
    UNKNOWN = 4
    """There is no rule."""


@dataclass(frozen=True)
class Value:
    """A number with its state.

    Attributes:
        number: None where there is none; of what has a value for each axis, one for each.
        state: what stands behind it.
        note: what is said beside it: a coverage, a star.
        words: what is said in its place where a number cannot say it.
    """

    number: Number | tuple[Number | None, ...] | str | None
    state: State = State.COUNTED
    note: str = ""
    words: str = ""

    def text(self, unit: Unit, brief: bool = False) -> str:
        """As it is read.

        Args:
            unit: how its numbers are written.
            brief: whether it stands in a table of many: then deliberately nothing is a dash.

        >>> from archlab.units import COUNT
        >>> Value(112, State.LOWER_BOUND).text(COUNT), Value(0, State.FREE).text(COUNT, brief=True)
        ('≥ 112', '–')
        """
        if self.words:
            return self.words
        if self.state is State.UNKNOWN:
            return "unknown"
        if self.state is State.UNSIZED:
            return "?" if brief else "depends on the input size"
        if self.number is None or (brief and self.state is State.FREE):
            return "–"
        bound = "≥ " if self.state is State.LOWER_BOUND else ""
        return f"{bound}{unit.text(self.number, brief)}{self.note}"

    @property
    def rank(self) -> float | None:
        """What it is sorted by: of several axes the largest; None where there is nothing to go by."""
        if isinstance(self.number, tuple):
            return max((float(each) for each in self.number if each is not None), default=None)
        if isinstance(self.number, str):
            return None
        if self.number is None:
            return inf if self.words == WHOLE_IMAGE else None
        return float(self.number)

    @property
    def plain(self) -> Plain:
        """As JSON has it: a list of what has a value for each axis."""
        if isinstance(self.number, tuple):
            return [None if each is None else _plain(each) for each in self.number]
        return self.number if self.number is None or isinstance(self.number, str) else _plain(self.number)


WHOLE_IMAGE = "whole image"
"""What a unit sees that has no place of its own any more."""


def _plain(number: Number) -> Number:
    return int(number) if number == int(number) and not isinstance(number, float) else float(number)


def counted(number: Number | tuple[Number, ...] | None, state: State = State.COUNTED) -> Value:
    """A number with the state that follows from it and from that of the rule which counts it.

    >>> counted(0).state.name, counted(None).state.name, counted(3, State.UNKNOWN).state.name
    ('FREE', 'UNSIZED', 'LOWER_BOUND')
    """
    if state >= State.LOWER_BOUND:
        return Value(number, State.LOWER_BOUND) if number else Value(None, State.UNKNOWN)
    if number is None:
        return Value(None, State.UNSIZED)
    return Value(number, State.COUNTED if number else State.FREE)


def nothing() -> Value:
    """No value: there is nothing of the kind here."""
    return Value(None, State.FREE)
