"""Graphs as sequences: an order that does not depend on how one is written, and one for two graphs together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from hashlib import sha1
from heapq import heapify, heappop, heappush
from typing import TypeVar

from archlab.diffing._layers import kind_of
from archlab.graph import Graph

T = TypeVar("T")


def by_depth(graph: Graph) -> list[int]:
    """The positions in an order where, at each merge, the longest way comes first; of equally long ones by content.

    Whoever writes a shortcut before the body, and whoever writes it after, gets the same sequence.

    >>> from archlab import Conv, Input, Parallel, ReLU
    >>> graph = (Input(8, 8, 4) >> Parallel(Conv(4), Conv(4) >> ReLU())).to_graph()
    >>> [graph[i].name for i in by_depth(graph)]
    ['input', 'branch2/conv', 'branch2/relu', 'branch1/conv', 'concatenate']
    """
    depths: list[int] = []
    for node in graph:
        depths.append(1 + max([depths[source] for source in node.inputs], default=0))
    contents = _contents(graph)

    def last_first(positions: Iterable[int]) -> list[int]:
        return sorted(dict.fromkeys(positions), key=lambda position: (depths[position], contents[position]))

    found: list[int] = []
    seen: set[int] = set()
    # A stack of its own: a thousand layers are deeper than Python's.
    stack = [(end, False) for end in last_first(i for i, readers in enumerate(graph.consumers) if not readers)]
    while stack:
        position, ready = stack.pop()
        if ready:
            found.append(position)
        elif position not in seen:
            seen.add(position)
            stack.append((position, True))
            stack += [(source, False) for source in last_first(graph.nodes[position].inputs)]
    return found


def _contents(graph: Graph) -> list[str]:
    """For each node a digest of all that leads to it: what it is, and the same of what it reads in any order."""
    kinds: dict[int, str] = {}
    found: list[str] = []
    for node in graph:
        if id(node.op) not in kinds:
            kinds[id(node.op)] = repr(kind_of(node.op))
        sources = sorted(found[source] for source in node.inputs)
        found.append(sha1("".join([kinds[id(node.op)], *sources]).encode(), usedforsecurity=False).hexdigest())
    return found


def in_one_order(ours: Graph, theirs: Graph, pairs: Mapping[int, int]) -> list[tuple[int | None, int | None]]:
    """The layers of both graphs in an order in which both flow forward: positions in the one, in the other, or both.

    What only the one graph has stands before what follows it there.
    """
    back = {j: i for i, j in pairs.items()}
    keys: dict[tuple[int | None, int | None], tuple[int, int, int]] = {}
    following = len(theirs)
    for i in reversed(range(len(ours))):
        following = pairs.get(i, following)
        if i not in pairs:
            keys[i, None] = following, 0, i
    for j in range(len(theirs)):
        keys[back.get(j), j] = j, 1, 0
    sources: dict[tuple[int | None, int | None], set[tuple[int | None, int | None]]] = {row: set() for row in keys}
    mine = {i: (i, pairs.get(i)) for i in range(len(ours))}
    yours = {j: (back.get(j), j) for j in range(len(theirs))}
    for graph, row in ((ours, mine), (theirs, yours)):
        for position, node in enumerate(graph):
            sources[row[position]].update(row[source] for source in node.inputs)
    return _sorted(sources, keys.__getitem__)


def _sorted(sources: Mapping[T, set[T]], key: Callable[[T], tuple[int, int, int]]) -> list[T]:
    """Each after its sources; of those that may come next, the one of the least key. No two have the same key.

    >>> _sorted({"c": {"a"}, "b": set(), "a": set()}, lambda letter: (ord(letter), 0, 0))
    ['a', 'b', 'c']
    """
    waiting = {each: len(needed) for each, needed in sources.items()}
    readers: dict[T, list[T]] = {each: [] for each in sources}
    for each, needed in sources.items():
        for source in needed:
            readers[source].append(each)
    ready = [(key(each), each) for each, count in waiting.items() if not count]
    heapify(ready)
    found: list[T] = []
    while ready:
        _, each = heappop(ready)
        found.append(each)
        for reader in readers[each]:
            waiting[reader] -= 1
            if not waiting[reader]:
                heappush(ready, (key(reader), reader))
    return found
