"""Each of ONNX's operators as a call of a function of tensors, whose rule says what operation it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import isclose
from typing import TypeAlias

from archlab import ops
from archlab.functions import BeyondError, C, Call, Constant, Made, Standing, answered, entering, unknown
from archlab.onnx_bridge._shapes import (
    Asked,
    einsum_labels,
    kernel_of,
    order_of,
    pads_of,
    reduced_axes,
    slices_of,
    spans,
    transposed_around,
)
from archlab.onnx_bridge._value import Value
from archlab.onnx_bridge.types import Attribute
from archlab.ops import Kept

_VIEWS = frozenset({"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Slice", "Split", "Identity", "Expand",
                    "Gather"})  # fmt: skip
"""What makes another view of the same memory, as it does in PyTorch."""


@dataclass(frozen=True, slots=True)
class Met:
    """An operator with what comes in, where that stands in the graph, and one of the tensors that it makes."""

    asked: Asked
    standings: dict[int, Standing]
    """By the `id` of a value."""
    made: Value
    part: int = 0
    """Which of several it is."""
    taken: dict[int, Value] = field(default_factory=dict)
    """The constants that it was computed with, by their `id`."""
    read: list[Value] = field(default_factory=list)
    """What comes in, in the order in which the operation reads it."""

    @property
    def kind(self) -> str:
        """The operator, as ONNX names it."""
        return self.asked.operator.kind

    def given(self, name: str, default: Attribute = None) -> Attribute:
        """An attribute."""
        return self.asked.given(name, default)

    def x(self, place: int = 0) -> Value:
        """An input."""
        return self.asked.value(place)

    def maybe(self, place: int) -> Value | None:
        """An input, if it is given."""
        return self.asked.value(place) if self.asked.has(place) else None

    def number(self, place: int) -> float | None:
        """The one number that an input is, where it is known and counts as no parameter."""
        value = self.maybe(place)
        if value is None or value.values is None or value.values.size != 1 or value.parameters:
            return None
        return float(value.values.reshape(-1)[0])

    def call(self, name: str, *args: object, **named: object) -> Call:
        """A call of a function of tensors."""
        found: list[Value] = []
        for each in (*args, *named.values()):
            found += _values_in(each)
        read = [each for each in found if id(each) in self.standings]
        self.read[:] = read
        self.taken.clear()
        self.taken.update({id(each): each for each in found if id(each) not in self.standings})
        others = tuple([(each, Constant(each.parameters)) for each in found if id(each) not in self.standings])
        places = tuple([self.standings[id(each)] for each in read])
        view = self.kind in _VIEWS and bool(read)
        return Call(name, args, named, tuple(read), places, others, self.made, False, lambda _: None, view)

    def rule(self, name: str, *args: object, **named: object) -> Made:
        """What the rule for that function says."""
        return answered(self.call(name, *args, **named))

    def all(self) -> tuple[Value, ...]:
        """All inputs that are given."""
        return tuple([each for each in self.asked.inputs if each is not None])

    def unknown(self, why: str) -> Made:
        """An operator of which the shapes are all that is known."""
        return unknown(self.call(self.kind, *self.all()), why)


def _values_in(value: object) -> list[Value]:
    if isinstance(value, Value):
        return [value]
    return [each for each in value if isinstance(each, Value)] if isinstance(value, list | tuple) else []


Translation: TypeAlias = Callable[[Met], Made]
_TRANSLATIONS: dict[str, Translation] = {}
_translated = entering(_TRANSLATIONS)


def operation(met: Met) -> Made:
    """What an operator is, and what the axes of what it makes are; one without a rule is unknown, by its name."""
    translation = _TRANSLATIONS.get(met.kind) if not met.asked.operator.domain else None
    if translation is None:
        domain = met.asked.operator.domain
        return met.unknown(_UNREAD.get(met.kind) or f"the operator {f'{domain}.' * bool(domain)}{met.kind} has no rule")
    try:
        made = translation(met)
    except BeyondError as error:
        return met.unknown(str(error))
    if isinstance(made.op, ops.Opaque):
        # Unknown under the name that the file has for it.
        return Made(made.op.changed(kind=met.kind), made.roles, made.kept, made.reads)
    return made


_UNREAD = {
    "If": "control flow: which branch is taken follows from data",
    "Loop": "control flow: how often it goes round follows from data",
    "Scan": "control flow: a body for every position of a sequence",
    "LSTM": "recurrent operators have no rule", "GRU": "recurrent operators have no rule",
    "RNN": "recurrent operators have no rule",
}  # fmt: skip

# Operators that are a function by another name, of one tensor or of several, with nothing else to say.
_BY_NAME = {
    "Relu": "relu", "Sigmoid": "sigmoid", "Tanh": "tanh", "Selu": "selu", "Gelu": "gelu", "Mish": "mish",
    "Softplus": "softplus", "Softsign": "softsign", "HardSwish": "hardswish", "Exp": "exp", "Swish": "silu",
    "Abs": "abs", "Log": "log", "Sqrt": "sqrt", "Reciprocal": "reciprocal", "Erf": "erf", "Sin": "sin", "Cos": "cos",
    "Tan": "tan", "Sinh": "sinh", "Cosh": "cosh", "Asin": "asin", "Acos": "acos", "Atan": "atan", "Neg": "neg",
    "Floor": "floor", "Ceil": "ceil", "Round": "round", "Sign": "sign", "Not": "logical_not", "IsNaN": "isnan",
    "IsInf": "isinf", "Equal": "eq", "Greater": "gt", "Less": "lt", "GreaterOrEqual": "ge", "LessOrEqual": "le",
    "And": "logical_and", "Or": "logical_or", "Where": "where", "Identity": "identity", "ThresholdedRelu": "threshold",
    "Shrink": "hardshrink", "Celu": "celu", "BitwiseAnd": "bitwise_and", "BitwiseOr": "bitwise_or",
    "BitwiseNot": "bitwise_not", "Add": "add", "Sub": "sub", "Mul": "mul", "Div": "div", "Pow": "pow",
    "Mod": "remainder", "Reshape": "reshape", "Flatten": "flatten", "Cast": "to", "CastLike": "to", "Expand": "expand",
    "QuantizeLinear": "round", "DequantizeLinear": "round",
}  # fmt: skip
_TOLD = frozenset({"Reshape", "Expand", "Cast", "CastLike", "QuantizeLinear", "DequantizeLinear"})
"""Of these the first input alone is computed with."""


@_translated(*_BY_NAME)
def _by_name(met: Met) -> Made:
    name = _BY_NAME[met.kind]
    if met.kind in _TOLD or len(met.all()) < 2 or name == "where":
        return met.rule(name, *(met.all()[: 1 if met.kind in _TOLD else 3]))
    one, other = met.x(0), met.x(1)
    # A number is no tensor: the operation then says by what it multiplies.
    first, second = met.number(0), met.number(1)
    if second is not None and id(other) not in met.standings:
        return met.rule(name, one, second)
    if first is not None and id(one) not in met.standings:
        if name == "pow":
            return met.rule(name, first, other)
        return met.rule({"sub": "rsub", "div": "__rdiv__"}.get(name, name), other, first)
    return met.rule(name, one, other)


@_translated("HardSigmoid")
def _hard_sigmoid(met: Met) -> Made:
    alpha, beta = float(met.given("alpha", 0.2)), float(met.given("beta", 0.5))
    if isclose(alpha, 1 / 6, rel_tol=1e-3) and isclose(beta, 0.5):
        return met.rule("hardsigmoid", met.x())
    return met.rule("clamp", met.x(), 0.0, 1.0)  # a line between 0 and 1 that Keras's activation is not


@_translated("Clip")
def _clip(met: Met) -> Made:
    low = met.number(1) if met.asked.has(1) else met.given("min")
    high = met.number(2) if met.asked.has(2) else met.given("max")
    if low == 0 and (high is None or high > 3e38):
        return met.rule("relu", met.x())
    if low is not None and high is not None:
        return met.rule("hardtanh", met.x(), low, high)
    return met.rule("clamp", met.x(), low, high)


@_translated("LeakyRelu", "Elu")
def _leaky(met: Met) -> Made:
    name, alpha = ("elu", 1.0) if met.kind == "Elu" else ("leaky_relu", 0.01)
    return met.rule(name, met.x(), float(met.given("alpha", alpha)))


@_translated("PRelu")
def _prelu(met: Met) -> Made:
    return met.rule("prelu", met.x(), met.x(1))


@_translated("Max", "Min", "Sum", "Mean")
def _several(met: Met) -> Made:
    values = met.all()
    if len(values) == 1:
        return met.rule("identity", *values)
    if len(values) == 2 and met.kind != "Mean":
        name = {"Max": "maximum", "Min": "minimum", "Sum": "add"}[met.kind]
        numbers = [met.number(place) for place in (0, 1)]
        if met.kind != "Sum" and None not in numbers[1:] and id(values[1]) not in met.standings:
            return met.rule("clamp", values[0], numbers[1])
        return met.rule(name, *values)
    call = met.call(met.kind, *values)
    roles = call.roles
    kinds = {"Max": ops.Maximum(), "Min": ops.Minimum(), "Sum": ops.Add(), "Mean": ops.Average()}
    if call.constants or any(each.roles != roles for each in call.standings) or len({*call.sizes}) > 1:
        raise BeyondError(f"{met.kind} of tensors of several shapes")
    return Made(kinds[met.kind], roles, Kept(inputs=met.kind in ("Max", "Min")))


@_translated("Softmax", "LogSoftmax", "Hardmax")
def _softmax(met: Met) -> Made:
    axis = int(met.given("axis", -1 if met.asked.version >= 13 else 1))
    return met.rule("log_softmax" if met.kind == "LogSoftmax" else "softmax", met.x(), axis)


@_translated("Dropout")
def _dropout(met: Met) -> Made:
    if met.part:
        raise BeyondError("the mask of a Dropout")
    rate = met.number(1) if met.asked.has(1) else met.given("ratio", 0.5)
    return met.rule("dropout", met.x(), 0.5 if rate is None else rate)


# Layers with weights.


@_translated("Conv")
def _convolution(met: Met) -> Made:
    x, weight = met.x(), met.x(1)
    found = spans(met.asked, kernel_of(met.asked), x.sizes[2:])
    padding = "same" if found.same else list(found.around)
    name = f"conv{x.dim() - 2}d"
    groups = int(met.given("group", 1))
    return met.rule(name, x, weight, met.maybe(2), found.stride, padding, found.dilation, groups)


@_translated("ConvTranspose")
def _transposed(met: Met) -> Made:
    x, axes = met.x(), met.x().dim() - 2
    found = spans(met.asked, kernel_of(met.asked), x.sizes[2:])
    extra = tuple(met.given("output_padding") or (0,) * axes)
    around = list(transposed_around(met.asked))
    name, groups = f"conv_transpose{axes}d", int(met.given("group", 1))
    return met.rule(name, x, met.x(1), met.maybe(2), found.stride, around, extra, groups, found.dilation)


def _turned(value: Value) -> Value:
    """The same matrix with its rows as columns."""
    shape = value.shape and (*value.shape[:-2], value.shape[-1], value.shape[-2])
    return Value(value.name, shape, value.dtype, None, value.parameters)


@_translated("Gemm")
def _gemm(met: Met) -> Made:
    one, other, bias = met.x(), met.x(1), met.maybe(2)
    if id(other) in met.standings or id(one) not in met.standings or met.given("transA", 0):
        one = _turned(one) if met.given("transA", 0) and id(one) not in met.standings else one
        if met.given("transA", 0) or met.given("transB", 0):
            raise BeyondError("a product with a matrix that comes in turned")
        return met.rule("addmm", bias, one, other)
    weight = other if met.given("transB", 0) else _turned(other)
    return met.rule("linear", one, weight, bias)


@_translated("MatMul")
def _matmul(met: Met) -> Made:
    one, other = met.x(), met.x(1)
    if id(one) in met.standings and id(other) not in met.standings and other.dim() == 2:
        return met.rule("linear", one, _turned(other), met.maybe(2))
    return met.rule("matmul", one, other)


@_translated("Einsum")
def _einsum(met: Met) -> Made:
    labels, made = einsum_labels(met.asked)
    return met.rule("einsum", f"{','.join(labels)}->{made}", *met.all())


@_translated("Attention")
def _attended(met: Met) -> Made:
    if met.x().dim() != 4 or met.part:
        raise BeyondError("attention over heads that stand in one axis")
    return met.rule("scaled_dot_product_attention", met.x(), met.x(1), met.x(2))


@_translated("BatchNormalization")
def _batch_norm(met: Met) -> Made:
    if met.part:
        raise BeyondError("the statistics that a batch normalization keeps")
    scale, center, mean, variance = [met.x(place) for place in (1, 2, 3, 4)]
    momentum, eps = 1 - float(met.given("momentum", 0.9)), float(met.given("epsilon", 1e-5))
    return met.rule("batch_norm", met.x(), mean, variance, scale, center, False, momentum, round(eps, 9))


@_translated("InstanceNormalization")
def _instance_norm(met: Met) -> Made:
    eps = float(met.given("epsilon", 1e-5))
    return met.rule("instance_norm", met.x(), None, None, met.x(1), met.x(2), True, 0.1, round(eps, 9))


@_translated("GroupNormalization")
def _group_norm(met: Met) -> Made:
    eps = float(met.given("epsilon", 1e-5))
    return met.rule("group_norm", met.x(), int(met.given("num_groups", 1)), met.x(1), met.x(2), round(eps, 9))


@_translated("LayerNormalization", "RMSNormalization")
def _layer_norm(met: Met) -> Made:
    if met.part:
        raise BeyondError("the statistics of a normalization")
    axis = met.asked.axis(int(met.given("axis", -1)), met.x().dim())
    over, eps = met.x().sizes[axis:], round(float(met.given("epsilon", 1e-5)), 9)
    if met.kind == "RMSNormalization":
        return met.rule("rms_norm", met.x(), over, met.maybe(1), eps)
    return met.rule("layer_norm", met.x(), over, met.maybe(1), met.maybe(2), eps)


@_translated("LRN")
def _local_response_norm(met: Met) -> Made:
    return met.rule("local_response_norm", met.x(), int(met.given("size", 1)))


@_translated("LpNormalization")
def _normalize(met: Met) -> Made:
    return met.rule("normalize", met.x(), met.given("p", 2), int(met.given("axis", -1)))


# Pooling, resizing, reductions.


@_translated("MaxPool", "AveragePool")
def _pool(met: Met) -> Made:
    if met.part:
        raise BeyondError("the indices of a MaxPool")
    x, kernel = met.x(), tuple(met.given("kernel_shape"))
    found, axes = spans(met.asked, kernel, x.sizes[2:]), x.dim() - 2
    around = list(found.around)
    if met.kind == "MaxPool":
        return met.rule(f"max_pool{axes}d", x, kernel, found.stride, around, found.dilation)
    if any(each > 1 for each in found.dilation):
        raise BeyondError("dilated pooling")
    counted = bool(met.given("count_include_pad", 0))
    if found.same and not counted and met.call("pool", x).as_image():
        # What Keras does too: positions around do not count.
        return Made(ops.AvgPool(ops.alike(kernel), ops.alike(found.stride), "same"), met.standings[id(x)].roles)
    ceil = bool(met.given("ceil_mode", 0))
    return met.rule(f"avg_pool{axes}d", x, kernel, found.stride, around, ceil, counted)


@_translated("GlobalAveragePool", "GlobalMaxPool")
def _global_pool(met: Met) -> Made:
    axes = met.x().dim() - 2
    return met.rule(f"adaptive_{'avg' if met.kind == 'GlobalAveragePool' else 'max'}_pool{axes}d", met.x(), 1)


@_translated("Resize", "Upsample")
def _resize(met: Met) -> Made:
    mode, where = str(met.given("mode", "nearest")), str(met.given("coordinate_transformation_mode", "half_pixel"))
    named = {"linear": "bilinear", "cubic": "bicubic"}.get(mode, mode)
    # Only pixels as areas are what layers that enlarge do; of other readings it is not known where they look.
    other = named != "nearest" and where not in ("half_pixel", "pytorch_half_pixel")
    return met.rule("interpolate", met.x(), None, None, named, other)


_REDUCTIONS = {"ReduceMean": "mean", "ReduceSum": "sum", "ReduceMax": "amax", "ReduceMin": "amin", "ReduceProd": "prod",
               "ReduceLogSumExp": "logsumexp"}  # fmt: skip


@_translated(*_REDUCTIONS)
def _reduced(met: Met) -> Made:
    axes = reduced_axes(met.asked)
    return met.rule(_REDUCTIONS[met.kind], met.x(), axes, bool(met.given("keepdims", 1)))


@_translated("ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSum")
def _norm(met: Met) -> Made:
    return met.rule("norm", met.x(), 2, reduced_axes(met.asked))


@_translated("ArgMax", "ArgMin")
def _argument(met: Met) -> Made:
    return met.rule("argmax" if met.kind == "ArgMax" else "argmin", met.x(), int(met.given("axis", 0)))


@_translated("CumSum")
def _cumulated(met: Met) -> Made:
    return met.rule("cumsum", met.x(), int(met.number(1) or 0))


@_translated("TopK")
def _top(met: Met) -> Made:
    return met.rule("topk", met.x(), None, int(met.given("axis", -1)))


# Moving elements.


@_translated("Squeeze")
def _squeezed(met: Met) -> Made:
    axes = met.asked.axes(1, met.x().dim())
    if axes is None:
        axes = tuple([axis for axis, n in enumerate(met.x().sizes) if n == 1])
    return met.rule("squeeze", met.x(), axes)


@_translated("Unsqueeze")
def _unsqueezed(met: Met) -> Made:
    return met.rule("unsqueeze", met.x(), met.asked.numbers(1, "axes"))


@_translated("Transpose")
def _permuted(met: Met) -> Made:
    return met.rule("permute", met.x(), order_of(met.asked))


@_translated("Concat")
def _joined(met: Met) -> Made:
    return met.rule("cat", met.all(), int(met.given("axis", 1)))


@_translated("Split")
def _part(met: Met) -> Made:
    axis = met.asked.axis(int(met.given("axis", 0)), met.x().dim())
    parts = met.asked.numbers(1, "split") or ()
    x, count = met.x().sizes, len(met.asked.operator.outputs)
    each = -(-x[axis] // count)
    start = sum(parts[: met.part]) if parts else each * met.part
    return met.rule("split", met.x(), None, axis, _start=start)


@_translated("Slice")
def _sliced(met: Met) -> Made:
    keys = slices_of(met.asked)
    backwards = [axis for axis, key in enumerate(keys) if (key.step or 1) < 0]
    if backwards and met.made.shape == met.x().shape:
        return met.rule("flip", met.x(), tuple(backwards))
    if backwards:
        raise BeyondError("a slice that goes backwards")
    # As slices have them that say from where to where.
    pairs = zip(keys, met.x().sizes, strict=True)
    plain = tuple([slice(None) if key.indices(n) == (0, n, 1) else key for key, n in pairs])
    return met.rule("__getitem__", met.x(), plain)


@_translated("Gather")
def _gathered(met: Met) -> Made:
    x, index = met.x(), met.x(1)
    axis = met.asked.axis(int(met.given("axis", 0)), x.dim())
    if id(index) in met.standings:
        if id(x) in met.standings or axis or x.dim() != 2:
            raise BeyondError("Gather by indices that come in")
        return met.rule("embedding", index, x)
    if not index.dim():
        return met.rule("select", x, axis, 0 if index.values is None else int(index.values))
    if index.dim() > 1 and id(x) in met.standings:
        # Windows of an axis, side by side: which positions those are, no rule follows.
        call = met.call("gather", x)
        role = call.roles[axis]
        roles = (*call.roles[:axis], *(role,) * index.dim(), *call.roles[axis + 1 :])
        return Made(call.called(ops.Rearranged, roles, placed=role == C), roles, Kept())
    return met.rule("index_select", x, axis)


@_translated("GatherElements", "ScatterElements", "Scatter", "ScatterND")
def _elsewhere(met: Met) -> Made:
    if id(met.x()) not in met.standings:
        raise BeyondError(f"{met.kind} into what does not come in")
    return met.rule("scatter", met.x(), int(met.given("axis", 0)))


@_translated("Trilu")
def _triangle(met: Met) -> Made:
    return met.rule("tril", met.x(), dims=(-2, -1))


@_translated("Tile")
def _repeated(met: Met) -> Made:
    return met.rule("tile", met.x())


@_translated("Pad")
def _padded(met: Met) -> Made:
    pairs = pads_of(met.asked)
    mode = str(met.given("mode", "constant"))
    value = met.number(2) if met.asked.has(2) else met.given("value", 0.0)
    behind = [side for pair in reversed(pairs) for side in pair]
    return met.rule("pad", met.x(), behind, {"edge": "replicate", "wrap": "circular"}.get(mode, mode), value or 0)


@_translated("DepthToSpace", "SpaceToDepth")
def _shuffled(met: Met) -> Made:
    name = "pixel_shuffle" if met.kind == "DepthToSpace" else "pixel_unshuffle"
    return met.rule(name, met.x(), int(met.given("blocksize", 1)))
