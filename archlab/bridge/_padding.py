"""Padding in numbers, which Keras's convolutions and pooling do not have: there it is a layer of its own."""

from __future__ import annotations

from dataclasses import replace

from archlab.errors import DesignError
from archlab.graph import Graph, Node
from archlab.ops import AvgPool, Conv, ConvTranspose, Crop, DepthwiseConv, Margins, MaxPool, Op, SeparableConv, ZeroPad

_SLIDING = (Conv, DepthwiseConv, SeparableConv, MaxPool, AvgPool)


def for_keras(graph: Graph) -> Graph:
    """The same graph, with a layer of zeros before each layer that pads by numbers, and only what Keras can build.

    Weights that were read from another framework are left to the layers' own rules, which are the same but for the
    statistics of batch normalization. A maximum over zeros is one over its window only where nothing is below them.

    Raises:
        DesignError: the padding of a maximum, of numbers that may be negative.
    """
    if not any(_pads(node.op) or node.kept is not None for node in graph.nodes):
        return graph
    return graph.fact("for keras", lambda: _apart(graph))


def _pads(op: Op) -> bool:
    return _margins(op) is not None


def _margins(op: Op) -> Margins | None:
    """The padding in numbers of an operation that has one."""
    if not isinstance(op, (*_SLIDING, ConvTranspose)) or isinstance(op.padding, str):
        return None
    return op.padding


def _apart(graph: Graph) -> Graph:
    nodes: list[Node] = []
    places: list[int] = []
    taken = {node.name for node in graph.nodes}
    for node in graph.nodes:
        inputs = tuple([places[source] for source in node.inputs])
        beside = tuple([places[source] for source in node.beside])
        weights = node.weights if node.kept is None else None
        node = replace(node, inputs=inputs, beside=beside, weights=weights, kept=None)
        if node.op.detached:
            places.append(-1)  # nothing reads it, and Keras has no layer that nothing reads
            continue
        margins = _margins(node.op)
        if margins is not None:
            name = f"{node.name}_pad"
            while name in taken:
                name += "_"
            taken.add(name)
            plain = node.op.changed(padding="valid")
            if isinstance(node.op, ConvTranspose):
                whole = plain.output(*[nodes[place].shape for place in inputs])
                nodes.append(replace(node, op=plain, shape=whole))
                node = Node(name, Crop(margins), (len(nodes) - 1,), node.shape, node.scope, name, node.dtype)
            else:
                if isinstance(node.op, MaxPool) and not _is_positive(nodes, inputs[0]):
                    raise DesignError(
                        f"padding={margins} of a maximum, which never wins, is none that Keras has: its "
                        "padding layer puts zeros, which win against negative numbers",
                        node.name,
                    )
                zeros = ZeroPad(margins)
                shape = zeros.output(nodes[inputs[0]].shape)
                nodes.append(Node(name, zeros, inputs, shape, node.scope, name, node.dtype))
                node = replace(node, op=plain, inputs=(len(nodes) - 1,))
        places.append(len(nodes))
        nodes.append(node)
    return Graph(tuple(nodes), tuple([places[output] for output in graph.outputs]), graph.name)


def _is_positive(nodes: list[Node], place: int) -> bool:
    """Whether what a node makes is never below zero, as far as its activations say."""
    op = nodes[place].op
    if op.rectifies or op.output_activation in ("sigmoid", "softmax", "relu", "relu6"):
        return True
    keeps = isinstance(op, MaxPool | AvgPool | ZeroPad) or op.family in ("regularization", "merging")
    return keeps and bool(nodes[place].inputs) and all(_is_positive(nodes, each) for each in nodes[place].inputs)
