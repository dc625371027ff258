"""Depth: the number of weighted layers on the longest path from the input."""

from __future__ import annotations

from archlab.analysis.static._facts import gather
from archlab.graph import Graph


def depths(graph: Graph) -> tuple[int, ...]:
    """For each node how many layers with a kernel stand on the longest path from the input to it, itself included.

    Layers with a kernel are what the literature counts (ResNet-50 has 50): a separable convolution is one; batch
    normalization, biases and learned slopes are none.

    >>> from archlab import BatchNorm, Conv, Input, Residual
    >>> depths((Input(8, 8, 4) >> Residual(Conv(4) >> BatchNorm() >> Conv(4))).to_graph())
    (0, 1, 1, 2, 2)
    """

    def compute() -> tuple[int, ...]:
        found: list[int] = []
        for node, facts in zip(graph.nodes, gather(graph), strict=True):
            found.append(max([found[source] for source in node.inputs], default=0) + facts.kernel)
        return tuple(found)

    return graph.fact("depths", compute)


def depth(graph: Graph) -> int:
    """The depth of a graph: of its deepest node."""
    return max(depths(graph), default=0)
