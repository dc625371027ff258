"""Why architectures do not add up, by kind."""

from __future__ import annotations

from typing import Literal, TypeAlias

from archlab.graph import elements, is_known
from archlab.lint._context import Context
from archlab.ops import AvgPool, Conv, Crop, DepthwiseConv, GroupNorm, MaxPool, Reshape, SeparableConv
from archlab.ops._base import per_axis

Kind: TypeAlias = Literal["vanishes", "groups", "reshape", "other"]


def break_of(context: Context) -> Kind | None:
    """Why it does not add up; None where it does."""
    broken = context.broken
    if broken is None:
        return None
    op, shape = broken.op, broken.shapes[0] if broken.shapes else ()
    axes = len(shape) - 1
    if axes > 0 and isinstance(op, Conv | DepthwiseConv | SeparableConv | MaxPool | AvgPool):
        kernel = op.size if isinstance(op, MaxPool | AvgPool) else op.kernel
        dilation = 1 if isinstance(op, MaxPool | AvgPool) else op.dilation
        reach = [1 + (k - 1) * d for k, d in zip(per_axis("kernel", kernel, axes), per_axis("", dilation, axes),
                                                 strict=True)]  # fmt: skip
        if op.padding == "valid" and any(n is not None and n < r for n, r in zip(shape, reach, strict=False)):
            return "vanishes"
    if isinstance(op, Crop):
        return "vanishes"
    if isinstance(op, Conv | GroupNorm) and op.groups > 1:
        return "groups"
    if isinstance(op, Reshape) and is_known(shape) and shape:
        sizes = [size for size in op.shape if isinstance(size, int) and size > 0]
        if len(sizes) == len(op.shape) and elements(tuple(sizes)) != elements(shape):
            return "reshape"
    return "other"
