from __future__ import annotations

import re
from collections.abc import Sequence as List
from dataclasses import dataclass, replace
from math import prod
from typing import Any, ClassVar, Literal, NamedTuple, Self, cast

from archlab.arguments import whole
from archlab.errors import ArgumentError, ShapeError
from archlab.graph import Builder, Part, Shape, format_shape
from archlab.ops._step import FLOAT, HALF, Step
from archlab.ops._window import Window
from archlab.signals import Passed, Signal

Role = Literal["kernel", "bias", "scale", "statistic"]
Family = Literal[
    "input", "preprocessing", "convolution", "dense", "sequence", "normalization", "activation", "pooling", "merging",
    "regularization", "arithmetic", "shape", "unknown",
]  # fmt: skip
Merge = Literal["sum", "product", "extremum", "concatenation"]
"""How paths merge: a (weighted) sum, a product, the largest or smallest, or one behind the other."""


class Weight(NamedTuple):
    """One variable of a layer. Its `role` says whether it makes the layer count towards depth (a kernel does)."""

    name: str
    shape: tuple[int, ...]
    size: int
    role: Role = "kernel"
    trainable: bool = True
    dtype: str = "float32"
    shared: bool = False
    """Whether it is the variable of a layer before, where it has been counted."""


def weight(name: str, shape: tuple[int, ...], role: Role = "kernel", trainable: bool = True) -> Weight:
    """A weight with its size worked out."""
    return Weight(name, shape, prod(shape), role, trainable)


class Cost(NamedTuple):
    """Operations of one forward pass for one sample, by the conventions of `archlab.units`."""

    macs: int
    flops: int


FREE = Cost(0, 0)
"""Deliberately counted as nothing; an op without a rule answers None instead."""


class Kept(NamedTuple):
    """What the backward pass needs of the forward pass."""

    inputs: bool = False
    output: bool = False
    extra: int = 0
    """Elements of anything else, in the layer's own dtype: what an activation is composed of, the inside of a layer."""
    masks: int = 0
    """Truth values, of one byte each: what a dropout kept, where an input lay above a threshold."""


class KerasLayer(NamedTuple):
    """The Keras layer that does the same: a class of `keras.layers`, or the full path of another, and its arguments."""

    name: str
    arguments: dict[str, Any]


