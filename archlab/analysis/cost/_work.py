"""What a layer does, in the terms that its time is predicted from, and which layers are computed with another."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Literal, NamedTuple, TypeAlias

from archlab.analysis.static._facts import Facts, gather
from archlab.graph import Graph, Node, elements
from archlab.ops import Activation, BatchNorm, Conv, DepthwiseConv, LeakyReLU, ReLU, SeparableConv

Kind: TypeAlias = Literal[
    "convolution", "pointwise", "depthwise", "grouped", "dense", "normalization", "pooling", "elementwise", "movement",
    "update",
]  # fmt: skip
"""Kinds of operations with rates of their own; an update is what an optimizer does to a weight."""

_BY_FAMILY: dict[str, Kind] = {
    "convolution": "convolution", "dense": "dense", "sequence": "dense", "normalization": "normalization",
    "pooling": "pooling", "activation": "elementwise", "merging": "elementwise", "regularization": "elementwise",
    "arithmetic": "elementwise", "preprocessing": "elementwise", "shape": "movement",
}  # fmt: skip
_FUSED_ACTIVATIONS = ("relu", "relu6", "elu", "leaky_relu", "tanh", "sigmoid")


class Work(NamedTuple):
    """One operation, for one sample.

    Attributes:
        kind: what rates it has.
        macs: multiply–accumulates.
        patches: numbers that windows of more than one position read, each as often as it is read.
        moved: numbers read and written.
        weights: numbers of its weights, read once for a batch.
        flops: all arithmetic.
    """

    kind: Kind
    macs: int
    patches: int
    moved: int
    weights: int
    flops: int


class Job(NamedTuple):
    """What a node of the graph does; nothing where it is part of another's operation."""

    work: tuple[Work, ...]
    fused: str = ""
    """The layer whose operation computes it too."""
    known: bool = True


def jobs(graph: Graph, training: bool) -> tuple[Job, ...]:
    """What each node does, in inference or in a training step."""
    return graph.fact(("jobs", training), lambda: tuple(_jobs(graph, training)))


def _jobs(graph: Graph, training: bool) -> list[Job]:
    found: list[Job] = []
    for position, (node, facts) in enumerate(zip(graph.nodes, gather(graph), strict=True)):
        if not node.inputs or node.op.is_view(training):
            found.append(Job(()))
            continue
        host = _host(graph, position)
        if host:
            found.append(Job((), host))
            continue
        found.append(Job(tuple(_works(node, facts)), known=facts.cost is not None))
    return found


def _host(graph: Graph, position: int) -> str:
    """The layer with a kernel whose operation ends in this activation: oneDNN computes both at once."""
    node = graph.nodes[position]
    if not isinstance(node.op, Activation | ReLU | LeakyReLU) or node.op.output_activation not in _FUSED_ACTIVATIONS:
        return ""
    before = graph.nodes[node.inputs[0]]
    alone = len(graph.consumers[node.inputs[0]]) == 1
    biased = getattr(before.op, "bias", False) is not False and getattr(before.op, "activation", None) is None
    fusing = before.op.family in ("convolution", "dense") and not isinstance(before.op, SeparableConv)
    return before.name if alone and biased and fusing else ""


def _works(node: Node, facts: Facts) -> list[Work]:
    op, inputs, output = node.op, facts.inputs, node.shape
    macs, flops = facts.cost or (0, 0)
    weights = sum(each.size for each in facts.weights or ())
    read, written = sum(map(elements, inputs)), elements(output)
    moved = read + written
    if isinstance(op, SeparableConv):
        depthwise, pointwise = (each.size for each in (facts.weights or ())[:2])
        between = written // (output[-1] or 1) * (inputs[0][-1] or 1) * op.multiplier
        patches = between * prod(op.spans(inputs[0])[0])
        return [
            Work("depthwise", patches, patches, read + between, depthwise, 2 * patches),
            Work("pointwise", macs - patches, 0, between + written, pointwise, flops - 2 * patches),
        ]
    if isinstance(op, DepthwiseConv):
        return [Work("depthwise", macs, macs, moved, weights, flops)]
    if isinstance(op, Conv):
        kernels, strides, _ = op.spans(inputs[0])
        if op.groups > 1:
            return [Work("grouped", macs, macs // max((output[-1] or 1) // op.groups, 1), moved, weights, flops)]
        if max(kernels) == 1:
            # With a stride it reads every so many-th position.
            moved = read // prod(strides) + written
            return [Work("pointwise", macs, 0, moved, weights, flops)]
        return [Work("convolution", macs, macs // (output[-1] or 1), moved, weights, flops)]
    kind: Kind = _BY_FAMILY.get(op.family, "elementwise")
    if kind == "pooling" and macs == 0:
        return [Work(kind, 0, flops, moved, weights, flops)]
    # Layer and group normalization take their statistics at inference too.
    times = 2 if kind == "normalization" and not isinstance(op, BatchNorm) else 1
    return [Work(kind, macs, 0, times * moved, weights, flops)]


FEATURES = ("launch", "mac", "patch", "moved", "far", "memory", "weight")
"""What a rate is of: one operation, a multiply–accumulate, a number of a patch, a byte moved, one that the second-level
cache does not hold, one that no cache holds, a byte of weights."""


def features(work: Work, batch: int, number: int, caches: Sequence[int]) -> tuple[float, ...]:
    """The features of an operation on a batch, in the order of `FEATURES`.

    Args:
        work: the operation.
        batch: samples.
        number: bytes of a number.
        caches: bytes of the second-level cache and of the last.
    """
    moved = float(batch * work.moved * number)
    weights = float(work.weights * number)
    second, last = (moved if moved + weights > size else 0.0 for size in caches)
    return 1.0, float(batch * work.macs), float(batch * work.patches), moved, second, last, weights
