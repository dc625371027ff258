"""Multiply–accumulates counted in TensorFlow's graph of a whole model."""

from __future__ import annotations

from typing import Any

from archlab.testing import _trace


def macs(model: Any) -> int:
    """Those of every convolution and matrix product in the graph of a call at inference, for one sample."""
    import keras
    import tensorflow as tf

    specs = keras.tree.map_structure(lambda tensor: tf.TensorSpec((1, *tensor.shape[1:]), tensor.dtype), model.input)
    function = tf.function(lambda x: model(x, training=False), jit_compile=False, autograph=False)
    return _trace.macs(function.get_concrete_function(specs).graph.get_operations())
