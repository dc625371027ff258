from __future__ import annotations

from dataclasses import dataclass
from math import exp, prod
from typing import Any

from archlab.errors import ShapeError
from archlab.graph import Shape, elements
from archlab.ops._base import Cost, Kept, KerasLayer, Op, Weight, channels, fraction, weight, whole
from archlab.ops._signal import (
    Errors,
    ErrorSignal,
    Passed,
    Profile,
    Signal,
    Squares,
    along,
    average,
    bias_square,
    centred,
    divided,
    evenness,
    overall,
    scale_square,
    times,
)
from archlab.ops._window import Window
from archlab.units import BATCH_NORM_FLOPS, LAYER_NORM_FLOPS


def _over(g: Profile, f: Profile) -> Profile:
    """The profile of an error that each position divides by its own variance."""
    if f is None:
        return g
    values = [a / max(b, 1e-12) for a, b in zip(g or (1.0,) * len(f), f, strict=True)]
    mean = sum(values) / len(values)
    return tuple([value / mean for value in values]) if mean > 0 else None


def _normalized(x: Signal, **moments: Any) -> Signal:
    """A signal centred and scaled to these moments: what was known of where it stood and how it was spread is over."""
    return x._replace(
        mean=0.0,
        spread=None,
        before=None,
        scatter=0.0,
        own=0.0,
        pinned=True,
        picked=False,
        aligned=False,
        **moments,
    )


class _Norm(Op, abstract=True):
    """Centred and scaled; a learned scale (gamma) and shift (beta) for each channel."""

    family = "normalization"
    center: bool
    scale: bool
    epsilon: float
    flops = LAYER_NORM_FLOPS

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
        return "pointwise"

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        return Kept(inputs=True)

    def learned(self, x: Signal, error: ErrorSignal) -> Squares:
        """The squared gradients of the scale and the shift."""
        gamma = (scale_square(x, error),) if self.scale else ()
        return (*gamma, bias_square(x, error)) if self.center else gamma

    def levelled(self, x: Signal, same: float, cross: float, lag: float, share: float, flat: bool) -> Passed | None:
        """Divided by one number for many channels; `share` is one degree of freedom's part of what it is taken from."""
        rest = max(x.square - same, 0.0)
        scale = 1 / (rest * x.typical + self.epsilon)
        forward = scale * x.typical
        left = rest * forward
        made = _normalized(
            x,
            same=(left, *[(value - lag) * forward for value in x.same[1:]]),
            cross=tuple([(value - cross) * forward for value in x.cross]),
            profiles=(None,) * len(x.size) if flat else x.profiles,
        )

        def handed(error: ErrorSignal) -> tuple[Errors, Squares]:
            kept = max(0.0, 1 - share - share * (2 - left) * left)
            profiles = error.profiles
            if flat:
                profiles = tuple([_over(g, f) for g, f in zip(error.profiles, x.profiles, strict=True)])
            back = ErrorSignal(
                times(error.same, scale * kept), times(error.cross, scale * kept), profiles, scatter=error.scatter
            )
            return (back,), self.learned(made, error)

        return Passed(made, handed)

    def keras(self, *inputs: Shape) -> KerasLayer:
        return KerasLayer(f"{type(self).__name__}alization", dict(vars(self)))


@dataclass(frozen=True, repr=False)
class BatchNorm(_Norm):
    """Batch normalization (Ioffe & Szegedy 2015): each channel over the batch; over a running mean at inference."""

    momentum: float = 0.99
    epsilon: float = 1e-3
    center: bool = True
    scale: bool = True
    flops = BATCH_NORM_FLOPS

    def __post_init__(self) -> None:
        fraction("momentum", self.momentum)

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        size = (channels(inputs[0]),)
        mean = weight("moving_mean", size, "statistic", False)
        return (*super().weights(*inputs), mean, mean._replace(name="moving_variance"))

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        # In training mode (Yang et al. 2019, section 3): each channel's mean over the batch and all positions goes,
        # and on the way back the error's mean and the part of it along the normalized signal.
        x = inputs[0]
        same, cross, _, rest = centred(x)
        # Channels of little variance are enlarged more than those of much are lessened.
        left, gain, lasting = divided(x.spread, rest * exp(-(x.scatter - x.own) / 2), self.epsilon)
        made = _normalized(x, same=times(same, left), cross=times(cross, left))

        def handed(error: ErrorSignal) -> tuple[Errors, Squares]:
            mean = overall(error.same, error.cross, x.size, x.batch, evenness(error.profiles))
            own = overall(*along(made, error), x.size, x.batch)
            part = own * (2 - left)
            back = ErrorSignal(
                tuple([gain * max(0.0, g - mean - part * c) if not i else gain * (g - mean - part * c)
                       for i, (g, c) in enumerate(zip(error.same, same, strict=True))]),
                tuple([gain * (g - mean - part * c) for g, c in zip(error.cross, cross, strict=True)]),
                error.profiles,
                lasting=lasting,
                scatter=error.scatter,
            )  # fmt: skip
            return (back,), self.learned(made, error)

        return Passed(made, handed)


@dataclass(frozen=True, repr=False)
class LayerNorm(_Norm):
    """Layer normalization (Ba et al. 2016): every position over its channels."""

    epsilon: float = 1e-3
    center: bool = True
    scale: bool = True

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        # Every position has its own mean and variance: what the edges did is undone.
        x = inputs[0]
        mean = x.mean * x.mean + x.variance / x.channels
        return self.levelled(x, mean, mean, mean, 1 / x.channels, True)


@dataclass(frozen=True, repr=False)
class GroupNorm(_Norm):
    """Group normalization (Wu & He 2018): every example over the positions and the channels of a group."""

    groups: int = 32
    epsilon: float = 1e-3
    center: bool = True
    scale: bool = True

    def __post_init__(self) -> None:
        whole("groups", self.groups)

    def output(self, *inputs: Shape) -> Shape:
        if channels(inputs[0]) % self.groups:
            raise ShapeError(f"{inputs[0][-1]} channels cannot be divided into {self.groups} groups")
        return inputs[0]

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        # The mean of a group: what all channels share, and of the rest what the mean over so many channels leaves.
        x = inputs[0]
        each = x.channels // self.groups
        shared = x.mean * x.mean
        alike = evenness(x.profiles)
        mean = shared + max(0.0, average(x.same, x.size, alike) - shared) / each
        other = shared + (average(x.cross, x.size, alike) - shared) / each
        return self.levelled(x, mean, other, mean, 1 / (each * prod(x.size)), False)

    def window(self, *inputs: Shape) -> Window | None:
        # Its statistics are taken over the whole map: a unit sees all of it through them, as through a gate.
        return "statistics"
