from __future__ import annotations

from dataclasses import dataclass, replace

from archlab.graph import Shape, elements
from archlab.ops._activation import activation_flops, activation_kept, activation_name
from archlab.ops._base import Cost, Kept, KerasLayer, Op, Weight, Width, channels, fill, switch, weight, width
from archlab.ops._signal import (
    Errors,
    ErrorSignal,
    Passed,
    Signal,
    Sliding,
    Squares,
    bias_square,
    kernel_square,
    slid_back,
    slid_forward,
    spread,
    then,
)
from archlab.ops._signal._draw import variance
from archlab.ops._signal._gaussian import Nonlinearity
from archlab.ops._window import Axis, Window
from archlab.units import BIAS_FLOPS, FLOPS_PER_MAC


@dataclass(frozen=True, repr=False)
class Dense(Op):
    """A weighted sum of all channels for every unit, position by position: `Dense(1, activation="sigmoid")`."""

    family = "dense"
    units: int | Width | None = None
    bias: bool = True
    activation: str | None = None
    initializer: str = "glorot_uniform"
    open = True

    def __post_init__(self) -> None:
        width("units", self.units)
        switch("bias", self.bias)
        activation_name(self.activation)

    def filled(self, width: int | None, inputs: tuple[Shape, ...]) -> Op:
        units = fill(self.units, width, inputs)
        return self if units == self.units else replace(self, units=units)

    def output(self, *inputs: Shape) -> Shape:
        channels(inputs[0])
        return (*inputs[0][:-1], fill(self.units, None, inputs))

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        units = fill(self.units, None, inputs)
        kernel = weight("kernel", (channels(inputs[0]), units))
        return (kernel, weight("bias", (units,), "bias")) if self.bias else (kernel,)

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        macs = elements(output) * channels(inputs[0])
        bias = BIAS_FLOPS * elements(output) if self.bias else 0
        return Cost(macs, FLOPS_PER_MAC * macs + bias + activation_flops(self.activation, output))

    def window(self, *inputs: Shape) -> Window | None:
        return "pointwise"

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        return activation_kept(self.activation, output)._replace(inputs=True)

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        x, units = inputs[0], output[-1] or 0
        drawn = variance(self.initializer, (x.channels, units))
        if drawn is None:
            return None
        here = Sliding(x.size, x.size, (Axis(1, ((0,),)),) * len(x.size), 1)
        made = slid_forward(x, here, drawn * x.channels, units)
        made = made._replace(spread=spread(x, (1,) * len(x.size), 1, x.channels))

        def handed(error: ErrorSignal) -> tuple[Errors, Squares]:
            kernel = kernel_square(x, error, here, x.channels * units)
            squares = (kernel, bias_square(made, error)) if self.bias else (kernel,)
            return (slid_back(error, here, drawn * units, x),), squares

        return then(Passed(made, handed), Nonlinearity(self.activation) if self.activation else None)

    def keras(self, *inputs: Shape) -> KerasLayer:
        arguments = {
            "units": self.units,
            "use_bias": self.bias,
            "activation": self.activation,
            "kernel_initializer": self.initializer,
        }
        return KerasLayer("Dense", arguments)
