"""Moving data about: no arithmetic, no weights."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

from archlab.arguments import choice, is_whole, whole_each
from archlab.errors import ArgumentError, ShapeError
from archlab.graph import Shape, elements, format_shape, is_known, spatial
from archlab.ops._base import Cost, Kept, KerasLayer, Op, keras_spatial, per_axis, ranked
from archlab.ops._window import (
    POINTWISE,
    WHOLE,
    Margins,
    Permuted,
    Window,
    Windows,
    check_margins,
    every,
    margins,
    shift,
    stretched,
)
from archlab.signals import Passed, Signal, Sliding, enlarged, flattened, relocated, reshaped, transposed, unchanged
from archlab.text import shown
from archlab.units import RESIZE_FLOPS


class _Moved(Op, abstract=True):
    family = "shape"
    free = True

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        return Kept()


@dataclass(frozen=True, repr=False)
class Identity(_Moved):
    """What comes in goes out."""

    view = "always"

    def output(self, *inputs: Shape) -> Shape:
        return inputs[0]

    def window(self, *inputs: Shape) -> Window | None:
        return POINTWISE

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        return unchanged(inputs[0])

    def keras(self, *inputs: Shape) -> KerasLayer:
        return KerasLayer("Identity", {})


@dataclass(frozen=True, repr=False)
class Flatten(_Moved):
    """All elements in one row."""

    view = "always"

    def output(self, *inputs: Shape) -> Shape:
        return (elements(inputs[0]) if is_known(inputs[0]) else None,)

    def window(self, *inputs: Shape) -> Window | None:
        return WHOLE if len(inputs[0]) > 1 else POINTWISE

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        return flattened(inputs[0], len(output) - 1, output[-1] or 0)

    def keras(self, *inputs: Shape) -> KerasLayer:
        return KerasLayer("Flatten", {})


@dataclass(frozen=True, repr=False, init=False)
class Reshape(_Moved):
    """The same elements in another shape, `Reshape(7, 7, 64)`; one size may be -1: whatever is left."""

    shape: tuple[int, ...]
    view = "always"

    def __init__(self, *shape: int):
        if not shape or any(not is_whole(n) or (n < 1 and n != -1) for n in shape):
            raise ArgumentError(f"Reshape needs sizes of at least 1, or -1 for what is left, got {shown(shape)}")
        if shape.count(-1) > 1:
            raise ArgumentError(f"Reshape can work out one size, not {shape.count(-1)}: {shape}")
        object.__setattr__(self, "shape", shape)

    def __repr__(self) -> str:
        return f"Reshape({', '.join(map(repr, self.shape))})"

    def output(self, *inputs: Shape) -> Shape:
        if not is_known(inputs[0]):
            return tuple(None if n == -1 else n for n in self.shape)
        total, named = elements(inputs[0]), prod(n for n in self.shape if n != -1)
        if total % named or (-1 not in self.shape and total != named):
            raise ShapeError(f"{format_shape(inputs[0])} has {total} elements, which cannot become {self.shape}")
        return tuple(total // named if n == -1 else n for n in self.shape)

    def window(self, *inputs: Shape) -> Window | None:
        # Where the axes before the channels stay, every unit stays where it was; elsewhere it may come from anywhere.
        return POINTWISE if inputs[0][:-1] == self.output(*inputs)[:-1] else WHOLE

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        return reshaped(inputs[0], tuple([size or 0 for size in output]))

    def keras(self, *inputs: Shape) -> KerasLayer:
        return KerasLayer("Reshape", {"target_shape": self.shape})


@dataclass(frozen=True, repr=False, init=False)
class Permute(_Moved):
    """The axes in another order, counted from 1: `Permute(2, 1, 3)` swaps height and width."""

    order: tuple[int, ...]

    def __init__(self, *order: int):
        if not all(map(is_whole, order)) or sorted(order) != list(range(1, len(order) + 1)):
            raise ArgumentError(f"Permute needs every axis from 1 once, got {shown(order)}")
        object.__setattr__(self, "order", order)

    def __repr__(self) -> str:
        return f"Permute({', '.join(map(repr, self.order))})"

    def output(self, *inputs: Shape) -> Shape:
        if len(inputs[0]) != len(self.order):
            raise ShapeError(f"Permute{self.order} orders {len(self.order)} axes, got {format_shape(inputs[0])}")
        return tuple(inputs[0][axis - 1] for axis in self.order)

    def window(self, *inputs: Shape) -> Window | None:
        if self.order[-1] != len(self.order):
            return WHOLE
        return Permuted(tuple(axis - 1 for axis in self.order[:-1]))

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        x = inputs[0]
        if self.order[-1] != len(self.order):
            return None  # positions become channels
        return transposed(x, tuple([axis - 1 for axis in self.order[:-1]]))

    def keras(self, *inputs: Shape) -> KerasLayer:
        return KerasLayer("Permute", {"dims": self.order})


class _Margin(_Moved, abstract=True):
    """Adds or takes away at the edges."""

    changes_margin = True
    margins: Margins
    sign: int
    keras_name: str

    def __post_init__(self) -> None:
        check_margins(f"a margin of {type(self).__name__}", self.margins)

    def output(self, *inputs: Shape) -> Shape:
        sides = margins(type(self).__name__, self.margins, ranked(inputs[0], 2, type(self).__name__))
        sizes = [
            None if size is None else size + self.sign * (before + after)
            for size, (before, after) in zip(inputs[0], sides, strict=False)
        ]
        if any(size is not None and size < 1 for size in sizes):
            raise ShapeError(f"cropping {self.margins} leaves nothing of {format_shape(inputs[0])}")
        return (*sizes, inputs[0][-1])

    def window(self, *inputs: Shape) -> Windows:
        sides = margins(type(self).__name__, self.margins, len(inputs[0]) - 1)
        return Windows(tuple([shift(self.sign * before) for before, _ in sides]))

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        x = inputs[0]
        axes = self.window((*x.size, x.channels)).axes
        return relocated(x, Sliding(x.size, spatial(output), axes, 1))

    def keras(self, *inputs: Shape) -> KerasLayer:
        axes = len(inputs[0]) - 1
        sides = margins(type(self).__name__, self.margins, axes)
        argument = "padding" if self.sign > 0 else "cropping"
        return KerasLayer(keras_spatial(self.keras_name, axes), {argument: sides[0] if axes == 1 else sides})


@dataclass(frozen=True, repr=False)
class ZeroPad(_Margin):
    """Zeros around: a number for all sides, one for each axis, or (before, after) for each axis."""

    margins: Margins = 1
    sign = 1
    keras_name = "ZeroPadding"


@dataclass(frozen=True, repr=False)
class Crop(_Margin):
    """Cuts the edges off: a number for all sides, one for each axis, or (before, after) for each axis."""

    margins: Margins = 1
    sign = -1
    keras_name = "Cropping"


@dataclass(frozen=True, repr=False)
class Upsample(Op):
    """Enlarges by whole factors, repeating pixels ('nearest') or interpolating ('bilinear', two axes only)."""

    family = "shape"
    factor: int | tuple[int, ...] = 2
    interpolation: str = "nearest"

    def __post_init__(self) -> None:
        whole_each("factor", self.factor)
        choice("interpolation", self.interpolation, ("nearest", "bilinear"))

    def output(self, *inputs: Shape) -> Shape:
        axes = ranked(inputs[0], 2, "Upsample")
        if self.interpolation != "nearest" and axes != 2:
            raise ShapeError(f"interpolation={self.interpolation!r} works on 2 axes, got {format_shape(inputs[0])}")
        factors = per_axis("factor", self.factor, axes)
        sizes = [None if size is None else size * n for size, n in zip(inputs[0], factors, strict=False)]
        return (*sizes, inputs[0][-1])

    def weights(self, *inputs: Shape) -> tuple[()]:
        return ()

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        return Cost(0, RESIZE_FLOPS[self.interpolation] * elements(output))

    def window(self, *inputs: Shape) -> Window | None:
        return every(stretched(n, self.interpolation) for n in per_axis("factor", self.factor, len(inputs[0]) - 1))

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        return Kept(inputs=self.interpolation != "nearest")

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        return enlarged(inputs[0], spatial(output))

    def keras(self, *inputs: Shape) -> KerasLayer:
        axes = len(inputs[0]) - 1
        factors = per_axis("factor", self.factor, axes)
        arguments: dict[str, Any] = {"size": factors[0] if axes == 1 else factors}
        if axes == 2:
            arguments["interpolation"] = self.interpolation
        return KerasLayer(keras_spatial("UpSampling", axes), arguments)
