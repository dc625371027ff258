from __future__ import annotations

from typing import Any

from archlab.bridge import build
from archlab.sources import Reference, load


def to_keras(architecture: Reference, seed: int | None = None) -> Any:
    """The Keras model of an architecture, its layers named after the graph's nodes.

    Args:
        architecture: whatever names one: a part, a graph, a live Keras model (of which a new one is built), or a
            reference such as 'residual'.
        seed: of the initializers; drawn anew by default.

    Returns:
        A `keras.Model`, not compiled.

    Raises:
        UnknownNameError: the reference names nothing.
        DesignError: the architecture does not add up, or an operation has no layer in Keras.
        MissingPartError: TensorFlow is not installed.

    >>> from archlab import Conv, Input
    >>> to_keras(Input(32, 32, 3) >> Conv(16)).count_params()
    448
    """
    return build(load(architecture).graph, seed).model
