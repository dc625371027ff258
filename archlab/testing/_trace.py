"""What TensorFlow makes of a layer: the operations of its forward pass, and what its backward pass reads of it."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from typing import NamedTuple

from archlab.bridge import Runnable, load_keras
from archlab.bridge.types import Tensor
from archlab.testing._outcomes import NotApplicable

# The same numbers in another shape. A dilated window slides over a map in pieces, with zeros between them.
_VIEWS = frozenset({
    "Cast", "ExpandDims", "Identity", "Reshape", "SpaceToBatchND", "Squeeze", "StopGradient",
})  # fmt: skip
_KERNELS = {
    # The filter's axes that a number which comes out (or, transposed, one that comes in) is multiplied along.
    "Conv2D": slice(0, 3),
    "Conv3D": slice(0, 4),
    "Conv2DBackpropInput": slice(0, 3),
    "Conv3DBackpropInputV2": slice(0, 4),
    "DepthwiseConv2dNative": slice(0, 2),
}
_PRODUCTS = ("MatMul", "BatchMatMulV2", "Einsum")
_CALLS = ("PartitionedCall", "StatefulPartitionedCall")
_LOOPS = ("While", "StatelessWhile", "XlaCallModule")
_OF_SHAPES = ("BroadcastGradientArgs", "Rank", "Shape", "ShapeN", "Size", "ZerosLike")


class Traced(NamedTuple):
    """The graph of a forward pass and the backward pass behind it, of one sample."""

    forward: list[Tensor]
    backward: list[Tensor]
    inputs: list[Tensor]
    output: Tensor
    learned: set[str]
    """The tensors that stand for the trainable weights."""


def traced(built: Runnable, training: bool) -> Traced:
    """Trace a layer's forward and backward pass with respect to what comes in and to its trainable weights."""
    tf, _ = load_keras()
    for layer in built.layers:
        # A loop's body is written down once, whatever its number of turns.
        if hasattr(layer, "unroll"):
            layer.unroll = True
    weights = [weight.value for weight in built.model.trainable_weights]
    kept: dict[str, Tensor] = {}

    def step(*x: Tensor) -> Tensor:
        y = built.run(x, training)[built.graph.outputs[0]]
        graph = tf.compat.v1.get_default_graph()
        kept["y"], kept["forward"] = y, graph.get_operations()
        kept["x"] = list(x)
        # As for a function's own backward function: of every operation all gradients, those of constants too.
        tf.gradients(y, [*x, *weights], grad_ys=tf.ones_like(y))
        kept["backward"] = graph.get_operations()[len(kept["forward"]) :]
        return y

    specs = [tf.TensorSpec((1, *tensor.shape[1:]), tensor.dtype) for tensor in built.model.inputs]
    graph = tf.function(step, jit_compile=False, autograph=False).get_concrete_function(*specs).graph
    handles = {id(weight.handle) for weight in weights}
    learned = {inside.name for outside, inside in graph.captures if id(outside) in handles}
    return Traced(kept["forward"], kept["backward"], kept["x"], kept["y"], learned)


def macs(operations: Iterable[Tensor]) -> int:
    """Multiply–accumulates of convolutions and matrix products, those inside of functions too.

    Raises:
        NotApplicable: there is a loop, whose number of turns the graph does not tell.
    """
    count = 0
    for op in operations:
        if op.type in _LOOPS:
            raise NotApplicable(f"TensorFlow computes it in a loop ({op.type}), whose turns cannot be counted")
        if op.type in _CALLS:
            count += macs(op.graph._get_function(op.get_attr("f").name).graph.get_operations())
        elif op.type in _KERNELS:
            each = prod(tuple(op.inputs[1].shape)[_KERNELS[op.type]])
            slides = op.inputs[2] if "Backprop" in op.type else op.outputs[0]
            count += each * _places(slides)
        elif op.type in _PRODUCTS:
            count += _product(op)
    return count


