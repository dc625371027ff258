from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from archlab.analysis.static.path_lengths import residual_blocks
from archlab.graph import Graph


@dataclass(frozen=True)
class Shortcut:
    """A way around the layers of a block: from `fork` through the nodes of `way`, often none, to `merge`."""

    fork: int
    merge: int
    way: tuple[int, ...]

    @property
    def edges(self) -> tuple[tuple[int, int], ...]:
        """Its edges, by the positions of their ends."""
        return tuple(pairwise((self.fork, *self.way, self.merge)))


def shortcuts(graph: Graph) -> tuple[Shortcut, ...]:
    """All shortcuts that are a row of layers, such as a projection; not those that have branches of their own."""
    found: list[Shortcut] = []
    for block in residual_blocks(graph):
        way: list[int] = []
        at = graph.nodes[block.merge].inputs[block.shortcut]
        while at > block.fork and len(graph.nodes[at].inputs) == 1:
            way.append(at)
            at = graph.nodes[at].inputs[0]
        if at == block.fork:
            found.append(Shortcut(block.fork, block.merge, tuple(reversed(way))))
    return tuple(found)
