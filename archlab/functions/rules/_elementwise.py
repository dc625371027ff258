"""Functions of single elements: activations, arithmetic, dropout."""

from __future__ import annotations

from functools import partial
from math import prod

from archlab import ops
from archlab.functions._call import Call, Made, numel
from archlab.functions._layout import C, Roles, S, broadcast
from archlab.functions._types import Untyped
from archlab.functions.rules._table import entered
from archlab.ops import Elementwise, Kept, Op
from archlab.signals import Nonlinearity, activated, between, unchanged
from archlab.units import ACTIVATION_FLOPS

NOTHING = Kept()
INPUT = Kept(inputs=True)
OUTPUT = Kept(output=True)

# By function: the activation as Keras names it, and whether its derivative is a function of what comes out.
_ACTIVATIONS: dict[str, tuple[str, bool]] = {
    "relu": ("relu", True), "sigmoid": ("sigmoid", True), "tanh": ("tanh", True), "selu": ("selu", False),
    "silu": ("silu", False), "gelu": ("gelu", False), "mish": ("mish", False), "softplus": ("softplus", False),
    "softsign": ("softsign", False), "hardsigmoid": ("hard_sigmoid", False), "hardswish": ("hard_silu", False),
    "logsigmoid": ("log_sigmoid", False), "log_sigmoid": ("log_sigmoid", False), "exp": ("exponential", True),
    "celu": ("celu", False),
}  # fmt: skip


def _saved(call: Call, by_output: bool) -> Kept:
    """What autograd saves of a function of single elements.

    Where it works in place and its derivative is a function of what came in, autograd copies that first.
    """
    if by_output:
        return OUTPUT
    return Kept(extra=numel(call.read[0])) if call.in_place else INPUT


@entered(*_ACTIVATIONS)
def _activation(call: Call) -> Made:
    name, by_output = _ACTIVATIONS[call.name]
    op: Op = ops.ReLU() if name == "relu" else ops.Activation(name)
    kept = _saved(call, by_output or (call.in_place and call.name in ("selu", "celu")))
    if call.name in ("softsign", "logsigmoid", "log_sigmoid"):
        # Of x / (1 + |x|) the divisor too, of the logarithm the exponential.
        kept = Kept(inputs=True, extra=numel(call.read[0]))
    return Made(op, call.roles, kept)


@entered("relu6", "hardtanh")
def _clipped(call: Call) -> Made:
    low, high = (0.0, 6.0) if call.name == "relu6" else (call.asked(1, "min_val", -1.0), call.asked(2, "max_val", 1.0))
    function = Nonlinearity("clip", float(low), float(high))
    passes = partial(activated, function=function)
    op = ops.ReLU(float(high)) if low == 0 else call.called(Elementwise, call.roles, flops=2, passes=passes)
    return Made(op, call.roles, _saved(call, False))


@entered("leaky_relu")
def _leaky(call: Call) -> Made:
    slope = float(call.asked(1, "negative_slope", 0.01))
    return Made(ops.LeakyReLU(slope), call.roles, OUTPUT if call.in_place else INPUT)


@entered("elu")
def _elu(call: Call) -> Made:
    return Made(ops.ELU(float(call.asked(1, "alpha", 1.0))), call.roles, OUTPUT if call.in_place else INPUT)


@entered("prelu")
def _prelu(call: Call) -> Made:
    axes = sum(role == S for role in call.roles)
    weight = call.asked(1, "weight")
    if numel(weight) == 1 and call.shapes[0][-1] != 1:
        # One slope for all.
        op: Op = call.called(Elementwise, call.roles, flops=ACTIVATION_FLOPS["prelu"])
    else:
        op = ops.PReLU(tuple(range(1, axes + 1)) or None)
    return Made(op, call.roles, INPUT)


@entered("softmax", "log_softmax", "softmin")
def _softmax(call: Call) -> Made:
    axis = call.axis(call.asked(1, "dim", 1) if call.asked(1, "dim", 1) is not None else 1)
    channels = [place for place, role in enumerate(call.roles) if role == C]
    if channels == [axis]:
        op: Op = ops.Softmax() if call.name == "softmax" else ops.Activation("log_softmax")
    else:
        inside = call.roles[axis] == S
        flops = ACTIVATION_FLOPS["softmax"]
        kind = ops.Normalized if inside else Elementwise
        op = call.called(kind, call.roles, flops=flops, by_output=True)
    return Made(op, call.roles, OUTPUT)


@entered("glu")
def _glu(call: Call) -> Made:
    return Made(call.called(Elementwise, call.roles, flops=5), call.roles, INPUT)


