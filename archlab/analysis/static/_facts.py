"""The facts of every node, gathered in one pass that all analyses share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, TypeVar

from archlab.errors import DesignError
from archlab.graph import Graph, Shape, is_known
from archlab.ops import FREE, Cost, Kept, Weight, Window, Windows


class Facts(NamedTuple):
    """What an operation says of itself on the shapes it meets; None where it has no rule."""

    inputs: tuple[Shape, ...]
    weights: tuple[Weight, ...] | None
    cost: Cost | None
    window: Window | None
    kept: Kept | None
    sized: bool
    kernel: bool
    """Whether it has a kernel, which makes it count towards depth."""
    trainable: bool


def gather(graph: Graph) -> tuple[Facts, ...]:
    """Facts node by node. A block that repeats asks the same operation about the same shapes: asked once."""
    return graph.fact("facts", lambda: _gathered(graph))


def _gathered(graph: Graph) -> tuple[Facts, ...]:
    known: dict[tuple[int, int, int, tuple[Shape, ...]], Facts] = {}
    nodes = graph.nodes
    found: list[Facts] = []
    for node in nodes:
        op = node.op
        inputs = tuple([nodes[source].shape for source in node.inputs])
        key = id(op), id(node.weights), id(node.kept), inputs
        facts = known.get(key)
        if facts is None:
            weights = op.weights(*inputs) if node.weights is None else node.weights
            sized = is_known(node.shape) and all(map(is_known, inputs))
            cost = op.cost(inputs, node.shape) if sized else FREE if op.free else None
            window = op.window(*inputs)
            if isinstance(window, Windows):
                axes = window.axes
                if axes and all([axis == axes[0] for axis in axes]):
                    window = Windows((axes[0],) * len(axes))  # one object, so that equal axes are seen at a glance
            elif not isinstance(window, Window | None):
                raise DesignError(
                    f"the window of {op.title} must be one of Pointwise(), Nothing(), Whole(), Statistics(), Merged(), "
                    f"Permuted(order), Windows(axes) or None, got {window!r}"
                ).at(node.name)
            facts = known[key] = Facts(
                inputs,
                weights,
                cost,
                window,
                (op.kept(inputs, node.shape) if node.kept is None else node.kept) if sized else None,
                sized,
                any(each.role == "kernel" for each in weights or ()),
                any(each.trainable for each in weights or ()),
            )
        found.append(facts)
    return tuple(found)


def reached(graph: Graph) -> tuple[bool, ...]:
    """For each node whether a trainable weight stands at it or before it, so that a gradient flows through it."""

    def compute() -> tuple[bool, ...]:
        found: list[bool] = []
        for node, facts in zip(graph.nodes, gather(graph), strict=True):
            found.append(facts.trainable or any([found[source] for source in node.inputs]))
        return tuple(found)

    return graph.fact("reached", compute)


RowT = TypeVar("RowT", bound=tuple[Any, ...])


def add_up(name: str, rows: Iterable[RowT]) -> RowT:
    """One row with the numbers of several added up (what is not known left out) and the highest of their states."""
    rows = list(rows)
    numbers = [sum(value for value in column if value is not None) for column in list(zip(*rows, strict=True))[2:]]
    return type(rows[0])(name, max(row[1] for row in rows), *numbers)  # pyright: ignore[reportCallIssue]


def plain(row: Any) -> dict[str, Any]:
    """A row as plain data."""
    data = row._asdict()
    data["state"] = row.state.name.lower()
    return data
