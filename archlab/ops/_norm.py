from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from archlab.arguments import fraction, initializer, whole
from archlab.errors import ShapeError
from archlab.graph import Shape, elements, positions
from archlab.ops._base import Cost, Kept, KerasLayer, Op, Weight, channels, weight
from archlab.ops._step import FLOAT, Step
from archlab.ops._window import POINTWISE, STATISTICS, Window
from archlab.signals import Normalizing, Passed, Signal, batch_normalized, group_normalized, layer_normalized
from archlab.units import BATCH_NORM_FLOPS, LAYER_NORM_FLOPS


class _Norm(Op, abstract=True):
    """Centred and scaled; a learned scale (gamma) and shift (beta) for each channel."""

    family = "normalization"
    normalizes = True
    # Layer and group normalization divide by what they read; batch normalization, at inference, by fixed numbers.
    affine = False
    center: bool
    scale: bool
    epsilon: float
    gamma_initializer: str
    beta_initializer: str
    flops = LAYER_NORM_FLOPS
    temporaries: ClassVar[tuple[int, int]] = (0, 2)
    """Tensors of the output's size that are made on the way, forward and backward, at most at a time."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "gamma_initializer", initializer(self.gamma_initializer))
        object.__setattr__(self, "beta_initializer", initializer(self.beta_initializer))

    def output(self, *inputs: Shape) -> Shape:
        return inputs[0]

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        size = (channels(inputs[0]),)
        gamma = (weight("gamma", size, "scale"),) if self.scale else ()
        beta = (weight("beta", size, "bias"),) if self.center else ()
        return gamma + beta

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        return Cost(0, self.flops * elements(output))

    def window(self, *inputs: Shape) -> Window | None:
        return POINTWISE

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        return Kept(inputs=True)

    def step(self, inputs: tuple[Shape, ...], output: Shape, half: bool) -> Step:
        # Keras composes them of element-wise operations in float32; of half precision it keeps a float32 copy.
        whole = FLOAT * elements(output)
        kept = self.kept(inputs, output)
        forward, backward = self.temporaries
        if half:
            held = whole + FLOAT * kept.extra
            return Step(
                held=held,
                forward=(forward + 1) * whole,
                backward=(5 * whole) // 2 + (backward - 2) * whole,
                error_in_place=True,
            )
        return Step(
            inputs=True,
            held=FLOAT * kept.extra,
            forward=forward * whole,
            backward=backward * whole,
            error_in_place=True,
        )

    def normalizing(self) -> Normalizing:
        """What its rule for signals needs to know."""
        gamma = self.gamma_initializer if self.scale else None
        return Normalizing(self.epsilon, gamma, self.beta_initializer if self.center else None)

    def keras(self, *inputs: Shape) -> KerasLayer:
        return KerasLayer(f"{type(self).__name__}alization", dict(vars(self)))


@dataclass(frozen=True, repr=False)
class BatchNorm(_Norm):
    """Batch normalization (Ioffe & Szegedy 2015): each channel over the batch; over a running mean at inference."""

    momentum: float = 0.99
    epsilon: float = 1e-3
    center: bool = True
    scale: bool = True
    gamma_initializer: str = "ones"
    beta_initializer: str = "zeros"
    flops = BATCH_NORM_FLOPS
    affine = True
    cancels_bias = True

    def __post_init__(self) -> None:
        super().__post_init__()
        fraction("momentum", self.momentum)

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        size = (channels(inputs[0]),)
        mean = weight("moving_mean", size, "statistic", False)
        return (*super().weights(*inputs), mean, mean._replace(name="moving_variance"))

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        return batch_normalized(inputs[0], self.normalizing())


@dataclass(frozen=True, repr=False)
class LayerNorm(_Norm):
    """Layer normalization (Ba et al. 2016): every position over its channels."""

    temporaries = (1, 3)

    epsilon: float = 1e-3
    center: bool = True
    scale: bool = True
    gamma_initializer: str = "ones"
    beta_initializer: str = "zeros"

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        return layer_normalized(inputs[0], self.normalizing())

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        # For each position the mean, its negative and 1/σ; their product with gamma at each element.
        return Kept(inputs=True, extra=3 * positions(output) + self.scale * elements(output))


@dataclass(frozen=True, repr=False)
class GroupNorm(_Norm):
    """Group normalization (Wu & He 2018): every sample over the positions and the channels of a group."""

    temporaries = (1, 2)

    groups: int = 32
    epsilon: float = 1e-3
    center: bool = True
    scale: bool = True
    gamma_initializer: str = "ones"
    beta_initializer: str = "zeros"

    def __post_init__(self) -> None:
        super().__post_init__()
        whole("groups", self.groups)

    def output(self, *inputs: Shape) -> Shape:
        if channels(inputs[0]) % self.groups:
            raise ShapeError(f"{inputs[0][-1]} channels cannot be divided into {self.groups} groups")
        return inputs[0]

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        return group_normalized(inputs[0], self.normalizing(), self.groups)

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        # For each group the mean, its negative and 1/σ; their product with gamma for each channel.
        return Kept(inputs=True, extra=3 * self.groups + self.scale * channels(output))

    def window(self, *inputs: Shape) -> Window | None:
        # Its statistics are taken over the whole map: a unit sees all of it through them, as through a gate.
        return STATISTICS
