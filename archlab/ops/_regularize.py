"""Layers that act during training only: at inference each is the identity."""

from __future__ import annotations

from dataclasses import dataclass

from archlab.arguments import fraction
from archlab.graph import Shape, elements
from archlab.ops._base import Kept, KerasLayer, Op, keras_spatial, ranked
from archlab.ops._step import FLOAT, HALF, Step
from archlab.ops._window import POINTWISE, Window
from archlab.signals import Passed, Signal, dropped_to_floor, noisy, with_noise


class _TrainingOnly(Op, abstract=True):
    family = "regularization"
    rate: float
    free = True
    random = True

    def __post_init__(self) -> None:
        fraction(f"rate of {type(self).__name__}", self.rate)

    def is_view(self, training: bool) -> bool:
        return not training or not self.rate

    def output(self, *inputs: Shape) -> Shape:
        return inputs[0]

    def window(self, *inputs: Shape) -> Window | None:
        return POINTWISE

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        # What is scaled up, and which elements stay.
        return Kept(inputs=True, masks=elements(output)) if self.rate else Kept()

    def step(self, inputs: tuple[Shape, ...], output: Shape, half: bool) -> Step:
        # Random numbers become the mask, and what they scale stays where it is.
        numbers = (HALF if half else FLOAT) * elements(output) if self.rate else 0
        held = self.kept(inputs, output).masks
        return Step(held=held, forward=numbers, in_place=True, error_in_place=True)

    def keras(self, *inputs: Shape) -> KerasLayer:
        return KerasLayer(type(self).__name__, dict(vars(self)))


@dataclass(frozen=True, repr=False)
class Dropout(_TrainingOnly):
    """Zeroes a share of the elements and scales up the rest (Srivastava et al. 2014).

    `shared_axes` count from 1: those along which all elements are zeroed together. All of them is stochastic depth
    (Huang et al. 2016), which drops the whole sample.
    """

    rate: float
    shared_axes: tuple[int, ...] | None = None

    def _mask(self, shape: Shape) -> Shape:
        return tuple([1 if axis in (self.shared_axes or ()) else size for axis, size in enumerate(shape, start=1)])

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        return Kept(inputs=True, masks=elements(self._mask(output))) if self.rate else Kept()

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        return noisy(inputs[0], 1 / (1 - self.rate), bool(self.shared_axes))

    def keras(self, *inputs: Shape) -> KerasLayer:
        arguments: dict[str, object] = {"rate": self.rate}
        if self.shared_axes:
            arguments["noise_shape"] = (None, *self._mask((None,) * len(inputs[0])))
        return KerasLayer("Dropout", arguments)


@dataclass(frozen=True, repr=False)
class SpatialDropout(_TrainingOnly):
    """Zeroes whole channels (Tompson et al. 2015)."""

    rate: float

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        return Kept(inputs=True, masks=output[-1] or 0) if self.rate else Kept()

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
        return dropped_to_floor(inputs[0], self.rate)

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        # Besides the mask, as numbers, what is scaled afterwards.
        return Kept(inputs=True, extra=2 * elements(output)) if self.rate else Kept()


@dataclass(frozen=True, repr=False)
class GaussianDropout(_TrainingOnly):
    """Multiplies by noise around 1."""

    rate: float

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        # Both factors.
        return Kept(inputs=True, extra=elements(output)) if self.rate else Kept()

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        return noisy(inputs[0], 1 / (1 - self.rate))


@dataclass(frozen=True, repr=False)
class GaussianNoise(_TrainingOnly):
    """Adds noise of a standard deviation."""

    stddev: float

    def __post_init__(self) -> None:
        fraction("stddev of GaussianNoise", self.stddev, float("inf"))

    def is_view(self, training: bool) -> bool:
        return not training or not self.stddev

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        return with_noise(inputs[0], self.stddev)

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        return Kept()
