from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, TypeVar

from archlab.functions._call import Call, Made

Rule: TypeAlias = Callable[[Call], Made]
T = TypeVar("T")
RULES: dict[str, Rule] = {}
"""By the name of a function, without the underscore of those that work in place."""


def entering(table: dict[str, T]) -> Callable[..., Callable[[T], T]]:
    """A decorator that enters a rule into a table, under the names that it is given."""

    def entered(*names: str) -> Callable[[T], T]:
        def enter(rule: T) -> T:
            table.update(dict.fromkeys(names, rule))
            return rule

        return enter

    return entered


entered = entering(RULES)
