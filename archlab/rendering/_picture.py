"""What a picture of a graph shows, as plain data: boxes in clusters, and edges. No colours, no places."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

Mark = Literal["", "added", "removed", "changed", "kept"]
"""What a comparison of two graphs says of a part; empty where there is none."""

EdgeKind = Literal["flow", "shortcut", "skip"]
"""The way through the layers; past the layers of one block to its merge; past other blocks."""


@dataclass(frozen=True)
class Box:
    """One box: a layer, a block or a stage.

    Attributes:
        id: unlike every other in the picture, and safe in DOT, Mermaid and SVG.
        title: its first line.
        lines: smaller ones below it.
        kind: what it is coloured by, a key of `KINDS`.
        path: the name of the layer, or the path of the scope, that it stands for.
        members: the positions in the graph of the layers it stands for, once each.
        value: what it is coloured by where boxes are coloured by a quantity.
        mark: what a comparison says of it.
        small: whether it is drawn as a point where paths meet, with its title alone.
    """

    id: str
    title: str
    lines: tuple[str, ...] = ()
    kind: str = "other"
    path: str = ""
    members: tuple[int, ...] = ()
    value: float | None = None
    mark: Mark = ""
    small: bool = False


@dataclass(frozen=True)
class Cluster:
    """A frame around boxes: a stage, a block, or what repeats; `times` is how often."""

    id: str
    title: str
    parts: tuple[Part, ...]
    kind: Literal["stage", "block", "repeat"] = "block"
    path: str = ""
    times: int = 1


Part: TypeAlias = Box | Cluster


@dataclass(frozen=True)
class Edge:
    """An arrow from a box to a box, by their ids."""

    tail: str
    head: str
    label: str = ""
    kind: EdgeKind = "flow"
    mark: Mark = ""


@dataclass(frozen=True)
class Scale:
    """What the colour of boxes says where it is a quantity: from `low` to `high`, as words."""

    title: str
    low: str
    high: str
    kind: Literal["linear", "logarithmic"] = "linear"


@dataclass(frozen=True)
class Picture:
    """A picture of a graph. `caption` says in a sentence what is seen, for those who cannot see it."""

    title: str
    parts: tuple[Part, ...]
    edges: tuple[Edge, ...]
    caption: str = ""
    scale: Scale | None = None

    @property
    def boxes(self) -> tuple[Box, ...]:
        """All boxes, in the order of the graph."""
        return tuple(boxes_of(self.parts))


def boxes_of(parts: Iterable[Part]) -> Iterator[Box]:
    """The boxes in some parts, however deep, in order."""
    for part in parts:
        if isinstance(part, Box):
            yield part
        else:
            yield from boxes_of(part.parts)
