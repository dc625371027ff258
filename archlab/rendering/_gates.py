from __future__ import annotations

from dataclasses import dataclass

from archlab.graph import Graph
from archlab.ops import Whole


@dataclass(frozen=True)
class Gate:
    """Maps scaled channel by channel by what is made of all of them (Hu et al. 2018, squeeze-and-excite)."""

    source: int
    """What is scaled."""
    way: tuple[int, ...]
    """The layers from the pooling to the weights of the channels, in order."""
    merge: int
    """The product."""


def gates(graph: Graph) -> tuple[Gate, ...]:
    """All gates whose way is a row of layers that begins with a global pooling.

    >>> from archlab import load
    >>> gates(load("residual").graph)
    ()
    """
    return graph.fact("gates", lambda: tuple(filter(None, (_gate(graph, at) for at in range(len(graph.nodes))))))


def _gate(graph: Graph, merge: int) -> Gate | None:
    node = graph.nodes[merge]
    if node.op.merge != "product" or len(node.inputs) != 2:
        return None
    for source, end in (node.inputs, node.inputs[::-1]):
        way: list[int] = []
        at = end
        while at > source and len(graph.nodes[at].inputs) == 1:
            way.append(at)
            at = graph.nodes[at].inputs[0]
        if at == source and way and isinstance(graph.nodes[way[-1]].op.window(graph.nodes[source].shape), Whole):
            return Gate(source, tuple(reversed(way)), merge)
    return None
