"""Layers that a file has in pieces: a dense layer's product and its bias, activations written out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import pairwise
from math import isclose, sqrt
from typing import NamedTuple

from archlab.onnx_bridge._file import Model, Operator


class Whole(NamedTuple):
    """Several operators that are one layer."""

    kind: str
    """The operator that does the same."""
    inputs: tuple[str, ...]
    output: str
    parts: tuple[Operator, ...]
    """In order, the last of which makes the output."""


def wholes(model: Model) -> Mapping[int, Whole]:
    """By the `id` of its first operator: each layer that the file has in pieces.

    What stands between the pieces is read by nobody else.
    """
    reads = Counter(name for each in model.operators for name in each.inputs)
    reads.update(model.outputs)
    readers: dict[str, Operator] = {}
    for each in model.operators:
        for name in each.inputs:
            readers.setdefault(name, each)
    found: dict[int, Whole] = {}
    for operator in model.operators:
        whole = None
        if operator.domain or not operator.outputs:
            continue
        if operator.kind == "MatMul":
            whole = _dense(operator, readers, reads, model)
        elif operator.kind in ("Sigmoid", "HardSigmoid"):
            whole = _gated(operator, readers, reads)
        elif operator.kind in ("Div", "Mul"):
            whole = _gelu(operator, readers, reads, model)
        if whole is not None:
            found[id(operator)] = whole
    return found


def _only(name: str, readers: Mapping[str, Operator], reads: Counter[str], kind: str) -> Operator | None:
    """The one operator that reads a tensor, if it is of that kind."""
    reader = readers.get(name)
    return reader if reader is not None and reads[name] == 1 and reader.kind == kind and not reader.domain else None


def _other(operator: Operator, name: str) -> str:
    """The other of two inputs."""
    return next((each for each in operator.inputs if each != name), "")


def _dense(operator: Operator, readers: Mapping[str, Operator], reads: Counter[str], model: Model) -> Whole | None:
    made = operator.outputs[0]
    weight = model.stored.get(operator.inputs[1]) if len(operator.inputs) == 2 else None
    after = _only(made, readers, reads, "Add")
    bias = model.stored.get(_other(after, made)) if after is not None else None
    if after is None or weight is None or bias is None or len(weight.shape) != 2 or bias.shape != weight.shape[1:]:
        return None
    return Whole("MatMul", (*operator.inputs, bias.name), after.outputs[0], (operator, after))


def _gated(operator: Operator, readers: Mapping[str, Operator], reads: Counter[str]) -> Whole | None:
    """Of x · sigmoid(x): SiLU (Elfwing et al. 2018), or its piecewise linear form (Howard et al. 2019)."""
    x, made = operator.inputs[0], operator.outputs[0]
    after = _only(made, readers, reads, "Mul")
    if after is None or _other(after, made) != x:
        return None
    if operator.kind == "HardSigmoid":
        alpha, beta = operator.attributes.get("alpha", 0.2), operator.attributes.get("beta", 0.5)
        if not (isclose(alpha, 1 / 6, rel_tol=1e-3) and isclose(beta, 0.5)):
            return None
    return Whole("Swish" if operator.kind == "Sigmoid" else "HardSwish", (x,), after.outputs[0], (operator, after))


def _gelu(operator: Operator, readers: Mapping[str, Operator], reads: Counter[str], model: Model) -> Whole | None:
    """Of x · (1 + erf(x / √2)) / 2 (Hendrycks & Gimpel 2016)."""
    if len(operator.inputs) != 2:
        return None
    x, by = operator.inputs
    factor = _number(by, model)
    if factor is None or not isclose(factor, sqrt(2) if operator.kind == "Div" else sqrt(0.5), rel_tol=1e-3):
        return None
    parts = [operator]
    for kind in ("Erf", "Add", "Mul", "Mul"):
        after = _only(parts[-1].outputs[0], readers, reads, kind)
        if after is None:
            return None
        parts.append(after)
    rest = [_other(each, before.outputs[0]) for before, each in pairwise(parts[1:])]
    numbers = [_number(name, model) for name in rest]
    halved = (rest[1] == x and numbers[2] == 0.5) or (rest[2] == x and numbers[1] == 0.5)
    return Whole("Gelu", (x,), parts[-1].outputs[0], tuple(parts)) if numbers[0] == 1 and halved else None


def _number(name: str, model: Model) -> float | None:
    """The one number that a tensor is, stored or made by a Constant."""
    stored = model.stored.get(name)
    values = stored.values if stored is not None else model.constants.get(name)
    return (
        float(values.reshape(-1)[0]) if values is not None and values.size == 1 and values.dtype.kind == "f" else None
    )
