"""The connections of two matched graphs: which are new, which are gone, and which layers read something else now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Literal, NamedTuple

from archlab.diffing._changes import Change
from archlab.graph import Graph


class Link(NamedTuple):
    """A connection between two rows of a difference, by their positions in it."""

    tail: int
    head: int
    mark: Literal["added", "removed", "kept"]


def links(ours: Graph, theirs: Graph, rows: tuple[Mapping[int, int], Mapping[int, int]]) -> tuple[Link, ...]:
    """Every connection of the two graphs; `rows` say for each graph in which row a node stands."""
    counts = [
        Counter((row[source], row[position]) for position, node in enumerate(graph) for source in node.inputs)
        for graph, row in zip((ours, theirs), rows, strict=True)
    ]
    found: list[Link] = []
    for tail, head in sorted(counts[0].keys() | counts[1].keys(), key=lambda ends: (ends[1], ends[0])):
        before, after = counts[0][tail, head], counts[1][tail, head]
        found += [Link(tail, head, "kept")] * min(before, after)
        found += [Link(tail, head, "removed")] * max(0, before - after)
        found += [Link(tail, head, "added")] * max(0, after - before)
    return tuple(found)


def rewired(ours: Graph, theirs: Graph, pairs: Mapping[int, int]) -> dict[int, Change]:
    """For layers of the one graph that are kept but read something else: what they read.

    A layer that was put in between, or taken out, is no such change: only what connections alone explain is.
    """
    back = {j: i for i, j in pairs.items()}
    # What every node reads, through whatever only its own graph has; of both graphs by positions in the one.
    before = _reached(ours, {i: i for i in pairs})
    after = _reached(theirs, back)
    found: dict[int, Change] = {}
    for i, j in pairs.items():
        was = [source if source in pairs else None for source in ours.nodes[i].inputs]
        now = [back.get(source) for source in theirs.nodes[j].inputs]
        gone = [source for source in dict.fromkeys(was) if source is not None and source not in after[j]]
        new = [source for source in dict.fromkeys(now) if source is not None and source not in before[i]]
        if gone or new:
            found[i] = Change("reads", _names(ours, gone), tuple([theirs.nodes[pairs[s]].name for s in new]))
        elif was != now and sorted(map(str, was)) == sorted(map(str, now)) and None not in was and _ordered(ours, i):
            named = [theirs.nodes[pairs[source]].name for source in now if source is not None]
            found[i] = Change("order of inputs", _names(ours, [s for s in was if s is not None]), tuple(named))
    return found


def _names(graph: Graph, positions: list[int]) -> tuple[str, ...]:
    return tuple([graph.nodes[position].name for position in positions])


def _ordered(graph: Graph, position: int) -> bool:
    return not graph.nodes[position].op.commutes


def _reached(graph: Graph, known: Mapping[int, int]) -> list[frozenset[int]]:
    """For each node the nearest known nodes that it reads, directly or through others."""
    found: list[frozenset[int]] = []
    for node in graph:
        reached: set[int] = set()
        for source in node.inputs:
            reached |= {known[source]} if source in known else found[source]
        found.append(frozenset(reached))
    return found
