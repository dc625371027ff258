"""What a product of tensors costs that all depend on nothing that comes in, such as a projection of fixed positions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from archlab.functions._answer import answered
from archlab.functions._call import Call, Constant, Standing
from archlab.functions._layout import C, Roles, S, graph_shape
from archlab.functions._types import Tensor, Untyped

PRODUCTS = frozenset({
    "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "linear", "matmul",
    "__matmul__", "__rmatmul__", "bmm", "mm", "baddbmm", "addmm", "addbmm", "einsum", "scaled_dot_product_attention",
})  # fmt: skip
"""Functions that multiply and accumulate."""
_OF_WEIGHTS = frozenset({"conv", "line"})


def macs_of_constants(
    name: str, args: tuple[Untyped, ...], kwargs: Mapping[str, Untyped], tensors: Sequence[Tensor], made: Tensor
) -> int | None:
    """Multiply–accumulates of a call on constants, by the rule for what comes in; None where it has none.

    A layer that runs on constants does so for every batch, and counters that watch a module run count it.
    """
    read = tuple(tensors[:1] if name[:4] in _OF_WEIGHTS else tensors)
    # No axis is that of the batch: each counts.
    first = (S, C) if name.startswith("conv") else ()
    standings = tuple([Standing(0, _roles(first, each.dim())) for each in read])
    others = tuple([(each, Constant(())) for each in tensors[len(read) :]])
    call = Call(name, args, kwargs, read, standings, others, made, False, lambda _: None)
    answer = answered(call)
    if answer.op is None:
        return None
    cost = answer.op.cost(call.shapes, graph_shape(call.made_sizes, answer.roles))
    return None if cost is None else cost.macs


def _roles(first: Roles, rank: int) -> Roles:
    return (*first, *(S,) * (rank - len(first))) if first else (*(S,) * (rank - 1), C)
