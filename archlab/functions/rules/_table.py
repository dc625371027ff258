from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, TypeVar

from archlab.functions._call import Call, Made

Rule: TypeAlias = Callable[[Call], Made]
RuleT = TypeVar("RuleT", bound=Rule)
RULES: dict[str, Rule] = {}
"""By the name of a function, without the underscore of those that work in place."""


def entered(*names: str) -> Callable[[RuleT], RuleT]:
    """Enter a rule under these names."""

    def enter(rule: RuleT) -> RuleT:
        RULES.update(dict.fromkeys(names, rule))
        return rule

    return enter
