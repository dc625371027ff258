"""Which operation each call of `keras.ops` is: a table by the name of its class, filled in by rules.

A call without a rule is unknown. Axes are counted with the batch here, as Keras counts them, and without it in what
the rules give.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import ceil, log2, pi, prod
from typing import NamedTuple, TypeVar

from archlab import ops
from archlab.bridge._of_tensorflow import is_of_tensorflow
from archlab.bridge._private import calls, fresh_names, is_of_keras_ops
from archlab.bridge._runtime import load_any_keras
from archlab.bridge.types import Config, Layer, Untyped
from archlab.graph import Axis, Shape
from archlab.ops import (
    HERE,
    POINTWISE,
    Attended,
    Called,
    Contracted,
    Elementwise,
    Op,
    Permuted,
    Product,
    Rearranged,
    Reduced,
    Role,
    Viewed,
    Window,
    Windows,
)  # fmt: skip
from archlab.signals import (
    Nonlinearity,
    Passed,
    Signal,
    activated,
    averaged_over_all,
    between,
    scaled,
    stopped,
    unchanged,
)
from archlab.units import ACTIVATION_FLOPS, FLOPS_PER_MAC, RESIZE_FLOPS


class BeyondError(Exception):
    """An argument that no rule covers."""


LEADING = -1
"""The axis of a batch that has the first axis to itself, which shapes leave out."""


class Call(NamedTuple):
    """A call of an operation: its tensors by their shapes, its other operands, what it makes."""

    operation: Layer
    operands: tuple[Untyped, ...]
    """As they were given, in order: symbolic tensors, variables, arrays, numbers."""
    shapes: tuple[Shape, ...]
    """Of the symbolic tensors among them, without the batch."""
    made: Shape
    infer: Callable[..., Shape] | None
    batches: tuple[int | None, ...] | None = None
    """Where a batch does not have the first axis of each tensor to itself: which axis it is on, in each symbolic tensor
    and in what is made, None being none. The shapes then are of all axes, as for one sample, except where the batch has
    an axis to itself in front: `LEADING`."""

    @property
    def whole(self) -> bool:
        """Whether the batch is somewhere else than in front."""
        return self.batches is not None

    @property
    def rank(self) -> int:
        """The number of axes of the first tensor, the batch's among them."""
        return len(self.shapes[0]) + (self.batches is None or self.batches[0] == LEADING)

    def batch_axis(self, place: int) -> int | None:
        """Which axis the batch is on in a symbolic tensor, all axes counted, or in what is made, behind the last."""
        at = LEADING if self.batches is None else self.batches[place]
        return 0 if at == LEADING else at

    def leaves_out(self, place: int) -> bool:
        """Whether a symbolic tensor's shape, or behind the last that of what is made, leaves the batch's axis out."""
        return self.batches is None or self.batches[place] == LEADING

    @property
    def name(self) -> str:
        """The name of the operation's class; of a function of TensorFlow's, its own."""
        return kind_of(self.operation)

    def called(self, kind: type[Called], **more: Untyped) -> Op:
        """An operation of that kind, for these shapes."""
        return kind(self.name, self.shapes, self.made, self.infer, **more)

    def asked(self, name: str, default: object = None) -> Untyped:
        """An argument that the operation was made with."""
        return getattr(self.operation, name, default)


Rule = Callable[[Call], Op | None]
R = TypeVar("R", bound=Callable[..., Op | None])
_rules: dict[str, Rule] = {}
_tensorflow_rules: dict[str, Rule] = {}
"""Of functions of TensorFlow's own, by their names."""


def operation_of(call: Call) -> Op | None:
    """The operation that a call of `keras.ops` is; None where there is no rule for it, or its arguments are beyond it.

    Raises:
        BeyondError: says which argument is.
    """
    if is_of_tensorflow(call.operation):
        rule = _tensorflow_rules.get(call.name)
        if rule is None:
            raise BeyondError(f"TensorFlow's {call.name} has no rule")
        return rule(call)
    kind = type(call.operation)
    rule = _rules.get(kind.__name__) if is_of_keras_ops(kind) else None
    return rule(call) if rule else None


