"""Static counts held to the Keras model that an architecture becomes."""

from __future__ import annotations

from archlab.bridge import build, load_keras
from archlab.errors import DesignError
from archlab.graph import Part, format_shape


def check_parameters(tree: Part, expected: int) -> None:
    """Build the Keras model of an architecture, and compare its number of parameters.

    Raises:
        DesignError: Keras counts others.

    >>> from archlab import Conv, Input
    >>> check_parameters(Input(8, 8, 3) >> Conv(4), 112)
    """
    _, keras = load_keras()
    graph = tree.to_graph()
    found = build(graph).model.count_params()
    keras.backend.clear_session()
    if found != expected:
        shape = format_shape(graph.nodes[graph.inputs[0]].shape)
        raise DesignError(f"Keras counts {found:,} parameters of the architecture for {shape}, not {expected:,}")