def _places(tensor: Tensor) -> int:
    """The numbers of a feature map. A dilated window that slides over a map in pieces slides over their padding too."""
    for reader in tensor.consumers():
        if reader.type == "BatchToSpaceND":
            return prod(reader.outputs[0].shape)
    return prod(tensor.shape)


def _product(op: Tensor) -> int:
    shapes = [tuple(tensor.shape) for tensor in op.inputs]
    made = prod(op.outputs[0].shape)
    if op.type == "MatMul":
        return made * shapes[0][0 if op.get_attr("transpose_a") else 1]
    if op.type == "BatchMatMulV2":
        return made * shapes[0][-2 if op.get_attr("adj_x") else -1]
    # An axis of an ellipsis is counted from its last; operands stretch where they have size 1.
    sizes: dict[str | int, int] = {}
    for labels, shape in zip(op.get_attr("equation").decode().partition("->")[0].split(","), shapes, strict=True):
        before, dots, after = labels.partition("...")
        free = range(len(before) + len(after) - len(shape), 0) if dots else ()
        for label, size in zip((*before, *free, *after), shape, strict=True):
            sizes[label] = max(sizes.get(label, 1), size)
    return prod(sizes.values())


class Saved(NamedTuple):
    """What TensorFlow's backward pass reads of the forward pass: numbers of one sample that depend on it."""

    inputs: bool
    output: bool
    total: int
    """All numbers together."""
    of_kernels: int
    """Those of them that are multiplied by a kernel that learns, or by one another: no backward pass can do without."""
    input_of_kernel: bool
    """Whether what comes in is one of these."""
    largest: int
    """The most numbers of one tensor."""


def saved(found: Traced) -> Saved:
    """Work out what the backward pass reads of the forward pass."""
    made_forward = {tensor.name for op in found.forward for tensor in op.outputs}
    varies = _varying(found, {tensor.name for tensor in found.inputs})
    needed = _multiplied(found, varies | _varying(found, found.learned))
    read: dict[str, Tensor] = {}
    for op in found.backward:
        if op.type not in _OF_SHAPES:
            for tensor in op.inputs:
                root = _root(tensor)
                if root.name in made_forward and root.name in varies:
                    read[root.name] = root
    came = {tensor.name for tensor in found.inputs}
    sizes = {name: _size(tensor) for name, tensor in read.items()}
    return Saved(
        bool(came & read.keys()),
        _root(found.output).name in read,
        sum(sizes.values()),
        sum(size for name, size in sizes.items() if name in needed),
        bool(came & read.keys() & needed),
        max(sizes.values(), default=0),
    )


def _size(tensor: Tensor) -> int:
    if not tensor.shape.is_fully_defined():
        raise NotApplicable("TensorFlow's graph does not tell the size of what the backward pass reads")
    return prod(tensor.shape)


def _root(tensor: Tensor) -> Tensor:
    """The tensor whose numbers it shows in another shape."""
    while tensor.op.type in _VIEWS and len(tensor.op.inputs):
        tensor = tensor.op.inputs[0]
    return tensor


def _multiplied(found: Traced, has_gradient: set[str]) -> set[str]:
    """The factors of products whose other factor has a gradient. A kernel that is fixed has none."""
    needed = set()
    for op in found.forward:
        if op.type in _KERNELS or op.type in _PRODUCTS:
            for tensor in op.inputs:
                if any(other.name in has_gradient for other in op.inputs if other is not tensor):
                    needed.add(_root(tensor).name)
    return needed


def _varying(found: Traced, sources: set[str]) -> set[str]:
    """The tensors that depend on these, or are drawn at random."""
    varies = set(sources)
    for op in found.forward:
        drawn = "Random" in op.type
        if drawn or (op.type not in _OF_SHAPES and any(tensor.name in varies for tensor in op.inputs)):
            varies |= {tensor.name for tensor in op.outputs}
    return varies