def kind_of(operation: Layer) -> str:
    """What an operation is called: by the name of its class; a function of TensorFlow's by its own."""
    return operation.function_name if is_of_tensorflow(operation) else type(operation).__name__


def entering(rules: dict[str, R]) -> Callable[..., Callable[[R], R]]:
    """A decorator that enters a rule under each of several names."""

    def for_names(*names: str) -> Callable[[R], R]:
        def enter(rule: R) -> R:
            rules.update(dict.fromkeys(names, rule))
            return rule

        return enter

    return for_names


_for = entering(_rules)
_for_tensorflow = entering(_tensorflow_rules)


# Functions of single elements: what an element costs, and what the backward pass needs. Where there is an activation
# of that name the activation's own cost counts.
_ACTIVATIONS = {
    "Relu": "relu", "Relu6": "relu6", "Sigmoid": "sigmoid", "Silu": "silu", "HardSigmoid": "hard_sigmoid",
    "HardSilu": "hard_silu", "Elu": "elu", "Selu": "selu", "Celu": "celu", "Gelu": "gelu", "Softplus": "softplus",
    "Softsign": "softsign", "LogSigmoid": "log_sigmoid", "HardTanh": "hard_tanh", "TanhShrink": "tanh_shrink",
    "SoftShrink": "soft_shrink", "HardShrink": "hard_shrink", "Squareplus": "squareplus",
    "SparsePlus": "sparse_plus", "SparseSigmoid": "sparse_sigmoid", "Threshold": "threshold", "Tanh": "tanh",
    "Exp": "exponential", "LeakyRelu": "leaky_relu", "Mish": "mish", "Glu": "glu", "LogSoftmax": "log_softmax",
}  # fmt: skip
_LINEAR = ("Negative", "Deg2rad", "Rad2deg", "Cast", "SaturateCast", "Real", "Conj", "Conjugate")
_KEEPING = ("Cast", "SaturateCast", "Real", "Conj", "Conjugate")
_BY_OUTPUT = ("Exp", "Exp2", "Expm1", "Sqrt", "Rsqrt", "Reciprocal", "Tan", "Cbrt")
_BY_INPUT = (
    "Abs", "Absolute", "Fabs", "Square", "Log", "Log1p", "Log2", "Log10", "Sin", "Cos", "Sinh", "Cosh", "Arctan",
    "Arcsin", "Arccos", "Arcsinh", "Arccosh", "Arctanh", "Arctan2", "Erf", "Erfc", "Erfinv", "Clip", "Maximum",
    "Minimum", "Fmax", "Fmin", "Power", "Divide", "TrueDivide", "DivideNoNan", "Multiply", "Where", "Logaddexp",
    "Hypot", "Heaviside", "Sinc", "NanToNum", "Outer", "Logaddexp2", "RGBToGrayscale", "RGBToHSV", "HSVToRGB", "Select",
)  # fmt: skip
_STEPS = (
    "Equal", "NotEqual", "Greater", "GreaterEqual", "Less", "LessEqual", "LogicalAnd", "LogicalOr", "LogicalNot",
    "LogicalXor", "Floor", "Ceil", "Round", "Trunc", "Sign", "Signbit", "Mod", "Fmod", "FloorDivide", "Isnan", "Isinf",
    "Isfinite", "Isclose", "Isneginf", "Isposinf", "IsIn", "Digitize",
    "SearchSorted", "LeftShift", "RightShift", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "BitwiseNot",
)  # fmt: skip
_FREE = ("ConvertToTensor", "Copy", "ZerosLike", "OnesLike", "FullLike", "EmptyLike", "Ndim", "Size",
         "Arange", "Full")  # fmt: skip


@_for(*_ACTIVATIONS)
def _activation(call: Call) -> Op | None:
    name = _ACTIVATIONS[call.name]
    if name == "leaky_relu":
        return ops.LeakyReLU(float(call.asked("negative_slope", 0.2)))
    if name == "elu" and float(call.asked("alpha", 1.0)) != 1.0:
        return ops.ELU(float(call.asked("alpha")))
    if name not in ACTIVATION_FLOPS or call.made != call.shapes[0]:
        return call.called(Elementwise, flops=ACTIVATION_FLOPS.get(name, 4))
    return ops.Activation(name)


