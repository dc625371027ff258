"""The feature maps that a pyramid shows, and what one of their units sees."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import prod

from archlab.analysis.static import ReceptiveField
from archlab.analysis.static.outline import Section, Unit, outline
from archlab.errors import UsageError
from archlab.graph import Graph, Shape, is_known


@dataclass(frozen=True)
class Map:
    """The output of a layer, as it is drawn; a vector has one position."""

    position: int
    label: str
    height: int
    width: int
    channels: int

    @property
    def size(self) -> tuple[int, int, int]:
        """All that is drawn of it."""
        return self.height, self.width, self.channels

    @property
    def is_vector(self) -> bool:
        """Whether it has no place any more."""
        return self.height == self.width == 1


def feature_maps(graph: Graph) -> tuple[Map, ...]:
    """The input, and what comes out of each block or layer outside of blocks, wherever that is of another shape.

    Raises:
        UsageError: a size is not known.
    """
    unknown = next((graph.nodes[i] for i in graph.inputs if not is_known(graph.nodes[i].shape)), None)
    if unknown is not None:
        raise UsageError(f"{unknown.name} has sizes that are not known: give the input's, as in 224x224")
    found: list[Map] = []
    last_stage = ""
    for position, label, stage in _ends(outline(graph)):
        if graph.nodes[position].op.changes_margin and graph.consumers[position]:
            continue  # a margin is no map of its own
        made = Map(position, stage or label or graph.nodes[position].name, *_sides(graph.nodes[position].shape))
        if stage and stage == last_stage and made.size[:2] == found[-1].size[:2]:
            found[-1] = made  # in a stage channels may grow from block to block (DenseNet): its map is the last
        elif not found or made.size != found[-1].size:
            found.append(made)
        elif label:
            # Blocks of one size are one map, that of the last: its units see the furthest.
            found[-1] = replace(found[-1], position=position)
        last_stage = stage
    return tuple(found)


def _sides(shape: Shape) -> tuple[int, int, int]:
    """Height, width and channels: a sequence is as wide as one, a vector as one position."""
    *places, channels = (size or 1 for size in shape)
    height, width, *further = (*places, 1, 1)
    return height, width * prod(further), channels


def _ends(units: Sequence[Unit], stage: str = "") -> Iterator[tuple[int, str, str]]:
    """The last node of each block and each node outside of them, with the names of the block and of its stage."""
    for unit in units:
        if not isinstance(unit, Section):
            yield unit, "", stage
        elif unit.is_leaf:
            yield unit.nodes[-1], unit.name, stage or (unit.name if unit.kind == "stage" else "")
        else:
            yield from _ends(unit.parts, stage or (unit.name if unit.kind == "stage" else ""))


@dataclass(frozen=True)
class Field:
    """What a unit sees, in pixels of the input: (top, left, bottom, right); may reach beyond it."""

    name: str
    unit: tuple[int, int]
    stride: tuple[Fraction | int, ...]
    box: tuple[float, float, float, float]

    @property
    def size(self) -> tuple[float, float]:
        """(height, width)."""
        return self.box[2] - self.box[0], self.box[3] - self.box[1]

    @property
    def words(self) -> str:
        """Its size as it is read."""
        return " × ".join(f"{size:.0f}" for size in self.size)


def field_of(graph: Graph, found: ReceptiveField, layer: str | None = None) -> Field:
    """The receptive field of the central unit of a layer; of the last one whose units have a place by default.

    Raises:
        UnknownNameError: there is no such layer.
        UsageError: its units have no place, or it is not known where they look.
    """
    name = layer or found.at
    if name is None:
        raise UsageError("no layer has units with a place in the image")
    position = graph.position(name)
    row, shape = found.layers[position], graph.nodes[position].shape
    if row.size is not None and len(row.size) != 2:
        axes = "1 spatial axis" if len(row.size) == 1 else f"{len(row.size)} spatial axes"
        raise UsageError(f"{name}: a receptive field is drawn on an image with height and width; its map has {axes}")
    if row.size is None or row.start is None or row.stride is None or None in row.start:
        raise UsageError(f"{name}: its units have no place in the image; the last that have are those of {found.at}")
    unit = tuple(((size or 1) - 1) // 2 for size in shape[:2])
    start = [float((first or 0) + at * step) for first, at, step in zip(row.start, unit, row.stride, strict=True)]
    box = (start[0], start[1], start[0] + row.size[0], start[1] + row.size[1])
    return Field(name, (unit[0], unit[1]), row.stride, box)
