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


def on_longest_path(graph: Graph) -> tuple[bool, ...]:
    """For each node whether it stands on a longest path from the input to the deepest node.

    >>> from archlab import Conv, Input, Residual
    >>> graph = (Input(8, 8, 4) >> Residual(Conv(8) >> Conv(8))).to_graph()
    >>> [node.name for node, on in zip(graph, on_longest_path(graph)) if not on]
    ['block1/shortcut']
    """
    before, facts = depths(graph), gather(graph)
    after = [0] * len(graph)
    for position in reversed(range(len(graph))):
        below = after[position] + facts[position].kernel
        for source in graph.nodes[position].inputs:
            after[source] = max(after[source], below)
    deepest = depth(graph)
    return tuple(ahead + behind == deepest for ahead, behind in zip(before, after, strict=True))


def depth(graph: Graph) -> int:
    """The depth of a graph: of its deepest node."""
    return max(depths(graph), default=0)