@_for("ReLU")
def _relu(call: Call) -> Op:
    return ops.ReLU(
        call.asked("max_value"), float(call.asked("negative_slope") or 0), float(call.asked("threshold") or 0)
    )


@_for("Softmax")
def _softmax(call: Call) -> Op | None:
    axis = call.asked("axis", -1)
    if axis in (-1, call.rank - 1):
        return ops.Softmax()
    flops = ACTIVATION_FLOPS["softmax"]
    return call.called(Elementwise, flops=flops, by_output=True) if isinstance(axis, int) else None


@_for(*_LINEAR)
def _linear(call: Call) -> Op:
    scale = -1.0 if call.name == "Negative" else pi / 180 if call.name == "Deg2rad" else 180 / pi
    passes = unchanged if call.name in _KEEPING else partial(scaled, scale=scale, offset=0.0)
    return call.called(Elementwise, flops=0 if "Cast" in call.name else 1, linear=True, passes=passes)


@_for(*_BY_OUTPUT)
def _by_output(call: Call) -> Op:
    return call.called(Elementwise, by_output=True)


@_for(*_BY_INPUT)
def _by_input(call: Call) -> Op:
    constants = [each for each in call.operands if not _is_symbolic(each)]
    # Times a constant is linear; a power, a limit, a comparison is not.
    linear = call.name in ("Multiply", "Divide", "TrueDivide") and bool(constants) and _is_symbolic(call.operands[0])
    if linear and len(call.shapes) == 1 and isinstance(constants[0], int | float) and constants[0]:
        number = float(constants[0])
        return ops.Arithmetic(scale=number if call.name == "Multiply" else 1 / number)
    if call.name == "Multiply" and len(constants) == 1 and isinstance(constants[0], int | float):
        return ops.Arithmetic(scale=float(constants[0]))
    merge = {"Multiply": ops.Multiply, "Maximum": ops.Maximum, "Minimum": ops.Minimum}.get(call.name)
    if merge and len(call.shapes) == 2 and len(call.shapes[0]) == len(call.shapes[1]) and not call.whole:
        return merge()
    each = 2 if call.name == "Clip" else 1
    function = None if call.whole else _nonlinearity(call, constants)
    return call.called(
        Elementwise,
        flops=each,
        linear=linear or call.name == "RGBToGrayscale",
        passes=None if function is None else partial(activated, function=function),
    )


def _nonlinearity(call: Call, constants: list[Untyped]) -> Nonlinearity | None:
    """The function of one element that a call is, where the prediction of signals knows it."""
    name = {"Abs": "absolute", "Fabs": "absolute"}.get(call.name, call.name.lower())
    if name in ("absolute", "sin", "cos", "erf"):
        return Nonlinearity(name)
    low, high = call.asked("x_min"), call.asked("x_max")
    if name in ("maximum", "minimum") and len(call.shapes) == 1 and len(constants) == 1:
        low, high = (constants[0], None) if name == "maximum" else (None, constants[0])
    elif name != "clip":
        return None
    return between(low, high)


@_for("Add", "Subtract")
def _sum(call: Call) -> Op:
    numbers = [each for each in call.operands if isinstance(each, int | float)]
    if len(call.shapes) == 2 and len(call.shapes[0]) == len(call.shapes[1]) and not call.whole:
        return ops.Add() if call.name == "Add" else ops.Subtract()
    if len(call.shapes) == 1 and numbers and (call.name == "Add" or _is_symbolic(call.operands[0])):
        return ops.Arithmetic(offset=float(numbers[0]) if call.name == "Add" else -float(numbers[0]))
    passes = None
    if len(call.shapes) == 1 and numbers and not call.whole:  # a number less the tensor
        passes = partial(scaled, scale=-1.0, offset=float(numbers[0]))
    return call.called(Elementwise, linear=True, passes=passes)


@_for(*_STEPS)
def _step(call: Call) -> Op:
    # Nothing flows back through them, and nothing is kept for it.
    return call.called(Elementwise, linear=True)


