"""Receptive fields seen from outside: which input pixels move an output unit, by the gradient of a real Keras model."""

from __future__ import annotations

from typing import Any

import numpy as np

from archlab import AvgPool, MaxPool, Part
from archlab.bridge import build
from archlab.ops import Op


def positive(net: Part) -> Any:
    """The Keras model of a net that is made linear and positive, so that no gradient cancels or dies.

    A maximum becomes a mean over the same window. Float64, and every kernel scaled to a sum of 1: small weights
    underflow in float32 and show a smaller field.
    """
    linear = net.replace(MaxPool, lambda pool: AvgPool(pool.size, pool.stride, pool.padding))
    model = build(linear.to_graph(), dtype="float64").model
    for layer in model.layers:
        layer.set_weights(
            [np.full(w.shape, 1.0 / max(1, np.prod(w.shape[:-1]))) if w.ndim > 1 else w for w in layer.get_weights()]
        )
    return model


def seen(model: Any, units: list[tuple[int, int]]) -> list[tuple[tuple[int, int], tuple[int, int]] | None]:
    """For each output unit (row, column) the first and last input row and column that it sees; None where none."""
    import tensorflow as tf

    x = tf.ones((1, *model.inputs[0].shape[1:]), tf.float64)
    found: list[Any] = []
    moved: Any
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        out = model(x, training=False)
        picked = [tf.reduce_sum(out[:, row, column]) for row, column in units]
    for one in picked:
        moved = tape.gradient(one, x)
        places = np.argwhere(moved.numpy()[0].any(axis=-1)) if moved is not None else np.empty((0, 2))
        if not len(places):
            found.append(None)
            continue
        (top, left), (bottom, right) = places.min(axis=0), places.max(axis=0)
        found.append(((int(top), int(bottom)), (int(left), int(right))))
    return found


def kinds(net: Part) -> set[str]:
    """The kinds of operation in a net."""
    return {type(part).__name__ for part in net.walk() if isinstance(part, Op)}
