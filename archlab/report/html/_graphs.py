from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from markupsafe import Markup


@dataclass(frozen=True)
class Graph:
    levels: tuple[tuple[str, str], ...]
    first: Markup


class Shelf:
    kept = ()

    def graph(self, graph: Any, name: str) -> Graph | None:
        return None
