"""Operations that are read from elsewhere: calls of `keras.ops`, and layers around layers. None has a form in YAML."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from math import prod
from typing import cast

from archlab.errors import ShapeError
from archlab.graph import Axis, Shape, elements, format_shape, spatial
from archlab.ops._base import Cost, Kept, Op, Weight
from archlab.ops._window import MERGED, POINTWISE, STATISTICS, WHOLE, Permuted, Window, Windows
from archlab.signals import ErrorSignal, Passed, Signal, Sliding, relocated, reshaped, selected, transposed
from archlab.signals.moments import Errors, Squares
from archlab.units import ACTIVATION_FLOPS, FLOPS_PER_MAC

HERE = Axis(1, ((0,),))
"""Along this axis every unit reads the unit at its own place."""


@dataclass(frozen=True, repr=False)
class Called(Op, abstract=True):
    """A call of a function on tensors: the shapes that it met are known, and Keras says what it makes of others."""

    family = "arithmetic"
    comparable = False
    arity = None
    name: str
    came: tuple[Shape, ...]
    made: Shape
    infer: Callable[..., Shape] | None = field(default=None, compare=False)
    passes: Callable[[Signal], Passed | None] | None = field(default=None, compare=False)
    """What it makes of the one signal that comes in, where that is known."""

    @property
    def title(self) -> str:
        return self.name

    def output(self, *inputs: Shape) -> Shape:
        if inputs == self.came:
            return self.made
        if self.infer is None:
            shapes = " and ".join(map(format_shape, inputs))
            raise ShapeError(f"{self.name} has no rule that says what comes out of {shapes}")
        return self.infer(*inputs)

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        return ()

    def window(self, *inputs: Shape) -> Window | None:
        made = self.made if inputs == self.came else self.output(*inputs)
        if len(inputs) == 1:
            return POINTWISE if inputs[0][:-1] == made[:-1] else WHOLE
        return MERGED if all(len(shape) == len(made) for shape in inputs) else WHOLE

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        return self.passes(inputs[0]) if self.passes is not None and len(inputs) == 1 else None

    def __repr__(self) -> str:
        return f"{self.name}()"


@dataclass(frozen=True, repr=False)
class Elementwise(Called, abstract=True):
    """A function of the elements at one place, of one tensor or several; constants and sizes of 1 are stretched."""

    flops: int = 1
    """For each element that comes out."""
    linear: bool = False
    """Whether its derivative is a constant, so that the backward pass needs nothing of it."""
    by_output: bool = False
    """Whether its derivative is a function of what comes out."""

    @property
    def nonlinear(self) -> bool:
        return not self.linear

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        return Cost(0, self.flops * elements(output))

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        return Kept() if self.linear else Kept(output=True) if self.by_output else Kept(inputs=True)


@dataclass(frozen=True, repr=False)
class Normalized(Elementwise, abstract=True):
    """Elements scaled by statistics of all positions."""

    family = "normalization"
    normalizes = True

    def window(self, *inputs: Shape) -> Window | None:
        return STATISTICS


@dataclass(frozen=True, repr=False)
class Resampled(Called, abstract=True):
    """A map of another size: each position a fixed mean, or the largest, of a window that no layer of its own has."""

    family = "pooling"
    looks: Window | None = None
    """Where each output looks; None where that is not known."""
    flops: int = 1
    """For each element that comes out."""

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        return Cost(0, self.flops * elements(output))

    def window(self, *inputs: Shape) -> Window | None:
        return self.looks

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        return Kept(inputs=True)


@dataclass(frozen=True, repr=False)
class Rearranged(Called, abstract=True):
    """The same elements, or some of them, at other places; nothing is computed."""

    family = "shape"
    free = True
    looks: Window | None = None
    """Where each output looks; None where that follows from the shapes alone."""
    placed: bool = True
    """Whether it is known at all where that is."""

    def window(self, *inputs: Shape) -> Window | None:
        if self.looks is not None or not self.placed:
            return self.looks
        return super().window(*inputs)

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        return Kept()

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        x, *others = inputs
        if self.passes is not None or others:
            return super().signal(inputs, output)
        channels = output[-1] or 0
        if self.looks == POINTWISE and x.size == output[:-1]:
            return selected(x, channels) if channels <= x.channels else None
        if isinstance(self.looks, Permuted):
            return transposed(x, self.looks.order)
        if isinstance(self.looks, Windows) and channels == x.channels and _within(self.looks, x.size, spatial(output)):
            return relocated(x, Sliding(x.size, spatial(output), self.looks.axes, 1))
        return None


def _within(looks: Windows, size: tuple[int, ...], out: tuple[int, ...]) -> bool:
    """Whether a part is cut out, without steps or edges of something else."""
    if not len(looks.axes) == len(size) == len(out):
        return False
    firsts = [axis.taps[0][0] if axis.stride == 1 and [*map(len, axis.taps)] == [1] else -1 for axis in looks.axes]
    return all(0 <= first <= n - m for first, n, m in zip(firsts, size, out, strict=True))


@dataclass(frozen=True, repr=False)
class Viewed(Rearranged, abstract=True):
    """The same elements in the same memory, in another shape."""

    view = "always"

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        if self.passes is None and self.looks is None and self.placed and len(inputs) == 1:
            return reshaped(inputs[0], tuple([size or 0 for size in output]))
        return super().signal(inputs, output)


@dataclass(frozen=True, repr=False)
class Fixed(Called, abstract=True):
    """A tensor of the layer's own, such as learned positions: of what comes in, it takes the shape alone."""

    family = "shape"
    free = True
    macs: int = 0
    """Of the products of constants that it is made by, for the shapes that it met."""

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost | None:
        return None if self.macs and inputs != self.came else Cost(self.macs, FLOPS_PER_MAC * self.macs)

    def window(self, *inputs: Shape) -> Window | None:
        return POINTWISE

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        return Kept()


