"""Gradients by plain TensorFlow, each asked for on its own, nothing compiled."""

from __future__ import annotations

from typing import Any

import numpy as np

from archlab import Graph


def one_by_one(graph: Graph, built: Any, positions: list[int], batch: Any, loss: Any) -> list[tuple[float, float]]:
    """For each layer the norm of its weights' gradient, and the RMS of its output's times the batch size.

    The layers are called one after another, eagerly; for each layer anew, with a tape that watches it alone.
    """
    import tensorflow as tf

    found: list[tuple[float, float]] = []
    for position in positions:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([weight.value for weight in built.layers[position].trainable_weights])
            values: list[Any] = []
            for i, node in enumerate(graph):
                if built.layers[i] is None:
                    values.append(tf.constant(batch.x))
                    continue
                inputs = [values[source] for source in node.inputs]
                # The identity hides Keras's note of the logits, so that the loss is that of the output itself.
                values.append(tf.identity(built.layers[i](inputs[0] if len(inputs) == 1 else inputs, training=True)))
                if i == position:
                    tape.watch(values[i])
            value = tf.reduce_mean(loss(tf.constant(batch.y), values[graph.outputs[0]]))
        *weights, output = tape.gradient(
            value, [*[weight.value for weight in built.layers[position].trainable_weights], values[position]]
        )
        norm = np.sqrt(sum(np.sum(np.square(g.numpy().astype("float64"))) for g in weights))
        rms = np.sqrt(np.mean(np.square(output.numpy().astype("float64")))) * len(batch.x)
        found.append((float(norm), float(rms)))
    return found
