"""Which layers of two graphs are the same ones.

First both graphs are laid out as sequences and aligned, which finds what was inserted, removed or changed along the
way. What changed its place is then matched outwards from what is matched already. Last, chance likenesses are given
up: a layer without a task of its own (a kernel, a step to another resolution) that meets other shapes is only the same
one where something beside it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from archlab.analysis.static import Analysis
from archlab.diffing._layers import Layer, read_layers
from archlab.diffing._order import by_depth
from archlab.graph import Graph

if TYPE_CHECKING:
    import networkx

    from archlab.diffing._similarity import Similarity

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
    from archlab.diffing._similarity import Similarity  # loads NumPy

    similarity = Similarity(one, other)
    pairs = _aligned(ours, theirs, similarity)
    pairs = _grown(pairs, ours.graph, one, theirs.graph, other, similarity)
    return _supported(pairs, one, other)


def _aligned(ours: Analysis, theirs: Analysis, similarity: Similarity) -> Pairs:
    """The better one of two alignments: as the graphs are written, and with the longest way first at each merge."""
    from archlab.diffing._alignment import align
    from archlab.diffing._similarity import NAMES

    best: tuple[int, Pairs] | None = None
    tried: set[tuple[tuple[int, ...], tuple[int, ...]]] = set()
    for layout in (lambda graph: list(range(len(graph))), by_depth):
        rows, columns = layout(ours.graph), layout(theirs.graph)
        if (key := (tuple(rows), tuple(columns))) in tried:
            continue
        tried.add(key)
        score, found = align(len(rows), len(columns), lambda i: similarity.row(rows[i])[columns], GAP * NAMES)  # noqa: B023
        if best is None or score > best[0]:
            best = score, {rows[i]: columns[j] for i, j in found}
    assert best is not None
    return best[1]


def _grown(
    pairs: Pairs,
    ours: Graph,
    one: tuple[Layer, ...],
    theirs: Graph,
    other: tuple[Layer, ...],
    similarity: Similarity,
) -> Pairs:
    """The matching with what it left over, where a neighbour on the same side is matched and no order is broken."""
    import networkx as nx

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


def _beside(pairs: Pairs, back: Pairs, ours: Graph, theirs: Graph) -> set[tuple[int, int]]:
    """Pairs of layers left over that read, or are read by, the same layer."""
    found: set[tuple[int, int]] = set()
    for i, j in pairs.items():
        read = ours.nodes[i].inputs, theirs.nodes[j].inputs
        for mine, yours in (read, (ours.consumers[i], theirs.consumers[j])):
            left = [a for a in mine if a not in pairs]
            right = [b for b in yours if b not in back]
            found.update((a, b) for a in left for b in right)
    return found


def _best(candidates: networkx.Graph, offset: int) -> list[tuple[int, int]]:
    """The candidates that agree with one another and are worth most together, the most alike first."""
    import networkx as nx

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

    def __init__(self, pairs: Pairs, one: tuple[Layer, ...], other: tuple[Layer, ...]):
        import networkx as nx

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
        import networkx as nx

        graph, mine, yours = self._graph, i, self._number(j)
        if nx.has_path(graph, mine, yours) or nx.has_path(graph, yours, mine):
            return False
        graph.add_edges_from([(source, mine) for source in graph.predecessors(yours)])
        graph.add_edges_from([(mine, reader) for reader in graph.successors(yours)])
        graph.remove_node(yours)
        self.pairs[i] = j
        self._joined[j] = i
        return True


def _supported(pairs: Pairs, one: tuple[Layer, ...], other: tuple[Layer, ...]) -> Pairs:
    """The matches that hang together with one that can be no chance."""
    import networkx as nx

    together = nx.Graph()
    together.add_nodes_from(pairs)
    for i, j in pairs.items():
        sources = set(other[j].node.inputs)
        together.add_edges_from((i, source) for source in one[i].node.inputs if pairs.get(source) in sources)
    kept: set[int] = set()
    for component in nx.connected_components(together):
        if any(_is_sure(one[i], other[pairs[i]]) for i in component):
            kept |= component
    return {i: j for i, j in pairs.items() if i in kept}


def _is_sure(one: Layer, other: Layer) -> bool:
    if not one.node.inputs or (one.task and other.task):
        return True
    return one.kind == other.kind and one.inputs == other.inputs
