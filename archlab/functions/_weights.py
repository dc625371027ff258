"""Parameters that a file or a module really holds, as the weights of an operation."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import NamedTuple

from archlab.graph import Shape
from archlab.ops import Op, Role, Weight


class Parameter(NamedTuple):
    """A parameter: its name in its layer, as far as that is known, and whether another layer has it already."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    trainable: bool = True
    shared: bool = False


def weights_of(op: Op, inputs: tuple[Shape, ...], parameters: Sequence[Parameter]) -> tuple[Weight, ...]:
    """Parameters as weights, in the shapes and roles of the operation's rule where they are its own.

    Args:
        op: the operation.
        inputs: the shapes that come in, in the graph.
        parameters: what it reads, in order; with the statistics of a normalization or without.
    """
    facts = list(op.weights(*inputs) or ())
    sizes = [prod(each.shape) for each in parameters]
    if [fact.size for fact in facts] != sizes:
        facts = [fact for fact in facts if fact.role != "statistic"]
    if [fact.size for fact in facts] == sizes:
        return tuple(
            [
                _weight(each, each.name or fact.name, fact.shape, fact.role, fact.trainable)
                for each, fact in zip(parameters, facts, strict=True)
            ]
        )
    role = _role(op)
    return tuple(
        [
            _weight(each, each.name or "parameter", each.shape, role if len(each.shape) > 1 else "bias")
            for each in parameters
        ]
    )


def _weight(parameter: Parameter, name: str, shape: tuple[int, ...], role: Role, trainable: bool = True) -> Weight:
    trainable = trainable and parameter.trainable
    return Weight(name, shape, prod(shape), role, trainable, parameter.dtype, parameter.shared)


def _role(op: Op) -> Role:
    """What a parameter of several axes is to an operation: a kernel of products, an offset or a scale of others."""
    return "kernel" if op.family in ("dense", "convolution", "sequence", "unknown") else "bias"
