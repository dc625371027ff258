from __future__ import annotations

from dataclasses import dataclass
from math import prod

from archlab.arguments import whole_each
from archlab.graph import Axis, Shape, elements, positions, spatial
from archlab.ops._base import Cost, Kept, KerasLayer, Op, Weight, alike, keras_spatial, per_axis, ranked
from archlab.ops._step import Step
from archlab.ops._window import (
    WHOLE,
    Margins,
    Padding,
    Window,
    Windows,
    alike_margins,
    check_fits,
    check_padding,
    edges,
    slid,
    slide,
)
from archlab.signals import Passed, Signal, averaged, averaged_over_all, maximum

Sizes = int | tuple[int, ...]


class _Pool(Op, abstract=True):
    """A window that slides and keeps one number a channel; by default it steps by its own size."""

    family = "pooling"
    size: Sizes
    stride: Sizes | None
    padding: Padding | Margins
    keras_name: str

    def __post_init__(self) -> None:
        whole_each("size", self.size)
        if self.stride is not None:
            whole_each("stride", self.stride)
        check_padding(self.padding, ("same", "valid"))

    def canonical(self) -> Op:
        size, stride = alike(self.size), alike(self.size if self.stride is None else self.stride)
        return self.changed(size=size, stride=stride, padding=self.alike_padding(size, stride))

    def alike_padding(self, size: Sizes, stride: Sizes) -> Padding | Margins:
        """The one spelling of its padding."""
        return alike_margins(self.padding, size, stride)

    def _spans(self, shape: Shape) -> tuple[tuple[int, ...], tuple[int, ...]]:
        axes = ranked(shape, 2, type(self).__name__)
        stride = self.size if self.stride is None else self.stride
        return per_axis("size", self.size, axes), per_axis("stride", stride, axes)

    def output(self, *inputs: Shape) -> Shape:
        kernels, strides = self._spans(inputs[0])
        padding = edges(self.padding, len(kernels))
        check_fits(inputs[0], kernels, (1,) * len(kernels), padding, "size")
        sizes = zip(inputs[0], kernels, strides, padding, strict=False)
        return (*[slid(n, k, s, 1, edge) for n, k, s, edge in sizes], inputs[0][-1])

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        return ()

    def window(self, *inputs: Shape) -> Windows:
        sizes = zip(inputs[0], *self._spans(inputs[0]), edges(self.padding, len(inputs[0]) - 1), strict=False)
        return Windows(tuple([slide(n, k, s, 1, edge) for n, k, s, edge in sizes]))

    def slides(
        self, x: Signal, output: Shape
    ) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], tuple[Axis, ...]]:
        """Kernel, stride, the size that comes out, and where each window looks, on a map of that size."""
        shape = (*x.size, x.channels)
        kernels, strides = self._spans(shape)
        # A window no larger than the map.
        kernels = tuple([min(k, n) for k, n in zip(kernels, x.size, strict=True)])
        return kernels, strides, spatial(output), self.window(shape).axes

    def keras(self, *inputs: Shape) -> KerasLayer:
        kernels, strides = self._spans(inputs[0])
        arguments = {"pool_size": kernels, "strides": strides, "padding": self.padding}
        return KerasLayer(keras_spatial(self.keras_name, len(kernels)), arguments)


@dataclass(frozen=True, repr=False)
class MaxPool(_Pool):
    """The largest of every window. Padding never wins."""

    size: Sizes = 2
    stride: Sizes | None = None
    padding: Padding | Margins = "same"
    keras_name = "MaxPooling"
    affine = False

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        return Cost(0, (prod(per_axis("size", self.size, len(output) - 1)) - 1) * elements(output))

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        return Kept(inputs=True, output=True)

    def step(self, inputs: tuple[Shape, ...], output: Shape, half: bool) -> Step:
        # oneDNN notes in a byte which position won; TensorFlow's own kernel finds it again, as 64-bit numbers.
        if half:
            return Step(inputs=True, output=True, backward=8 * elements(output))
        return Step(inputs=True, output=True, held=elements(output))

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        return maximum(inputs[0], *self.slides(inputs[0], output))


@dataclass(frozen=True, repr=False)
class AvgPool(_Pool):
    """The mean of every window; positions of 'same' padding do not count, zeros that are given as padding do."""

    size: Sizes = 2
    stride: Sizes | None = None
    padding: Padding | Margins = "same"
    keras_name = "AveragePooling"

    def alike_padding(self, size: Sizes, stride: Sizes) -> Padding | Margins:
        padding = alike_margins(self.padding, size, stride)
        # Zeros that count and positions that do not are two things.
        return self.padding if padding == "same" else padding

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        return Cost(0, prod(per_axis("size", self.size, len(output) - 1)) * elements(output))

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        return Kept()

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        return averaged(inputs[0], *self.slides(inputs[0], output))


class _GlobalPool(Op, abstract=True):
    """One number a channel, from all positions."""

    family = "pooling"
    keepdims: bool
    keras_name: str

    def output(self, *inputs: Shape) -> Shape:
        axes = ranked(inputs[0], 2, type(self).__name__)
        return (*(1,) * axes, inputs[0][-1]) if self.keepdims else inputs[0][-1:]

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        return ()

    def window(self, *inputs: Shape) -> Window | None:
        return WHOLE

    def keras(self, *inputs: Shape) -> KerasLayer:
        return KerasLayer(keras_spatial(self.keras_name, len(inputs[0]) - 1), {"keepdims": self.keepdims})


@dataclass(frozen=True, repr=False)
class GlobalAvgPool(_GlobalPool):
    """The mean of every channel (Lin et al. 2014, section 3.2); `keepdims` leaves axes of size 1."""

    keepdims: bool = False
    keras_name = "GlobalAveragePooling"

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        return Cost(0, positions(inputs[0]) * elements(output))

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        return Kept()

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        return averaged_over_all(inputs[0], len(output) - 1)


@dataclass(frozen=True, repr=False)
class GlobalMaxPool(_GlobalPool):
    """The maximum of every channel; `keepdims` leaves axes of size 1."""

    keepdims: bool = False
    keras_name = "GlobalMaxPooling"
    affine = False

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        return Cost(0, (positions(inputs[0]) - 1) * elements(output))

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        return Kept(inputs=True, output=True)

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        x = inputs[0]
        found = maximum(x, x.size, x.size, (1,) * len(x.size))
        if found is None or self.keepdims:
            return found
        return found._replace(output=found.output._replace(size=(), profiles=()))
