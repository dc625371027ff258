"""Where paths meet."""

from __future__ import annotations

from dataclasses import dataclass

from archlab.errors import ShapeError
from archlab.graph import Builder, Shape, elements, format_shape
from archlab.ops._base import Cost, Kept, KerasLayer, Op, Weight
from archlab.ops._step import FLOAT, HALF, Step
from archlab.ops._window import MERGED, Window
from archlab.signals import Passed, Signal, concatenated, multiplied, summed


class _Merge(Op, abstract=True):
    """Element by element over two or more inputs; a size of 1 is stretched to that of the others."""

    family = "merging"
    arity = None
    verb: str

    def lower(self, builder: Builder, value: int | None) -> int | None:
        raise ShapeError(
            f"{type(self).__name__} joins several paths: use Residual(body), or "
            f"Parallel(..., merge={type(self).__name__}())"
        ).at(builder.name(self.label))

    def output(self, *inputs: Shape) -> Shape:
        merged = inputs[0]
        for shape in inputs[1:]:
            if len(shape) != len(merged):
                raise ShapeError(self.refusal(inputs))
            merged = tuple(self._size(a, b, inputs) for a, b in zip(merged, shape, strict=True))
        return merged

    def _size(self, a: int | None, b: int | None, inputs: tuple[Shape, ...]) -> int | None:
        if a == b or b == 1:
            return a
        if a == 1:
            return b
        if a is None or b is None:
            return None
        raise ShapeError(self.refusal(inputs))

    def refusal(self, inputs: tuple[Shape, ...]) -> str:
        """Why these shapes cannot be merged."""
        return f"cannot {self.verb} {' and '.join(map(format_shape, inputs))}"

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        return ()

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost | None:
        return Cost(0, (len(inputs) - 1) * elements(output))

    def window(self, *inputs: Shape) -> Window | None:
        return MERGED

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        return Kept()

    def step(self, inputs: tuple[Shape, ...], output: Shape, half: bool) -> Step | None:
        step = super().step(inputs, output, half)
        # What is stretched is summed over again on the way back.
        stretched = any(shape != output for shape in inputs)
        temporary = (HALF if half else FLOAT) * elements(output) if stretched else 0
        return step and step._replace(in_place=not step.inputs, backward=temporary)

    def keras(self, *inputs: Shape) -> KerasLayer | None:
        return KerasLayer(type(self).__name__, dict(vars(self)))


@dataclass(frozen=True, repr=False)
class Add(_Merge):
    """The sum."""

    verb = "add"
    merge = "sum"
    commutes = True

    def step(self, inputs: tuple[Shape, ...], output: Shape, half: bool) -> Step | None:
        step = super().step(inputs, output, half)
        return step and step._replace(handed_on=all(shape == output for shape in inputs))

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        return summed(inputs, (1.0,) * len(inputs))


@dataclass(frozen=True, repr=False)
class Subtract(_Merge):
    """The first less the second."""

    arity = 2
    verb = "subtract"
    merge = "sum"

    def output(self, *inputs: Shape) -> Shape:
        if len(inputs) != 2:
            raise ShapeError(f"Subtract takes two inputs, got {len(inputs)}")
        return super().output(*inputs)

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        return summed(inputs, (1.0, -1.0))


@dataclass(frozen=True, repr=False)
class Multiply(_Merge):
    """The product; with one position a channel on one side, a gate (Hu et al. 2018)."""

    verb = "multiply"
    merge = "product"
    commutes = True
    affine = False

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        return Kept(inputs=True)

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        return multiplied(inputs)


@dataclass(frozen=True, repr=False)
class Average(_Merge):
    """The mean."""

    verb = "average"
    merge = "sum"
    commutes = True

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        return summed(inputs, (1 / len(inputs),) * len(inputs))

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        return Cost(0, len(inputs) * elements(output))

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        return Kept(extra=elements(output))  # the sum that is divided


@dataclass(frozen=True, repr=False)
class Maximum(_Merge):
    """The largest."""

    verb = "take the maximum of"
    merge = "extremum"
    commutes = True
    affine = False

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        return Kept(inputs=True)


@dataclass(frozen=True, repr=False)
class Minimum(_Merge):
    """The smallest."""

    verb = "take the minimum of"
    merge = "extremum"
    commutes = True
    affine = False

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        return Kept(inputs=True)


@dataclass(frozen=True, repr=False)
class Concatenate(_Merge):
    """One behind the other, along the channels unless another axis is named (counted from 1, or from the end)."""

    axis: int = -1
    free = True
    verb = "concatenate"
    merge = "concatenation"

    def output(self, *inputs: Shape) -> Shape:
        rank = len(inputs[0])
        axis = self.axis - 1 if self.axis > 0 else rank + self.axis
        if not 0 <= axis < rank:
            raise ShapeError(f"axis={self.axis} is not an axis of {format_shape(inputs[0])}")
        merged = list(inputs[0])
        for shape in inputs[1:]:
            if len(shape) != rank:
                raise ShapeError(self.refusal(inputs))
            for place, (a, b) in enumerate(zip(merged, shape, strict=True)):
                if place == axis:
                    merged[place] = None if a is None or b is None else a + b
                elif a is None:
                    merged[place] = b
                elif b not in (None, a):
                    raise ShapeError(self.refusal(inputs))
        return tuple(merged)

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost | None:
        return Op.cost(self, inputs, output)

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        return concatenated(inputs) if self.axis in (-1, len(output)) else None

    def window(self, *inputs: Shape) -> Window | None:
        return MERGED if self.axis in (-1, len(inputs[0])) else None
