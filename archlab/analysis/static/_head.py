"""Where the body of a network ends, and which loss goes with its head."""

from __future__ import annotations

from typing import NamedTuple

from archlab.graph import Graph, Node
from archlab.losses import CompiledLoss
from archlab.ops import Flatten, Identity, Reshape, Whole

_LOSSES = {"softmax": "sparse_categorical_crossentropy", "sigmoid": "binary_crossentropy"}
_FUNCTIONS = {
    "sparse_categorical_crossentropy": "softmax",
    "categorical_crossentropy": "softmax",
    "binary_crossentropy": "sigmoid",
    "mean_squared_error": "",
}


class HeadLoss(NamedTuple):
    """The loss of an output, as far as a prediction knows it."""

    name: str
    """The function of `keras.losses`."""
    function: str
    """'softmax' or 'sigmoid', where it is the crossentropy of one; nothing: the squared error."""
    activated: int | None
    """The node that ends in this function; None where the loss takes logits, or has no such function."""


def head_loss(graph: Graph, output: int = 0) -> str:
    """The Keras loss that goes with an output's last layer: its activation decides."""
    return _LOSSES.get(head_function(graph.nodes[head(graph, output)]), "mean_squared_error")


def loss_of(graph: Graph, compiled: CompiledLoss | None = None) -> tuple[HeadLoss, bool]:
    """The loss of the first output, and whether it is the compiled one: one that has no rule is replaced."""
    position = head(graph, 0)
    own = head_function(graph.nodes[position])
    if compiled is not None and compiled.plain and compiled.kind in _FUNCTIONS and len(graph.outputs) == 1:
        function = _FUNCTIONS[compiled.kind]
        if own == ("" if compiled.from_logits else function):
            return HeadLoss(compiled.name, function, position if own else None), True
    return HeadLoss(head_loss(graph), own, position if own else None), compiled is None


def head(graph: Graph, output: int) -> int:
    """The node whose activation an output has: behind it, the same numbers are put into another shape at most."""
    position = graph.outputs[output]
    classes = graph.nodes[position].shape[-1:]
    while True:
        node = graph.nodes[position]
        if not isinstance(node.op, Identity | Reshape | Flatten):
            break
        position = node.inputs[0]
    # Probabilities of classes that have become positions are no longer one axis.
    function = head_function(graph.nodes[position])
    moved = function == "softmax" and graph.nodes[position].shape[-1:] != classes
    return graph.outputs[output] if moved else position


def head_function(last: Node) -> str:
    """The activation of the last layer that a loss knows: 'softmax', 'sigmoid' or nothing."""
    # A net that labels every pixel ends in a convolution.
    function = last.op.output_activation
    return function if function in _LOSSES else ""


def before_head(graph: Graph) -> list[bool]:
    """For each node whether it stands before the head: before the first global pooling or flattening on its way.

    Where nothing does (a net without spatial axes), everything is body but the last layer.
    """
    body: list[bool] = []
    for node in graph.nodes:
        shapes = graph.input_shapes(node)
        if not node.inputs:
            body.append(len(node.shape) > 1)
        elif len(node.inputs) == 1:
            body.append(body[node.inputs[0]] and not isinstance(node.op.window(*shapes), Whole))
        else:
            body.append(any(body[source] for source in node.inputs))
    if not any(body):
        return [position not in graph.outputs for position in range(len(graph))]
    return body
