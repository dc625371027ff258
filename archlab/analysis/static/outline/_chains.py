"""Concatenations of a list that grows, as chains: each reads the one before and what is new."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from archlab.graph import Graph
from archlab.ops import Op


def chained(graph: Graph) -> Graph:
    """The same graph, in which a concatenation that begins or ends with all that an earlier one reads reads that one.

    So a DenseNet whose layers concatenate a list of all before (Huang et al. 2017, equation 2) has the few edges of one
    that concatenates step by step, and computes the same.

    >>> from archlab import Block, Concatenate, Conv, Input, Parallel
    >>> graph = (Input(8, 8, 4) >> Parallel(Conv(4), Conv(2), merge=Concatenate())).to_graph()
    >>> chained(graph) is graph
    True
    """
    return graph.fact("chained", lambda: _chained(graph))


def _chained(graph: Graph) -> Graph:
    concatenations: dict[tuple[Op, tuple[int, ...]], int] = {}
    nodes = list(graph.nodes)
    for position, node in enumerate(graph.nodes):
        if node.op.merge != "concatenation":
            continue
        inputs = _shortened(node.op, node.inputs, concatenations)
        if inputs != node.inputs:
            nodes[position] = replace(node, inputs=inputs)
        concatenations[node.op, node.inputs] = position
    return graph if nodes == list(graph.nodes) else replace(graph, nodes=tuple(nodes))


def _shortened(op: Op, inputs: Sequence[int], concatenations: dict[tuple[Op, tuple[int, ...]], int]) -> tuple[int, ...]:
    """The inputs with the most of them that one earlier concatenation holds as that one."""
    for count in range(len(inputs) - 1, 1, -1):
        first, last = tuple(inputs[:count]), tuple(inputs[-count:])
        if (op, first) in concatenations:
            return (concatenations[op, first], *inputs[count:])
        if (op, last) in concatenations:
            return (*inputs[:-count], concatenations[op, last])
    return tuple(inputs)
