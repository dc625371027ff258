"""Multiplying and adding by numbers: fixed ones, and learned ones for each channel."""

from __future__ import annotations

from dataclasses import dataclass

from archlab.errors import ShapeError
from archlab.graph import Shape, elements, format_shape
from archlab.ops._base import Cost, Kept, KerasLayer, Op, Weight, channels, weight
from archlab.ops._merge import Add
from archlab.ops._window import POINTWISE, Window
from archlab.signals import Passed, Signal, scaled, scaled_by_weight, summed


@dataclass(frozen=True, repr=False)
class LayerScale(Op):
    """A learned factor for each channel, small at first (Touvron et al. 2021, 'Going deeper', section 2)."""

    family = "arithmetic"
    initial: float = 1e-6

    def output(self, *inputs: Shape) -> Shape:
        return inputs[0]

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        return (weight("gamma", (channels(inputs[0]),), "scale"),)

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        return Cost(0, elements(output))

    def window(self, *inputs: Shape) -> Window:
        return POINTWISE

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        return Kept(inputs=True)

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        return scaled_by_weight(inputs[0], self.initial)

    def keras(self, *inputs: Shape) -> KerasLayer:
        arguments = {"init_values": self.initial, "projection_dim": channels(inputs[0])}
        return KerasLayer("keras.src.applications.convnext.LayerScale", arguments)


@dataclass(frozen=True, repr=False)
class Arithmetic(Op):
    """`x · scale` or `x + offset` with a fixed number: one operation an element, two where both are asked for."""

    family = "arithmetic"
    scale: float = 1.0
    offset: float = 0.0

    def output(self, *inputs: Shape) -> Shape:
        return inputs[0]

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        return ()

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        return Cost(0, ((self.scale != 1.0) + (self.offset != 0.0)) * elements(output))

    def window(self, *inputs: Shape) -> Window:
        return POINTWISE

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        # TensorFlow writes down the gradient of a fixed factor too, and multiplies by 1 where nothing else is asked.
        return Kept(inputs=self.scale != 1.0 or self.offset == 0.0)

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        return scaled(inputs[0], self.scale, self.offset)

    def keras(self, *inputs: Shape) -> KerasLayer:
        return KerasLayer("Rescaling", {"scale": self.scale, "offset": self.offset})


@dataclass(frozen=True, repr=False)
class ScaledAdd(Add):
    """The first plus a fixed multiple of the second (Szegedy et al. 2017, 'Inception-v4', section 3.3)."""

    scale: float = 1.0
    arity = 2
    commutes = False

    def output(self, *inputs: Shape) -> Shape:
        if len(inputs) != 2:
            raise ShapeError(f"ScaledAdd takes two inputs, got {' and '.join(map(format_shape, inputs))}")
        return super().output(*inputs)

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        return Cost(0, 2 * elements(output))

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        return Kept(extra=elements(inputs[1]))  # what is multiplied

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        return summed(inputs, (1.0, self.scale))

    def keras(self, *inputs: Shape) -> KerasLayer:
        return KerasLayer("keras.src.applications.inception_resnet_v2.CustomScaleLayer", {"scale": self.scale})