@dataclass(frozen=True, repr=False)
class Reduced(Called, abstract=True):
    """Axes taken together: a mean, a sum, a maximum."""

    positions: bool = True
    """Whether spatial axes are among them, so that an output looks at more than its own place."""
    flops: int = 1
    """For each element that comes in."""
    linear: bool = True

    @property
    def nonlinear(self) -> bool:
        return not self.linear

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        return Cost(0, self.flops * elements(inputs[0]))

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        return Kept() if self.linear else Kept(inputs=True, output=True)

    def window(self, *inputs: Shape) -> Window | None:
        return WHOLE if self.positions else super().window(*inputs)


@dataclass(frozen=True, repr=False)
class Contracted(Called, abstract=True):
    """A product of two tensors summed over common axes: a matrix product, an Einstein sum."""

    family = "dense"
    equation: str = ""
    """As `einsum` has it, without the batch axis of what comes in: `ij,jk->ik`."""
    constants: tuple[Shape | None, ...] = ()
    """The shape of each operand that is a weight or a constant; None for those that come in."""

    @property
    def nonlinear(self) -> bool:
        return self.constants.count(None) > 1

    def sizes(self, inputs: tuple[Shape, ...]) -> dict[str, int]:
        """The size of each index."""
        found: dict[str, int] = {}
        left = iter(inputs)
        for labels, constant in zip(self.equation.partition("->")[0].split(","), self.constants, strict=True):
            shape = next(left) if constant is None else constant
            for label, size in zip(labels, shape, strict=True):
                found[label] = max(found.get(label, 1), size or 1)
        return found

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        macs = prod(self.sizes(inputs).values())
        return Cost(macs, FLOPS_PER_MAC * macs)

    def window(self, *inputs: Shape) -> Window | None:
        read, _, made = self.equation.partition("->")
        data = [labels for labels, constant in zip(read.split(","), self.constants, strict=True) if constant is None]
        # A weight that joins channels alone leaves every unit at its place.
        here = len(data) == 1 and len(made) == len(data[0]) and data[0][:-1] == made[:-1]
        return super().window(*inputs) if here else WHOLE

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        return Kept(inputs=True)


@dataclass(frozen=True, repr=False)
class Product(Called, abstract=True):
    """A product of matrices of which is known how many multiplications it took, on the shapes that it met."""

    family = "dense"
    macs: int = 0
    here: bool = False
    """Whether every unit stays at its place: channels alone are summed."""
    factors: int = 1
    """How many of what is multiplied come in; the others are weights."""
    more_flops: int = 0
    """Operations besides: a bias, a softmax."""
    placed: bool = True
    """Whether it is known where it looks."""
    looks: Window | None = None
    """Where each output looks; None where that follows from the rest."""

    @property
    def nonlinear(self) -> bool:
        return self.factors > 1

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost | None:
        return Cost(self.macs, FLOPS_PER_MAC * self.macs + self.more_flops) if inputs == self.came else None

    def window(self, *inputs: Shape) -> Window | None:
        if self.looks is not None:
            return self.looks
        if self.here:
            return super().window(*inputs)
        return WHOLE if self.placed else None

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        return Kept(inputs=True)


