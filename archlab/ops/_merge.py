"""Where paths meet."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from archlab.errors import ShapeError
from archlab.graph import Builder, Shape, elements, format_shape
from archlab.ops._base import Cost, Kept, KerasLayer, Op, Weight
from archlab.ops._signal import (
    Errors,
    ErrorSignal,
    Passed,
    Signal,
    Squares,
    added_scatter,
    average,
    lag_count,
    mixed,
    plus,
    products,
    times,
)
from archlab.ops._window import Window


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
        return "merge"

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        return Kept()

    def keras(self, *inputs: Shape) -> KerasLayer | None:
        return KerasLayer(type(self).__name__, dict(vars(self)))


_ALIGNED = 0.02  # of a sum's square: what the means of its parts have to do with one another before it matters


def summed(inputs: tuple[Signal, ...], factors: tuple[float, ...]) -> Passed | None:
    """A weighted sum of independent signals: squares add, and so do the errors of all that read one (on its way back).

    None where a size of 1 is stretched to that of another.
    """
    first = inputs[0]
    if any([x.size != first.size or x.channels != first.channels for x in inputs]):
        return None
    mean = together = 0.0
    same, cross = times(first.same, 0.0), times(first.cross, 0.0)
    for x, factor in zip(inputs, factors, strict=True):
        # Independent but for what all channels share: their means.
        twice = 2 * mean * factor * x.mean
        together += abs(twice)
        same = plus(same, times(x.same, factor**2), twice)
        cross = plus(cross, times(x.cross, factor**2), twice)
        mean += factor * x.mean
    profiles = mixed([(factor**2 * x.square, x.profiles) for x, factor in zip(inputs, factors, strict=True)])
    scatter = added_scatter([(factor**2 * x.square, x.scatter) for x, factor in zip(inputs, factors, strict=True)])
    made = first._replace(
        mean=mean,
        same=same,
        cross=cross,
        profiles=profiles,
        spread=None,
        before=None,
        scatter=scatter,
        own=0.0,
        pinned=False,
        picked=False,
        aligned=any([x.aligned for x in inputs]) or together > _ALIGNED * abs(same[0]),
    )

    def handed(error: ErrorSignal) -> tuple[Errors, Squares]:
        return tuple([error.times(factor**2) for factor in factors]), ()

    return Passed(made, handed)


@dataclass(frozen=True, repr=False)
class Add(_Merge):
    """The sum."""

    verb = "add"

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        return summed(inputs, (1.0,) * len(inputs))


@dataclass(frozen=True, repr=False)
class Subtract(_Merge):
    """The first less the second."""

    arity = 2
    verb = "subtract"

    def output(self, *inputs: Shape) -> Shape:
        if len(inputs) != 2:
            raise ShapeError(f"Subtract takes two inputs, got {len(inputs)}")
        return super().output(*inputs)

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        return summed(inputs, (1.0, -1.0))


def _stretched(x: Signal, size: tuple[int, ...], count: int) -> Signal:
    """One position repeated over a whole map."""
    return x._replace(size=size, same=x.same[:1] * count, cross=x.cross[:1] * count, profiles=(None,) * len(size))


@dataclass(frozen=True, repr=False)
class Multiply(_Merge):
    """The product; with one position a channel on one side, a gate (Hu et al. 2018)."""

    verb = "multiply"
    gates = True

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        return Kept(inputs=True)

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        # Of two independent signals; one of a single position is a gate for all positions.
        if len(inputs) != 2 or inputs[0].channels != inputs[1].channels:
            return None
        larger = max(inputs, key=lambda x: prod(x.size))
        if any([x.size != larger.size and set(x.size) > {1} for x in inputs]):
            return None
        count = lag_count(larger.size)
        wide = [x if x.size == larger.size else _stretched(x, larger.size, count) for x in inputs]
        a, b = wide
        same, cross = products(a.same, b.same), products(a.cross, b.cross)
        profiles = a.profiles if inputs[0] is larger else b.profiles
        made = larger._replace(
            mean=a.mean * b.mean, same=same, cross=cross, profiles=profiles, spread=None, before=None
        )

        def handed(error: ErrorSignal) -> tuple[Errors, Squares]:
            found: list[ErrorSignal] = []
            for x, other in zip(inputs, (b, a), strict=True):
                same, cross = products(error.same, other.same), products(error.cross, other.cross)
                back = ErrorSignal(same, cross, error.profiles, scatter=error.scatter + other.scatter)
                if x.size != larger.size:
                    # All positions that the gate scales send it their error.
                    all_ = prod(larger.size) ** 2
                    same = (max(0.0, average(back.same, larger.size)) * all_,)
                    back = ErrorSignal(
                        same, (average(back.cross, larger.size) * all_,), (None,) * len(x.size), scatter=back.scatter
                    )
                found.append(back)
            return tuple(found), ()

        return Passed(made, handed)


@dataclass(frozen=True, repr=False)
class Average(_Merge):
    """The mean."""

    verb = "average"

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        return summed(inputs, (1 / len(inputs),) * len(inputs))

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        return Cost(0, len(inputs) * elements(output))


@dataclass(frozen=True, repr=False)
class Maximum(_Merge):
    """The largest."""

    verb = "take the maximum of"

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        return Kept(inputs=True)


@dataclass(frozen=True, repr=False)
class Minimum(_Merge):
    """The smallest."""

    verb = "take the minimum of"

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        return Kept(inputs=True)


@dataclass(frozen=True, repr=False)
class Concatenate(_Merge):
    """One behind the other, along the channels unless another axis is named (counted from 1, or from the end)."""

    axis: int = -1
    free = True
    verb = "concatenate"

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
        if self.axis not in (-1, len(output)) or any([x.size != inputs[0].size for x in inputs]):
            return None
        channels = sum([x.channels for x in inputs])
        shares = [x.channels / channels for x in inputs]
        same, cross = times(inputs[0].same, 0.0), times(inputs[0].cross, 0.0)
        for x, share in zip(inputs, shares, strict=True):
            same, cross = plus(same, times(x.same, share)), plus(cross, times(x.cross, share))
        made = inputs[0]._replace(
            channels=channels,
            mean=sum([share * x.mean for x, share in zip(inputs, shares, strict=True)]),
            same=same,
            cross=cross,
            profiles=mixed([(share * x.square, x.profiles) for x, share in zip(inputs, shares, strict=True)]),
            spread=None,
            before=None,
            scatter=added_scatter([(share * x.square, x.scatter) for x, share in zip(inputs, shares, strict=True)]),
        )
        return Passed(made, lambda error: ((error._replace(along=None, open=None, lasting=1.0),) * len(inputs), ()))

    def window(self, *inputs: Shape) -> Window | None:
        return "merge" if self.axis in (-1, len(inputs[0])) else None
