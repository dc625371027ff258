"""A call of a function on tensors, and what a rule says of it. Of a tensor a rule asks its shape and its type alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import NamedTuple

from archlab.functions._layout import B, C, Roles, S, graph_shape
from archlab.functions._types import Tensor, Untyped
from archlab.graph import Shape
from archlab.ops import Called, Kept, Op


class Standing(NamedTuple):
    """Where a tensor stands in the graph: the node that made it, and what its axes are."""

    position: int
    roles: Roles


class Start(NamedTuple):
    """What the elements of a parameter begin with."""

    mean: float
    stddev: float
    distribution: str = "normal"
    """`normal`, `truncated_normal` or `uniform`."""


class Constant(NamedTuple):
    """A tensor that depends on nothing that comes in: a parameter, or what was made of some."""

    parameters: tuple[Tensor, ...]


class BeyondError(Exception):
    """Arguments that no rule covers."""


@dataclass(slots=True)
class Call:
    """A call of a function of PyTorch's, by its name and arguments, on tensors that partly depend on what comes in."""

    name: str
    """Of the function, without the underscore of those that work in place."""
    args: tuple[Untyped, ...]
    kwargs: Mapping[str, Untyped]
    read: tuple[Tensor, ...]
    """The tensors that depend on what comes in, in order."""
    standings: tuple[Standing, ...]
    """Where each of them stands."""
    constants: tuple[tuple[Tensor, Constant], ...]
    """The other tensors."""
    made: Tensor
    """The first tensor that comes out."""
    in_place: bool
    starts: Callable[[Tensor], Start | None]
    """What a parameter begins with, as far as that is known."""
    is_view: bool = False
    """Whether what comes out lies in the memory of what is read."""
    sizes: tuple[tuple[int, ...], ...] = field(init=False)
    shapes: tuple[Shape, ...] = field(init=False)
    """Of what is read, in the graph."""

    def __post_init__(self) -> None:
        self.sizes = tuple([tuple(each.shape) for each in self.read])
        self.shapes = tuple(
            [graph_shape(sizes, each.roles) for sizes, each in zip(self.sizes, self.standings, strict=True)]
        )

    def asked(self, place: int, name: str, default: Untyped = None) -> Untyped:
        """An argument, by its place or its name."""
        return self.args[place] if len(self.args) > place else self.kwargs.get(name, default)

    @property
    def roles(self) -> Roles:
        """Of the first tensor that is read."""
        return self.standings[0].roles

    @property
    def rank(self) -> int:
        """How many axes the first tensor has."""
        return len(self.sizes[0])

    def axis(self, given: int) -> int:
        """An axis of the first tensor, counted from the front."""
        return given % self.rank if self.rank else 0

    def axes(self, given: Untyped) -> tuple[int, ...]:
        """Several axes, counted from the front; of None, all."""
        if given is None:
            return tuple(range(self.rank))
        return tuple([self.axis(each) for each in (given if isinstance(given, Sequence) else (given,))])

    @property
    def made_sizes(self) -> tuple[int, ...]:
        """Of what comes out, all axes."""
        return tuple(self.made.shape)

    def as_image(self) -> bool:
        """Whether the axes of the first tensor are those that convolutions read."""
        return self.roles[:2] == (B, C) and all(role == S for role in self.roles[2:])

    def as_images(self) -> bool:
        """Whether the first axis of the first tensor is one of positions, as of windows, and each an image."""
        return self.roles[:2] == (S, C) and all(role == S for role in self.roles[2:])

    def called(self, kind: type[Called], roles: Roles, **more: Untyped) -> Op:
        """An operation of a kind that knows the shapes that it met."""
        return kind(self.name, self.shapes, graph_shape(self.made_sizes, roles), None, **more)


class Made(NamedTuple):
    """What a rule says of a call."""

    op: Op | None
    """The operation; None: nothing happens in the graph, and what comes out stands where what is read does."""
    roles: Roles
    """Of what comes out."""
    kept: Kept | None = None
    """What the backward pass needs, as PyTorch has it."""
    reads: tuple[int, ...] | None = None
    """Which of the tensors are the operation's inputs; all of them by default."""


def numel(tensor: Tensor) -> int:
    """The number of elements."""
    return prod(tensor.shape)
