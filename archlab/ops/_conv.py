"""Convolutions of one, two or three axes: the rank is that of what comes in."""

from __future__ import annotations

from collections.abc import Sequence as List
from dataclasses import dataclass
from math import prod
from typing import ClassVar

from archlab.arguments import initializer, switch, whole, whole_each
from archlab.errors import ArgumentError, ShapeError
from archlab.graph import Shape, elements, format_shape, positions, spatial
from archlab.ops._activation import activation_flops, activation_kept, activation_name
from archlab.ops._base import (
    Cost,
    Kept,
    KerasLayer,
    Op,
    Weight,
    Width,
    alike,
    channels,
    fill,
    keras_spatial,
    per_axis,
    ranked,
    weight,
    width,
)
from archlab.ops._step import FLOAT, HALF, Step, patches
from archlab.ops._window import (
    Edge,
    Margins,
    Padding,
    Window,
    Windows,
    alike_margins,
    check_fits,
    check_padding,
    edges,
    every,
    reach,
    slid,
    slide,
    transposed,
)
from archlab.signals import Behind, Kernel, Passed, Signal, Sliding, convolved, convolved_separably
from archlab.units import BIAS_FLOPS, FLOPS_PER_MAC

Sizes = int | tuple[int, ...]

# Kernels of an ordinary convolution that oneDNN's gradient of a grouped one has in memory at a time.
_DENSE_KERNELS = 2


class _Windowed(Op, abstract=True):
    """What every convolution shares: a kernel that slides, a bias, an activation."""

    family = "convolution"
    kernel: Sizes
    stride: Sizes
    padding: Padding | Margins
    dilation: Sizes
    bias: bool | None
    activation: str | None
    initializer: str
    open: ClassVar[bool] = True
    axes: ClassVar[tuple[int, ...]] = (1, 2, 3)
    strides_and_dilates: ClassVar[bool] = False
    """Whether Keras takes a stride and a dilation above 1 together."""

    def __post_init__(self) -> None:
        whole_each("kernel", self.kernel)
        whole_each("stride", self.stride)
        whole_each("dilation", self.dilation)
        check_padding(self.padding, ("same", "valid", "causal"))
        switch("bias", self.bias, undecided=True)
        object.__setattr__(self, "initializer", initializer(self.initializer))
        activation_name(self.activation)
        strides = self.stride if isinstance(self.stride, tuple) else (self.stride,)
        dilations = self.dilation if isinstance(self.dilation, tuple) else (self.dilation,)
        if max(strides) > 1 and max(dilations) > 1 and not self.strides_and_dilates:
            raise ArgumentError(f"stride={self.stride} and dilation={self.dilation} cannot both be above 1")

    @property
    def output_activation(self) -> str | None:
        return self.activation

    def settled(self, readers: List[Op]) -> Op:
        # Batch normalization subtracts the mean, and any bias with it.
        if self.bias is not None:
            return self
        normalized = bool(readers) and self.activation is None and all(op.cancels_bias for op in readers)
        return self.changed(bias=not normalized)

    def canonical(self) -> Op:
        # A window of one position never hangs over the edge.
        padding = alike_margins(self.padding, alike(self.kernel), alike(self.stride), alike(self.dilation))
        return self.changed(padding="same" if alike(self.kernel) == 1 and padding == "valid" else padding)

    def spans(self, shape: Shape) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
        """Kernel, stride and dilation for each axis of what comes in."""
        axes = len(shape) - 1
        return (
            per_axis("kernel", self.kernel, axes),
            per_axis("stride", self.stride, axes),
            per_axis("dilation", self.dilation, axes),
        )

    def slid(self, shape: Shape, filters: int) -> Shape:
        """The output's shape of a window that slides over `shape`."""
        what = type(self).__name__
        if ranked(shape, 2, what) not in self.axes:
            raise ShapeError(f"{what} works on {' or '.join(map(str, self.axes))} axes, got {format_shape(shape)}")
        if self.padding == "causal" and len(shape) != 2:
            raise ShapeError(f"causal padding is along one axis, that of time; got {format_shape(shape)}")
        kernels, strides, dilations = self.spans(shape)
        padding = edges(self.padding, len(kernels))
        check_fits(shape, kernels, dilations, padding, "kernel")
        sizes = zip(shape, kernels, strides, dilations, padding, strict=False)
        return (*[slid(*each) for each in sizes], filters)

    def window(self, *inputs: Shape) -> Window | None:
        sizes = zip(inputs[0], *self.spans(inputs[0]), edges(self.padding, len(inputs[0]) - 1), strict=False)
        return Windows(tuple([slide(*each) for each in sizes]))

    def biases(self, filters: int) -> tuple[Weight, ...]:
        """The bias, if there is one: an open one counts as there until it is settled."""
        return () if self.bias is False else (weight("bias", (filters,), "bias"),)

    def afterwards(self, output: Shape) -> int:
        """Operations of bias and activation."""
        bias = 0 if self.bias is False else BIAS_FLOPS * elements(output)
        return bias + activation_flops(self.activation, output)

    def shared_arguments(self, shape: Shape) -> dict[str, object]:
        """Arguments that every Keras convolution takes."""
        kernels, strides, dilations = self.spans(shape)
        return {
            "kernel_size": kernels,
            "strides": strides,
            "padding": self.padding,
            "dilation_rate": dilations,
            "use_bias": self.bias is not False,
            "activation": self.activation,
        }

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        return activation_kept(self.activation, output)._replace(inputs=True)

    def slides(self, x: Signal, output: Shape) -> Sliding | None:
        """Where the kernel looks, on a map of that size; None where that is too much to go through."""
        window = self.window((*x.size, x.channels))
        if not isinstance(window, Windows):
            return None
        kernels = per_axis("kernel", self.kernel, len(x.size))
        return Sliding(x.size, spatial(output), window.axes, prod(kernels))

    def swept(self, x: Signal, output: Shape, sums: int, feeds: int) -> Passed | None:
        """One kernel sliding over a map: each output sums `sums` channels, each input is read by `feeds`."""
        kernel, *biases = self.weights((*x.size, x.channels)) or (None,)
        if kernel is None:
            return None
        drawn, slides = self.kernel_of(kernel, sums, feeds, len(x.size)), self.slides(x, output)
        if slides is None:
            return None
        return convolved(x, drawn, slides, output[-1] or 0, Behind(bool(biases), self.activation))

    def kernel_of(self, weight: Weight, sums: int, feeds: int, axes: int) -> Kernel:
        """A kernel as the rules for signals take it."""
        dilation = max(per_axis("dilation", self.dilation, axes))
        return Kernel(self.initializer, weight.shape, sums, feeds, per_axis("kernel", self.kernel, axes), dilation)


