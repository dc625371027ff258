"""The shape of what each of ONNX's operators makes, as its specification says: https://onnx.ai/onnx/operators/."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import floor, prod
from typing import NamedTuple, TypeAlias

from archlab.errors import ShapeError
from archlab.functions import entering
from archlab.onnx_bridge._file import Operator
from archlab.onnx_bridge._fold import slices
from archlab.onnx_bridge._value import UnknownSizeError, Value, complete
from archlab.onnx_bridge.types import Attribute

Sizes: TypeAlias = tuple[int, ...]


class Asked(NamedTuple):
    """An operator with what comes in."""

    operator: Operator
    inputs: tuple[Value | None, ...]
    version: int
    batch: int = 1
    """The number of samples that the file was written for."""

    def has(self, place: int) -> bool:
        """Whether an input is given."""
        return len(self.inputs) > place and self.inputs[place] is not None

    def value(self, place: int) -> Value:
        """An input that the operator needs."""
        found = self.inputs[place] if len(self.inputs) > place else None
        if found is None:
            raise ShapeError(f"{self.operator.kind} needs input {place + 1}, which is not given")
        return found

    def sizes(self, place: int) -> Sizes:
        """The shape of an input."""
        return self.value(place).sizes

    def given(self, name: str, default: Attribute = None) -> Attribute:
        """An attribute."""
        return self.operator.attributes.get(name, default)

    def numbers(self, place: int, name: str = "") -> tuple[int, ...] | None:
        """Whole numbers that newer operators read and older ones have as an attribute; None where neither is given."""
        if self.has(place):
            values = self.value(place).values
            if values is None:
                raise UnknownSizeError(f"{self.operator.kind} is told by values that are not known")
            return tuple([int(each) for each in values.reshape(-1)])
        found = self.given(name) if name else None
        return None if found is None else tuple(found) if isinstance(found, tuple) else (int(found),)

    def axis(self, given: int, rank: int) -> int:
        """An axis, counted from the front."""
        if not -rank <= given < rank:
            raise ShapeError(f"axis={given} is not an axis of a tensor of {rank}")
        return given % rank if rank else 0

    def axes(self, place: int, rank: int) -> Sizes | None:
        """The axes that an operator works on, counted from the front."""
        found = self.numbers(place, "axes")
        return None if found is None else tuple([self.axis(each, rank) for each in found])


ShapeRule: TypeAlias = Callable[[Asked], Sequence[Sizes]]
SHAPES: dict[str, ShapeRule] = {}
_shaped = entering(SHAPES)


def stretched(shapes: Sequence[Sizes]) -> Sizes:
    """The shape of several tensors element by element, as NumPy stretches them."""
    rank = max(map(len, shapes), default=0)
    made: list[int] = []
    for axis in range(rank):
        sizes = {shape[axis - rank + len(shape)] for shape in shapes if axis - rank + len(shape) >= 0} - {1}
        if len(sizes) > 1:
            raise ShapeError(f"{' and '.join(map(str, shapes))} do not fit together element by element")
        made.append(sizes.pop() if sizes else 1)
    return tuple(made)


@_shaped("Relu", "Sigmoid", "Tanh", "Elu", "Selu", "Celu", "LeakyRelu", "HardSigmoid", "HardSwish", "Softplus",
         "Softsign", "Mish", "Gelu", "Swish", "ThresholdedRelu", "Shrink", "Clip", "Abs", "Neg", "Exp", "Log", "Sqrt",
         "Reciprocal", "Floor", "Ceil", "Round", "Sign", "Erf", "Sin", "Cos", "Tan", "Asin", "Acos", "Atan", "Sinh",
         "Cosh", "Asinh", "Acosh", "Atanh", "Not", "IsNaN", "IsInf", "Identity", "Cast", "Softmax", "LogSoftmax",
         "Hardmax", "LRN", "LpNormalization", "MeanVarianceNormalization", "InstanceNormalization",
         "GroupNormalization", "RMSNormalization", "CumSum", "Trilu", "QuantizeLinear", "DequantizeLinear", "CastLike",
         "PRelu", "BitwiseNot", "ReverseSequence", "RotaryEmbedding", "Bernoulli")  # fmt: skip
def _same(asked: Asked) -> Sequence[Sizes]:
    return (asked.sizes(0),)


@_shaped("BatchNormalization", "Dropout", "LayerNormalization")
def _same_first(asked: Asked) -> Sequence[Sizes]:
    x = asked.sizes(0)
    if asked.operator.kind == "Dropout":
        return x, x
    if asked.operator.kind == "LayerNormalization":
        axis = asked.axis(asked.given("axis", -1), len(x))
        rest = (*x[:axis], *(1,) * (len(x) - axis))
        return x, rest, rest
    return x, *[x[1:2]] * 4


@_shaped("Add", "Sub", "Mul", "Div", "Pow", "Mod", "Max", "Min", "Sum", "Mean", "And", "Or", "Xor", "Equal", "Greater",
         "Less", "GreaterOrEqual", "LessOrEqual", "Where", "BitwiseAnd", "BitwiseOr", "BitwiseXor",
         "BitShift")  # fmt: skip
def _element_by_element(asked: Asked) -> Sequence[Sizes]:
    return (stretched([each.sizes for each in asked.inputs if each is not None]),)


# Windows.


class Spans(NamedTuple):
    """A window that slides: for each axis its size, step, dilation, and the positions around."""

    kernel: Sizes
    stride: Sizes
    dilation: Sizes
    around: tuple[tuple[int, int], ...]
    same: bool
    """Whether the file asks for as many positions as the size over the step, the odd one behind."""


def spans(asked: Asked, kernel: Sizes, sizes: Sizes) -> Spans:
    """The window of a convolution or of pooling over axes of these sizes."""
    axes = len(kernel)
    stride = tuple(asked.given("strides") or (1,) * axes)
    dilation = tuple(asked.given("dilations") or (1,) * axes)
    pads = tuple(asked.given("pads") or (0,) * 2 * axes)
    mode = asked.given("auto_pad") or "NOTSET"
    kind = asked.operator.kind
    if len(sizes) != axes or len(stride) != axes or len(dilation) != axes or len(pads) != 2 * axes:
        raise ShapeError(f"{kind}: a window of {axes} axes over {len(sizes)}, strides {stride}, pads {pads}")
    if min((*kernel, *stride, *dilation), default=1) < 1:
        raise ShapeError(f"{kind}: kernel {kernel}, strides {stride} and dilations {dilation} must be at least 1")
    around = [(pads[axis], pads[axes + axis]) for axis in range(axes)]
    if mode == "VALID":
        around = [(0, 0)] * axes
    elif mode in ("SAME_UPPER", "SAME_LOWER"):
        around = []
        for n, k, s, d in zip(sizes, kernel, stride, dilation, strict=True):
            total = max((-(-n // s) - 1) * s + (k - 1) * d + 1 - n, 0)
            small = total // 2
            around.append((small, total - small) if mode == "SAME_UPPER" else (total - small, small))
    return Spans(kernel, stride, dilation, tuple(around), mode == "SAME_UPPER")


def _slid(asked: Asked, found: Spans, sizes: Sizes, rounded_up: bool = False) -> Sizes:
    made: list[int] = []
    for n, k, s, d, (before, after) in zip(sizes, *found[:3], found.around, strict=True):
        reach = n + before + after - (k - 1) * d - 1
        if reach < 0:
            raise ShapeError(f"{asked.operator.kind}: a window of {(k - 1) * d + 1} on {n + before + after} positions")
        size = (-(-reach // s) if rounded_up else reach // s) + 1
        # A window that would begin in the padding behind does not count.
        made.append(size - 1 if rounded_up and (size - 1) * s >= n + before else size)
    return tuple(made)


def kernel_of(asked: Asked) -> Sizes:
    """The window of a convolution, by its weights."""
    weight = asked.sizes(1)
    return tuple(asked.given("kernel_shape") or weight[2:])


@_shaped("Conv")
def _convolution(asked: Asked) -> Sequence[Sizes]:
    x, weight = asked.sizes(0), asked.sizes(1)
    groups = int(asked.given("group", 1))
    if len(weight) != len(x) or groups < 1 or x[1] != weight[1] * groups or weight[0] % groups:
        raise ShapeError(f"Conv: {x} with weights of {weight} in groups={groups}")
    found = spans(asked, kernel_of(asked), x[2:])
    return ((x[0], weight[0], *_slid(asked, found, x[2:])),)


def transposed_around(asked: Asked) -> tuple[tuple[int, int], ...]:
    """What a transposed convolution cuts off at each edge."""
    x, kernel = asked.sizes(0), kernel_of(asked)
    found = spans(asked, kernel, x[2:])
    wanted, mode = asked.given("output_shape"), asked.given("auto_pad") or "NOTSET"
    if not wanted and mode not in ("SAME_UPPER", "SAME_LOWER"):
        return found.around
    extra = tuple(asked.given("output_padding") or (0,) * len(kernel))
    sizes = (
        tuple(wanted)[-len(kernel) :] if wanted else tuple([n * s for n, s in zip(x[2:], found.stride, strict=True)])
    )
    around: list[tuple[int, int]] = []
    for n, k, s, d, e, out in zip(x[2:], *found[:3], extra, sizes, strict=True):
        total = max((n - 1) * s + e + (k - 1) * d + 1 - out, 0)
        half = total // 2
        around.append((half, total - half) if mode == "SAME_UPPER" else (total - half, half))
    return tuple(around)


@_shaped("ConvTranspose")
def _transposed(asked: Asked) -> Sequence[Sizes]:
    x, weight = asked.sizes(0), asked.sizes(1)
    groups = int(asked.given("group", 1))
    if len(weight) != len(x) or x[1] != weight[0]:
        raise ShapeError(f"ConvTranspose: {x} with weights of {weight}")
    kernel = kernel_of(asked)
    found, extra = spans(asked, kernel, x[2:]), tuple(asked.given("output_padding") or (0,) * len(kernel))
    made = [
        (n - 1) * s + e + (k - 1) * d + 1 - sum(edge)
        for n, k, s, d, e, edge in zip(x[2:], *found[:3], extra, transposed_around(asked), strict=True)
    ]
    if min(made) < 1:
        raise ShapeError(f"ConvTranspose: its pads cut off all of {x}")
    return ((x[0], weight[1] * groups, *made),)


@_shaped("MaxPool", "AveragePool", "LpPool")
def _pool(asked: Asked) -> Sequence[Sizes]:
    x = asked.sizes(0)
    kernel = tuple(asked.given("kernel_shape") or ())
    found = spans(asked, kernel, x[2:])
    made = (*x[:2], *_slid(asked, found, x[2:], bool(asked.given("ceil_mode", 0))))
    return (made, made)


@_shaped("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool")
def _global_pool(asked: Asked) -> Sequence[Sizes]:
    x = asked.sizes(0)
    return ((*x[:2], *(1,) * (len(x) - 2)),)


# Products.


@_shaped("Gemm")
def _gemm(asked: Asked) -> Sequence[Sizes]:
    one, other = asked.sizes(0), asked.sizes(1)
    if len(one) != 2 or len(other) != 2:
        raise ShapeError(f"Gemm multiplies matrices, got {one} and {other}")
    rows, inner = reversed(one) if asked.given("transA", 0) else one
    also, columns = reversed(other) if asked.given("transB", 0) else other
    if inner != also:
        raise ShapeError(f"Gemm: {inner} columns cannot be multiplied by {also} rows")
    return ((rows, columns),)


@_shaped("MatMul")
def _matmul(asked: Asked) -> Sequence[Sizes]:
    one, other = asked.sizes(0), asked.sizes(1)
    if not one or not other:
        raise ShapeError("MatMul needs at least one axis")
    left, right = (one if len(one) > 1 else (1, *one)), (other if len(other) > 1 else (*other, 1))
    if left[-1] != right[-2]:
        raise ShapeError(f"MatMul: {one} cannot be multiplied by {other}")
    made = (*stretched([left[:-2], right[:-2]]), left[-2], right[-1])
    if len(one) == 1:
        made = (*made[:-2], made[-1])
    return (made[:-1] if len(other) == 1 else made,)


def einsum_labels(asked: Asked) -> tuple[list[str], str]:
    """The labels of each operand and of the result, with a letter for each axis that '...' stands for."""
    equation = str(asked.given("equation")).replace(" ", "")
    read, arrow, made = equation.partition("->")
    labels = read.split(",")
    if len(labels) != len(asked.inputs):
        raise ShapeError(f"Einsum: {equation!r} names {len(labels)} operands, there are {len(asked.inputs)}")
    free = [chr(code) for code in range(0x3B1, 0x3C9)]
    rest = [
        value.dim() - len(each.replace("...", "")) for value, each in zip(asked.inputs, labels, strict=True) if value
    ]
    most = max([n for n, each in zip(rest, labels, strict=True) if "..." in each], default=0)
    dots = "".join(free[:most])
    pairs = zip(rest, labels, strict=True)
    labels = [each.replace("...", dots[most - n :]) if "..." in each else each for n, each in pairs]
    if arrow:
        return labels, made.replace("...", dots)
    together = "".join(labels)
    return labels, dots + "".join(sorted({each for each in together if together.count(each) == 1 and each not in dots}))


@_shaped("Einsum")
def _einsum(asked: Asked) -> Sequence[Sizes]:
    labels, made = einsum_labels(asked)
    sizes: dict[str, int] = {}
    for place, each in enumerate(labels):
        shape = asked.sizes(place)
        if len(shape) != len(each):
            raise ShapeError(f"Einsum: {each!r} names {len(each)} axes of {shape}")
        for label, size in zip(each, shape, strict=True):
            if sizes.setdefault(label, size) not in (size, 1) and size != 1:
                raise ShapeError(f"Einsum: the axis {label!r} has {sizes[label]} and {size} positions")
            sizes[label] = max(sizes[label], size)
    return (tuple([sizes[label] for label in made]),)


@_shaped("Attention")
def _attention(asked: Asked) -> Sequence[Sizes]:
    query, value = asked.sizes(0), asked.sizes(2)
    if len(query) == 4:
        return ((*query[:-1], value[-1]),)
    heads, fewer = int(asked.given("q_num_heads", 1)), int(asked.given("kv_num_heads", 1))
    return ((*query[:-1], heads * (value[-1] // fewer)),)


# Moving elements.


@_shaped("Reshape")
def _reshape(asked: Asked) -> Sequence[Sizes]:
    x, wanted = asked.sizes(0), asked.numbers(1, "shape") or ()
    sizes = [x[i] if n == 0 and not asked.given("allowzero", 0) and i < len(x) else n for i, n in enumerate(wanted)]
    total, fixed = prod(x), prod([n for n in sizes if n != -1])
    unfit = not fixed or total % fixed if -1 in sizes else total != fixed
    if unfit and asked.batch > 1 and sizes and sizes[0] == asked.batch:
        # The file was written for a batch, of which one sample is read.
        sizes[0], fixed = 1, fixed // asked.batch
        unfit = not fixed or total % fixed if -1 in sizes else total != fixed
    if unfit or sizes.count(-1) > 1 or min(sizes, default=0) < -1:
        raise ShapeError(f"Reshape: {x} cannot become {wanted}")
    return (tuple([total // fixed if n == -1 else n for n in sizes]),)


@_shaped("Flatten")
def _flatten(asked: Asked) -> Sequence[Sizes]:
    x, axis = asked.sizes(0), int(asked.given("axis", 1))
    axis = axis + len(x) if axis < 0 else axis
    return ((prod(x[:axis]), prod(x[axis:])),)


@_shaped("Squeeze")
def _squeeze(asked: Asked) -> Sequence[Sizes]:
    x = asked.sizes(0)
    axes = asked.axes(1, len(x))
    gone = [axis for axis, n in enumerate(x) if n == 1] if axes is None else axes
    if any(x[axis] != 1 for axis in gone):
        raise ShapeError(f"Squeeze: {x} has more than one position along {axes}")
    return (tuple([n for axis, n in enumerate(x) if axis not in gone]),)


@_shaped("Unsqueeze")
def _unsqueeze(asked: Asked) -> Sequence[Sizes]:
    x, given = asked.sizes(0), asked.numbers(1, "axes") or ()
    rank = len(x) + len(given)
    axes = {asked.axis(each, rank) for each in given}
    if len(axes) < len(given):
        raise ShapeError(f"Unsqueeze: axes={given} name an axis twice")
    left = iter(x)
    return (tuple([1 if axis in axes else next(left) for axis in range(rank)]),)


def order_of(asked: Asked) -> Sizes:
    """The order into which a Transpose brings the axes."""
    rank = len(asked.sizes(0))
    order = tuple(asked.given("perm") or range(rank)[::-1])
    if sorted(order) != list(range(rank)):
        raise ShapeError(f"Transpose: perm={order} is no order of {rank} axes")
    return order


@_shaped("Transpose")
def _transpose(asked: Asked) -> Sequence[Sizes]:
    return (tuple([asked.sizes(0)[axis] for axis in order_of(asked)]),)


@_shaped("Concat")
def _concat(asked: Asked) -> Sequence[Sizes]:
    shapes = [each.sizes for each in asked.inputs if each is not None]
    if not shapes:
        raise ShapeError("Concat joins nothing")
    axis = asked.axis(int(asked.given("axis", 1)), len(shapes[0]))
    first = shapes[0]
    for shape in shapes[1:]:
        if len(shape) != len(first) or (*shape[:axis], *shape[axis + 1 :]) != (*first[:axis], *first[axis + 1 :]):
            raise ShapeError(f"Concat: {' and '.join(map(str, shapes))} along axis {axis}")
    return ((*first[:axis], sum([shape[axis] for shape in shapes]), *first[axis + 1 :]),)


@_shaped("Split")
def _split(asked: Asked) -> Sequence[Sizes]:
    x, count = asked.sizes(0), len(asked.operator.outputs)
    axis = asked.axis(int(asked.given("axis", 0)), len(x))
    parts = asked.numbers(1, "split")
    if parts is None:
        each = -(-x[axis] // count)
        parts = (*(each,) * (count - 1), x[axis] - each * (count - 1))
    if sum(parts) != x[axis] or len(parts) != count or min(parts) < 0:
        raise ShapeError(f"Split: {x[axis]} positions into {parts}")
    return [(*x[:axis], part, *x[axis + 1 :]) for part in parts]


@_shaped("Slice")
def _slice(asked: Asked) -> Sequence[Sizes]:
    x = asked.sizes(0)
    keys = slices_of(asked)
    return (tuple([len(range(*key.indices(n))) for key, n in zip(keys, x, strict=True)]),)


def slices_of(asked: Asked) -> tuple[slice, ...]:
    """What a Slice takes of each axis."""
    for each in asked.inputs[1:]:
        if each is not None and each.values is None:
            raise UnknownSizeError("Slice is told by values that are not known")
    values = [None if each is None else each.values for each in asked.inputs]
    try:
        return slices(asked.operator, values, len(asked.sizes(0)))
    except (IndexError, KeyError, ValueError) as error:
        raise ShapeError(f"Slice: {error}") from None


@_shaped("Gather")
def _gather(asked: Asked) -> Sequence[Sizes]:
    x, index = asked.sizes(0), asked.sizes(1)
    axis = asked.axis(int(asked.given("axis", 0)), len(x))
    return ((*x[:axis], *index, *x[axis + 1 :]),)


@_shaped("GatherElements")
def _gather_elements(asked: Asked) -> Sequence[Sizes]:
    return (asked.sizes(1),)


@_shaped("ScatterElements", "ScatterND", "Scatter")
def _scatter(asked: Asked) -> Sequence[Sizes]:
    return (asked.sizes(0),)


@_shaped("Expand")
def _expand(asked: Asked) -> Sequence[Sizes]:
    return (stretched([asked.sizes(0), asked.numbers(1) or ()]),)


@_shaped("Tile")
def _tile(asked: Asked) -> Sequence[Sizes]:
    x, counts = asked.sizes(0), asked.numbers(1) or ()
    if len(counts) != len(x):
        raise ShapeError(f"Tile: {len(counts)} repeats for {x}")
    return (tuple([n * count for n, count in zip(x, counts, strict=True)]),)


def pads_of(asked: Asked) -> list[tuple[int, int]]:
    """What a Pad adds before and after each axis."""
    rank = len(asked.sizes(0))
    given = asked.numbers(1, "pads") or ()
    axes = asked.numbers(3) if asked.has(3) else None
    each = [asked.axis(axis, rank) for axis in axes] if axes is not None else list(range(rank))
    if len(given) != 2 * len(each):
        raise ShapeError(f"Pad: {len(given)} numbers for {len(each)} axes")
    pairs = [(0, 0)] * rank
    for place, axis in enumerate(each):
        pairs[axis] = (given[place], given[len(each) + place])
    return pairs


@_shaped("Pad")
def _pad(asked: Asked) -> Sequence[Sizes]:
    made = tuple([n + before + after for n, (before, after) in zip(asked.sizes(0), pads_of(asked), strict=True)])
    if min(made, default=1) < 0:
        raise ShapeError(f"Pad: {pads_of(asked)} leaves nothing of {asked.sizes(0)}")
    return (made,)


@_shaped("Resize", "Upsample")
def _resize(asked: Asked) -> Sequence[Sizes]:
    x = asked.sizes(0)
    old = asked.operator.kind == "Upsample" or asked.version < 11
    axes = [asked.axis(each, len(x)) for each in asked.given("axes") or range(len(x))]
    made = list(x)
    if not old and asked.has(3) and asked.sizes(3) != (0,):
        wanted = asked.numbers(3) or ()
        if asked.given("keep_aspect_ratio_policy", "stretch") != "stretch":
            raise UnknownSizeError("Resize keeps the ratio of height to width")
        for axis, size in zip(axes, wanted, strict=True):
            made[axis] = size
        return (tuple(made),)
    place = 1 if old else 2
    factors = asked.given("scales")
    if asked.has(place):
        values = asked.value(place).values
        if values is None:
            raise UnknownSizeError("Resize is told by values that are not known")
        factors = tuple([float(each) for each in values.reshape(-1)])
    for axis, factor in zip(axes, factors or (), strict=True):
        made[axis] = floor(x[axis] * factor)
    return (tuple(made),)


@_shaped("DepthToSpace", "SpaceToDepth")
def _blocks(asked: Asked) -> Sequence[Sizes]:
    x, side = asked.sizes(0), int(asked.given("blocksize", 1))
    if len(x) != 4 or side < 1:
        raise ShapeError(f"{asked.operator.kind}: blocks of {side} of {x}")
    batch, channels, height, width = x
    if asked.operator.kind == "DepthToSpace":
        return ((batch, channels // side**2, height * side, width * side),)
    return ((batch, channels * side**2, height // side, width // side),)


# Reductions.


@_shaped("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceLogSum",
         "ReduceLogSumExp", "ReduceSumSquare")  # fmt: skip
def _reduce(asked: Asked) -> Sequence[Sizes]:
    x = asked.sizes(0)
    axes = reduced_axes(asked)
    if asked.given("keepdims", 1):
        return (tuple([1 if axis in axes else n for axis, n in enumerate(x)]),)
    return (tuple([n for axis, n in enumerate(x) if axis not in axes]),)


def reduced_axes(asked: Asked) -> Sizes:
    """The axes that a reduction takes together: all of them where none is named."""
    rank = len(asked.sizes(0))
    axes = asked.axes(1, rank)
    if axes:
        return tuple(sorted(set(axes)))
    return () if asked.given("noop_with_empty_axes", 0) else tuple(range(rank))


@_shaped("ArgMax", "ArgMin")
def _argument(asked: Asked) -> Sequence[Sizes]:
    x = asked.sizes(0)
    axis = asked.axis(int(asked.given("axis", 0)), len(x))
    return ((*x[:axis], *(1,) * bool(asked.given("keepdims", 1)), *x[axis + 1 :]),)


@_shaped("TopK")
def _top(asked: Asked) -> Sequence[Sizes]:
    x, count = asked.sizes(0), asked.numbers(1, "k") or (1,)
    axis = asked.axis(int(asked.given("axis", -1)), len(x))
    made = (*x[:axis], count[0], *x[axis + 1 :])
    return (made, made)


@_shaped("ConstantOfShape")
def _filled(asked: Asked) -> Sequence[Sizes]:
    return (asked.numbers(0) or (),)


@_shaped("Shape")
def _shape(asked: Asked) -> Sequence[Sizes]:
    shape = asked.value(0).shape
    if not complete(shape):
        raise UnknownSizeError("a shape that is not known")
    return ((len(shape[slice(asked.given("start", 0), asked.given("end"))]),),)
