"""What TensorFlow's profiler counts, and what its backward pass keeps."""

from __future__ import annotations

from collections import Counter
from math import prod
from typing import Any, NamedTuple


def float_operations(model: Any) -> int:
    """`tf.profiler`'s float operations of a forward pass of one example."""
    return sum(_profiled(_frozen(_traced(model))).values())


class Counts(NamedTuple):
    """A forward pass of one example, by the type of TensorFlow's operations."""

    profiled: Counter[str]
    """What `tf.profiler` counts."""
    seen: Counter[str]
    """What the rules below make of the operations that it can see."""
    whole: Counter[str]
    """What they make of all operations, those in the bodies of functions and those behind them too."""


def counts(model: Any) -> Counts:
    """Count a model three times over.

    A grouped convolution is a function of its own on a CPU. The profiler does not look into functions, and does not
    know the shape of what comes out of one: what is computed with that until its shape is plain again it leaves out.
    """
    traced = _traced(model)
    frozen = _frozen(traced)
    return Counts(_profiled(frozen), _walked(frozen, False), _walked(traced.graph, True))


def _traced(model: Any) -> Any:
    import tensorflow as tf

    specs = [tf.TensorSpec((1, *tensor.shape[1:]), tensor.dtype) for tensor in model.inputs]
    function = tf.function(lambda *x: model(x if len(x) > 1 else x[0], training=False), jit_compile=False)
    return function.get_concrete_function(*specs)


def _frozen(traced: Any) -> Any:
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    return convert_variables_to_constants_v2(traced).graph


def _profiled(graph: Any) -> Counter[str]:
    import tensorflow as tf

    options = tf.compat.v1.profiler.ProfileOptionBuilder(tf.compat.v1.profiler.ProfileOptionBuilder.float_operation())
    profile = tf.compat.v1.profiler.profile(graph=graph, options=options.with_empty_output().build(), cmd="op")
    found: Counter[str] = Counter()
    waiting = [profile]
    while waiting:
        node = waiting.pop()
        found[node.name] += node.float_ops
        waiting.extend(node.children)
    assert sum(found.values()) == profile.total_float_ops
    return +found


# Arithmetic, by the definitions of the operations and by nothing of archlab's: one for each addition, subtraction,
# multiplication, division, comparison and elementary function, for each element that comes out.
_EACH = {
    "Add": 1, "AddN": 1, "AddV2": 1, "BiasAdd": 1, "Erf": 1, "Erfc": 1, "Exp": 1, "Log": 1, "Maximum": 1, "Minimum": 1,
    "Mul": 1, "Neg": 1, "RealDiv": 1, "Relu": 1, "Sqrt": 1, "Square": 1, "Sub": 1, "Tanh": 1,
    "Relu6": 2,  # above 0, below 6
    "Rsqrt": 2,  # a root and a division
    "SquaredDifference": 2,
    "Sigmoid": 4,  # 1 / (1 + exp(-x))
    "Softmax": 5,  # the maximum, less it, exp, the sum, divided by it
}  # fmt: skip
_NOTHING = frozenset({
    "Cast", "ConcatV2", "Const", "ExpandDims", "Fill", "GatherV2", "Identity", "IdentityN", "NoOp", "Pack", "Pad",
    "PadV2", "PartitionedCall", "Placeholder", "ReadVariableOp", "Reshape", "ResourceGather", "Shape", "Split",
    "SplitV", "Squeeze", "StatefulPartitionedCall", "StopGradient", "StridedSlice", "Transpose", "Unpack",
})  # fmt: skip
NO_RULE = frozenset({"Erf", "Erfc", "Exp", "Relu", "Relu6", "Sigmoid", "Sqrt", "Tanh"})
"""Arithmetic that the profiler counts as nothing, for it has no rule."""


def _walked(graph: Any, functions: bool) -> Counter[str]:
    """The float operations of a graph, and of the functions that it calls or not."""
    found: Counter[str] = Counter()
    for op in graph.get_operations():
        if functions and op.type in ("PartitionedCall", "StatefulPartitionedCall"):
            found += _walked(graph._get_function(op.get_attr("f").name).graph, True)
        if op.type in _NOTHING or not op.outputs[0].dtype.is_floating:
            continue
        shapes = [tensor.shape for tensor in (*op.inputs, op.outputs[0])]
        if all(shape.is_fully_defined() for shape in shapes):
            found[op.type] += _arithmetic(op)
    return +found