_BY_INPUT = (
    "abs", "absolute", "log", "log2", "log10", "log1p", "sin", "cos", "square", "clamp", "clip", "clamp_min",
    "clamp_max", "erf", "hardshrink", "softshrink", "tanhshrink", "threshold", "rrelu", "nan_to_num",
    "atan", "asin", "acos", "relu_squared",
)  # fmt: skip
_BY_OUTPUT = ("sqrt", "rsqrt", "reciprocal", "exp2", "expm1", "tan", "sinh", "cosh")
_STEPS = (
    "floor", "ceil", "round", "trunc", "sign", "eq", "ne", "lt", "le", "gt", "ge", "logical_and", "logical_or",
    "logical_not", "bitwise_and", "bitwise_or", "bitwise_not", "floor_divide", "remainder", "fmod", "isnan", "isinf",
    "isfinite", "__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__floordiv__", "__mod__", "__invert__",
    "__and__", "__or__",
)  # fmt: skip


@entered(*_BY_INPUT)
def _by_input(call: Call) -> Made:
    flops = 2 if call.name in ("clamp", "clip") else 1
    roles = _roles(call)
    function = _nonlinearity(call)
    passes = None if function is None else partial(activated, function=function)
    return Made(call.called(Elementwise, roles, flops=flops, passes=passes), roles, _saved(call, False))


def _nonlinearity(call: Call) -> Nonlinearity | None:
    """The function of one element that a call is, where the prediction of signals knows it."""
    if call.name in ("clamp", "clip", "clamp_min", "clamp_max"):
        low = call.asked(1, "min") if call.name != "clamp_max" else None
        high = call.asked(1 if call.name == "clamp_max" else 2, "max") if call.name != "clamp_min" else None
        return between(low, high)
    name = "absolute" if call.name == "abs" else call.name
    return Nonlinearity(name) if name in ("absolute", "sin", "cos", "erf") else None


@entered(*_BY_OUTPUT)
def _by_output(call: Call) -> Made:
    return Made(call.called(Elementwise, call.roles, by_output=True), call.roles, OUTPUT)


@entered(*_STEPS)
def _step(call: Call) -> Made:
    roles = _roles(call)
    return Made(call.called(Elementwise, roles, linear=True), roles, NOTHING)


@entered("neg", "negative", "__neg__")
def _negative(call: Call) -> Made:
    return Made(ops.Arithmetic(scale=-1.0), call.roles, NOTHING)


@entered("to", "float", "half", "bfloat16", "double", "type", "type_as", "int", "long", "bool", "cuda", "cpu")
def _cast(call: Call) -> Made:
    if call.made.dtype == call.read[0].dtype:
        return Made(None, call.roles)
    return Made(call.called(Elementwise, call.roles, flops=0, linear=True, passes=unchanged), call.roles, NOTHING)


def _roles(call: Call) -> Roles:
    """Of what is made of several tensors, those that depend on nothing among them."""
    sizes = [*call.sizes, *[tuple(tensor.shape) for tensor, _ in call.constants]]
    roles: list[Roles] = [each.roles for each in call.standings]
    for tensor, _ in call.constants:
        rank = len(tensor.shape)
        # Its axes are whatever those of the largest tensor are.
        like = max(call.standings, key=lambda each: len(each.roles)).roles
        roles.append(like[len(like) - rank :] if rank <= len(like) else (S,) * rank)
    return broadcast(sizes, roles)


def _number(call: Call) -> float | None:
    """The number among two operands, if one is."""
    numbers = [each for each in (*call.args[:2], *call.kwargs.values()) if isinstance(each, int | float)]
    if len(call.read) == 1 and not call.constants and numbers and not isinstance(numbers[0], bool):
        return float(numbers[0])
    return None


def _merged(call: Call, roles: Roles) -> bool:
    """Whether a node of two inputs of the graph's own axes is what it is."""
    if len(call.read) != 2 or len({len(shape) for shape in call.shapes}) != 1:
        return False
    rank = max(map(len, call.sizes))
    # Axis by axis both are the same thing.
    one_roles, other_roles = (_front(each.roles, rank) for each in call.standings)
    both_sizes = zip(*[_front(sizes, rank) for sizes in call.sizes], strict=True)
    for one, other, sizes in zip(one_roles, other_roles, both_sizes, strict=True):
        if one != other and 1 not in sizes:
            return False
    return all(1 in pair or pair[0] == pair[1] for pair in zip(*call.shapes, strict=True))


