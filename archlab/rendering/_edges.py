from __future__ import annotations

from collections.abc import Iterator, Sequence

from archlab.rendering._boxes import Boxes
from archlab.rendering._picture import Box, Edge, EdgeKind
from archlab.units import format_sizes


def edges(boxes: Boxes, inside: Sequence[int]) -> tuple[Edge, ...]:
    """The arrows between boxes, for the nodes that are drawn: each pair of boxes once for each kind of arrow.

    A shortcut into a box that holds all of its block, and so what it leads around, is drawn with the way through it.
    """
    found: dict[tuple[str, str, str], Edge] = {}
    for edge in _all(boxes, inside):
        found.setdefault((edge.tail, edge.head, edge.kind), edge)
    return tuple(e for e in found.values() if e.kind != "shortcut" or (e.tail, e.head, "flow") not in found)


def _all(boxes: Boxes, inside: Sequence[int]) -> Iterator[Edge]:
    direct = {edge for found in boxes.shortcuts for edge in found.edges}
    for head in inside:
        to = boxes.box_of.get(boxes.turn_of(head).drawn)
        if to is None:
            continue
        for source in boxes.graph.nodes[head].inputs:
            kind: EdgeKind = "shortcut" if (source, head) in direct else "flow"
            yield from _edge(boxes, boxes.detours.get((source, head), source), head, to, kind)


def _edge(boxes: Boxes, source: int, head: int, to: Box, kind: EdgeKind) -> Iterator[Edge]:
    here, there = boxes.turn_of(source), boxes.turn_of(head)
    tail = boxes.box_of.get(here.drawn)
    if tail is None:
        return
    together = here.fold is not None and here.fold == there.fold
    if together:
        back = there.number - here.number
        # Within a turn the first stands for all. From one to the next is what ×N says; from further back is not.
        if back > 1:
            yield Edge(tail.id, to.id, f"from {back} before", "skip")
        if back or there.number:
            return
    if tail.id == to.id:
        return
    if kind == "flow" and not together and (not here.is_last or _passes(boxes, source, head)):
        kind = "skip"
    # Into a point all ways have one shape: it stands on the arrow that leaves it.
    yield Edge(tail.id, to.id, "" if to.small or kind == "shortcut" else _label(boxes, source, tail), kind)


def _label(boxes: Boxes, source: int, tail: Box) -> str:
    """The shape on an arrow, where the box that it comes from has changed it."""
    shape, came = boxes.graph.nodes[source].shape, boxes.entry[tail.id]
    return format_sizes(shape) if came and came != shape else ""


def _passes(boxes: Boxes, source: int, head: int) -> bool:
    """Whether an edge leads past a whole block."""
    if source not in boxes.blocks_before or head not in boxes.blocks_before:
        return False
    (before, in_block), (after, _) = boxes.blocks_before[source], boxes.blocks_before[head]
    return after - before > in_block