class Op(Part):
    """A layer: its arguments, and facts about them.

    To add one, write a frozen dataclass with `output` and the facts below. A fact that is not given is *unknown*:
    it shows in every report by name and is never counted as 0.
    """

    family: ClassVar[Family] = "unknown"
    """What sort of layer it is: pictures colour layers by it."""
    arity: ClassVar[int | None] = 1
    """How many inputs it takes; None is two or more."""
    free: ClassVar[bool] = False
    """Whether it does no arithmetic, whatever its shapes."""
    view: ClassVar[Literal["always", "inference", "never"]] = "never"
    """When its output is its input's memory seen another way."""
    open: ClassVar[bool] = False
    """Whether the stage around it, or what reads it, decides some of its arguments."""
    merge: ClassVar[Merge | None] = None
    """How it merges its inputs; None where it takes one, or does not merge position by position."""
    commutes: ClassVar[bool] = False
    """Whether the order of its inputs makes no difference."""
    affine: ClassVar[bool] = True
    """Whether at inference it is an affine function of its input, but for an activation that it ends in."""
    normalizes: ClassVar[bool] = False
    """Whether it centres and scales by statistics of what it reads (batch, layer, group normalization)."""
    cancels_bias: ClassVar[bool] = False
    """Whether it subtracts each channel's mean, so that a bias right before it does nothing."""
    rescales_input: ClassVar[bool] = False
    """Whether it brings pixels (0 to 255) into the range that the network works in, by fixed numbers."""
    changes_margin: ClassVar[bool] = False
    """Whether it only adds or takes away positions at the edges of a feature map (padding, cropping)."""
    random: ClassVar[bool] = False
    """Whether it draws random numbers during training, from a seed of its own."""
    initializer: Any = "glorot_uniform"
    """How its kernels are drawn at initialization, a name that Keras knows. Those with kernels make it an argument."""
    comparable: ClassVar[bool] = True
    """Whether its arguments say what it does; of what was read and not understood they are the shapes that it met."""
    detached: ClassVar[bool] = False
    """Whether it stands beside the graph, with no way to its output: weights that a model owns, say."""
    constant: ClassVar[bool] = False
    """Whether what comes out does not depend on what comes in."""
    further: ClassVar[bool] = False
    """Whether it is another output of the operation before, made together with the first."""
    label: ClassVar[str] = "op"
    registry: ClassVar[dict[str, type[Op]]] = {}

    def __init_subclass__(cls, abstract: bool = False) -> None:
        super().__init_subclass__()
        # `SeparableConv` → separable_conv; the LU of ReLU and its kin is no word of its own.
        cls.label = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__.replace("LU", "lu")).lower()
        if not abstract:
            Op.registry[cls.__name__] = cls

    def changed(self, **arguments: object) -> Self:
        """The same operation with other arguments."""
        # Every operation is a dataclass, which its common class does not say.
        return cast("Any", replace)(self, **arguments)

    @property
    def output_activation(self) -> str | None:
        """The activation that is applied last, as Keras names it: of a layer that is one, or ends in one; else None."""
        return None

    @property
    def nonlinear(self) -> bool:
        """Whether it is not an affine function of its input at inference: what activations are in a network for."""
        return not self.affine or self.output_activation not in (None, "linear")

    @property
    def rectifies(self) -> bool:
        """Whether its output is exactly zero wherever what its activation reads is negative (dead units)."""
        return self.output_activation in ("relu", "relu6")

    @property
    def title(self) -> str:
        """What it is called where layers are listed."""
        return type(self).__name__

    @property
    def specific_title(self) -> str:
        """What it is called where it stands beside another kind: of an activation by name, that name."""
        return self.title

    @property
    def vocabulary_size(self) -> int | None:
        """How many whole numbers there are of which it looks something up; None where it reads real numbers."""
        return None

    def unknown_because(self) -> str:
        """Why a fact of it is unknown, where more is known of that than that it has no rule."""
        return ""

    def is_view(self, training: bool) -> bool:
        """Whether its output, in training or at inference, is its input's memory seen another way."""
        return self.view == "always" or (self.view == "inference" and not training)

    def canonical(self) -> Op:
        """The same operation in the one spelling by which two are compared: `Activation("relu")` as `ReLU()`."""
        return self

    def output(self, *inputs: Shape) -> Shape:
        """The shape that comes out, exactly as Keras gives it. Raises ShapeError where Keras would refuse."""
        raise NotImplementedError(f"{type(self).__name__} does not say what shape comes out")

    def weights(self, *inputs: Shape) -> tuple[Weight, ...] | None:
        """Its weights, or None where that is unknown."""
        return () if self.free else None

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost | None:
        """Operations of a forward pass, all sizes being known; or None where there is no rule."""
        return FREE if self.free else None

    def window(self, *inputs: Shape) -> Window | None:
        """Which input units an output unit sees; None where there is no rule."""
        return None

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept | None:
        """What the backward pass needs; None where that is unknown."""
        return None

    def step(self, inputs: tuple[Shape, ...], output: Shape, half: bool) -> Step | None:
        """What it holds and makes in a compiled training step, all sizes being known; None where that is unknown.

        Where nothing else is stated: what `kept` says, and nothing temporary.

        Args:
            inputs: the shapes that come in.
            output: the shape that comes out.
            half: whether it computes in float16 or bfloat16.
        """
        kept = self.kept(inputs, output)
        if kept is None:
            return None
        return Step(kept.inputs, kept.output, kept.extra * (HALF if half else FLOAT) + kept.masks)

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        """What it makes of signals at initialization, in training mode, and how it hands errors back.

        Asked only when all sizes are known; None where there is no rule.
        """
        return None

    def keras(self, *inputs: Shape) -> KerasLayer | None:
        """The Keras layer that computes it; None where there is none."""
        return None

    def filled(self, width: int | None, inputs: tuple[Shape, ...]) -> Op:
        """The same with the widths that it left open filled in."""
        return self

    def settled(self, readers: List[Op]) -> Op:
        """The same once it is known which operations read its output."""
        return self

    def lower(self, builder: Builder, value: int | None) -> int | None:
        if value is None:
            raise ShapeError("nothing comes in: an architecture begins with Input(height, width, channels)").at(
                builder.name(self.label)
            )
        return builder.add(self, (value,))