@_for("StopGradient")
def _stopped(call: Call) -> Op:
    return call.called(Viewed, passes=stopped)


@_for(*_FREE)
def _free(call: Call) -> Op:
    return call.called(Viewed, passes=unchanged if call.name in _COPYING else _unlike)


_COPYING = ("ConvertToTensor", "Copy")


def _unlike(x: Signal) -> None:
    """Of what does not depend on what comes in."""


@_for("Reshape", "Squeeze", "ExpandDims", "Ravel", "View")
def _viewed(call: Call) -> Op:
    return call.called(Viewed)


@_for("Transpose", "Swapaxes", "Moveaxis")
def _transposed(call: Call) -> Op:
    rank = len(call.shapes[0]) + 1
    order = list(range(rank))
    if call.name == "Transpose":
        order = [axis % rank for axis in call.asked("axes") or reversed(range(rank))]
    elif call.name == "Swapaxes":
        one, other = call.asked("axis1") % rank, call.asked("axis2") % rank
        order[one], order[other] = order[other], order[one]
    else:
        came, goes = (_several(call.asked(each)) for each in ("source", "destination"))
        came, goes = [axis % rank for axis in came], [axis % rank for axis in goes]
        left = iter(axis for axis in range(rank) if axis not in came)
        order = [came[goes.index(place)] if place in goes else next(left) for place in range(rank)]
    looks: Window | None = None
    if order[0] == 0 and order[-1] == rank - 1:
        looks = Permuted(tuple(axis - 1 for axis in order[1:-1])) if order != sorted(order) else POINTWISE
    return call.called(Rearranged, looks=looks)


@_for("Concatenate", "Stack", "Hstack", "Vstack", "Dstack", "Append")
def _joined(call: Call) -> Op:
    constants = len([each for each in call.operands if hasattr(each, "shape")]) > len(call.shapes)
    if call.name == "Concatenate" and not call.whole and not constants:
        axis = call.asked("axis", -1)
        axis = axis if axis > 0 else len(call.shapes[0]) + 1 + axis
        if len(call.shapes) > 1 and axis > 0:
            return ops.Concatenate(-1 if axis == len(call.shapes[0]) else axis)
    return call.called(Rearranged)


