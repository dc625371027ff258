"""Branches: where paths part in both graphs, each is matched with the one that it is most like, in whatever order."""

from __future__ import annotations

from collections.abc import Sequence

import networkx as nx
import numpy as np

from archlab.diffing._alignment import align
from archlab.diffing._similarity import Similarity
from archlab.graph import Graph

Pairs = dict[int, int]


def rearranged(pairs: Pairs, ours: Graph, theirs: Graph, similarity: Similarity, gap: int) -> Pairs:
    """The matching with branches exchanged where that makes it better.

    A sequence cannot say that two branches changed places; so they are looked at one by one, the outer ones first.
    """
    for i in sorted(pairs):
        # A branch that was exchanged may have lost the layer.
        j = pairs.get(i)
        if j is None or len(ours.consumers[i]) < 2 or len(theirs.consumers[j]) < 2:
            continue
        mine, yours = _branches(ours, i), _branches(theirs, j)
        if not mine or not yours:
            continue
        inner = {position for branch in mine for position in branch}
        inside = {position for branch in yours for position in branch}
        now = [(a, pairs[a]) for a in sorted(inner) if a in pairs]
        if any(b not in inside for _, b in now):
            continue  # a branch matched with what is no branch here: nothing is known better
        if {b for a, b in pairs.items() if a not in inner} & inside:
            continue
        best = _assigned(mine, yours, similarity, gap)
        if sum(_worth(similarity, a, b) for a, b in best) > sum(_worth(similarity, a, b) for a, b in now):
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


def _assigned(
    mine: Sequence[tuple[int, ...]], yours: Sequence[tuple[int, ...]], similarity: Similarity, gap: int
) -> list[tuple[int, int]]:
    """The layers of the branches matched so that the branches together are most alike."""
    candidates = nx.Graph()
    rows: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for number, branch in enumerate(mine):
        for other, candidate in enumerate(yours):
            likeness = np.stack([similarity.row(a)[list(candidate)] for a in branch])
            score, found = align(len(branch), len(candidate), likeness.__getitem__, gap)
            rows[number, other] = [(branch[a], candidate[b]) for a, b in found]
            if found:
                # Gaps may cost more than is alike; still a branch is better matched than not.
                candidates.add_edge(number, len(mine) + other, weight=max(score, 1))
    chosen = [sorted(edge) for edge in nx.max_weight_matching(candidates)]
    return [pair for a, b in sorted(chosen) for pair in rows[a, b - len(mine)]]


def _flows(pairs: Pairs, ours: Graph, theirs: Graph) -> bool:
    """Whether there is an order in which both graphs flow forward."""
    back = {j: i for i, j in pairs.items()}
    union = nx.DiGraph()
    for position, node in enumerate(ours):
        union.add_edges_from((source, position) for source in node.inputs)
    for position, node in enumerate(theirs):
        here = back.get(position, len(ours) + position)
        union.add_edges_from((back.get(source, len(ours) + source), here) for source in node.inputs)
    return nx.is_directed_acyclic_graph(union)