@dataclass(frozen=True)
class Width:
    """A width left open: that of the stage around (`WIDTH`), or of what comes in (`CHANNELS`), scaled.

    >>> from archlab import CHANNELS, WIDTH, Conv
    >>> Conv(WIDTH * 4, kernel=1)
    Conv(WIDTH * 4, kernel=1)
    >>> CHANNELS * 6
    CHANNELS * 6
    """

    of: Literal["WIDTH", "CHANNELS"] = "WIDTH"
    times: int = 1
    over: int = 1

    def __mul__(self, factor: int) -> Width:
        return replace(self, times=self.times * whole("a factor of a width", factor))

    __rmul__ = __mul__

    def __floordiv__(self, divisor: int) -> Width:
        return replace(self, over=self.over * whole("a divisor of a width", divisor))

    def __repr__(self) -> str:
        times = f" * {self.times}" if self.times != 1 else ""
        over = f" // {self.over}" if self.over != 1 else ""
        return self.of + times + over

    def number(self, width: int | None, shape: Shape) -> int:
        """The width as a number."""
        base = shape[-1] if self.of == "CHANNELS" else width
        if base is None:
            if self.of == "CHANNELS":
                raise ShapeError(f"the width is {self!r} and the number of channels that come in is unknown")
            raise ArgumentError("its width is open: give it one, Conv(64), or put it into a Stage or Pyramid")
        if base * self.times % self.over:
            raise ArgumentError(f"the width {self!r} of {base} is not a whole number")
        return base * self.times // self.over


WIDTH = Width("WIDTH")
CHANNELS = Width("CHANNELS")


def fill(asked: int | Width | None, width: int | None, inputs: tuple[Shape, ...]) -> int:
    """A width that may be open, as a number."""
    return (asked or WIDTH).number(width, inputs[0]) if not isinstance(asked, int) else asked


def width(what: str, value: object) -> None:
    """Check a width that may be left open."""
    if value is not None and not isinstance(value, Width):
        whole(what, value)


def per_axis(what: str, value: int | tuple[int, ...], axes: int) -> tuple[int, ...]:
    """One number for each spatial axis."""
    if isinstance(value, tuple):
        if len(value) != axes:
            raise ShapeError(f"{what}={value} names {len(value)} axes and the input has {axes}")
        return value
    return (value,) * axes


def alike(value: object) -> Any:
    """(3, 3) as 3: the same for all axes, as it would have been written; pairs of pairs stay what they are."""
    if not isinstance(value, tuple) or not value:
        return cast("Any", value)
    first, *others = [alike(size) for size in cast("tuple[object, ...]", value)]
    nested = isinstance(cast("object", first), tuple)
    return cast("Any", value) if nested or others != [first] * len(others) else first


def ranked(shape: Shape, least: int = 2, what: str = "it") -> int:
    """The number of spatial axes of a feature map; at least `least - 1` or a ShapeError."""
    if len(shape) < least:
        raise ShapeError(f"{what} needs an input with spatial axes, such as (32, 32, 3), got {format_shape(shape)}")
    return len(shape) - 1


def channels(shape: Shape) -> int:
    """The number of channels, which a layer with weights has to know."""
    if shape[-1] is None:
        raise ShapeError(f"its weights need a known number of channels, got {format_shape(shape)}")
    return shape[-1]


def keras_spatial(name: str, axes: int) -> str:
    """`Conv` and 2 → `Conv2D`."""
    return f"{name}{axes}D"
