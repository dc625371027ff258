"""Layers that act during training only: at inference each is the identity."""

from __future__ import annotations

from dataclasses import dataclass

from archlab.graph import Shape, elements
from archlab.ops._base import Kept, KerasLayer, Op, fraction, keras_spatial, ranked
from archlab.ops._window import Window


class _TrainingOnly(Op, abstract=True):
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


@dataclass(frozen=True, repr=False)
class Dropout(_TrainingOnly):
    """Zeroes a share of the elements and scales up the rest (Srivastava et al. 2014)."""

    rate: float


@dataclass(frozen=True, repr=False)
class SpatialDropout(_TrainingOnly):
    """Zeroes whole channels (Tompson et al. 2015)."""

    rate: float

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        return Kept(extra=output[-1] or 0 if self.rate else 0)

    def keras(self, *inputs: Shape) -> KerasLayer:
        axes = ranked(inputs[0], 2, "SpatialDropout")
        return KerasLayer(keras_spatial("SpatialDropout", axes), {"rate": self.rate})


@dataclass(frozen=True, repr=False)
class AlphaDropout(_TrainingOnly):
    """Dropout that keeps mean and variance, for SELU networks (Klambauer et al. 2017)."""

    rate: float


@dataclass(frozen=True, repr=False)
class GaussianDropout(_TrainingOnly):
    """Multiplies by noise around 1."""

    rate: float


@dataclass(frozen=True, repr=False)
class GaussianNoise(_TrainingOnly):
    """Adds noise of a standard deviation."""

    stddev: float

    def __post_init__(self) -> None:
        fraction("stddev of GaussianNoise", self.stddev, float("inf"))

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        return Kept()