@dataclass(frozen=True, repr=False)
class Attended(Called, abstract=True):
    """Scaled dot-product attention (Vaswani et al. 2017) of queries, keys and values: (positions, heads, channels).

    Keys and values may have fewer heads, each of which serves a group of queries.
    """

    family = "dense"

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        query, key, value = ([size or 0 for size in shape] for shape in inputs[:3])
        scores = query[-3] * query[-2] * key[-3] * prod(query[:-3])
        macs = scores * (query[-1] + value[-1])
        return Cost(macs, FLOPS_PER_MAC * macs + scores * (1 + ACTIVATION_FLOPS["softmax"]))

    def window(self, *inputs: Shape) -> Window | None:
        return WHOLE

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        query, key = ([size or 0 for size in shape] for shape in inputs[:2])
        return Kept(inputs=True, extra=query[-3] * query[-2] * key[-3] * prod(query[:-3]))


@dataclass(frozen=True, repr=False)
class Followed(Op, abstract=True):
    """A layer that ends in an activation of its own making: a layer, a function, whatever can be called."""

    comparable = False
    first: Op
    then: tuple[Op, ...]

    @property
    def family(self):  # pyright: ignore[reportIncompatibleVariableOverride]
        """That of the layer."""
        return self.first.family

    @property
    def title(self) -> str:
        return self.first.title

    @property
    def output_activation(self) -> str | None:
        return self.then[-1].output_activation

    @property
    def nonlinear(self) -> bool:
        return self.first.nonlinear or any(op.nonlinear for op in self.then)

    @property
    def rectifies(self) -> bool:
        return self.then[-1].rectifies

    @property
    def merge(self):  # pyright: ignore[reportIncompatibleVariableOverride]
        """That of the layer."""
        return self.first.merge

    def output(self, *inputs: Shape) -> Shape:
        made = self.first.output(*inputs)
        for op in self.then:
            made = op.output(made)
        return made

    def weights(self, *inputs: Shape) -> tuple[Weight, ...] | None:
        return self.first.weights(*inputs)

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost | None:
        costs = [self.first.cost(inputs, output), *[op.cost((output,), output) for op in self.then]]
        known = [cost for cost in costs if cost is not None]
        return (
            Cost(sum(cost.macs for cost in known), sum(cost.flops for cost in known))
            if len(known) == len(costs)
            else None
        )

    def window(self, *inputs: Shape) -> Window | None:
        return self.first.window(*inputs)

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept | None:
        kept = self.first.kept(inputs, output)
        if kept is None:
            return None
        for op in self.then:
            more = op.kept((output,), output)
            if more is None:
                return None
            extra = kept.extra + more.extra + (elements(output) if more.inputs else 0)
            kept = Kept(kept.inputs, kept.output or more.output, extra)
        return kept

    def signal(self, inputs: tuple[Signal, ...], output: Shape) -> Passed | None:
        passed = self.first.signal(inputs, output)
        for op in self.then:
            if passed is None:
                return None
            before, after = passed, op.signal((passed.output,), output)
            if after is None:
                return None

            passed = Passed(after.output, partial(_through, before, after))
        return passed

    def __repr__(self) -> str:
        return " >> ".join(map(repr, (self.first, *self.then)))


def _through(before: Passed, after: Passed, error: ErrorSignal) -> tuple[Errors, Squares]:
    """An error handed back through two functions, one behind the other."""
    (behind, *_), _ = after.back(error)
    return before.back(cast("ErrorSignal", behind))


