"""Names of results that are shown side by side."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["apart"]


def apart(names: Iterable[str]) -> list[str]:
    """The same names, with numbers behind those that were there before.

    >>> apart(["plain", "residual", "plain", "plain"])
    ['plain', 'residual', 'plain (2)', 'plain (3)']
    >>> apart(["plain", "plain (2)", "plain"])
    ['plain', 'plain (2)', 'plain (3)']
    """
    found: dict[str, None] = {}
    for name in names:
        free, number = name, 1
        while free in found:
            number += 1
            free = f"{name} ({number})"
        found[free] = None
    return list(found)
