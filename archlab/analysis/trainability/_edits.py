"""The changes to a graph that are tried as remedies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeAlias

from archlab.analysis.static._facts import gather
from archlab.graph import Graph, Node, Shape
from archlab.ops import Add, BatchNorm, LeakyReLU, Op, ReLU, Rescaling

Edit = Callable[[Graph], "Graph | None"]
Step: TypeAlias = "tuple[Op, tuple[int, ...]]"
"""An operation behind another, and the nodes of the old graph that it reads besides."""


def _rebuilt(graph: Graph, ops: Mapping[int, Op], behind: Mapping[int, Step]) -> Graph | None:
    """The graph with other operations at some positions and further ones behind some; None where nothing changes."""
    if not ops and not behind:
        return None
    nodes: list[Node] = []
    moved: list[int] = []
    for at, node in enumerate(graph.nodes):
        op, inputs = ops.get(at, node.op), tuple(moved[source] for source in node.inputs)
        nodes.append(replace(node, op=op, inputs=inputs, shape=_shape(op, inputs, nodes) or node.shape, beside=(),
                             settings=None))  # fmt: skip
        if at in behind:
            op, besides = behind[at]
            inputs, name = (len(nodes) - 1, *(moved[source] for source in besides)), f"{node.name}+1"
            nodes.append(Node(name, op, inputs, _shape(op, inputs, nodes), node.scope, name, node.dtype))
        moved.append(len(nodes) - 1)
    return Graph(tuple(nodes), tuple(moved[output] for output in graph.outputs), graph.name)


def _shape(op: Op, inputs: tuple[int, ...], nodes: list[Node]) -> Shape:
    return op.output(*[nodes[source].shape for source in inputs]) if inputs else ()


def _kernels(graph: Graph) -> list[int]:
    """The layers with a kernel but for the last."""
    return [at for at, each in enumerate(gather(graph)) if each.kernel][:-1]


def with_initializers(graph: Graph) -> Graph | None:
    """He's initialization before a ReLU and its kin, for every kernel but the last; None where it has it already."""
    changed: dict[int, Op] = {}
    for at in _kernels(graph):
        op = graph.nodes[at].op
        if getattr(op, "initializer", "he_normal") not in ("he_normal", "he_uniform"):
            changed[at] = replace(op, initializer="he_normal")
    return _rebuilt(graph, changed, {})


def with_normalization(graph: Graph) -> Graph | None:
    """Batch normalization behind every kernel that none stands behind, but for the last."""
    bare = [at for at in _kernels(graph) if not any(graph.nodes[each].op.normalizes for each in graph.consumers[at])]
    return _rebuilt(graph, {}, dict.fromkeys(bare, (BatchNorm(), ())))


def with_residuals(graph: Graph) -> Graph | None:
    """A residual connection around every kernel whose output has its input's shape, up to the next activation."""
    ends: dict[int, Step] = {}
    for at, each in enumerate(gather(graph)):
        node = graph.nodes[at]
        if each.kernel and len(node.inputs) == 1 and node.shape == each.inputs[0]:
            end = at
            while len(graph.consumers[end]) == 1 and _follows(graph, graph.consumers[end][0], each.inputs[0]):
                end = graph.consumers[end][0]
            if not any(len(graph.nodes[reader].inputs) > 1 for reader in graph.consumers[end]):
                ends[end] = Add(), node.inputs
    return _rebuilt(graph, {}, ends)


def _follows(graph: Graph, at: int, shape: tuple[int | None, ...]) -> bool:
    """Whether a normalization or an activation stands there, of the same shape."""
    node = graph.nodes[at]
    return len(node.inputs) == 1 and node.shape == shape and (node.op.normalizes or node.op.nonlinear)


def with_leaky_units(graph: Graph) -> Graph | None:
    """Leaky ReLUs for ReLUs."""
    changed: dict[int, Op] = {}
    for at, node in enumerate(graph.nodes):
        if isinstance(node.op, ReLU):
            changed[at] = LeakyReLU()
        elif getattr(node.op, "activation", None) == "relu":
            changed[at] = replace(node.op, activation="leaky_relu")
    return _rebuilt(graph, changed, {})


def with_scaled_input(scale: float, offset: float) -> Edit:
    """A rescaling behind what rescales the input already, or behind the input."""

    def scaled(graph: Graph) -> Graph | None:
        ends = [
            at for at, node in enumerate(graph.nodes)
            if node.op.rescales_input
            or (not node.inputs and not any(graph.nodes[r].op.rescales_input for r in graph.consumers[at]))
        ]  # fmt: skip
        return _rebuilt(graph, {}, dict.fromkeys(ends, (Rescaling(scale, offset), ())))

    return scaled


def _both(first: Edit, second: Edit) -> Edit:
    """One change and then another; None where either changes nothing."""

    def changed(graph: Graph) -> Graph | None:
        made = first(graph)
        return None if made is None else second(made)

    return changed


REMEDIES: Mapping[str, Edit] = {
    "he_normal initializers": with_initializers,
    "leaky ReLUs instead of ReLUs": with_leaky_units,
    "residual connections around the layers that keep their shape": with_residuals,
    "batch normalization behind every kernel": with_normalization,
    "batch normalization and residual connections": _both(with_normalization, with_residuals),
}
"""What can be done, in words, in the order of what is least work."""
