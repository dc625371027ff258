"""Pooling, resizing, reductions."""

from __future__ import annotations

from math import gcd, prod
from typing import Any

from archlab import ops
from archlab.functions._call import BeyondError, Call, Made, numel
from archlab.functions._layout import Role, S
from archlab.functions.rules._table import entered
from archlab.functions.rules._weighted import around_each, as_margins, per_axis
from archlab.graph import Axis
from archlab.ops import Kept, Op, Reduced, Windows, alike
from archlab.ops._window import resized
from archlab.units import RESIZE_FLOPS

NOTHING = Kept()
INPUT = Kept(inputs=True)
_INDEX_BYTES = 8


def _spans(call: Call) -> tuple[tuple[int, ...], tuple[int, ...], tuple[tuple[int, int], ...]]:
    """Kernel, stride and padding before and behind for each axis."""
    if not call.as_image():
        raise BeyondError("pooling over axes that are not those of an image")
    axes = call.rank - 2
    kernel = per_axis(call.asked(1, "kernel_size"), axes)
    stride = call.asked(2, "stride")
    return kernel, per_axis(stride, axes) if stride else kernel, around_each(call.asked(3, "padding", 0), axes)


def _margins(call: Call) -> tuple[Any, bool]:
    """The padding as operations have it, with what a size that was rounded up reads beyond the edge; whether it was."""
    kernel, stride, around = _spans(call)
    pairs: list[tuple[int, int]] = []
    beyond = False
    for size, made, k, s, p in zip(call.sizes[0][2:], call.made_sizes[2:], kernel, stride, around, strict=True):
        more = max((made - 1) * s + k - (size + sum(p)), 0)
        beyond = beyond or more > 0
        pairs.append((p[0], p[1] + more))
    return as_margins(pairs), beyond


@entered("max_pool1d", "max_pool2d", "max_pool3d", "max_pool1d_with_indices", "max_pool2d_with_indices")
def _max_pool(call: Call) -> Made:
    kernel, stride, _ = _spans(call)
    if any(each > 1 for each in per_axis(call.asked(4, "dilation", 1), len(kernel))):
        raise BeyondError("dilated pooling")
    padding, _ = _margins(call)
    if all(s == 1 for s in stride) and padding != "valid" and alike(tuple([(k - 1) / 2 for k in kernel])) == padding:
        padding = "same"
    op = ops.MaxPool(alike(kernel), alike(stride), padding)
    return Made(op, call.roles, Kept(inputs=True, masks=_INDEX_BYTES * numel(call.made)))


@entered("avg_pool1d", "avg_pool2d", "avg_pool3d")
def _avg_pool(call: Call) -> Made:
    kernel, stride, around = _spans(call)
    padding, beyond = _margins(call)
    counted = call.asked(5, "count_include_pad", True)
    if call.asked(6, "divisor_override") is not None:
        raise BeyondError("divisor_override")
    if any(side for pair in around for side in pair) and not counted:
        spans = zip(stride, around, kernel, strict=True)
        same = all(s == 1 and 2 * p[0] == 2 * p[1] == k - 1 for s, p, k in spans)
        if not same or beyond:
            axes = [Axis(s, (range(-p[0], k - p[0]),)) for s, p, k in zip(stride, around, kernel, strict=True)]
            return Made(_looking(call, tuple(axes), prod(kernel)), call.roles, INPUT)
        padding = "same"
    return Made(ops.AvgPool(alike(kernel), alike(stride), padding), call.roles, INPUT)


def _looking(call: Call, axes: tuple[Axis, ...], each: int) -> Op:
    """Pooling over windows that no layer has."""
    return call.called(ops.Resampled, call.roles, looks=Windows(axes), flops=each)


@entered("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "adaptive_max_pool1d",
         "adaptive_max_pool2d", "adaptive_max_pool3d")  # fmt: skip
