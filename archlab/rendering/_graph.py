"""A graph as a picture: at the level of stages, of blocks or of layers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from archlab.analysis import GradientFlow
from archlab.analysis.static.outline import Section, Unit, outline, positions
from archlab.errors import UnknownNameError, did_you_mean
from archlab.graph import Graph
from archlab.rendering._boxes import Boxes
from archlab.rendering._colouring import KIND, coloured
from archlab.rendering._edges import edges
from archlab.rendering._picture import Box, Picture
from archlab.units import format_sizes

Level = Literal["stage", "block", "layer"]
LEVELS: tuple[Level, ...] = ("stage", "block", "layer")


def graph_picture(
    graph: Graph,
    level: Level = "block",
    color: str = KIND,
    only: str = "",
    flow: GradientFlow | None = None,
    name: str = "",
) -> Picture:
    """A graph as a picture. See `archlab.rendering`.

    Args:
        graph: what is drawn.
        level: what a box is: a stage, a block or a layer.
        color: what boxes are coloured by: 'kind', 'gradient', or a quantity that layers have.
        only: the stage or block that is drawn alone; all by default.
        flow: a measured gradient flow, for its colours; predicted by default.
        name: of the architecture, where it is not the graph's.

    Raises:
        UnknownNameError: there is no such stage or block.
    """
    units = outline(graph)
    chosen = _section(units, only).parts if only else units
    inside = tuple(sorted(positions(chosen)))
    boxes = Boxes(graph, level, units)
    outside = tuple(_outside(boxes, inside))
    parts = (*outside, *boxes.parts(chosen, only))
    scale = None
    if color != KIND:
        parts, scale = coloured(parts, color, boxes.analysis, flow)
    title = ": ".join(filter(None, (name or graph.name or "architecture", only)))
    return Picture(title, parts, edges(boxes, inside), f"{title}: {_said(chosen)}", scale)


def _outside(boxes: Boxes, inside: tuple[int, ...]) -> Iterator[Box]:
    """A point for each node outside that is read, where but a part is drawn."""
    held = set(inside)
    read = {source for position in inside for source in boxes.graph.nodes[position].inputs}
    for position in sorted(read - held):
        node = boxes.graph.nodes[position]
        box = Box(f"n{position}", format_sizes(node.shape), kind="outside", path=node.name, small=True)
        boxes.put([position], box)
        yield box


def sections(units: tuple[Unit, ...]) -> Iterator[Section]:
    """All stages and blocks of some units, the larger before those in them."""
    for unit in units:
        if isinstance(unit, Section):
            yield unit
            yield from sections(unit.parts)


def _section(units: tuple[Unit, ...], name: str) -> Section:
    found = {section.name: section for section in sections(units)}
    if name not in found:
        known = did_you_mean(name, found) if found else "there are none"
        raise UnknownNameError(f"no stage or block named {name!r}: {known}")
    return found[name]


def _said(units: tuple[Unit, ...]) -> str:
    held = list(sections(units))
    counts = {
        "stages": sum(section.kind == "stage" for section in held),
        "blocks": sum(section.kind == "block" for section in held),
        "layers": sum(1 for _ in positions(units)),
    }
    said = [f"{count} {kind if count != 1 else kind[:-1]}" for kind, count in counts.items() if count]
    return ", ".join(said) or "nothing"