@_for("Pad", "PadImages")
def _padded(call: Call) -> Op:
    came, made = call.shapes[0], call.made
    if call.name != "Pad" or call.whole:
        return call.called(Rearranged)
    width: Untyped = call.asked("pad_width")
    pairs: list[tuple[int, int]] = []
    sides = [_several(side) for side in _several(width)]
    if all(len(side) == 1 for side in sides):  # one number, or one pair, for every axis
        flat = [side[0] for side in sides]
        pairs = [(flat[0], flat[-1])] * (len(came) + 1)
    elif len(sides) in (1, len(came) + 1):
        pairs = [(side[0], side[-1]) for side in sides] * ((len(came) + 1) // len(sides))
    if not pairs or pairs[-1] != (0, 0) or len(made) != len(came):
        return call.called(Rearranged)
    constant = call.asked("mode", "constant") == "constant"
    if constant and not call.asked("constant_values") and pairs[0] == (0, 0) and 3 <= call.rank <= 5:
        return ops.ZeroPad(
            ops.alike(tuple([before if before == after else (before, after) for before, after in pairs[1:-1]]))
        )
    axes = tuple([Axis(1, (range(-before, 1 - before),)) for before, _ in pairs[1:-1]])
    return call.called(Rearranged, looks=Windows(axes) if constant and axes else None)


@_for("GetItem", "Slice")
def _part(call: Call) -> Op:
    if call.name != "GetItem" or call.whole:
        return call.called(Rearranged)
    key = _several(call.operands[1] if len(call.operands) > 1 else call.asked("key"))
    rank = call.rank
    if any(each is Ellipsis for each in key):
        at = next(place for place, each in enumerate(key) if each is Ellipsis)
        missing = rank - (len([each for each in key if each is not None]) - 1)
        key = [*key[:at], *[slice(None)] * missing, *key[at + 1 :]]
    key = [*key, *[slice(None)] * (rank - len([each for each in key if each is not None]))]
    if not all(isinstance(each, slice) for each in key) or len(key) != rank:
        return call.called(Rearranged)
    axes: list[Axis] = []
    for each, size in zip(key[1:-1], call.shapes[0][:-1], strict=True):
        start, step = each.start or 0, each.step or 1
        if not isinstance(start, int) or not isinstance(step, int) or step < 1 or (start < 0 and size is None):
            return call.called(Rearranged)
        start = start + (size or 0) if start < 0 else start
        axes.append(Axis(step, (range(start, start + 1),)))
    moved = any(axis != HERE and (axis.stride, tuple(axis.taps[0])) != (1, (0,)) for axis in axes)
    same = call.shapes[0][:-1] == call.made[:-1]
    return call.called(Rearranged, looks=Windows(tuple(axes)) if axes and (moved or not same) else POINTWISE)


@_for("Split", "ArraySplit", "Unstack", "Hsplit", "Vsplit", "Dsplit")
def _split(call: Call) -> Op:
    along = call.name in ("Split", "ArraySplit") and not call.whole and call.asked("axis") in (-1, call.rank - 1)
    return call.called(Rearranged, looks=POINTWISE if along else None)


@_for("BroadcastTo", "Tile", "Repeat", "Roll", "Flip", "Fliplr", "Flipud", "Rot90", "Tril", "Triu", "Take",
      "TakeAlongAxis", "Diagonal", "Sort", "Argsort", "DepthToSpace", "SpaceToDepth", "ExtractPatches", "Unfold",
      "CropImages", "Meshgrid", "Rearrange", "SliceUpdate", "ScatterUpdate", "Scatter", "Trace", "Diag")  # fmt: skip
def _moved(call: Call) -> Op:
    return call.called(Rearranged)


@_for_tensorflow(
    "gather", "gather_nd", "batch_gather", "roll", "reverse", "space_to_depth", "depth_to_space", "slice",
    "strided_slice", "split", "unstack", "stack", "concat", "tile", "pad", "transpose", "broadcast_to", "repeat",
    "squeeze", "tensor_scatter_nd_update", "extract_image_patches", "ensure_shape", "identity",
)  # fmt: skip
def _moved_by_tensorflow(call: Call) -> Op | None:
    return call.called(Rearranged)


@_for_tensorflow("resize_images")
def _resized_by_tensorflow(call: Call) -> Op | None:
    _in_front(call)
    given = [str(each) for each in call.operands if isinstance(each, str)]
    method = given[0] if given else "bilinear"
    if method not in RESIZE_FLOPS:
        raise BeyondError(f"method={method}")
    # With the corners aligned the centres are elsewhere, so that no window is told.
    return call.called(Elementwise, flops=RESIZE_FLOPS[method], linear=True)


@_for("OneHot", "MultiHot", "Argmax", "Argmin", "TopK")
def _chosen(call: Call) -> Op:
    axis = call.asked("axis", -1)
    positions = call.name in ("Argmax", "Argmin") and axis not in (-1, call.rank - 1)
    return call.called(Reduced, positions=positions, linear=False, flops=0 if "Hot" in call.name else 1)


_TRANSFORMED = {"FFT": 1, "RFFT": 1, "IRFFT": 1, "FFT2": 2, "IFFT2": 2, "STFT": 1, "ISTFT": 1}
"""Fourier transforms, by how many of the last axes they are along."""


@_for(*_TRANSFORMED)
def _transformed(call: Call) -> Op:
    """Of n numbers a fast transform of complex ones takes 5 n log2 n operations (Frigo & Johnson 2005)."""
    axes = _TRANSFORMED[call.name]
    shape = call.shapes[0]
    if call.rank - axes <= (call.batch_axis(0) or 0) and call.batch_axis(0) is not None:
        raise BeyondError("it mixes the samples of a batch")
    points = prod(size or 1 for size in shape[len(shape) - axes :])
    each = ceil(5 * log2(points)) if points > 1 else 0
    return call.called(Reduced, positions=axes > 1, flops=each)


@_for("Map", "VectorizedMap")
def _mapped(call: Call) -> Op | None:
    """A function of each sample: one that only moves elements costs nothing; any other one is not looked into."""
    _in_front(call)
    keras = load_any_keras()
    function = next(each for each in call.operands if callable(each) and not _is_symbolic(each))
    symbols = [each for each in call.operands if _is_symbolic(each)]
    with fresh_names():
        tensors = [keras.Input(batch_shape=each.shape[1:], dtype=each.dtype) for each in symbols]
        made = function(tensors[0] if len(tensors) == 1 else tuple(tensors))
        inside = [each.operation for each in calls(keras.Function(tensors, made)) if not each.is_input]
    computing = [kind_of(each) for each in inside if not is_of_keras_ops(type(each)) or kind_of(each) not in MOVING]
    if computing:
        raise BeyondError(f"what it computes for each sample ({', '.join(computing)})")
    return call.called(Rearranged)


@_for("Mean", "Sum", "Max", "Min", "Amax", "Amin", "Prod", "Var", "Std", "Any", "All", "Logsumexp", "CountNonzero",
      "Cumsum", "Cumprod", "Norm", "Average", "Median", "Moments", "Normalize")  # fmt: skip
def _reduced(call: Call) -> Op:
    rank = call.rank
    axis = call.asked("axis", call.asked("axes"))
    axes = list(range(rank)) if axis is None else [each % rank for each in _several(axis)]
    if call.batch_axis(0) in axes:
        raise BeyondError(f"axis={axis}: it mixes the samples of a batch")
    each = {"Var": 3, "Std": 3, "Moments": 4, "Logsumexp": 3, "Normalize": 3, "Norm": 2}.get(call.name, 1)
    linear = call.name in ("Mean", "Sum", "Average", "Cumsum", "Any", "All", "CountNonzero")
    passes: Callable[[Signal], Passed | None] | None = None
    if axes == list(range(1, rank - 1)) and axes and not call.whole:
        keeps = len(call.made) == rank - 1
        if call.name == "Mean":
            passes = partial(averaged_over_all, axes=len(call.made) - 1)
        elif call.name in ("Max", "Amax"):
            passes = partial(_highest, keeps)
    return call.called(
        Reduced, positions=any(axis < rank - 1 for axis in axes), flops=each, linear=linear, passes=passes
    )


def _highest(keeps: bool, x: Signal) -> Passed | None:
    return ops.GlobalMaxPool(keeps).signal((x,), ())


@_for("Matmul", "Dot", "Einsum", "Tensordot", "Inner", "Vdot")
def _contracted(call: Call) -> Op | None:
    """A product of two operands, written as an Einstein sum without the batch."""
    two = [each for each in call.operands if hasattr(each, "shape")]
    if len(two) != 2:
        raise BeyondError(f"a product of {len(two)} operands")
    ranks = [len(each.shape) for each in two]
    written = _equation(call.name, ranks, str(call.asked("subscripts", "")), call.asked("axes", 2))
    if written is None:
        raise BeyondError("its equation")
    (one, other), made = written
    labels = [one, other]
    symbolic = [place for place, each in enumerate(two) if _is_symbolic(each)]
    # The label of the batch in each tensor that has one: all are the same, and what is made has it in its place.
    at = [call.batch_axis(number) for number in range(len(symbolic))]
    batch = {labels[place][axis] for place, axis in zip(symbolic, at, strict=True) if axis is not None}
    goes = call.batch_axis(len(symbolic))
    if len(batch) > 1 or batch != ({made[goes]} if goes is not None and goes < len(made) else set()):
        raise BeyondError("it mixes the samples of a batch")
    constants: list[Shape | None] = []
    for place, each in enumerate(two):
        if place in symbolic:
            labels[place] = labels[place][call.leaves_out(symbolic.index(place)) :]
            constants.append(None)
        else:
            shape = tuple(each.shape)
            for label in batch & set(labels[place]) if call.leaves_out(len(symbolic)) else ():
                # A weight with an axis of size 1 for the batch.
                axis = labels[place].index(label)
                labels[place], shape = labels[place].replace(label, ""), (*shape[:axis], *shape[axis + 1 :])
            constants.append(shape)
    made = made[call.leaves_out(len(symbolic)) :]
    equation = f"{labels[0]},{labels[1]}->{made}"
    return call.called(Contracted, equation=equation, constants=tuple(constants))


def macs_of_constants(name: str, args: Sequence[Untyped], kwargs: Config) -> int:
    """Multiply–accumulates of Keras's function of that name, called on tensors that are no symbols.

    Raises:
        BeyondError: no rule covers the call.
    """
    subscripts, args = (str(args[0]), args[1:]) if name == "einsum" else ("", args)
    axes = kwargs.get("axes", args[2] if len(args) > 2 else 2)
    shapes = [tuple(each.shape) for each in (*args, *kwargs.values()) if hasattr(each, "shape")]
    written = _equation(name.capitalize(), [len(shape) for shape in shapes], subscripts, axes)
    if written is None:
        raise BeyondError(f"{name} of constants of the shapes {', '.join(map(str, shapes))}")
    (one, other), made = written
    equation = f"{one},{other}->{made}"
    return Contracted(name, (), (), equation=equation, constants=tuple(shapes)).cost((), ()).macs


_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _equation(name: str, ranks: Sequence[int], subscripts: str, axes: Untyped) -> tuple[tuple[str, str], str] | None:
    """The labels of both operands and of what comes out, the batch among them; None where there are none."""
    if len(ranks) != 2:
        return None
    one, other = ranks
    if name == "Einsum":
        subscripts = subscripts.replace(" ", "")
        read, arrow, made = subscripts.partition("->")
        parts = read.split(",")
        if not arrow or len(parts) != 2:
            return None
        if "..." in subscripts:
            free = [letter for letter in _LETTERS if letter not in subscripts]
            most = max(
                rank - len(part.replace("...", "")) for part, rank in zip(parts, ranks, strict=True) if "..." in part
            )
            dots = "".join(free[:most])
            parts = [
                part.replace("...", dots[most - (rank - len(part.replace("...", ""))) :])
                for part, rank in zip(parts, ranks, strict=True)
            ]
            made = made.replace("...", dots)
        return (parts[0], parts[1]), made
    if name == "Tensordot":
        if isinstance(axes, int):
            pairs = [(one - axes + place, place) for place in range(axes)]
        else:
            pairs = list(zip(*(_several(each) for each in axes), strict=True))
        first = list(_LETTERS[:one])
        second = list(_LETTERS[one : one + other])
        for a, b in pairs:
            second[b % other] = first[a % one]
        summed = {first[a % one] for a, _ in pairs}
        made = [label for label in (*first, *second) if label not in summed]
        return ("".join(first), "".join(second)), "".join(made)
    if name not in ("Matmul", "Dot") or min(one, other) < 1:
        return None
    first = list(_LETTERS[:one])
    summed = first[-1]
    if other == 1:
        return ("".join(first), summed), "".join(first[:-1])
    last = _LETTERS[one]
    if name == "Dot":
        second = [*_LETTERS[one + 1 : one + other - 1], summed, last]
        return ("".join(first), "".join(second)), "".join([*first[:-1], *second[:-2], last])
    if one == 1:
        return None
    # Axes before the last two run along together; the shorter operand lacks the first of them.
    many = max(one, other) - 2
    shared = list(_LETTERS[30 : 30 + many])
    first = [*shared[many - (one - 2) :], "i", "j"]
    second = [*shared[many - (other - 2) :], "j", "k"]
    return ("".join(first), "".join(second)), "".join([*shared, "i", "k"])


def _in_front(call: Call) -> None:
    """Refuse a call on tensors whose batch is somewhere else than in front."""
    if call.whole:
        raise BeyondError("the batch is not the first axis")


@_for("DotProductAttention")
def _attended(call: Call) -> Op | None:
    if call.whole and any(
        not call.leaves_out(place) and call.batch_axis(place) != 0 for place in range(len(call.shapes))
    ):
        raise BeyondError("the batch is not the first axis")
    read = [each for each in call.operands if hasattr(each, "shape")][:3]
    if len(read) == 3 and all(map(_is_symbolic, read)):
        return call.called(Attended)
    # Queries that are weights, say: what is known of it are the shapes that it met.
    shapes = [tuple(each.shape)[1:] for each in read]
    if len(shapes) != 3 or any(None in shape for shape in shapes):
        raise BeyondError("an attention of operands whose sizes are not known")
    counted = Attended(call.name, tuple(shapes), call.made).cost(tuple(shapes), call.made)
    factors = sum(map(_is_symbolic, read))
    more = counted.flops - FLOPS_PER_MAC * counted.macs
    return call.called(Product, macs=counted.macs, factors=factors, more_flops=more)


# Per element: its square, their mean, times one over its root; then the mean and the deviation before; then a scale.
_NORMALIZED = {"RMSNorm": 3, "LayerNorm": 5}


@_for(*_NORMALIZED)
def _normalized(call: Call) -> Op:
    scaled = len([each for each in call.operands if hasattr(each, "shape")]) - 1
    return call.called(Elementwise, flops=_NORMALIZED[call.name] + scaled)


@_for("MaxPool", "AveragePool")
def _pooled(call: Call) -> Op | None:
    _in_front(call)
    if call.asked("data_format") not in (None, "channels_last"):
        raise BeyondError("data_format=channels_first")
    kind = ops.MaxPool if call.name == "MaxPool" else ops.AvgPool
    return kind(_alike(call.asked("pool_size")), _alike(call.asked("strides")), call.asked("padding"))


@_for("Resize")
def _resized(call: Call) -> Op | None:
    _in_front(call)
    if call.asked("data_format") not in (None, "channels_last") or call.asked("crop_to_aspect_ratio"):
        raise BeyondError("data_format or aspect ratio")
    height, width = call.asked("size")
    return ops.Resizing(height, width, call.asked("interpolation"))


@_for("Conv", "DepthwiseConv", "SeparableConv", "ConvTranspose")
def _convolved(call: Call) -> Op | None:
    _in_front(call)
    kernel = next((each for each in call.operands[1:] if hasattr(each, "shape")), None)
    if kernel is None or _is_symbolic(kernel) or call.asked("data_format") not in (None, "channels_last"):
        raise BeyondError("a kernel that is no constant, or data_format=channels_first")
    if call.name not in ("Conv", "DepthwiseConv"):
        return None
    shape = tuple(kernel.shape)
    sides = _alike(shape[:-2])
    more: Config = {
        "kernel": sides,
        "stride": _alike(call.asked("strides")),
        "padding": call.asked("padding"),
        "dilation": _alike(call.asked("dilation_rate") or 1),
        "bias": False,
    }
    if call.name == "DepthwiseConv":
        return ops.DepthwiseConv(multiplier=shape[-1], **more)
    channels = call.shapes[0][-1] or 0
    return ops.Conv(shape[-1], groups=max(1, channels // shape[-2]), **more)


MOVING = frozenset({
    "Reshape", "Squeeze", "ExpandDims", "Ravel", "Transpose", "Swapaxes", "Moveaxis", "Concatenate", "Stack", "Hstack",
    "Vstack", "Dstack", "Append", "Pad", "GetItem", "Slice", "Split", "ArraySplit", "Unstack", "Hsplit", "Vsplit",
    "Dsplit", "BroadcastTo", "Tile", "Repeat", "Take", "TakeAlongAxis", "Diagonal", "Rearrange",
})  # fmt: skip
"""Functions that may take the batch from the first axis, or put more than the samples upon it."""
_WEIGHING = (
    "Matmul", "Dot", "Einsum", "Tensordot", "Conv", "DepthwiseConv", "SeparableConv", "ConvTranspose", "Take",
)  # fmt: skip


def role_of(name: str) -> Role:
    """What a variable is to the operation of that name which reads it."""
    if name in _WEIGHING:
        return "kernel"
    return "scale" if name in ("Multiply", "Divide", "TrueDivide") else "bias"


def _is_symbolic(value: object) -> bool:
    return type(value).__name__ == "KerasTensor"


def _several(value: object) -> Untyped:
    return list(value) if isinstance(value, list | tuple) else [value]


def _alike(value: object) -> Untyped:
    return ops.alike(tuple(value)) if isinstance(value, list | tuple) else value