def _arithmetic(op: Any) -> int:
    """The float operations of one operation whose shapes are known."""
    shapes = [tuple(tensor.shape) for tensor in op.inputs]
    made = prod(op.outputs[0].shape)
    if op.type in _EACH:
        return _EACH[op.type] * made
    if op.type == "Conv2D":
        return 2 * made * prod(shapes[1][:3])  # the kernel of a group holds the channels of one group only
    if op.type == "DepthwiseConv2dNative":
        return 2 * made * prod(shapes[1][:2])
    if op.type == "MatMul":
        return 2 * made * shapes[0][0 if op.get_attr("transpose_a") else 1]
    if op.type == "BatchMatMulV2":
        return 2 * made * shapes[0][-2 if op.get_attr("adj_x") else -1]
    if op.type == "Einsum":
        before, after = op.get_attr("equation").decode().split("->")
        sizes = {name: size for names, shape in zip(before.split(","), shapes, strict=True)
                 for name, size in zip(names, shape, strict=True)}  # fmt: skip
        assert set(after) <= set(sizes)
        return 2 * prod(sizes.values())
    if op.type == "Mean":
        return prod(shapes[0])  # n - 1 additions and one division
    if op.type == "AvgPool":
        return made * prod(op.get_attr("ksize"))
    if op.type == "MaxPool":
        return made * (prod(op.get_attr("ksize")) - 1)
    raise AssertionError(f"no rule for {op.type}")


def written_out(model: Any) -> Counter[str]:
    """Arithmetic that Keras leaves in the graph and that is no part of archlab's conventions, from Keras's own layers.

    Each layer is taken to be called once.
    """
    import keras

    found: Counter[str] = Counter()
    waiting = list(model.layers)
    while waiting:
        layer = waiting.pop()
        if hasattr(layer, "layers"):
            waiting.extend(layer.layers)
        elif isinstance(layer, keras.layers.BatchNormalization):
            # Variance + epsilon, its root and one over it, times gamma, times the mean, beta less that: per channel.
            found["batch normalization: folding its four vectors into two"] += (5 + layer.scale) * layer.output.shape[
                -1
            ]
        elif isinstance(layer, keras.layers.LayerNormalization):
            # x * (inv * gamma) + (-mean * (inv * gamma) + beta): five operations where (x - mean) * inv * gamma + beta
            # has four; and variance + epsilon, its root and one over it, and -mean, once a position.
            size = prod(layer.output.shape[1:])
            found["layer normalization: multiplied out"] += size + 4 * (size // layer.output.shape[-1])
        elif isinstance(layer, keras.layers.Normalization):
            found["normalization of the input: the root of the variance"] += 2 * layer.output.shape[-1]
        if getattr(layer, "activation", None) is keras.activations.silu:
            found["silu: x * sigmoid(beta * x), where beta is 1"] += prod(layer.output.shape[1:])
    return +found


_VIEWS = ("ExpandDims", "Identity", "Reshape", "Squeeze")


def saved_for_backward(model: Any) -> int:
    """Bytes of one sample that TensorFlow carries from the forward to the backward pass of the trainable weights.

    A tensor that is also carried in another shape is counted once. What does not grow with the batch is no activation.
    """
    return _carried(model, 2) - _carried(model, 1)


def _carried(model: Any, samples: int) -> int:
    import tensorflow as tf

    found: dict[str, Any] = {}

    def forward(*inputs: Any) -> Any:
        outputs = tf.nest.flatten(model(list(inputs) if len(inputs) > 1 else inputs[0], training=True))
        forward = set(tf.compat.v1.get_default_graph().get_operations())
        tf.gradients(outputs, [weight.value.handle for weight in model.trainable_weights])
        for op in set(tf.compat.v1.get_default_graph().get_operations()) - forward:
            for tensor in op.inputs:
                if tensor.op in forward and tensor.dtype != tf.resource:
                    root = tensor
                    while root.op.type in _VIEWS:
                        root = root.op.inputs[0]
                    found[root.name] = root
        return outputs

    specs = [tf.TensorSpec((samples, *tensor.shape[1:]), tensor.dtype) for tensor in model.inputs]
    tf.function(forward, jit_compile=False, autograph=False).get_concrete_function(*specs)
    return sum(prod(tensor.shape) * tensor.dtype.size for tensor in found.values())
