from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from archlab.errors import UnknownNameError, did_you_mean
from archlab.graph import Shape, format_shape
from archlab.ops import Op
from archlab.report import Report, Table, to_text


class NotApplicable(Exception):  # noqa: N818  # no error: the reason why a check has nothing to compare
    """A check has nothing to compare: the layer does not state the fact, or nothing else knows it."""


@dataclass(frozen=True)
class Outcome:
    """What one check found.

    Attributes:
        check: its name.
        state: 'passed', 'failed' or 'not applicable'.
        sentence: what was compared; what was expected and found; or the reason why there is nothing to compare.
    """

    check: str
    state: Literal["passed", "failed", "not applicable"]
    sentence: str


@dataclass(frozen=True, repr=False)
class Outcomes:
    """What every check found of one layer at inputs of these shapes. Prints itself as a table.

    >>> from archlab import ReLU
    >>> from archlab.testing import check_op
    >>> found = check_op(ReLU(), input=(8, 8, 4))
    >>> found["weights"]
    Outcome(check='weights', state='passed', sentence='none')
    """

    op: Op
    inputs: tuple[Shape, ...]
    outcomes: tuple[Outcome, ...]

    @property
    def failed(self) -> tuple[Outcome, ...]:
        """The checks that failed."""
        return tuple(each for each in self.outcomes if each.state == "failed")

    def __getitem__(self, check: str) -> Outcome:
        """The outcome of one check. Raises UnknownNameError where there is none of that name."""
        for each in self.outcomes:
            if each.check == check:
                return each
        names = [each.check for each in self.outcomes]
        raise UnknownNameError(f"no check is called {check!r}: {did_you_mean(check, names)}")

    def __iter__(self) -> Iterator[Outcome]:
        return iter(self.outcomes)

    def __len__(self) -> int:
        return len(self.outcomes)

    @property
    def subject(self) -> str:
        """The layer and what comes in."""
        shapes = " and ".join(map(format_shape, self.inputs))
        return f"{self.op!r} at {shapes}" if shapes else repr(self.op)

    def report(self) -> Report:
        """As a table, a row for each check."""
        rows = [(each.check, each.state, each.sentence) for each in self.outcomes]
        return Report((Table(self.subject, ("check", "outcome", "what was compared"), rows, fold=True),))

    def __str__(self) -> str:
        return to_text(self.report())

    __repr__ = __str__
