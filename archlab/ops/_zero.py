"""What does not depend on what comes in."""

from __future__ import annotations

from dataclasses import dataclass

from archlab.graph import Shape
from archlab.ops._base import Kept, KerasLayer, Op
from archlab.ops._window import NOTHING, Window
from archlab.signals import Passed, Signal, silenced


@dataclass(frozen=True, repr=False)
class Zero(Op):
    """Zeros of the shape that comes in: an edge of a `Cell` that is not there (NAS-Bench-201's `none`).

    >>> from archlab import Conv, Input, analyze
    >>> analyze(Input(8, 8, 4) >> Conv(4) >> Zero()).receptive_field.layers[-1].size is None
    True
    """

    family = "arithmetic"
    free = True
    constant = True

    def output(self, *inputs: Shape) -> Shape:
        return inputs[0]

    def window(self, *inputs: Shape) -> Window:
        return NOTHING

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        # TensorFlow writes down the gradient of a fixed factor too.
        return Kept(inputs=True)

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed:
        return silenced(inputs[0])

    def keras(self, *inputs: Shape) -> KerasLayer:
        # Keras has no layer of constants; times 0 is one for all numbers that are finite.
        return KerasLayer("Rescaling", {"scale": 0.0, "offset": 0.0})
