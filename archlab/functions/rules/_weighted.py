"""Layers with weights: convolutions, dense layers, normalization, embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from archlab import ops
from archlab.errors import ArgumentError
from archlab.functions._call import BeyondError, Call, Made, Start
from archlab.functions._initial import beginning, initializer
from archlab.functions._layout import C, S
from archlab.functions._types import Tensor, Untyped
from archlab.functions.rules._table import entered
from archlab.graph import Axis
from archlab.ops import Elementwise, Kept, Normalized, Product, Repeated, Windows, alike
from archlab.units import BATCH_NORM_FLOPS, BIAS_FLOPS, LAYER_NORM_FLOPS

INPUT = Kept(inputs=True)


def per_axis(value: Untyped, axes: int) -> tuple[int, ...]:
    """One number for each axis."""
    several = (int(value),) if isinstance(value, int) else tuple([int(each) for each in value])
    return several if len(several) == axes else several * axes


def around_each(value: Untyped, axes: int) -> tuple[tuple[int, int], ...]:
    """Zeros before and after each axis, of a number, one for each axis, or a pair for each axis."""
    sides = per_axis(value, axes) if isinstance(value, int) or isinstance(value[0], int) else value
    return tuple([(side, side) if isinstance(side, int) else (int(side[0]), int(side[1])) for side in sides])


def as_margins(pairs: Sequence[tuple[int, int]]) -> Untyped:
    """Zeros around as operations have them: 'valid' for none, one number where all sides are alike."""
    if not any(side for pair in pairs for side in pair):
        return "valid"
    return alike(tuple([pair[0] if pair[0] == pair[1] else pair for pair in pairs]))


def _start(call: Call, weight: Tensor) -> Start | None:
    """What a kernel begins with: it, or the one parameter that it is made of."""
    for tensor, constant in call.constants:
        if tensor is weight and len(constant.parameters) == 1:
            return call.starts(constant.parameters[0])
    return None


def _affine(call: Call, place: int) -> dict[str, Untyped]:
    """The scale and the offset of a normalization, and what they begin with."""
    weight, bias = call.asked(place, "weight"), call.asked(place + 1, "bias")
    return {
        "center": bias is not None,
        "scale": weight is not None,
        "gamma_initializer": beginning(_start(call, weight), "ones"),
        "beta_initializer": beginning(_start(call, bias), "zeros"),
    }


def _kernel(call: Call, place: int) -> Tensor:
    weight = call.asked(place, "weight")
    if weight is None or _comes_in(call, weight):
        raise BeyondError("its kernel depends on what comes in")
    return weight


def _comes_in(call: Call, weight: Tensor) -> bool:
    return any(weight is each for each in call.read[1:])


@entered("conv1d", "conv2d", "conv3d")
def _convolution(call: Call) -> Made:
    weight = call.asked(1, "weight")
    sizes = tuple(weight.shape)
    mixed = _comes_in(call, weight)
    if mixed or not (call.as_image() or call.as_images()):
        # A kernel for each sample, mixed of several by what comes in (Yang et al. 2019); or the axes that it goes
        # along are channels (Wang et al. 2020), or made of positions and channels: then nobody knows where it looks.
        return _multiplied(call, weight, factors=1 + mixed, here=S not in call.roles[2:], placed=mixed)
    axes = call.rank - 2
    stride, dilation = per_axis(call.asked(3, "stride", 1), axes), per_axis(call.asked(5, "dilation", 1), axes)
    groups, padding = int(call.asked(6, "groups", 1)), call.asked(4, "padding", 0)
    kernel = sizes[2:]
    if not isinstance(padding, str):
        around = around_each(padding, axes)
        spans = list(zip(around, kernel, stride, dilation, strict=True))
        if all(s == 1 and 2 * p[0] == 2 * p[1] == (k - 1) * d for p, k, s, d in spans):
            padding = "same"
        else:
            padding = as_margins(around)
    if kernel == (1,) * axes and padding == "valid":
        padding = "same"
    more: dict[str, Untyped] = {
        "kernel": alike(kernel), "stride": alike(stride), "padding": padding, "dilation": alike(dilation),
        "bias": call.asked(2, "bias") is not None, "initializer": initializer(_start(call, weight), sizes),
    }  # fmt: skip
    channels = call.sizes[0][1]
    try:
        if groups == channels > 1 and axes < 3:
            op = ops.DepthwiseConv(multiplier=sizes[0] // channels, **more)
        else:
            op = ops.Conv(sizes[0], groups=groups, **more)
    except ArgumentError:
        # Keras has no such layer, as with a stride and a dilation.
        if not call.as_image() or isinstance(padding, str):
            raise
        reads = zip(around_each(call.asked(4, "padding", 0), axes), kernel, stride, dilation, strict=True)
        looks = Windows(tuple([Axis(s, (range(-p[0], (k - 1) * d + 1 - p[0], d),)) for p, k, s, d in reads]))
        return _multiplied(call, weight, looks=looks)
    return Made(op if call.as_image() else Repeated(op), call.roles, INPUT)


def _multiplied(call: Call, weight: Tensor, **more: Untyped) -> Made:
    """A convolution of which no more is known than how much it multiplies."""
    made = prod(call.made_sizes)
    biases = BIAS_FLOPS * made if call.asked(2, "bias") is not None else 0
    macs = made * prod(tuple(weight.shape)[1:])
    return Made(call.called(Product, call.roles, macs=macs, more_flops=biases, **more), call.roles, INPUT)


@entered("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
def _transposed(call: Call) -> Made:
    weight = _kernel(call, 1)
    axes = call.rank - 2
    sizes = tuple(weight.shape)
    stride, dilation = per_axis(call.asked(3, "stride", 1), axes), per_axis(call.asked(7, "dilation", 1), axes)
    around = around_each(call.asked(4, "padding", 0), axes)
    extra = per_axis(call.asked(5, "output_padding", 0), axes)
    if int(call.asked(6, "groups", 1)) > 1:
        raise BeyondError("a transposed convolution in groups")
    kernel, bias = sizes[2:], call.asked(2, "bias") is not None
    named = initializer(_start(call, weight), (sizes[1], sizes[0], *kernel))
    padded = any(side for pair in around for side in pair)
    pairs = [(before, after - e) for (before, after), e in zip(around, extra, strict=True)]
    if any(after < 0 for _, after in pairs) and padded:
        raise BeyondError(f"a transposed convolution with padding={alike(around)}, output_padding={alike(extra)}")
    padding = alike(tuple([pair[0] if pair[0] == pair[1] else pair for pair in pairs])) if padded else "valid"
    more = None if padded or not any(extra) else alike(extra)
    if padding == "valid" and more is None and any(k < s for k, s in zip(kernel, stride, strict=True)):
        padding = 0  # where the stride is larger, Keras fills up behind
    op = ops.ConvTranspose(sizes[1], alike(kernel), alike(stride), padding, more, alike(dilation), bias, None, named)
    return Made(op, call.roles, INPUT)


@entered("linear")
def _dense(call: Call) -> Made:
    weight = _kernel(call, 1)
    bias = call.asked(2, "bias") is not None
    sizes = tuple(weight.shape)
    if call.roles[-1] == C and sizes[1] == call.shapes[0][-1]:
        op = ops.Dense(sizes[0], bias, None, initializer(_start(call, weight), sizes))
        return Made(op, call.roles, INPUT)
    # It mixes an axis of positions, or one of several of channels.
    made = prod(call.made_sizes)
    more = BIAS_FLOPS * made if bias else 0
    here = call.roles[-1] == C
    return Made(call.called(Product, call.roles, macs=made * sizes[1], here=here, more_flops=more), call.roles, INPUT)


@entered("embedding")
def _embedding(call: Call) -> Made:
    table = call.asked(1, "weight")
    roles = (*call.roles, C)
    if call.roles[-1:] == (C,) and call.rank > 1:
        roles = (*call.roles[:-1], S, C)
    op = ops.Embedding(*table.shape)
    return Made(op, roles, INPUT)


@entered("batch_norm")
def _batch_norm(call: Call) -> Made:
    if call.roles[1:2] != (C,) or C in (call.roles[0], *call.roles[2:]):
        # Along axes that are made of positions and channels.
        return Made(call.called(Normalized, call.roles, flops=BATCH_NORM_FLOPS), call.roles, INPUT)
    momentum = call.asked(6, "momentum", 0.1)
    kept = 1.0 - (momentum or 0.0)
    op = ops.BatchNorm(round(kept, 9) if 0 <= kept < 1 else 0.0, float(call.asked(7, "eps", 1e-5)), **_affine(call, 3))
    # The mean and 1/σ of each channel, which are saved too, are as many for a batch as for a sample.
    return Made(op, call.roles, INPUT)


@entered("instance_norm")
def _instance_norm(call: Call) -> Made:
    channels = call.sizes[0][1]
    op = ops.GroupNorm(channels, float(call.asked(7, "eps", 1e-5)), **_affine(call, 3))
    return Made(op, call.roles, Kept(inputs=True, extra=2 * channels))


@entered("group_norm")
def _group_norm(call: Call) -> Made:
    groups = int(call.asked(1, "num_groups"))
    op = ops.GroupNorm(groups, float(call.asked(4, "eps", 1e-5)), **_affine(call, 2))
    if call.roles[1:2] != (C,) or C in call.roles[2:]:
        raise BeyondError("group normalization over an axis that is not that of channels")
    return Made(op, call.roles, Kept(inputs=True, extra=2 * groups))


@entered("layer_norm", "rms_norm")
def _layer_norm(call: Call) -> Made:
    over = len(tuple(call.asked(1, "normalized_shape")))
    roles = call.roles[call.rank - over :]
    scale = call.asked(2, "weight") is not None
    apart = call.roles[: call.rank - over].count(C) == 0
    places = prod(call.sizes[0][: call.rank - over])
    eps = call.asked(4 if call.name == "layer_norm" else 3, "eps", 1e-5)
    kept = Kept(inputs=True, extra=(2 if call.name == "layer_norm" else 1) * places)
    if call.name == "layer_norm" and apart and set(roles) == {C}:
        return Made(ops.LayerNorm(float(eps), **_affine(call, 2)), call.roles, kept)
    flops = LAYER_NORM_FLOPS if call.name == "layer_norm" else 3 + scale
    if S in roles:
        return Made(call.called(Normalized, call.roles, flops=flops), call.roles, kept)
    return Made(call.called(Elementwise, call.roles, flops=flops), call.roles, kept)


@entered("local_response_norm")
def _local_response_norm(call: Call) -> Made:
    size = int(call.asked(1, "size"))
    # The squares, their sum over a window of channels, scaled and offset, a power, a quotient.
    op = call.called(Elementwise, call.roles, flops=size + 5)
    # Saved are the squares with zeros around, what the power is taken of, and the power.
    each = prod(call.sizes[0])
    padded = each // call.sizes[0][1] * (call.sizes[0][1] + size - 1)
    return Made(op, call.roles, Kept(inputs=True, extra=padded + 2 * each))


@entered("normalize")
def _normalize(call: Call) -> Made:
    axes = call.axes(call.asked(2, "dim", 1))
    inside = any(call.roles[axis] == S for axis in axes)
    op = call.called(Normalized if inside else Elementwise, call.roles, flops=3)
    return Made(op, call.roles, INPUT)
