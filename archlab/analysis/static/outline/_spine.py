"""The spine: a graph as a row of elements, each read by what comes after it through its last node alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import TypeAlias

from archlab.analysis.static.outline._repeats import likeness
from archlab.graph import Graph

Element: TypeAlias = tuple[int, ...]
"""Positions of nodes in order: one node, or a region in which paths part and meet again at the last one."""

Gates: TypeAlias = Mapping[int, Element]
"""For every node of a gate, such as that of squeeze-and-excite, all of it: a block holds all of one or nothing."""

_LARGEST = 48
"""Nodes of a region that is taken for one block, those of equal branches once. Keras's Inception models have 33."""
_LARGEST_ALONE = 16
"""The same for a region that is more than half of everything, as the whole of a U-Net is."""


def spine(graph: Graph, nodes: Sequence[int]) -> tuple[Element, ...]:
    """The elements of a stretch of a graph, cut at the nodes that every path goes through (its dominators).

    Where a long stretch has no such nodes it is cut where the fewest values are live: a U-Net between the layers of
    each level, cells that read the last two cells (NASNet) between the cells.
    """
    found: list[Element] = []
    for piece in _pieces(graph, tuple(nodes), 1):
        most = _LARGEST if 2 * len(piece) <= len(nodes) else _LARGEST_ALONE
        found += _cut(graph, piece, most)
    return tuple(found)


def _cut(graph: Graph, nodes: Element, most: int) -> list[Element]:
    if len(nodes) <= most or _distinct(graph, nodes) <= most:
        return [nodes]
    return [each for piece in _pieces(graph, nodes) for each in _cut(graph, piece, most)]


def _distinct(graph: Graph, nodes: Element) -> int:
    """How many nodes a stretch has when branches that are the same, as the 32 of a ResNeXt's unit, count once."""
    known: dict[object, int] = {}
    number: dict[int, int] = {}
    for position in nodes:
        node = graph.nodes[position]
        came = tuple([number.get(source, -1 - source) for source in node.inputs])
        number[position] = known.setdefault((likeness(graph, position), node.shape, came), len(known))
    return len(known)


def _pieces(graph: Graph, nodes: Element, most: int | None = None) -> list[Element]:
    """A stretch cut wherever at most so many values are live; the fewest that there are anywhere by default."""
    alive = _alive_after(graph, nodes, most is not None)
    least = min(alive[:-1], default=0) if most is None else most
    pieces: list[Element] = []
    start = 0
    for place, count in enumerate(alive, 1):
        if count <= least or place == len(nodes):
            pieces.append(nodes[start:place])
            start = place
    return pieces


def _alive_after(graph: Graph, nodes: Element, around: bool) -> list[int]:
    """For each node how many values of this stretch are kept once it is done: its own, and what is read later on.

    With `around` what the first node reads is kept too for as long as it is read: paths may part just before a stretch.
    """
    places = {position: place for place, position in enumerate(nodes)}
    last = list(range(len(nodes)))
    before = 0
    for place, position in enumerate(nodes):
        for source in graph.nodes[position].inputs:
            if source in places:
                last[places[source]] = place
            elif around and source in graph.nodes[nodes[0]].inputs:
                before = place
    change = [0] * (len(nodes) + 1)
    change[0] += before > 0
    change[before] -= before > 0
    for place, until in enumerate(last):
        if until > place + 1:
            change[place + 1] += 1
            change[until] -= 1
    return [1 + total for total in accumulate(change[:-1])]
