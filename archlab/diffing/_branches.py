"""Branches: where paths part in both graphs, each is matched with the one that it is most like, in whatever order."""

from __future__ import annotations

from collections.abc import Sequence
from graphlib import CycleError, TopologicalSorter

import numpy as np

from archlab.diffing._alignment import align
from archlab.diffing._similarity import Similarity
from archlab.graph import Graph

Pairs = dict[int, int]

_Alike = tuple[int, list[tuple[int, int]]]
"""The score of an alignment of two branches, and the layers that it matches."""

_MOST_PAIRS = 10_000
"""Of two branches each, that are compared in all: it takes about a second."""


def rearranged(pairs: Pairs, ours: Graph, theirs: Graph, similarity: Similarity, gap: int) -> Pairs:
    """The matching with branches exchanged where that makes it better.

    A sequence cannot say that two branches changed places; so they are looked at one by one, the outer ones first.
    """
    left = _MOST_PAIRS
    for i in sorted(pairs):
        # A branch that was exchanged may have lost the layer.
        j = pairs.get(i)
        if j is None or len(ours.consumers[i]) < 2 or len(theirs.consumers[j]) < 2:
            continue
        mine, yours = _branches(ours, i), _branches(theirs, j)
        if not mine or not yours:
            continue
        if len(mine) * len(yours) > left:
            continue  # as the sequence has them, then
        left -= len(mine) * len(yours)
        inner = {position for branch in mine for position in branch}
        inside = {position for branch in yours for position in branch}
        now = [(a, pairs[a]) for a in sorted(inner) if a in pairs]
        if any(b not in inside for _, b in now):
            continue  # a branch matched with what is no branch here: nothing is known better
        if {b for a, b in pairs.items() if a not in inner} & inside:
            continue
        alike = _alike(mine, yours, similarity, gap)
        worth = sum(_worth(similarity, a, b) for a, b in now)
        # No assignment is worth more than if each branch had the one that it is most like.
        if _most(alike, len(mine), similarity) <= worth:
            continue
        best = _assigned(alike, len(mine))
        if sum(_worth(similarity, a, b) for a, b in best) > worth:
            changed = {a: b for a, b in pairs.items() if a not in inner} | dict(best)
            if _flows(changed, ours, theirs):
                pairs = changed
    return pairs


def _worth(similarity: Similarity, a: int, b: int) -> int:
    return int(similarity.row(a)[b])


def _branches(graph: Graph, fork: int) -> list[tuple[int, ...]]:
    """The layers behind a fork that are reached in one way only, for each way; each up to where it meets another."""
    starts = [start for start in dict.fromkeys(graph.consumers[fork]) if set(graph.nodes[start].inputs) == {fork}]
    if len(starts) < 2:
        return []
    owners = {start: start for start in starts}
    reach = max(starts)
    position = fork
    while (position := position + 1) <= reach:
        if position not in owners:
            ways = {owners.get(source) for source in graph.nodes[position].inputs}
            way = ways.pop() if len(ways) == 1 else None
            if way is None:
                continue
            owners[position] = way
        reach = max(reach, *graph.consumers[position], position)
    return [tuple(sorted(at for at, owner in owners.items() if owner == start)) for start in starts]


def _alike(
    mine: Sequence[tuple[int, ...]], yours: Sequence[tuple[int, ...]], similarity: Similarity, gap: int
) -> dict[tuple[int, int], _Alike]:
    """For each two branches that have anything in common, how alike they are and which layers of them match."""
    found: dict[tuple[int, int], _Alike] = {}
    for number, branch in enumerate(mine):
        for other, candidate in enumerate(yours):
            likeness = np.stack([similarity.row(a)[list(candidate)] for a in branch])
            score, matched = align(len(branch), len(candidate), likeness.__getitem__, gap)
            if matched:
                found[number, other] = score, [(branch[a], candidate[b]) for a, b in matched]
    return found


def _most(alike: dict[tuple[int, int], _Alike], branches: int, similarity: Similarity) -> int:
    """The worth of the layers if every branch were matched with the one where that is most."""
    most = [0] * branches
    for (number, _), (_, pairs) in alike.items():
        most[number] = max(most[number], sum(_worth(similarity, a, b) for a, b in pairs))
    return sum(most)


def _assigned(alike: dict[tuple[int, int], _Alike], branches: int) -> list[tuple[int, int]]:
    """The layers of the branches matched so that the branches together are most alike."""
    import networkx as nx  # a tenth of a second, and most forks need none of it

    candidates = nx.Graph()
    for (number, other), (score, _) in alike.items():
        # Gaps may cost more than is alike; still a branch is better matched than not.
        candidates.add_edge(number, branches + other, weight=max(score, 1))
    chosen = [sorted(edge) for edge in nx.max_weight_matching(candidates)]
    return [pair for a, b in sorted(chosen) for pair in alike[a, b - branches][1]]


def _flows(pairs: Pairs, ours: Graph, theirs: Graph) -> bool:
    """Whether there is an order in which both graphs flow forward."""
    back = {j: i for i, j in pairs.items()}
    sources: dict[int, set[int]] = {position: set(node.inputs) for position, node in enumerate(ours)}
    for position, node in enumerate(theirs):
        here = back.get(position, len(ours) + position)
        sources.setdefault(here, set()).update(back.get(source, len(ours) + source) for source in node.inputs)
    try:
        TopologicalSorter(sources).prepare()
    except CycleError:
        return False
    return True