class _Widening(_Windowed, abstract=True):
    """A convolution that chooses how many channels come out, or leaves that to the stage around it."""

    filters: int | Width | None

    def __post_init__(self) -> None:
        width("filters", self.filters)
        super().__post_init__()

    def filled(self, width: int | None, inputs: tuple[Shape, ...]) -> Op:
        filters = fill(self.filters, width, inputs)
        return self if filters == self.filters else self.changed(filters=filters)


@dataclass(frozen=True, repr=False)
class Conv(_Widening):
    """A convolution. The width may be left open for the stage around to fill in.

    Args:
        filters: output channels; a number, `WIDTH * 4`, `CHANNELS * 6`, or None for the stage's width.
        kernel: side of the window, or one for each axis.
        stride: step of the window.
        padding: 'same', 'valid', or how many zeros there are around: a number for all sides, one for each axis, or
            (before, after) for each axis.
        dilation: distance between taps.
        groups: the channels are divided into so many independent convolutions.
        bias: None means: unless batch normalization follows directly.
        activation: a name that Keras knows, applied to the output.
        initializer: of the kernel, a name that Keras knows.

    >>> from archlab import Conv, Input
    >>> (Input(180, 180, 3) >> Conv(32, kernel=5, padding="valid")).to_graph()["conv"].shape
    (176, 176, 32)
    """

    filters: int | Width | None = None
    kernel: Sizes = 3
    stride: Sizes = 1
    padding: Padding | Margins = "same"
    dilation: Sizes = 1
    groups: int = 1
    bias: bool | None = None
    activation: str | None = None
    initializer: str = "glorot_uniform"

    def __post_init__(self) -> None:
        whole("groups", self.groups)
        super().__post_init__()

    def output(self, *inputs: Shape) -> Shape:
        filters = fill(self.filters, None, inputs)
        if channels(inputs[0]) % self.groups or filters % self.groups:
            raise ShapeError(
                f"{inputs[0][-1]} channels in and {filters} out must both divide into groups={self.groups}"
            )
        return self.slid(inputs[0], filters)

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        filters = fill(self.filters, None, inputs)
        kernels = per_axis("kernel", self.kernel, len(inputs[0]) - 1)
        shape = (*kernels, channels(inputs[0]) // self.groups, filters)
        return (weight("kernel", shape), *self.biases(filters))

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        kernels = per_axis("kernel", self.kernel, len(inputs[0]) - 1)
        macs = elements(output) * prod(kernels) * (channels(inputs[0]) // self.groups)
        return Cost(macs, FLOPS_PER_MAC * macs + self.afterwards(output))

    def step(self, inputs: tuple[Shape, ...], output: Shape, half: bool) -> Step | None:
        step = super().step(inputs, output, half)
        kernels, strides, _ = self.spans(inputs[0])
        if step is None or (self.groups == 1 and (not half or max(kernels) == max(strides) == 1)):
            return step
        if self.groups > 1 and not half:
            # oneDNN computes the gradient of the kernel of an ordinary convolution, and takes its diagonal.
            dense = FLOAT * prod(kernels) * channels(inputs[0]) * channels(output)
            return step._replace(workspace=dense, at_a_time=_DENSE_KERNELS)
        fan_in = prod(kernels) * (channels(inputs[0]) // self.groups)
        workspace, at_a_time = patches(positions(output), fan_in, channels(output))
        return step._replace(workspace=workspace, at_a_time=at_a_time)

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        return self.swept(inputs[0], output, inputs[0].channels // self.groups, (output[-1] or 0) // self.groups)

    def keras(self, *inputs: Shape) -> KerasLayer:
        own = {"filters": self.filters, "groups": self.groups, "kernel_initializer": self.initializer}
        return KerasLayer(keras_spatial("Conv", len(inputs[0]) - 1), own | self.shared_arguments(inputs[0]))


@dataclass(frozen=True, repr=False)
class DepthwiseConv(_Windowed):
    """A convolution of every channel on its own, `multiplier` times (Sifre 2014; Chollet 2017, section 2)."""

    strides_and_dilates = True
    kernel: Sizes = 3
    stride: Sizes = 1
    padding: Padding | Margins = "same"
    dilation: Sizes = 1
    multiplier: int = 1
    bias: bool | None = None
    activation: str | None = None
    initializer: str = "glorot_uniform"
    axes = (1, 2)

    def __post_init__(self) -> None:
        whole("multiplier", self.multiplier)
        super().__post_init__()

    def output(self, *inputs: Shape) -> Shape:
        return self.slid(inputs[0], channels(inputs[0]) * self.multiplier)

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        kernels = per_axis("kernel", self.kernel, len(inputs[0]) - 1)
        kernel = weight("kernel", (*kernels, channels(inputs[0]), self.multiplier))
        return (kernel, *self.biases(channels(inputs[0]) * self.multiplier))

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        macs = elements(output) * prod(per_axis("kernel", self.kernel, len(output) - 1))
        return Cost(macs, FLOPS_PER_MAC * macs + self.afterwards(output))

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        return self.swept(inputs[0], output, 1, self.multiplier)

    def keras(self, *inputs: Shape) -> KerasLayer:
        own = {"depth_multiplier": self.multiplier, "depthwise_initializer": self.initializer}
        return KerasLayer(keras_spatial("DepthwiseConv", len(inputs[0]) - 1), own | self.shared_arguments(inputs[0]))


@dataclass(frozen=True, repr=False)
class SeparableConv(_Widening):
    """A depthwise convolution, then a 1 × 1 convolution over the channels (Chollet 2017, section 2).

    >>> from archlab import Input, SeparableConv, analyze
    >>> analyze(Input(32, 32, 16) >> SeparableConv(32, bias=False)).params.total
    656
    """

    filters: int | Width | None = None
    kernel: Sizes = 3
    stride: Sizes = 1
    padding: Padding | Margins = "same"
    dilation: Sizes = 1
    multiplier: int = 1
    bias: bool | None = None
    activation: str | None = None
    initializer: str = "glorot_uniform"
    axes = (1, 2)

    def __post_init__(self) -> None:
        whole("multiplier", self.multiplier)
        super().__post_init__()

    def output(self, *inputs: Shape) -> Shape:
        channels(inputs[0])
        return self.slid(inputs[0], fill(self.filters, None, inputs))

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        filters = fill(self.filters, None, inputs)
        kernels = per_axis("kernel", self.kernel, len(inputs[0]) - 1)
        inner = channels(inputs[0]) * self.multiplier
        return (
            weight("depthwise_kernel", (*kernels, channels(inputs[0]), self.multiplier)),
            weight("pointwise_kernel", (*(1,) * len(kernels), inner, filters)),
            *self.biases(filters),
        )

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        inner = positions(output) * channels(inputs[0]) * self.multiplier
        macs = inner * prod(per_axis("kernel", self.kernel, len(output) - 1)) + inner * channels(output)
        return Cost(macs, FLOPS_PER_MAC * macs + self.afterwards(output))

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        kept = super().kept(inputs, output)
        return kept._replace(extra=kept.extra + positions(output) * channels(inputs[0]) * self.multiplier)

    def step(self, inputs: tuple[Shape, ...], output: Shape, half: bool) -> Step | None:
        step = super().step(inputs, output, half)
        # The error between the two convolutions; what arrives is gone before what is handed on is made.
        number = HALF if half else FLOAT
        inner = number * positions(output) * channels(inputs[0]) * self.multiplier
        least = number * min(elements(inputs[0]), elements(output))
        return step and step._replace(backward=max(0, inner - least))

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        x, filters = inputs[0], output[-1] or 0
        depthwise, pointwise, *biases = self.weights((*x.size, x.channels))
        kernels = (
            self.kernel_of(depthwise, 1, self.multiplier, len(x.size)),
            Kernel(self.initializer, pointwise.shape, x.channels * self.multiplier, filters),
        )
        slides, behind = self.slides(x, output), Behind(bool(biases), self.activation)
        return None if slides is None else convolved_separably(x, *kernels, slides, filters, behind)

    def keras(self, *inputs: Shape) -> KerasLayer:
        own = {
            "filters": self.filters,
            "depth_multiplier": self.multiplier,
            "depthwise_initializer": self.initializer,
            "pointwise_initializer": self.initializer,
        }
        return KerasLayer(keras_spatial("SeparableConv", len(inputs[0]) - 1), own | self.shared_arguments(inputs[0]))


@dataclass(frozen=True, repr=False)
class ConvTranspose(_Widening):
    """A transposed convolution: what a convolution's gradient does, used to enlarge (Dumoulin & Visin 2016, ch. 4).

    `output_padding` picks one of the sizes that the convolution would have shrunk to what comes in. A padding in
    numbers is cut off at the edges of what comes out.
    """

    filters: int | Width | None = None
    kernel: Sizes = 3
    stride: Sizes = 1
    padding: Padding | Margins = "same"
    output_padding: Sizes | None = None
    dilation: Sizes = 1
    bias: bool | None = None
    activation: str | None = None
    initializer: str = "glorot_uniform"

    def __post_init__(self) -> None:
        if self.output_padding is not None:
            whole_each("output_padding", self.output_padding, 0)
            strides = self.stride if isinstance(self.stride, tuple) else (self.stride,)
            paddings = self.output_padding if isinstance(self.output_padding, tuple) else (self.output_padding,)
            if max(paddings) >= min(strides):
                raise ArgumentError(f"output_padding={self.output_padding} must stay below stride={self.stride}")
        super().__post_init__()

    def canonical(self) -> Op:
        return self  # its padding says how much of the edge is cut off, whatever the kernel

    def _out(
        self, size: int | None, kernel: int, stride: int, dilation: int, extra: int | None, edge: Edge
    ) -> int | None:
        if size is None:
            return None
        if isinstance(edge, tuple):
            return (size - 1) * stride + reach(kernel, dilation) - sum(edge) + (extra or 0)
        if self.padding == "same":
            return size * stride if extra is None else (size - 1) * stride + reach(kernel, dilation) % 2 + extra
        covered = reach(kernel, dilation)
        return (size - 1) * stride + (max(covered, stride) if extra is None else covered + extra)

    def output(self, *inputs: Shape) -> Shape:
        axes = ranked(inputs[0], 2, "ConvTranspose")
        channels(inputs[0])
        extra = (None,) * axes if self.output_padding is None else per_axis("output_padding", self.output_padding, axes)
        sizes = list(zip(inputs[0], *self.spans(inputs[0]), extra, edges(self.padding, axes), strict=False))
        made = [self._out(*axis) for axis in sizes]
        if any(size is not None and size < 1 for size in made):
            raise ShapeError(f"padding={self.padding} cuts off all of {format_shape(inputs[0])}")
        return (*made, fill(self.filters, None, inputs))

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        filters = fill(self.filters, None, inputs)
        kernels = per_axis("kernel", self.kernel, len(inputs[0]) - 1)
        return (weight("kernel", (*kernels, filters, channels(inputs[0]))), *self.biases(filters))

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        kernels = per_axis("kernel", self.kernel, len(output) - 1)
        macs = elements(inputs[0]) * prod(kernels) * channels(output)
        return Cost(macs, FLOPS_PER_MAC * macs + self.afterwards(output))

    def window(self, *inputs: Shape) -> Window | None:
        around = edges(self.padding, len(inputs[0]) - 1)
        sizes = zip(inputs[0], self.output(*inputs), *self.spans(inputs[0]), around, strict=False)
        return every(transposed(*each) for each in sizes)

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        return self.swept(inputs[0], output, inputs[0].channels, output[-1] or 0)

    def keras(self, *inputs: Shape) -> KerasLayer:
        own = {
            "filters": self.filters,
            "output_padding": self.output_padding,
            "kernel_initializer": self.initializer,
        }
        name = f"Conv{len(inputs[0]) - 1}DTranspose"
        return KerasLayer(name, own | self.shared_arguments(inputs[0]))
