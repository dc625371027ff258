"""Where the body of a network ends, and which loss goes with its head."""

from __future__ import annotations

from typing import Any

from archlab.graph import Graph, Node
from archlab.ops import Activation, Softmax


def head_loss(graph: Graph, output: int = 0) -> str:
    """The Keras loss that goes with an output's last layer: its activation decides."""
    function = head_function(graph.nodes[graph.outputs[output]])
    losses = {"softmax": "sparse_categorical_crossentropy", "sigmoid": "binary_crossentropy"}
    return losses.get(function, "mean_squared_error")


def head_function(last: Node) -> str:
    """The activation of the last layer that a loss knows: 'softmax', 'sigmoid' or nothing."""
    op: Any = last.op
    # A net that labels every pixel ends in a convolution.
    function = op.function if isinstance(op, Activation) else getattr(op, "activation", None)
    if isinstance(op, Softmax) or function == "softmax":
        return "softmax"
    return "sigmoid" if function == "sigmoid" else ""


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
            body.append(body[node.inputs[0]] and node.op.window(*shapes) != "whole")
        else:
            body.append(any(body[source] for source in node.inputs))
    if not any(body):
        return [position not in graph.outputs for position in range(len(graph))]
    return body
