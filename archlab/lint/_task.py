"""What a network is for, as far as it has been said."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Literal, TypeAlias

from archlab.errors import UsageError

Kind: TypeAlias = Literal["binary", "classes", "labels", "regression"]
_FORMS = "binary, classes:N, labels:N, regression or regression:LOW:HIGH"


@dataclass(frozen=True)
class Task:
    """What a network is to tell.

    Attributes:
        kind: 'binary', one of two classes; 'classes', one of several; 'labels', several of which each may hold;
            'regression', real numbers.
        count: how many classes or labels there are.
        low: the lowest target of a regression, where it is known.
        high: the highest.
    """

    kind: Kind
    count: int | None = None
    low: float | None = None
    high: float | None = None

    @property
    def words(self) -> str:
        """In words."""
        return {
            "binary": "two classes",
            "classes": f"{self.count} classes",
            "labels": f"{self.count} labels of which each may hold",
            "regression": "regression",
        }[self.kind]


def read_task(text: str | Task | None) -> Task | None:
    """A task as it is typed.

    Raises:
        UsageError: it is none.

    >>> read_task("classes:10")
    Task(kind='classes', count=10, low=None, high=None)
    >>> read_task("regression:0:100").high
    100.0
    """
    if text is None or isinstance(text, Task):
        return text
    kind, *rest = text.split(":") if isinstance(text, str) else ("",)
    if kind == "binary" and not rest:
        return Task("binary", 2)
    if kind in ("classes", "labels") and len(rest) == 1 and rest[0].isdecimal() and int(rest[0]) > 1:
        return Task("classes" if kind == "classes" else "labels", int(rest[0]))
    if kind == "regression" and not rest:
        return Task("regression")
    if kind == "regression" and len(rest) == 2:
        try:
            low, high = map(float, rest)
        except ValueError:
            low = high = 0.0
        if isfinite(low) and isfinite(high) and low < high:
            return Task("regression", None, low, high)
    raise UsageError(f"the task {text!r} is none of {_FORMS}")