@dataclass(frozen=True, repr=False)
class Repeated(Op, abstract=True):
    """The same layer for each of several parts of a sample, along its first axis: frames of a video, windows."""

    comparable = False
    op: Op

    @property
    def family(self):  # pyright: ignore[reportIncompatibleVariableOverride]
        """That of the layer."""
        return self.op.family

    @property
    def title(self) -> str:
        return f"TimeDistributed({self.op.title})"

    @property
    def output_activation(self) -> str | None:
        return self.op.output_activation

    @property
    def nonlinear(self) -> bool:
        return self.op.nonlinear

    @property
    def normalizes(self):  # pyright: ignore[reportIncompatibleVariableOverride]
        """As the layer does."""
        return self.op.normalizes

    def output(self, *inputs: Shape) -> Shape:
        return (inputs[0][0], *self.op.output(*[shape[1:] for shape in inputs]))

    def weights(self, *inputs: Shape) -> tuple[Weight, ...] | None:
        return self.op.weights(*[shape[1:] for shape in inputs])

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost | None:
        times = inputs[0][0] or 0
        each = self.op.cost(tuple([shape[1:] for shape in inputs]), output[1:])
        return None if each is None else Cost(times * each.macs, times * each.flops)

    def window(self, *inputs: Shape) -> Window | None:
        window = self.op.window(*[shape[1:] for shape in inputs])
        if isinstance(window, Windows):
            return Windows((HERE, *window.axes))
        if isinstance(window, Permuted):
            return Permuted((0, *[axis + 1 for axis in window.order]))
        return window

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept | None:
        each = self.op.kept(tuple([shape[1:] for shape in inputs]), output[1:])
        return None if each is None else each._replace(extra=each.extra * (inputs[0][0] or 0))

    def __repr__(self) -> str:
        return f"each({self.op!r})"


@dataclass(frozen=True, repr=False)
class Bidirectional(Op, abstract=True):
    """A recurrent layer, once forward and once backward along the time axis (Schuster & Paliwal 1997)."""

    family = "sequence"
    affine = False
    comparable = False
    forward: Op
    backward: Op
    joined: str | None = "concat"
    """How both are put together, as Keras names it."""

    @property
    def title(self) -> str:
        return f"Bidirectional({self.forward.title})"

    def output(self, *inputs: Shape) -> Shape:
        made = self.forward.output(*inputs)
        other = self.backward.output(*inputs)
        if self.joined != "concat":
            return made
        return (*made[:-1], None if made[-1] is None or other[-1] is None else made[-1] + other[-1])

    def weights(self, *inputs: Shape) -> tuple[Weight, ...] | None:
        one, other = self.forward.weights(*inputs), self.backward.weights(*inputs)
        return None if one is None or other is None else one + other

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost | None:
        one, other = (op.cost(inputs, op.output(*inputs)) for op in (self.forward, self.backward))
        if one is None or other is None:
            return None
        merged = 0 if self.joined in ("concat", None) else elements(output) * (2 if self.joined == "ave" else 1)
        return Cost(one.macs + other.macs, one.flops + other.flops + merged)

    def window(self, *inputs: Shape) -> Window:
        return WHOLE

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept | None:
        one, other = (op.kept(inputs, op.output(*inputs)) for op in (self.forward, self.backward))
        return None if one is None or other is None else Kept(inputs=True, extra=one.extra + other.extra)


@dataclass(frozen=True, repr=False)
class Detached(Op, abstract=True):
    """A layer that a model owns and its graph does not use: its weights are counted, nothing runs."""

    family = "unknown"
    comparable = False
    free = True
    arity = 0
    detached = True
    kind: str

    @property
    def title(self) -> str:
        return self.kind

    def output(self, *inputs: Shape) -> Shape:
        return (0,)

    def resized_input(self, shape: Shape) -> Detached:
        return self

    def window(self, *inputs: Shape) -> Window | None:
        return POINTWISE

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        return Kept()

    def __repr__(self) -> str:
        return f"{self.kind}(unused)"


@dataclass(frozen=True, repr=False)
class Constants(Op, abstract=True):
    """What a layer multiplies of constants alone, such as rotary angles (Su et al. 2021): no node reads it."""

    family = "arithmetic"
    comparable = False
    arity = 0
    detached = True
    macs: int | None
    """None where it is not known."""
    why: str = field(default="", compare=False)
    """Why it is not."""

    def unknown_because(self) -> str:
        return self.why

    def output(self, *inputs: Shape) -> Shape:
        return (0,)

    def resized_input(self, shape: Shape) -> Constants:
        return replace(self, macs=None, why="its constants were multiplied for another input size")

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        return ()

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost | None:
        return None if self.macs is None else Cost(self.macs, FLOPS_PER_MAC * self.macs)

    def window(self, *inputs: Shape) -> Window | None:
        return POINTWISE

    def kept(self, inputs: tuple[Shape, ...], output: Shape) -> Kept:
        return Kept()

    def __repr__(self) -> str:
        return f"Constants({'?' if self.macs is None else self.macs})"
