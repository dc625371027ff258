"""Blocks of a graph that names none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archlab.analysis.static._facts import gather
from archlab.analysis.static.outline._names import block_names, named_runs
from archlab.analysis.static.outline._repeats import repeats
from archlab.analysis.static.outline._section import Section, Unit
from archlab.analysis.static.outline._spine import Element, Gates, spine
from archlab.graph import Graph
from archlab.ops import Op


def find_blocks(graph: Graph, nodes: Sequence[int]) -> tuple[Unit, ...]:
    """A stretch of a graph as blocks, and the nodes that are in none, in order.

    A block is a region in which paths part and meet again, with an activation behind it; or a turn of what repeats
    where there is but one path; or what is left between two blocks, if it has a kernel (a transition, the first block
    of a stage, which has no shortcut).
    """
    groups = list(_grouped(graph, spine(graph, nodes)))
    names = block_names(graph, [members for members, is_block in groups if is_block])
    units: list[Unit] = []
    for members, is_block in groups:
        if is_block:
            units.append(Section("block", names[members], members))
        else:
            units += members
    return tuple(units)


def _grouped(graph: Graph, elements: Sequence[Element]) -> Iterator[tuple[Element, bool]]:
    """Stretches of nodes in order, and whether each is a block."""
    rows = _rows(graph, elements)
    gates = {position: gate for gate in elements if len(gate) > 1 and not _is_block(graph, gate) for position in gate}
    last = max((number for number, (_, is_region) in enumerate(rows) if is_region), default=-1)
    seen = False
    for number, (members, is_region) in enumerate(rows):
        if is_region:
            yield members, True
            seen = True
            continue
        start = 0
        for begin, stop in repeats(graph, members, gates):
            yield from _rest(graph, members[start:begin], gates, seen)
            yield members[begin:stop], True
            start, seen = stop, True
        yield from _rest(graph, members[start:], gates, seen and number < last)


def _rest(graph: Graph, members: Element, gates: Gates, between: bool) -> Iterator[tuple[Element, bool]]:
    """What neither parts nor repeats: blocks where names say so, and where it stands between blocks."""
    start = 0
    for begin, stop in named_runs(graph, members, gates):
        yield from _unnamed(graph, members[start:begin], between or start > 0)
        yield members[begin:stop], True
        start = stop
    yield from _unnamed(graph, members[start:], between)


def _unnamed(graph: Graph, members: Element, between: bool) -> Iterator[tuple[Element, bool]]:
    if members:
        yield members, between and any(gather(graph)[position].kernel for position in members)


def _rows(graph: Graph, elements: Sequence[Element]) -> list[tuple[Element, bool]]:
    """Regions that are blocks, each with the activation behind it; and the rows of single nodes between them."""
    rows: list[tuple[list[int], bool]] = []
    follows = False
    for element in elements:
        if _is_block(graph, element):
            rows.append(([*_activated_first(graph, rows), *element], True))
            follows = True
        elif follows and len(element) == 1 and graph.nodes[element[0]].op.family == "activation":
            rows[-1][0].extend(element)
            follows = False
        else:
            follows = False
            if rows and not rows[-1][1]:
                rows[-1][0].extend(element)
            else:
                rows.append(([*element], False))
    return [(tuple(row), block) for row, block in rows]


def _activated_first(graph: Graph, rows: list[tuple[list[int], bool]]) -> list[int]:
    """The normalization and activation before a region where they are its own (a pre-activation block).

    They are taken from the rows. Behind a convolution they are the convolution's.
    """
    if not rows or rows[-1][1]:
        return []
    row = rows[-1][0]
    start = len(row)
    while start and _prepares(graph.nodes[row[start - 1]].op):
        start -= 1
    if start and gather(graph)[row[start - 1]].kernel:
        return []
    taken = row[start:]
    del row[start:]
    if not row:
        rows.pop()
    return taken


def _prepares(op: Op) -> bool:
    return op.normalizes or op.family == "activation"


def _is_block(graph: Graph, element: Element) -> bool:
    """Whether a region is a block by itself: gates and activations that are made of several layers are not."""
    op = graph.nodes[element[-1]].op
    return len(element) > 1 and op.merge != "product" and any(gather(graph)[position].kernel for position in element)
