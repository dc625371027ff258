from __future__ import annotations

from dataclasses import dataclass

from archlab.errors import ShapeError
from archlab.graph import Shape, elements, format_shape
from archlab.ops._base import Cost, Kept, KerasLayer, Op, Weight, choice, weight
from archlab.ops._signal import Errors, ErrorSignal, Passed, Signal, Squares, activated
from archlab.ops._signal._gaussian import Nonlinearity
from archlab.ops._window import Window
from archlab.units import ACTIVATION_FLOPS

# Those whose derivative is a function of the output alone; of the others the backward pass keeps what went in.
_BY_OUTPUT = frozenset({"linear", "relu", "relu6", "leaky_relu", "elu", "sigmoid", "tanh", "softmax", "exponential"})


def activation_name(value: str | None) -> None:
    """Check the name of an activation, as Keras spells it."""
    if value is not None:
        choice("activation", value, tuple(ACTIVATION_FLOPS))


def activation_flops(name: str | None, output: Shape) -> int:
    """Operations of an activation."""
    return ACTIVATION_FLOPS[name] * elements(output) if name else 0


def activation_kept(name: str | None, output: Shape) -> Kept:
    """What the backward pass needs of an activation inside a layer."""
    if name in (None, "linear"):
        return Kept()
    if name in _BY_OUTPUT:
        return Kept(output=True)
    return Kept(extra=elements(output))


class _Elementwise(Op, abstract=True):
    """One function of one element, without weights."""

    family = "activation"
    function: str

    def output(self, *inputs: Shape) -> Shape:
        return inputs[0]

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        return ()

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        return Cost(0, activation_flops(self.function, output))

    def window(self, *inputs: Shape) -> Window | None:
        return "pointwise"

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        return Kept(output=True) if self.function in _BY_OUTPUT else Kept(inputs=True)

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        function = self.nonlinearity()
        return None if function is None else activated(inputs[0], function)

    def nonlinearity(self) -> Nonlinearity | None:
        """The function, as the prediction of signals knows it."""
        return Nonlinearity(self.function)

    def keras(self, *inputs: Shape) -> KerasLayer:
        return KerasLayer(type(self).__name__, dict(vars(self)))


@dataclass(frozen=True, repr=False)
class ReLU(_Elementwise):
    """max(x, 0); with `max_value=6` the ReLU6 of the MobileNets."""

    max_value: float | None = None
    negative_slope: float = 0.0
    threshold: float = 0.0
    function = "relu"

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        plain = self.max_value is None and not self.negative_slope
        return Cost(0, activation_flops("relu" if plain else "relu6", output))

    def nonlinearity(self) -> Nonlinearity | None:
        if self.threshold or (self.negative_slope and self.max_value is not None):
            return None
        if self.max_value is not None:
            return Nonlinearity("relu6", self.max_value)
        return Nonlinearity("leaky_relu", self.negative_slope) if self.negative_slope else Nonlinearity("relu")


@dataclass(frozen=True, repr=False)
class LeakyReLU(_Elementwise):
    """x where it is positive, a small multiple of it elsewhere."""

    negative_slope: float = 0.3
    function = "leaky_relu"

    def nonlinearity(self) -> Nonlinearity | None:
        return Nonlinearity("leaky_relu", self.negative_slope)


@dataclass(frozen=True, repr=False)
class ELU(_Elementwise):
    """x where it is positive, alpha · (eˣ − 1) elsewhere (Clevert et al. 2016)."""

    alpha: float = 1.0
    function = "elu"

    def nonlinearity(self) -> Nonlinearity | None:
        return Nonlinearity("elu", self.alpha)


@dataclass(frozen=True, repr=False)
class Softmax(_Elementwise):
    """eˣ over its sum along the channels."""

    axis: int = -1
    function = "softmax"

    def window(self, *inputs: Shape) -> Window | None:
        return "pointwise" if self.axis in (-1, len(inputs[0])) else "whole"


@dataclass(frozen=True, repr=False)
class PReLU(Op):
    """A leaky ReLU whose slope is learned, one for each element unless axes share it (He et al. 2015).

    `shared_axes` count from 1, as Keras counts them: (1, 2) is one slope a channel.
    """

    family = "activation"
    shared_axes: tuple[int, ...] | None = None

    def output(self, *inputs: Shape) -> Shape:
        return inputs[0]

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        shape = tuple(1 if axis in (self.shared_axes or ()) else size for axis, size in enumerate(inputs[0], start=1))
        if None in shape:
            raise ShapeError(f"a slope for each element needs known sizes, got {format_shape(inputs[0])}: share axes")
        return (weight("alpha", shape, "scale"),)  # pyright: ignore[reportArgumentType]

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        return Cost(0, activation_flops("prelu", output))

    def window(self, *inputs: Shape) -> Window | None:
        return "pointwise"

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        return Kept(inputs=True)

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        # Its slopes begin at 0: a ReLU. What their own gradients are is left open.
        relu = activated(inputs[0], Nonlinearity("relu"))
        if relu is None:
            return None

        def handed(error: ErrorSignal) -> tuple[Errors, Squares]:
            return relu.back(error)[0], (None,)

        return Passed(relu.output, handed)

    def keras(self, *inputs: Shape) -> KerasLayer:
        return KerasLayer("PReLU", {"shared_axes": list(self.shared_axes) if self.shared_axes else None})


@dataclass(frozen=True, repr=False)
class Activation(_Elementwise):
    """An activation by name, as Keras spells it: Activation('sigmoid')."""

    function: str

    def __post_init__(self) -> None:
        activation_name(self.function)

    def keras(self, *inputs: Shape) -> KerasLayer:
        return KerasLayer("Activation", {"activation": self.function})
