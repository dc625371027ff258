"""Layers that act during training only: at inference each is the identity."""

from __future__ import annotations

from dataclasses import dataclass

from archlab.graph import Shape, elements
from archlab.ops._base import Kept, KerasLayer, Op, fraction, keras_spatial, ranked
from archlab.ops._signal import Errors, ErrorSignal, Passed, Signal, Squares
from archlab.ops._window import Window


class _TrainingOnly(Op, abstract=True):
    family = "regularization"
    rate: float
    free = True
    view = "inference"
    random = True

    def __post_init__(self) -> None:
        fraction(f"rate of {type(self).__name__}", self.rate)

    def output(self, *inputs: Shape) -> Shape:
        return inputs[0]

    def window(self, *inputs: Shape) -> Window | None:
        return "pointwise"

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        # A mask for each element.
        return Kept(extra=elements(output) if self.rate else 0)

    def keras(self, *inputs: Shape) -> KerasLayer:
        return KerasLayer(type(self).__name__, dict(vars(self)))


def noisy(x: Signal, factor: float, share: bool = False) -> Passed:
    """Times noise of mean 1 and mean square `factor`, drawn for each element, or one that a whole channel shares."""

    def drawn(same: tuple[float, ...]) -> tuple[float, ...]:
        return tuple([value * factor if share or not lag else value for lag, value in enumerate(same)])

    def handed(error: ErrorSignal) -> tuple[Errors, Squares]:
        return (ErrorSignal(drawn(error.same), error.cross, error.profiles, scatter=error.scatter),), ()

    return Passed(x._replace(same=drawn(x.same), before=None), handed)


@dataclass(frozen=True, repr=False)
class Dropout(_TrainingOnly):
    """Zeroes a share of the elements and scales up the rest (Srivastava et al. 2014)."""

    rate: float

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        return noisy(inputs[0], 1 / (1 - self.rate))


@dataclass(frozen=True, repr=False)
class SpatialDropout(_TrainingOnly):
    """Zeroes whole channels (Tompson et al. 2015)."""

    rate: float

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        return Kept(extra=output[-1] or 0 if self.rate else 0)

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        return noisy(inputs[0], 1 / (1 - self.rate), True)

    def keras(self, *inputs: Shape) -> KerasLayer:
        axes = ranked(inputs[0], 2, "SpatialDropout")
        return KerasLayer(keras_spatial("SpatialDropout", axes), {"rate": self.rate})


@dataclass(frozen=True, repr=False)
class AlphaDropout(_TrainingOnly):
    """Dropout that keeps mean and variance, for SELU networks (Klambauer et al. 2017)."""

    rate: float

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        # x → a · (x where kept, else floor) + b, by Keras's constants.
        x, keep, floor = inputs[0], 1 - self.rate, -1.7580993408473766
        scale = (keep * (1 + self.rate * floor**2)) ** -0.5
        offset = -scale * floor * self.rate
        linear = scale * floor * self.rate + offset

        def pair(value: float) -> float:
            kept = (scale * keep) ** 2 * value
            return kept + 2 * scale * keep * linear * x.mean + linear**2

        alone = scale**2 * (keep * x.square + self.rate * floor**2) + offset**2
        alone += 2 * scale * offset * (keep * x.mean + self.rate * floor)
        made = x._replace(
            mean=scale * keep * x.mean + linear,
            same=(alone, *[pair(value) for value in x.same[1:]]),
            cross=tuple([pair(value) for value in x.cross]),
            before=None,
        )

        def handed(error: ErrorSignal) -> tuple[Errors, Squares]:
            both = (scale * keep) ** 2
            same = tuple([value * (scale**2 * keep if not lag else both) for lag, value in enumerate(error.same)])
            return (
                ErrorSignal(
                    same, tuple([value * both for value in error.cross]), error.profiles, scatter=error.scatter
                ),
            ), ()

        return Passed(made, handed)


@dataclass(frozen=True, repr=False)
class GaussianDropout(_TrainingOnly):
    """Multiplies by noise around 1."""

    rate: float

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        return noisy(inputs[0], 1 / (1 - self.rate))


@dataclass(frozen=True, repr=False)
class GaussianNoise(_TrainingOnly):
    """Adds noise of a standard deviation."""

    stddev: float

    def __post_init__(self) -> None:
        fraction("stddev of GaussianNoise", self.stddev, float("inf"))

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        x = inputs[0]
        made = x._replace(same=(x.same[0] + self.stddev**2, *x.same[1:]), before=None)
        return Passed(made, lambda error: ((error._replace(along=None, open=None),), ()))

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        return Kept()
