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
                    values.append(tf.constant(batch.x[0]))
                    continue
                inputs = [values[source] for source in node.inputs]
                # The identity hides Keras's note of the logits, so that the loss is that of the output itself.
                values.append(tf.identity(built.layers[i](inputs[0] if len(inputs) == 1 else inputs, training=True)))
                if i == position:
                    tape.watch(values[i])
            value = tf.reduce_mean(loss(tf.constant(batch.y[0]), values[graph.outputs[0]]))
        *weights, output = tape.gradient(
            value, [*[weight.value for weight in built.layers[position].trainable_weights], values[position]]
        )
        norm = np.sqrt(sum(np.sum(np.square(g.numpy().astype("float64"))) for g in weights))
        rms = np.sqrt(np.mean(np.square(output.numpy().astype("float64")))) * batch.examples
        found.append((float(norm), float(rms)))
    return found


def of_layer(model: Any, layer: Any, x: Any, y: Any, loss: Any, training: bool) -> tuple[float, float]:
    """The same for one layer of a live Keras model, which is put back as it was."""
    import keras
    import tensorflow as tf

    before = model.get_weights()
    probe = keras.Model(model.inputs, [layer.output, *model.outputs])
    weights = layer.trainable_weights
    with tf.GradientTape(persistent=True) as tape:
        seen, *ends = probe(x if isinstance(x, list) else [x], training=training)
        # As the model is trained: crossentropies may step around the last activation to its logits.
        value = tf.reduce_mean(loss(tf.constant(y), ends[0]))
        last = layer.output is model.outputs[0]
        if last:
            bare = tf.identity(seen)
            tape.watch(bare)
            of_end = tf.reduce_mean(loss(tf.constant(y), bare))
    to_weights = tape.gradient(value, weights)
    to_output = tape.gradient(of_end, bare) if last else tape.gradient(value, seen)
    model.set_weights(before)
    norm = np.sqrt(sum(np.sum(np.square(g.numpy().astype("float64"))) for g in to_weights))
    rms = np.sqrt(np.mean(np.square(to_output.numpy().astype("float64")))) * len(y)
    return float(norm), float(rms)


def of_variables(model: Any, x: Any, y: Any, loss: Any) -> list[float]:
    """The norm of the gradient with respect to each trainable variable of a live model at inference; NaN: none.

    Args:
        x: a batch as the model takes it.
        y: labels, one array for each output.
        loss: a Keras loss, of each output; their sum is what gradients are taken of.
    """
    import keras
    import tensorflow as tf

    with tf.GradientTape() as tape:
        ends = keras.tree.flatten(model(x, training=False))
        value = tf.add_n([loss(label, end) for label, end in zip(y, ends, strict=True)])
    found = tape.gradient(value, [variable.value for variable in model.trainable_variables])
    dense = [None if each is None else tf.convert_to_tensor(each) for each in found]
    return [np.nan if each is None else float(np.linalg.norm(each.numpy().astype("float64"))) for each in dense]
