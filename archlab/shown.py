"""How an object shows itself: as text where it is printed, and as HTML in a notebook."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol


class Display(Protocol):
    """What can show every object."""

    def bundle(self, shown: object) -> Mapping[str, str]:
        """An object by media type."""
        ...

    def text(self, shown: object) -> str:
        """An object as a short table."""
        ...


def _nothing() -> Display:
    raise RuntimeError("nothing shows objects yet: import archlab")


_display: Callable[[], Display] = _nothing


def show_with(display: Callable[[], Any]) -> None:
    """Have objects shown by what `display` returns; it is called when the first of them is."""
    global _display
    _display = display


class Shown:
    """An object that a notebook shows as HTML where it can be drawn, and as text where it cannot.

    What shows it stands above it and is no part of it: `archlab` hands it down, so that every import points down.
    """

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Mapping[str, str]:
        return _display().bundle(self)


class Printed(Shown):
    """An object that prints itself as a short table, in Python's prompt too."""

    def __str__(self) -> str:
        return _display().text(self)

    def __repr__(self) -> str:
        return str(self)
