"""Arithmetic with the few numbers that say how tensors are reshaped, sliced and enlarged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod

import numpy as np

from archlab.onnx_bridge._file import Operator, dtype_of, tensor_of
from archlab.onnx_bridge._value import Value, complete
from archlab.onnx_bridge.types import Array

_MOST = 2**16
"""Elements of a tensor whose values are worked out."""

_TWO: Mapping[str, Callable[..., Array]] = {
    "Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Pow": np.power, "Equal": np.equal, "Greater": np.greater,
    "Less": np.less, "GreaterOrEqual": np.greater_equal, "LessOrEqual": np.less_equal, "And": np.logical_and,
    "Or": np.logical_or, "Xor": np.logical_xor,
}  # fmt: skip
_ONE: Mapping[str, Callable[..., Array]] = {
    "Neg": np.negative, "Abs": np.absolute, "Floor": np.floor, "Ceil": np.ceil, "Sqrt": np.sqrt, "Not": np.logical_not,
    "Identity": np.asarray, "Reciprocal": np.reciprocal, "Round": np.round, "Exp": np.exp, "Sign": np.sign,
    "Log": np.log, "Cos": np.cos, "Sin": np.sin,
}  # fmt: skip
_DTYPES: Mapping[str, str] = {"bfloat16": "float32", "unknown": "float32"}


def folded(operator: Operator, inputs: Sequence[Value | None]) -> Array | None:
    """The values of what an operator makes of known ones; None where there are too many, or one is not known."""
    kind = operator.kind
    if operator.domain or not operator.outputs:
        return None
    if kind in ("Shape", "Size"):
        return _measured(operator, inputs[0] if inputs else None)
    if kind == "Constant":
        return _constant(operator)
    known: list[Array | None] = []
    for each in inputs:
        if each is not None and each.values is None:
            return None
        known.append(None if each is None else each.values)
    try:
        with np.errstate(all="ignore"):
            made = _worked_out(operator, known)
    except Exception:  # what these numbers do not allow is left unknown; whoever needs it says so
        return None
    return made if made is None or made.size <= _MOST else None


def _measured(operator: Operator, value: Value | None) -> Array | None:
    if value is None or not complete(value.shape):
        return None
    if operator.kind == "Size":
        return np.asarray(prod(value.shape), dtype=object).astype(np.int64) if prod(value.shape) < 2**62 else None
    start, end = operator.attributes.get("start", 0), operator.attributes.get("end")
    return np.asarray(value.shape[slice(start, end)], dtype=np.int64)


def _constant(operator: Operator) -> Array | None:
    for key, value in operator.attributes.items():
        if key == "value":
            return tensor_of(value, operator.name).values
        if key in ("value_int", "value_ints"):
            return np.asarray(value, dtype=np.int64)
        if key in ("value_float", "value_floats"):
            return np.asarray(value, dtype=np.float32)
    return None


def _worked_out(operator: Operator, inputs: Sequence[Array | None]) -> Array | None:
    kind, attributes = operator.kind, operator.attributes
    x = inputs[0] if inputs else None
    if x is None:
        return None
    y = inputs[1] if len(inputs) > 1 else None
    if kind in _TWO and y is not None:
        return _TWO[kind](x, y) if prod(np.broadcast_shapes(x.shape, y.shape)) <= _MOST else None
    if kind in _ONE:
        return _ONE[kind](x)
    if kind == "Div" and y is not None:
        # Whole numbers are cut off towards 0.
        return np.trunc(np.divide(x, y)).astype(x.dtype) if x.dtype.kind in "iu" else np.divide(x, y)
    if kind == "Mod" and y is not None:
        return np.fmod(x, y) if attributes.get("fmod") else np.mod(x, y)
    if kind in ("Max", "Min"):
        return (np.maximum if kind == "Max" else np.minimum).reduce([each for each in inputs if each is not None])
    if kind == "Cast":
        return x.astype(_numpy(int(attributes["to"])))
    if kind == "Gather" and y is not None:
        return np.take(x, y.astype(np.int64), axis=attributes.get("axis", 0))
    if kind == "Concat":
        return np.concatenate([each for each in inputs if each is not None], axis=attributes["axis"])
    if kind in ("Unsqueeze", "Squeeze"):
        axes = attributes.get("axes") if y is None else tuple(map(int, y.reshape(-1)))
        if kind == "Squeeze":
            return np.squeeze(x, None if axes is None else tuple(axes))
        return np.expand_dims(x, tuple(axes or ()))
    if kind == "Reshape" and y is not None:
        return np.reshape(x, tuple([x.shape[i] if n == 0 else int(n) for i, n in enumerate(y)]))
    if kind == "Slice":
        return x[slices(operator, inputs, x.ndim)]
    if kind == "Transpose":
        return np.transpose(x, attributes.get("perm"))
    if kind == "Where" and y is not None and len(inputs) > 2 and inputs[2] is not None:
        return np.where(x, y, inputs[2])
    if kind in ("ReduceProd", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceMean"):
        axes = attributes.get("axes") if y is None else tuple(map(int, y))
        name = kind.removeprefix("Reduce").lower()
        return getattr(np, name)(x, axis=axes and tuple(axes), keepdims=bool(attributes.get("keepdims", 1)))
    if kind in ("Expand", "ConstantOfShape", "Tile", "Range"):
        return _spread(operator, x, [each for each in inputs if each is not None])
    return None


def _spread(operator: Operator, x: Array, inputs: Sequence[Array]) -> Array | None:
    """What becomes more elements than there were: first it is counted how many."""
    if operator.kind == "Range":
        start, limit, step = [each.item() for each in inputs]
        count = -(-(limit - start) // step) if step else _MOST + 1
        return np.arange(start, limit, step, dtype=x.dtype) if count <= _MOST else None
    if operator.kind == "ConstantOfShape":
        shape = tuple(map(int, x))
        given = operator.attributes.get("value")
        value = tensor_of(given, operator.name).values if given is not None else np.zeros(1, np.float32)
        return None if prod(shape) > _MOST or value is None else np.full(shape, value.reshape(-1)[0])
    counts = tuple(map(int, inputs[1]))
    if operator.kind == "Tile":
        return np.tile(x, counts) if x.size * prod(counts) <= _MOST else None
    shape = np.broadcast_shapes(x.shape, counts)
    return np.broadcast_to(x, shape) if prod(shape) <= _MOST else None


def slices(operator: Operator, inputs: Sequence[Array | None], rank: int) -> tuple[slice, ...]:
    """What a Slice takes of each axis, by its inputs, or by attributes as older files have it."""
    read = [None if each is None else tuple(map(int, each.reshape(-1))) for each in inputs[1:]]
    read += [None] * (4 - len(read))
    starts = read[0] or operator.attributes["starts"]
    ends = read[1] or operator.attributes["ends"]
    axes = read[2] or operator.attributes.get("axes") or range(len(starts))
    steps = read[3] or (1,) * len(starts)
    made = [slice(None)] * rank
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        # Before the first, going backwards, lies the end that no number says.
        made[axis] = slice(start, None if step < 0 and end < -_FAR else end, step)
    return tuple(made)


_FAR = 2**31 - 2


def _numpy(number: int) -> str:
    name = dtype_of(number)
    return _DTYPES.get(name, name)
