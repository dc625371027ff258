from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from archlab.arguments import choice
from archlab.errors import ShapeError
from archlab.graph import Shape, elements, format_shape, is_known
from archlab.ops._base import Cost, Kept, KerasLayer, Op, Weight, weight
from archlab.ops._step import FLOAT, HALF, Step
from archlab.ops._window import POINTWISE, WHOLE, Window
from archlab.signals import Nonlinearity, Passed, Signal, activated, rectified_with_slopes
from archlab.units import ACTIVATION_FLOPS


class Saving(NamedTuple):
    """What TensorFlow passes of an activation to the backward pass: whole tensors, all of the activation's size."""

    input: bool = False
    output: bool = False
    between: int = 0
    """Tensors that Keras makes on the way from the input to the output."""


SAVING: Mapping[str, Saving] = {
    "linear": Saving(),
    **dict.fromkeys(("relu", "relu6", "elu", "selu", "sigmoid", "tanh"), Saving(output=True)),
    **dict.fromkeys(("exponential", "softmax", "log_softmax"), Saving(output=True)),
    **dict.fromkeys(("leaky_relu", "softplus", "softsign"), Saving(input=True)),
    # Its gradient is a function of its own, which is handed the input once more.
    **dict.fromkeys(("silu", "swish"), Saving(input=True, between=1)),
    # x · (relu6(x + 3) / 6): before and behind the division.
    **dict.fromkeys(("hard_silu", "hard_swish"), Saving(input=True, between=2)),
    "hard_sigmoid": Saving(between=1),
    # x / 2 · erfc(−x · √½): both factors, −x and its product with the root.
    "gelu": Saving(input=True, between=4),
    # x · tanh(softplus(x)).
    "mish": Saving(input=True, between=1),
    # max(x, 0) + α · expm1(min(x, 0) / α): the minimum, the quotient and the exponential.
    "celu": Saving(input=True, between=3),
    # −softplus(−x).
    "log_sigmoid": Saving(between=1),
    # max(x, 0) − α · max(−x, 0).
    "prelu": Saving(between=2),
}
"""By activation, in Keras's composition of TensorFlow's operations."""

RELU6 = 6.0
"""Clipped there, a ReLU is one operation of TensorFlow's."""


def activation_name(value: str | None) -> None:
    """Check the name of an activation, as Keras spells it."""
    if value is not None:
        choice("activation", value, tuple(ACTIVATION_FLOPS))


def activation_flops(name: str | None, output: Shape) -> int:
    """Operations of an activation."""
    return ACTIVATION_FLOPS[name] * elements(output) if name else 0


def activation_kept(name: str | None, output: Shape) -> Kept:
    """What the backward pass needs of an activation inside a layer."""
    saving = SAVING[name or "linear"]
    return Kept(output=saving.output, extra=(saving.input + saving.between) * elements(output))


_RECOMPUTED: Mapping[str, tuple[int, int, int]] = {
    # The sigmoid is computed anew in the backward pass, and 1 − sigmoid.
    **dict.fromkeys(("silu", "swish"), (0, 0, 2)),
    # x / 2 and erfc(−x · √½); the factors of the second are constants.
    "gelu": (2, 0, 0),
}
"""Of activations that a compiled step computes otherwise: tensors held, and temporary ones forward and backward."""


def activation_step(name: str, output: Shape, half: bool, kept: Kept) -> Step:
    """What an activation by itself holds and makes in a compiled training step."""
    whole = (HALF if half else FLOAT) * elements(output)
    if name in _RECOMPUTED:
        held, forward, backward = _RECOMPUTED[name]
        return Step(
            inputs=True,
            held=held * whole,
            forward=forward * whole,
            backward=backward * whole,
            error_in_place=True,
        )
    held = kept.extra * (HALF if half else FLOAT) + kept.masks
    return Step(kept.inputs, kept.output, held, in_place=not kept.inputs, error_in_place=True)


