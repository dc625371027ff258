"""What changed its place: matched outwards from what is matched already, never against the order of the graphs."""

from __future__ import annotations

import networkx as nx

from archlab.diffing._layers import Layer
from archlab.diffing._similarity import Similarity
from archlab.graph import Graph


def grown(
    pairs: dict[int, int],
    ours: Graph,
    one: tuple[Layer, ...],
    theirs: Graph,
    other: tuple[Layer, ...],
    similarity: Similarity,
) -> dict[int, int]:
    """The matching with what it left over, where a neighbour on the same side is matched and no order is broken."""
    union = _Union(pairs, one, other)
    while True:
        candidates = nx.Graph()
        back = {j: i for i, j in union.pairs.items()}
        for i, j in sorted(_beside(union.pairs, back, ours, theirs)):
            worth = int(similarity.row(i)[j])
            if worth > 0:
                candidates.add_edge(i, len(one) + j, weight=worth)
        added = False
        for i, j in _best(candidates, len(one)):
            added |= union.join(i, j)
        if not added:
            return union.pairs


def _beside(pairs: dict[int, int], back: dict[int, int], ours: Graph, theirs: Graph) -> set[tuple[int, int]]:
    """dict[int, int] of layers left over that read, or are read by, the same layer."""
    found: set[tuple[int, int]] = set()
    for i, j in pairs.items():
        read = ours.nodes[i].inputs, theirs.nodes[j].inputs
        for mine, yours in (read, (ours.consumers[i], theirs.consumers[j])):
            left = [a for a in mine if a not in pairs]
            right = [b for b in yours if b not in back]
            found.update((a, b) for a in left for b in right)
    return found


def _best(candidates: nx.Graph, offset: int) -> list[tuple[int, int]]:
    """The candidates that agree with one another and are worth most together, the most alike first."""
    chosen: list[tuple[int, int, int]] = []
    for component in nx.connected_components(candidates):
        part = nx.Graph()
        # In an order of their own: which of two matchings of equal worth is found depends on it.
        edges = [(min(i, j), max(i, j), worth) for i, j, worth in candidates.edges(component, data="weight")]
        part.add_weighted_edges_from(sorted(edges))
        for i, j in nx.max_weight_matching(part):
            i, j = min(i, j), max(i, j)
            chosen.append((-part[i][j]["weight"], i, j - offset))
    return [(i, j) for _, i, j in sorted(chosen)]


class _Union:
    """Both graphs in one, what is matched being one node: the layers of the other graph stand behind the one's."""

    def __init__(self, pairs: dict[int, int], one: tuple[Layer, ...], other: tuple[Layer, ...]):
        self.pairs = dict(pairs)
        self._offset = len(one)
        self._joined = {j: i for i, j in pairs.items()}
        self._graph = nx.DiGraph()
        self._graph.add_nodes_from(range(len(one)))
        for layer in one:
            self._graph.add_edges_from((source, layer.position) for source in layer.node.inputs)
        for layer in other:
            self._graph.add_node(self._number(layer.position))
            self._graph.add_edges_from((self._number(s), self._number(layer.position)) for s in layer.node.inputs)

    def _number(self, j: int) -> int:
        return self._joined.get(j, self._offset + j)

    def join(self, i: int, j: int) -> bool:
        """Match two layers more, unless one of them then had to stand both before and behind another."""
        graph, mine, yours = self._graph, i, self._number(j)
        if nx.has_path(graph, mine, yours) or nx.has_path(graph, yours, mine):
            return False
        graph.add_edges_from([(source, mine) for source in graph.predecessors(yours)])
        graph.add_edges_from([(mine, reader) for reader in graph.successors(yours)])
        graph.remove_node(yours)
        self.pairs[i] = j
        self._joined[j] = i
        return True
