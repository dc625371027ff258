"""How an object shows itself in a notebook."""

from __future__ import annotations

from importlib import import_module
from typing import Any


class Shown:
    """A thing that a notebook shows as HTML where it can be drawn, and as text where it cannot.

    What draws stands above what is drawn, and is no part of it: `archlab.notebook` is looked up when a notebook asks.
    """

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return import_module("archlab.notebook").bundle(self)
