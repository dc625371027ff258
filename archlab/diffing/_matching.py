"""Which layers of two graphs are the same ones.

First both graphs are laid out as sequences and aligned, which finds what was inserted, removed or changed along the
way. Then branches that changed places are exchanged. Last, chance likenesses are given up: a layer without a task of
its own (a kernel, a step to another resolution) that meets other shapes is only the same one where something beside it
is.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from archlab.analysis import Analysis
from archlab.diffing._alignment import align
from archlab.diffing._branches import rearranged
from archlab.diffing._layers import Layer, read_layers
from archlab.diffing._order import by_depth
from archlab.diffing._similarity import NAMES, Similarity
from archlab.graph import Graph

GAP = 3
"""What it costs to begin a run of layers that only one graph has, in likeness."""

Pairs = dict[int, int]


def match(ours: Analysis, theirs: Analysis) -> Pairs:
    """For positions in the one graph, the position of the same layer in the other.

    Exchanging the graphs turns the matching round. No two matches contradict each other: there is an order of all
    layers in which both graphs flow forward.

    >>> from archlab import Conv, Input, ReLU, analyze
    >>> match(analyze(Input(8, 8, 3) >> Conv(8) >> ReLU()), analyze(Input(8, 8, 3) >> ReLU() >> Conv(8) >> ReLU()))
    {0: 0, 1: 2, 2: 3}
    """
    one, other = read_layers(ours), read_layers(theirs)
    # Among matchings equally good, the one that is taken must not depend on which graph is named first.
    if _precedes(other, one):
        return dict(sorted((i, j) for j, i in _matched(theirs, other, ours, one).items()))
    return dict(sorted(_matched(ours, one, theirs, other).items()))


def _precedes(one: tuple[Layer, ...], other: tuple[Layer, ...]) -> bool:
    if len(one) != len(other):
        return len(one) < len(other)
    for a, b in zip(one, other, strict=True):
        if a.key != b.key:
            return a.key < b.key
    return False


def _matched(ours: Analysis, one: tuple[Layer, ...], theirs: Analysis, other: tuple[Layer, ...]) -> Pairs:
    similarity = Similarity(one, other)
    pairs = _aligned(ours, theirs, similarity)
    pairs = rearranged(pairs, ours.graph, theirs.graph, similarity, GAP * NAMES)
    return _supported(pairs, one, other)


def _aligned(ours: Analysis, theirs: Analysis, similarity: Similarity) -> Pairs:
    """The better one of two alignments: as the graphs are written, and with the longest way first at each merge.

    Where both match as much, the one that keeps more of the connections is the better.
    """
    found: list[tuple[int, int, int, Pairs]] = []
    for number, layout in enumerate((lambda graph: list(range(len(graph))), by_depth)):
        rows, columns = layout(ours.graph), np.array(layout(theirs.graph))
        worth = _worth(similarity, rows, columns)
        score, matched = align(len(rows), len(columns), worth, GAP * NAMES)
        pairs = {rows[i]: int(columns[j]) for i, j in matched}
        found.append((score // NAMES, _connections(pairs, ours.graph, theirs.graph), -number, pairs))
    return max(found, key=lambda each: each[:3])[3]


def _worth(similarity: Similarity, rows: list[int], columns: np.ndarray) -> Callable[[int], np.ndarray]:
    return lambda i: similarity.row(rows[i])[columns]


def _connections(pairs: Pairs, ours: Graph, theirs: Graph) -> int:
    """How many connections both graphs have."""
    found = 0
    for i, j in pairs.items():
        sources = theirs.nodes[j].inputs
        found += sum(pairs.get(source) in sources for source in ours.nodes[i].inputs)
    return found


def _supported(pairs: Pairs, one: tuple[Layer, ...], other: tuple[Layer, ...]) -> Pairs:
    """The matches that hang together with one that can be no chance."""
    beside: dict[int, list[int]] = {i: [] for i in pairs}
    for i, j in pairs.items():
        sources = set(other[j].node.inputs)
        for source in one[i].node.inputs:
            if pairs.get(source) in sources:
                beside[i].append(source)
                beside[source].append(i)
    kept: set[int] = set()
    waiting = [i for i in pairs if _is_sure(one[i], other[pairs[i]])]
    while waiting:
        i = waiting.pop()
        if i not in kept:
            kept.add(i)
            waiting += beside[i]
    return {i: j for i, j in pairs.items() if i in kept}


def _is_sure(one: Layer, other: Layer) -> bool:
    if not one.node.inputs or (one.task and other.task):
        return True
    return one.kind == other.kind and one.inputs == other.inputs
