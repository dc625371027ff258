from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

from archlab.bridge import build, load_any_keras, same_random_state
from archlab.sources import Reference, load


def to_keras(architecture: Reference, seed: int | None = None, *, input: Sequence[int | None] | None = None) -> Any:
    """The Keras model of an architecture, its layers named after the graph's nodes.

    Args:
        architecture: whatever names one: a part, a graph, a live Keras model (of which a new one is built), or a
            reference such as 'residual'.
        seed: of the initializers, and of what is random in layers: the same weights whenever it is given. Random
            state is left as it is. Drawn anew by default.
        input: another input shape; of a PyTorch module, which does not say it, the shape that it takes: (3, 224, 224).

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
    graph = load(architecture, input).graph
    load_any_keras()
    with nullcontext() if seed is None else same_random_state(seed):
        return build(graph, seed).model