def _front(values: tuple[Untyped, ...], rank: int) -> tuple[Untyped, ...]:
    return (1,) * (rank - len(values)) + tuple(values)


@entered("add", "__add__", "__radd__", "__iadd__")
def _add(call: Call) -> Made:
    roles = _roles(call)
    number = _number(call)
    if number is not None:
        return Made(ops.Arithmetic(offset=number), roles, NOTHING)
    if call.kwargs.get("alpha", 1) == 1 and _merged(call, roles):
        return Made(ops.Add(), roles, NOTHING)
    return Made(call.called(Elementwise, roles, linear=True), roles, NOTHING)


@entered("sub", "subtract", "__sub__", "__isub__", "rsub", "__rsub__")
def _subtract(call: Call) -> Made:
    roles = _roles(call)
    number = _number(call)
    if number is not None:
        if "rsub" in call.name:
            return Made(ops.Rescaling(-1.0, number), roles, NOTHING)
        return Made(ops.Arithmetic(offset=-number), roles, NOTHING)
    if _merged(call, roles):
        return Made(ops.Subtract(), roles, NOTHING)
    return Made(call.called(Elementwise, roles, linear=True), roles, NOTHING)


@entered("mul", "multiply", "__mul__", "__rmul__", "__imul__")
def _multiply(call: Call) -> Made:
    roles = _roles(call)
    number = _number(call)
    if number is not None:
        return Made(ops.Arithmetic(scale=number), roles, NOTHING)
    if len(call.read) == 2 and call.read[0] is not call.read[1] and _merged(call, roles):
        return Made(ops.Multiply(), roles, INPUT)
    if len(call.read) == 1 and len(call.constants) == 1:
        learned = call.constants[0][1].parameters
        tensor = call.constants[0][0]
        if learned and len(learned) == 1 and numel(tensor) == call.shapes[0][-1] and call.made_sizes == call.sizes[0]:
            start = call.starts(learned[0])
            return Made(ops.LayerScale(start.mean if start and start.mean else 1.0), roles, INPUT)
        # The factor is saved, which of a parameter costs nothing; what comes in, where the factor is learned.
        drawn = 0 if learned or tensor.dim() < call.rank or tensor.shape[0] != call.sizes[0][0] else numel(tensor)
        kept = INPUT if learned else Kept(extra=drawn)
        return Made(call.called(Elementwise, roles, linear=not learned), roles, kept)
    return Made(call.called(Elementwise, roles), roles, INPUT)


@entered("div", "divide", "true_divide", "__truediv__", "__div__", "__itruediv__", "__rdiv__", "__rtruediv__")
def _divide(call: Call) -> Made:
    roles = _roles(call)
    number = _number(call)
    reversed_ = call.name in ("__rdiv__", "__rtruediv__") or (bool(call.args) and isinstance(call.args[0], int | float))
    if number and not reversed_:
        return Made(ops.Arithmetic(scale=1 / number), roles, NOTHING)
    if reversed_:
        return Made(call.called(Elementwise, roles), roles, OUTPUT)
    return Made(call.called(Elementwise, roles), roles, INPUT)


@entered("pow", "__pow__", "float_power", "__ipow__", "maximum", "minimum", "where", "masked_fill", "atan2", "lerp",
         "addcmul", "addcdiv", "fmax", "fmin")  # fmt: skip
def _several(call: Call) -> Made:
    roles = _roles(call)
    kinds: dict[str, Op] = {"maximum": ops.Maximum(), "minimum": ops.Minimum()}
    if call.name in kinds and _merged(call, roles):
        return Made(kinds[call.name], roles, INPUT)
    return Made(call.called(Elementwise, roles), roles, INPUT)


@entered("dropout", "alpha_dropout", "feature_dropout", "dropout1d", "dropout2d", "dropout3d", "feature_alpha_dropout")
def _dropout(call: Call) -> Made:
    rate = float(call.asked(1, "p", 0.5))
    if call.name.startswith("dropout") and call.name != "dropout":
        op: Op = ops.SpatialDropout(rate) if rate < 1 else ops.Zero()
        return Made(op, call.roles, Kept(extra=call.sizes[0][1]) if rate else NOTHING)
    if rate >= 1:
        return Made(ops.Zero(), call.roles, NOTHING)
    op = ops.Dropout(rate) if call.name == "dropout" else ops.AlphaDropout(rate)
    # On a CPU the mask is a tensor of numbers, zeros and 1 / (1 − p).
    return Made(op, call.roles, Kept(extra=prod(call.sizes[0])) if rate else NOTHING)