def _adaptive(call: Call) -> Made:
    if not call.as_image():
        raise BeyondError("pooling over axes that are not those of an image")
    sizes, made = call.sizes[0][2:], call.made_sizes[2:]
    largest = "max" in call.name
    kept = Kept(inputs=True, masks=_INDEX_BYTES * numel(call.made)) if largest else INPUT
    if all(n == 1 for n in made):
        op: Op = (ops.GlobalMaxPool if largest else ops.GlobalAvgPool)(keepdims=True)
        # Autograd has a mean there, which needs nothing.
        return Made(op, call.roles, kept if largest or call.name.endswith(("1d", "3d")) else NOTHING)
    if all(n % m == 0 for n, m in zip(sizes, made, strict=True)):
        size = alike(tuple([n // m for n, m in zip(sizes, made, strict=True)]))
        return Made((ops.MaxPool if largest else ops.AvgPool)(size, size, "valid"), call.roles, kept)
    axes: list[Axis] = []
    for n, m in zip(sizes, made, strict=True):
        step, period = n // gcd(n, m), m // gcd(n, m)
        taps = tuple([range(i * n // m, -(-(i + 1) * n // m)) for i in range(period)])
        axes.append(Axis(step, taps))
    each = prod([max(map(len, axis.taps)) for axis in axes])
    return Made(_looking(call, tuple(axes), each), call.roles, kept)


@entered("interpolate", "upsample", "upsample_nearest", "upsample_bilinear")
def _resized(call: Call) -> Made:
    if not call.as_image():
        raise BeyondError("resizing axes that are not those of an image")
    mode = str(call.asked(3, "mode", "nearest")) if call.name in ("interpolate", "upsample") else call.name[9:]
    aligned = bool(call.asked(4, "align_corners", False))
    sizes, made = call.sizes[0][2:], call.made_sizes[2:]
    named = {"nearest-exact": "nearest", "linear": "bilinear", "trilinear": "bilinear"}.get(mode, mode)
    flops = RESIZE_FLOPS.get(named, 9)
    if named in ("nearest", "bilinear") and not aligned and all(m % n == 0 for n, m in zip(sizes, made, strict=True)):
        factor = alike(tuple([m // n for n, m in zip(sizes, made, strict=True)]))
        if named == "nearest" or len(sizes) == 2:
            return Made(ops.Upsample(factor, named), call.roles, NOTHING)
    axes = [resized(n, m, named) for n, m in zip(sizes, made, strict=True)]
    # With the corners aligned, or over more than two neighbours, the windows are other ones.
    known = None if aligned or named not in ("nearest", "bilinear") or None in axes else axes
    looks = Windows(tuple([axis for axis in known if axis is not None])) if known else None
    return Made(call.called(ops.Resampled, call.roles, looks=looks, flops=flops), call.roles, NOTHING)


_LINEAR = ("mean", "sum", "cumsum", "count_nonzero", "any", "all", "nansum")
_EACH = {"var": 3, "std": 3, "var_mean": 4, "std_mean": 4, "logsumexp": 3, "norm": 2, "vector_norm": 2}


@entered("mean", "sum", "amax", "amin", "max", "min", "var", "std", "var_mean", "std_mean", "norm", "logsumexp",
         "prod", "cumsum", "argmax", "argmin", "any", "all", "topk", "sort", "argsort", "median", "count_nonzero",
         "cumprod", "vector_norm", "nansum")  # fmt: skip
def _reduced(call: Call) -> Made:
    if call.name in ("max", "min") and len(call.read) == 2:
        from archlab.functions.rules._elementwise import _several

        return _several(call)
    place = {"norm": 2, "vector_norm": 2, "topk": 2}.get(call.name, 1)
    given = call.asked(place, "dim", call.kwargs.get("axis"))
    if call.name in ("topk", "sort", "argsort") and given is None:
        given = -1
    axes = call.axes(given)
    gone = len(call.made_sizes) < call.rank
    roles: tuple[Role, ...] = tuple([role for axis, role in enumerate(call.roles) if axis not in axes])
    if not gone:
        roles = call.roles
    if len(roles) != len(call.made_sizes):
        raise BeyondError(f"dim={given}")
    positions = [axis for axis, role in enumerate(call.roles) if role == S]
    # A mean needs nothing but the sizes.
    kept = NOTHING if call.name in _LINEAR else INPUT
    if call.as_image() and list(axes) == positions and positions and call.name in ("mean", "amax"):
        kind = ops.GlobalAvgPool if call.name == "mean" else ops.GlobalMaxPool
        return Made(kind(keepdims=not gone), roles, kept)
    op = call.called(
        Reduced, roles, positions=any(call.roles[axis] == S for axis in axes), flops=_EACH.get(call.name, 1),
        linear=call.name in _LINEAR,
    )  # fmt: skip
    return Made(op, roles, kept)


@entered("pixel_shuffle", "pixel_unshuffle")
def _shuffled(call: Call) -> Made:
    if not call.as_image():
        raise BeyondError("axes that are not those of an image")
    factor = int(call.asked(1, "upscale_factor", call.kwargs.get("downscale_factor")))
    each = Axis(1, ((0,),) * factor) if call.name == "pixel_shuffle" else Axis(factor, (range(factor),))
    op = call.called(ops.Rearranged, call.roles, looks=Windows((each,) * (call.rank - 2)))
    return Made(op, call.roles, NOTHING)


@entered("channel_shuffle", "native_channel_shuffle")
def _channel_shuffle(call: Call) -> Made:
    return Made(call.called(ops.Rearranged, call.roles), call.roles, NOTHING)
