from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias, cast

from archlab.arguments import whole
from archlab.dsl._parts import block_scope, check_merge, check_part, incoming
from archlab.errors import ArgumentError
from archlab.graph import Builder, Part, Sequence
from archlab.ops import Add, Identity, Op, Zero

Edge: TypeAlias = tuple[int, int, Part]
"""From a node, to a higher one, with a part on the way."""


@dataclass(frozen=True, repr=False, init=False)
class Cell(Part):
    """A directed acyclic graph of parts: `Cell((0, 1, a), (0, 2, b), (1, 2, c))`, the cell of NAS papers.

    An edge `(source, target, part)` applies a part to node `source`, and node `target` merges all edges that lead to
    it, in the order in which they are written. Node 0 is what comes in; the highest node is what goes out. A node with
    one edge is that edge's output, without a merge. `Identity()` passes a node on without a layer. In a sum a `Zero()`
    drops out where another edge leads to the node. Nodes and edges that nothing reads are left out of the graph.

    Args:
        edges: each from a lower to a higher node; every node above 0 has at least one.
        merge: what joins the edges into a node; the sum by default.

    Raises:
        ArgumentError: an edge that leads back or occurs twice, a node that no edge leads to, fewer than three nodes.

    >>> from archlab import Cell, Conv, Identity, Input, MaxPool
    >>> cell = Cell((0, 1, Conv(4)), (0, 2, Identity()), (1, 2, MaxPool(3, stride=1)))
    >>> [node.name for node in (Input(8, 8, 4) >> cell).to_graph()]
    ['input', 'block1/edge0-1/conv', 'block1/edge1-2/max_pool', 'block1/node2']
    """

    edges: tuple[Edge, ...]
    merge: Op = Add()

    def __init__(self, *edges: Edge, merge: Op | None = None):
        joins = Add() if merge is None else merge
        _check_edges(edges)
        check_merge("a Cell", joins)
        object.__setattr__(self, "edges", edges)
        object.__setattr__(self, "merge", joins)

    def __repr__(self) -> str:
        merge = "" if self.merge == Add() else f", merge={self.merge!r}"
        return f"Cell({', '.join(map(repr, self.edges))}{merge})"

    @property
    def last(self) -> int:
        """The number of the node that goes out."""
        return max(target for _, target, _ in self.edges)

    @property
    def children(self) -> tuple[Part, ...]:
        return tuple([part for _, _, part in self.edges])

    def rebuilt(self, children: tuple[Part, ...]) -> Part:
        ends = [(source, target) for source, target, _ in self.edges]
        return Cell(*[(*pair, child) for pair, child in zip(ends, children, strict=True)], merge=self.merge)

    def lower(self, builder: Builder, value: int | None) -> int:
        nodes = {0: incoming(value, "a Cell")}
        with block_scope(builder):
            for target, edges in self._read():
                ends = [self._passed(builder, nodes[edge[0]], edge) for edge in edges]
                nodes[target] = ends[0] if len(ends) == 1 else builder.add(self.merge, tuple(ends), f"node{target}")
        return nodes[self.last]

    @staticmethod
    def _passed(builder: Builder, start: int, edge: Edge) -> int:
        source, target, part = edge
        if part in (Identity(), Sequence()):
            return start
        with builder.within("branch", f"edge{source}-{target}"):
            return incoming(part.lower(builder, start), "an edge of a Cell")

    def _read(self) -> list[tuple[int, list[Edge]]]:
        """The nodes that the last one is made of, in order, each with the edges that make it."""
        leading: dict[int, list[Edge]] = {}
        for edge in self.edges:
            leading.setdefault(edge[1], []).append(edge)
        found: list[tuple[int, list[Edge]]] = []
        wanted = {self.last}
        for target in range(self.last, 0, -1):
            if target in wanted:
                edges = self._counting(leading[target])
                wanted.update(source for source, _, _ in edges)
                found.append((target, edges))
        return found[::-1]

    def _counting(self, edges: list[Edge]) -> list[Edge]:
        """The edges into a node without the zeros of a sum: of nothing but zeros, the first."""
        if not isinstance(self.merge, Add):
            return edges
        return [edge for edge in edges if not isinstance(edge[2], Zero)] or edges[:1]


def _check_edges(edges: tuple[object, ...]) -> None:
    """Check that the edges are those of a cell."""
    written: dict[tuple[int, int], int] = {}
    for number, edge in enumerate(edges, start=1):
        what = f"edge {number} of a Cell"
        items = cast("tuple[object, ...]", edge) if isinstance(edge, tuple) else ()
        if len(items) != 3:
            raise ArgumentError(f"{what} must be (source, target, part), such as (0, 1, Conv(16)), got {edge!r}")
        source, target = whole(f"the source of {what}", items[0], 0), whole(f"the target of {what}", items[1], 0)
        check_part(f"the part of {what}", items[2])
        if source >= target:
            where = f"from node {source} back to node {target}" if source > target else f"from node {source} to itself"
            raise ArgumentError(f"{what} leads {where}: an edge leads from a lower to a higher node")
        if (source, target) in written:
            raise ArgumentError(
                f"{what} leads from node {source} to node {target}, as edge {written[source, target]} does: "
                "join both parts on one edge, Parallel(a, b, merge=Add())"
            )
        written[source, target] = number
    targets = {target for _, target in written}
    last = max(targets, default=0)
    if last < 2:
        got = f"one edge, {edges[0]!r}: write its part alone" if edges else "no edge"
        raise ArgumentError(f"a Cell needs edges between at least three nodes, (0, 1, a), (1, 2, b), got {got}")
    missed = next((node for node in range(1, last) if node not in targets), None)
    if missed is not None:
        raise ArgumentError(f"no edge of a Cell leads to node {missed}: nodes are numbered 0 to {last} without a gap")
