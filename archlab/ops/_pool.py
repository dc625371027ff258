from __future__ import annotations

from dataclasses import dataclass
from math import prod

from archlab.graph import Shape, elements, positions
from archlab.ops._base import (
    Cost,
    Kept,
    KerasLayer,
    Op,
    Weight,
    choice,
    keras_spatial,
    per_axis,
    ranked,
    whole_each,
)
from archlab.ops._signal import (
    Errors,
    ErrorSignal,
    Passed,
    Signal,
    Squares,
    average,
    lag_count,
    maximum,
    per_window,
    smoothed,
    times,
)
from archlab.ops._window import Padding, Window, check_fits, slid, slide

Sizes = int | tuple[int, ...]


class _Pool(Op, abstract=True):
    """A window that slides and keeps one number a channel; by default it steps by its own size."""

    family = "pooling"
    size: Sizes
    stride: Sizes | None
    padding: Padding
    keras_name: str

    def __post_init__(self) -> None:
        whole_each("size", self.size)
        if self.stride is not None:
            whole_each("stride", self.stride)
        choice("padding", self.padding, ("same", "valid"))

    def _spans(self, shape: Shape) -> tuple[tuple[int, ...], tuple[int, ...]]:
        axes = ranked(shape, 2, type(self).__name__)
        stride = self.size if self.stride is None else self.stride
        return per_axis("size", self.size, axes), per_axis("stride", stride, axes)

    def output(self, *inputs: Shape) -> Shape:
        kernels, strides = self._spans(inputs[0])
        check_fits(inputs[0], kernels, (1,) * len(kernels), self.padding, "size")
        sizes = zip(inputs[0], kernels, strides, strict=False)
        return (*[slid(n, k, s, 1, self.padding) for n, k, s in sizes], inputs[0][-1])

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        return ()

    def window(self, *inputs: Shape) -> Window:
        sizes = zip(inputs[0], *self._spans(inputs[0]), strict=False)
        return tuple([slide(n, k, s, 1, self.padding) for n, k, s in sizes])

    def keras(self, *inputs: Shape) -> KerasLayer:
        kernels, strides = self._spans(inputs[0])
        arguments = {"pool_size": kernels, "strides": strides, "padding": self.padding}
        return KerasLayer(keras_spatial(self.keras_name, len(kernels)), arguments)


@dataclass(frozen=True, repr=False)
class MaxPool(_Pool):
    """The largest of every window. 'same' padding never wins."""

    size: Sizes = 2
    stride: Sizes | None = None
    padding: Padding = "same"
    keras_name = "MaxPooling"

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        return Cost(0, (prod(per_axis("size", self.size, len(output) - 1)) - 1) * elements(output))

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        return Kept(inputs=True, output=True)

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        x = inputs[0]
        kernels, strides = self._spans((*x.size, x.channels))
        # A window no larger than the map, and no smaller than its step where the map ends.
        kernels = tuple([min(k, n) for k, n in zip(kernels, x.size, strict=True)])
        axes = self.window((*x.size, x.channels))
        return maximum(x, kernels, strides, output[:-1], axes)  # pyright: ignore[reportArgumentType]


@dataclass(frozen=True, repr=False)
class AvgPool(_Pool):
    """The mean of every window, of the positions that are not padding."""

    size: Sizes = 2
    stride: Sizes | None = None
    padding: Padding = "same"
    keras_name = "AveragePooling"

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        return Cost(0, prod(per_axis("size", self.size, len(output) - 1)) * elements(output))

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        return Kept()

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        x = inputs[0]
        kernels, strides = self._spans((*x.size, x.channels))
        kernels = tuple([min(k, n) for k, n in zip(kernels, x.size, strict=True)])
        out: tuple[int, ...] = output[:-1]  # pyright: ignore[reportAssignmentType]
        step = prod(strides) ** (1 / len(strides))
        count = lag_count(out)
        same, cross = (smoothed(table, kernels, step, count) for table in (x.same, x.cross))
        flat = (None,) * len(out)
        made = x._replace(size=out, same=same, cross=cross, profiles=flat, before=None)
        axes = self.window((*x.size, x.channels))
        larger = prod([k * per_window(n, m, axis) for k, n, m, axis in zip(kernels, x.size, out, axes, strict=True)])

        def handed(error: ErrorSignal) -> tuple[Errors, Squares]:
            # Each position is read by as many windows as a window has steps, and gets its part of the error of each.
            reads = tuple([max(1, round(k / s)) for k, s in zip(kernels, strides, strict=True)])
            # Where a window hangs over the edge fewer share its error.
            part = (prod(out) / prod(x.size)) ** 2 * larger
            back = lag_count(x.size)
            same, cross = (times(smoothed(t, reads, 1 / step, back), part) for t in (error.same, error.cross))
            return (ErrorSignal(same, cross, (None,) * len(x.size), scatter=error.scatter),), ()

        return Passed(made, handed)


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
        return "whole"

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
        x, out = inputs[0], (1,) * (len(output) - 1)
        same, cross = (max(0.0, average(x.same, x.size)),), (average(x.cross, x.size),)
        made = x._replace(size=out, same=same, cross=cross, profiles=(None,) * len(out), before=None)

        def handed(error: ErrorSignal) -> tuple[Errors, Squares]:
            # Every position gets the same error, its part of it.
            part, count = prod(x.size) ** -2, lag_count(x.size)
            same, cross = (error.same[0] * part,) * count, (error.cross[0] * part,) * count
            return (ErrorSignal(same, cross, (None,) * len(x.size), scatter=error.scatter),), ()

        return Passed(made, handed)


@dataclass(frozen=True, repr=False)
class GlobalMaxPool(_GlobalPool):
    """The maximum of every channel; `keepdims` leaves axes of size 1."""

    keepdims: bool = False
    keras_name = "GlobalMaxPooling"

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
