"""What of a layer is compared: its kind, its arguments, the shapes it meets, and how finely it sees the image."""

from __future__ import annotations

import re
from dataclasses import MISSING, dataclass, fields
from functools import cached_property
from math import log2
from typing import Any, cast

from archlab.analysis import Analysis
from archlab.graph import Node, Shape
from archlab.ops import Op, alike

VECTOR = 64
"""The level of what has no place in the image, far from every level that a map can have."""


@dataclass(frozen=True)
class Kind:
    """What a layer is, whatever the shapes that it meets: compared by content."""

    type: type[Op]
    title: str
    arguments: tuple[tuple[str, Any], ...]

    @cached_property
    def named(self) -> dict[str, object]:
        """The arguments by name."""
        return dict(self.arguments)

    @cached_property
    def families(self) -> tuple[type, ...]:
        """The classes that it shares with kindred kinds, such as what all convolutions are."""
        return tuple([base for base in self.type.__mro__[1:] if issubclass(base, Op) and base is not Op])


@dataclass(frozen=True, eq=False)
class Layer:
    """A node as matching sees it.

    Attributes:
        position: in the graph.
        node: the node itself.
        kind: what it is.
        inputs: the shapes that come in.
        level: how often the way to it has halved the image; `VECTOR` where that makes no sense.
        task: whether it has one of its own: a kernel, or a change of the level.
        named: whether somebody gave it its name; else that is its kind, numbered.
    """

    position: int
    node: Node
    kind: Kind
    inputs: tuple[Shape, ...]
    level: int
    task: bool
    named: bool

    @cached_property
    def key(self) -> tuple[str, ...]:
        """All that matching knows of it, as text that can be put in order."""
        return (repr(self.kind), repr(self.inputs), repr(self.node.shape), self.node.name, repr(self.node.inputs))


def read_layers(analysis: Analysis) -> tuple[Layer, ...]:
    """Every node of a graph as matching sees it, in the graph's order."""
    graph = analysis.graph
    kinds: dict[int, Kind] = {}
    found: list[Layer] = []
    for position, (node, field) in enumerate(zip(graph, analysis.receptive_field.layers, strict=True)):
        kind = kinds.get(id(node.op))
        if kind is None:
            kind = kinds[id(node.op)] = kind_of(node.op)
        inputs = graph.input_shapes(node)
        level = VECTOR if field.stride is None or max(field.stride) <= 0 else round(log2(max(field.stride)))
        weights = node.op.weights(*inputs) if node.weights is None else node.weights
        task = any([weight.role == "kernel" for weight in weights or ()])
        task = task or any([found[source].level != level for source in node.inputs])
        found.append(Layer(position, node, kind, inputs, level, task, is_named(node, inputs)))
    return tuple(found)


def is_named(node: Node, inputs: tuple[Shape, ...]) -> bool:
    """Whether somebody gave the layer its name; else that is its kind, ours or Keras's, perhaps with a number."""
    plain = re.sub(r"(_\d+)+$", "", node.name.rpartition("/")[2]).replace("_", "").lower()
    keras = node.op.keras(*inputs)
    return plain not in (node.op.title.lower(), keras and keras.name.rpartition(".")[2].lower())


def kind_of(op: Op) -> Kind:
    """What a layer is, in one spelling.

    >>> from archlab import Activation, Conv, ReLU
    >>> kind_of(Activation("relu")) == kind_of(ReLU()), kind_of(Conv(8, kernel=(3, 3))) == kind_of(Conv(8, kernel=3))
    (True, True)
    """
    op = op.canonical()
    if not op.comparable:
        return Kind(type(op), op.title, ())
    arguments: list[tuple[str, Any]] = []
    for field in fields(cast("Any", op)):  # every operation is a dataclass
        if not (field.init or field.name == "shape") or not field.compare:
            continue
        value = getattr(op, field.name)
        if field.default is not MISSING and isinstance(field.default, int):
            value = alike(value)
        arguments.append((field.name, value))
    return Kind(type(op), op.title, tuple(arguments))
