from __future__ import annotations

from dataclasses import dataclass, replace

from archlab.arguments import initializer, switch
from archlab.graph import Shape, elements
from archlab.ops._activation import activation_flops, activation_kept, activation_name
from archlab.ops._base import Cost, Kept, KerasLayer, Op, Weight, Width, channels, fill, weight, width
from archlab.ops._window import POINTWISE, Window
from archlab.signals import Behind, Kernel, Passed, Signal, convolved, in_place
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
        object.__setattr__(self, "initializer", initializer(self.initializer))
        activation_name(self.activation)

    @property
    def output_activation(self) -> str | None:
        return self.activation

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
        return POINTWISE

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        return activation_kept(self.activation, output)._replace(inputs=True)

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        x, units = inputs[0], output[-1] or 0
        kernel = Kernel(self.initializer, (x.channels, units), x.channels, units)
        return convolved(x, kernel, in_place(x.size), units, Behind(self.bias, self.activation))

    def keras(self, *inputs: Shape) -> KerasLayer:
        arguments = {
            "units": self.units,
            "use_bias": self.bias,
            "activation": self.activation,
            "kernel_initializer": self.initializer,
        }
        return KerasLayer("Dense", arguments)
