"""What rules of taste ask: the convolutions, the pooling and the dense layers of a chain, in order."""

from __future__ import annotations

from archlab.lint._context import Context
from archlab.ops import AvgPool, Conv, Dense, MaxPool, SeparableConv
from archlab.ops._base import per_axis


def convolutions(context: Context) -> list[int]:
    """Ordinary and separable convolutions, in order; 1 × 1 ones are left out."""
    found = [at for at, node in enumerate(context.nodes) if isinstance(node.op, Conv | SeparableConv)]
    return [at for at in found if side(context, at) > 1]


def side(context: Context, at: int) -> int:
    """The largest side of a convolution's kernel."""
    return max(per_axis("", context.nodes[at].op.kernel, len(context.nodes[at].shape) - 1))


def width(context: Context, at: int) -> int:
    """The channels that a layer puts out."""
    return context.nodes[at].shape[-1] or 0


def denses(context: Context) -> list[int]:
    """Dense layers but for the heads."""
    heads = {head.at for head in context.heads} | {
        context.nodes[head.at].inputs[0] for head in context.heads if context.nodes[head.at].op.family == "activation"
    }
    return [at for at, node in enumerate(context.nodes) if isinstance(node.op, Dense) and at not in heads]


def pools(context: Context) -> list[int]:
    """Pooling layers with windows."""
    return [at for at, node in enumerate(context.nodes) if isinstance(node.op, MaxPool | AvgPool)]


def is_chain(context: Context) -> bool:
    """Whether no paths part or merge."""
    return all(len(node.inputs) < 2 for node in context.nodes)