class _Elementwise(Op, abstract=True):
    """One function of one element, without weights."""

    family = "activation"
    function: str

    @property
    def output_activation(self) -> str | None:
        return self.function

    def output(self, *inputs: Shape) -> Shape:
        return inputs[0]

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        return ()

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        return Cost(0, activation_flops(self.function, output))

    def window(self, *inputs: Shape) -> Window | None:
        return POINTWISE

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        saving = SAVING[self.function]
        return Kept(saving.input, saving.output, saving.between * elements(output))

    def step(self, inputs: tuple[Shape, ...], output: Shape, half: bool) -> Step:
        kept = self.kept(inputs, output)
        return activation_step(self.function, output, half, kept)

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

    @property
    def rectifies(self) -> bool:
        return not self.negative_slope and self.threshold >= 0

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        plain = self.max_value is None and not self.negative_slope
        return Cost(0, activation_flops("relu" if plain else "relu6", output))

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        # TensorFlow has max(x, 0), min(max(x, 0), 6) and the leaky one; Keras composes all others of several.
        clipped = 2 if self.max_value is not None else 0
        if self.threshold:
            slope = 1 if self.negative_slope else 0
            return Kept(extra=(slope + clipped) * elements(output), masks=elements(output))
        if self.negative_slope:
            clipped = 1 if self.max_value == RELU6 else clipped
            return Kept(extra=(1 + clipped) * elements(output)) if clipped else Kept(inputs=True)
        if self.max_value in (None, RELU6):
            return Kept(output=True)
        return Kept(extra=clipped * elements(output))

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

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        # TensorFlow's own has α = 1; with another one Keras scales it where the input is negative.
        return Kept(output=True) if self.alpha == 1.0 else Kept(extra=elements(output), masks=elements(output))

    def nonlinearity(self) -> Nonlinearity | None:
        return Nonlinearity("elu", self.alpha)


@dataclass(frozen=True, repr=False)
class Softmax(_Elementwise):
    """eˣ over its sum along the channels."""

    axis: int = -1
    function = "softmax"

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        # Along another axis it works on a transposed copy.
        last = self.axis in (-1, len(output))
        return Kept(output=True) if last else Kept(extra=elements(output))

    def window(self, *inputs: Shape) -> Window | None:
        return POINTWISE if self.axis in (-1, len(inputs[0])) else WHOLE


@dataclass(frozen=True, repr=False)
class PReLU(Op):
    """A leaky ReLU whose slope is learned, one for each element unless axes share it (He et al. 2015).

    `shared_axes` count from 1, as Keras counts them: (1, 2) is one slope a channel.
    """

    family = "activation"
    shared_axes: tuple[int, ...] | None = None

    @property
    def output_activation(self) -> str | None:
        return "prelu"

    def output(self, *inputs: Shape) -> Shape:
        return inputs[0]

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        shape = tuple(1 if axis in (self.shared_axes or ()) else size for axis, size in enumerate(inputs[0], start=1))
        if not is_known(shape):
            raise ShapeError(f"a slope for each element needs known sizes, got {format_shape(inputs[0])}: share axes")
        return (weight("alpha", shape, "scale"),)

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        return Cost(0, activation_flops("prelu", output))

    def window(self, *inputs: Shape) -> Window | None:
        return POINTWISE

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        return activation_kept("prelu", output)

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        return rectified_with_slopes(inputs[0])

    def keras(self, *inputs: Shape) -> KerasLayer:
        return KerasLayer("PReLU", {"shared_axes": list(self.shared_axes) if self.shared_axes else None})


@dataclass(frozen=True, repr=False)
class Activation(_Elementwise):
    """An activation by name, as Keras spells it: Activation('sigmoid')."""

    function: str

    def __post_init__(self) -> None:
        activation_name(self.function)

    @property
    def specific_title(self) -> str:
        return self.function

    def is_view(self, training: bool) -> bool:
        return self.function == "linear"

    def canonical(self) -> Op:
        same: dict[str, Op] = {"relu": ReLU(), "relu6": ReLU(6.0), "elu": ELU(), "softmax": Softmax()}
        return same.get(self.function, self)

    def keras(self, *inputs: Shape) -> KerasLayer:
        return KerasLayer("Activation", {"activation": self.function})
