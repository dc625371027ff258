from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from math import prod
from typing import Any

from archlab.errors import DesignError
from archlab.graph._graph import Graph, Node, Scope
from archlab.graph._shape import Shape

MOST_NODES = 100_000
"""Layers that an architecture may have: a few words can stand for billions."""
_MOST_AXES = 8
_MOST_ELEMENTS = 10**40


class Builder:
    """Grows a graph node by node: names it, scopes it, and gives every error its place."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.width: int | None = None
        """The width that the stage around fills into what it holds."""
        self.scope: Scope | None = None
        self.joinable = False
        """Whether the next block shares the scope it stands in instead of opening its own."""
        self._used: dict[str, int] = {}
        # The operation itself is kept with its results: an id is only its own while the operation lives.
        self._worked_out: dict[tuple[int, int | None, tuple[Shape, ...]], tuple[Any, Shape, Any]] = {}

    def name(self, label: str) -> str:
        """A name for the next node or scope of that label here: `conv`, then `conv_2`."""
        path = f"{self.scope.path}/{label}" if self.scope else label
        count = self._used[path] = self._used.get(path, 0) + 1
        return path if count == 1 else f"{path}_{count}"

    def add(self, op: Any, inputs: tuple[int, ...] = (), label: str = "") -> int:
        """Append a node and return its position. It is named after its operation unless a label is given."""
        shapes = tuple([self.nodes[source].shape for source in inputs])
        name = self.name(label or op.label)
        if len(self.nodes) >= MOST_NODES:
            raise DesignError(f"an architecture has at most {MOST_NODES:,} layers").at(name)
        # Blocks repeat, and a part is shared by its repetitions: the same one on the same shapes is worked out once.
        known = self._worked_out.get((id(op), self.width, shapes))
        if known is None:
            try:
                filled = op.filled(self.width, shapes)
                known = filled, _checked(filled.output(*shapes)), op
            except DesignError as error:
                raise error.at(name) from None
            self._worked_out[id(op), self.width, shapes] = known
        op, shape, _ = known
        self.nodes.append(Node(name, op, inputs, shape, self.scope, name))
        return len(self.nodes) - 1

    def shape(self, position: int) -> Shape:
        """The shape of a node that has been added."""
        return self.nodes[position].shape

    @contextmanager
    def within(self, kind: str, name: str = "", width: int | None = None, joinable: bool = False) -> Generator[None]:
        """Nodes added inside stand in a new scope. Unnamed scopes are numbered from 1: `stage1`, `stage2`."""
        outer, outer_width, outer_joinable = self.scope, self.width, self.joinable
        if name:
            path = self.name(name)
        else:
            counter = f"{outer.path}/{kind}#" if outer else f"{kind}#"
            number = self._used[counter] = self._used.get(counter, 0) + 1
            path = f"{outer.path}/{kind}{number}" if outer else f"{kind}{number}"
        self.scope = Scope(path, kind, outer)
        self.width = outer_width if width is None else width
        self.joinable = joinable
        try:
            yield
        finally:
            self.scope, self.width, self.joinable = outer, outer_width, outer_joinable

    @contextmanager
    def joined(self) -> Generator[None]:
        """Nodes added inside stand in the scope that is open; blocks inside open their own again."""
        self.joinable = False
        try:
            yield
        finally:
            self.joinable = True

    def graph(self, outputs: tuple[int, ...], name: str = "") -> Graph:
        """The finished graph, after every operation has settled what it left open until its readers were known."""
        readers: list[list[Any]] = [[] for _ in self.nodes]
        for node in self.nodes:
            for source in node.inputs:
                readers[source].append(node.op)
        settled: list[Node] = []
        for node, reading in zip(self.nodes, readers, strict=True):
            op = node.op.settled(reading)
            if op is not node.op:
                node = replace(node, op=op)
            settled.append(node)
        return Graph(tuple(settled), outputs, name)


def _checked(shape: Shape) -> Shape:
    """The shape, if there could be such a thing: every number that follows from it can be written and multiplied."""
    if len(shape) > _MOST_AXES:
        raise DesignError(f"its output has {len(shape)} axes, at most {_MOST_AXES} are possible")
    if prod(size or 1 for size in shape) > _MOST_ELEMENTS:
        raise DesignError("its output has more than 10^40 elements")
    return shape
