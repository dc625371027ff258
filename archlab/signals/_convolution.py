"""Layers with a kernel of independent weights: convolutions of every kind, and dense layers."""

from __future__ import annotations

from math import prod
from typing import NamedTuple

from archlab.graph import Axis
from archlab.signals._activations import then
from archlab.signals._division import spread
from archlab.signals._draw import looseness, variance
from archlab.signals._gaussian import Nonlinearity
from archlab.signals._kernels import Sliding, bias_square, kernel_square, slid_back, slid_forward
from archlab.signals._types import Errors, ErrorSignal, Passed, Signal, Squares


class Kernel(NamedTuple):
    """A kernel: how its weights are drawn, and how many channels it joins."""

    initializer: object
    """A name that Keras knows, or its configuration as JSON."""
    shape: tuple[int, ...]
    """As Keras has it; the initializers count its fans."""
    sums: int
    """Input channels that each output channel sums over."""
    feeds: int
    """Output channels that read each input channel."""
    sides: tuple[int, ...] = ()
    """Of the window, one for each axis; none for a dense layer."""
    dilation: int = 1


class Behind(NamedTuple):
    """What stands behind a kernel, in the same layer."""

    bias: bool = False
    activation: str | None = None

    def applied(self, made: Passed) -> Passed | None:
        """The activation behind what the kernel makes."""
        return then(made, Nonlinearity(self.activation) if self.activation else None)


def convolved(x: Signal, kernel: Kernel, where: Sliding, channels: int, behind: Behind) -> Passed | None:
    """A kernel sliding over a map, to so many channels. None where its initializer has no rule."""
    drawn = variance(kernel.initializer, kernel.shape)
    if drawn is None:
        return None
    loose, back_loose = looseness(kernel.initializer, kernel.shape)
    made = slid_forward(x, where, drawn * kernel.sums, channels, loose)
    sides = kernel.sides or (1,) * len(x.size)
    made = made._replace(spread=spread(x, sides, kernel.dilation, kernel.sums))

    def handed(error: ErrorSignal) -> tuple[Errors, Squares]:
        squares = [kernel_square(x, error, where, prod(kernel.shape))]
        if behind.bias:
            squares.append(bias_square(made, error))
        return (slid_back(error, where, drawn * kernel.feeds * error.lasting, x, back_loose),), tuple(squares)

    return behind.applied(Passed(made, handed))


def convolved_separably(
    x: Signal, depthwise: Kernel, pointwise: Kernel, where: Sliding, channels: int, behind: Behind
) -> Passed | None:
    """A depthwise kernel, then one of 1 × 1. None where their initializer has no rule."""
    drawn, mixing = variance(depthwise.initializer, depthwise.shape), variance(pointwise.initializer, pointwise.shape)
    if drawn is None or mixing is None:
        return None
    inner = pointwise.sums
    middle = slid_forward(x, where, drawn, inner)
    here = in_place(middle.size)
    made = slid_forward(middle, here, mixing * inner, channels)
    made = made._replace(spread=spread(middle, (1,) * len(here.size), 1, inner))

    def handed(error: ErrorSignal) -> tuple[Errors, Squares]:
        between = slid_back(error, here, mixing * pointwise.feeds, middle)
        squares = [
            kernel_square(x, between, where, prod(depthwise.shape)),
            kernel_square(middle, error, here, prod(pointwise.shape)),
        ]
        if behind.bias:
            squares.append(bias_square(made, error))
        return (slid_back(between, where, drawn * depthwise.feeds, x),), tuple(squares)

    return behind.applied(Passed(made, handed))


def in_place(size: tuple[int, ...]) -> Sliding:
    """A kernel of one position: each output reads the input at its own place."""
    return Sliding(size, size, (Axis(1, ((0,),)),) * len(size), 1)
