"""What TensorFlow's profiler counts, and what its backward pass keeps."""

from __future__ import annotations

from collections import Counter
from math import prod
from typing import Any


def float_operations(model: Any) -> int:
    """`tf.profiler`'s float operations of a forward pass of one example."""
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    spec: list[Any] = [tf.TensorSpec((1, *tensor.shape[1:]), tensor.dtype) for tensor in model.inputs]
    function = tf.function(lambda x: model(x, training=False), jit_compile=False)
    frozen = convert_variables_to_constants_v2(function.get_concrete_function(spec[0]))
    options = tf.compat.v1.profiler.ProfileOptionBuilder(tf.compat.v1.profiler.ProfileOptionBuilder.float_operation())
    profile = tf.compat.v1.profiler.profile(graph=frozen.graph, options=options.with_empty_output().build(), cmd="op")
    return profile.total_float_ops


def kept_for_backward(model: Any) -> Counter[str]:
    """Bytes that TensorFlow carries from the forward to the backward pass of one example, by kind of operation."""
    import tensorflow as tf

    function = tf.function(lambda x: model(x, training=True), jit_compile=False, autograph=False)
    concrete = function.get_concrete_function(tf.TensorSpec((1, *model.inputs[0].shape[1:]), tf.float32))
    forward, _ = concrete._delayed_rewrite_functions.forward_backward()
    found: Counter[str] = Counter()
    for tensor in forward.graph.outputs:
        if tensor.dtype != tf.resource and tensor.shape.rank is not None:
            found[tensor.op.type] += prod(size or 1 for size in tensor.shape) * tensor.dtype.size
    return found
