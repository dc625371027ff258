"""Operations: multiply–accumulates, floating-point operations of a forward pass and of a training step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from archlab.analysis._state import State
from archlab.analysis.static._facts import add_up, gather, plain, reached
from archlab.analysis.static.outline import grouped
from archlab.graph import Graph


class ComputeRow(NamedTuple):
    """The operations of a layer, or of a group of layers, for one sample; None where they are not known."""

    name: str
    state: State
    macs: int | None
    flops: int | None
    training_flops: int | None


@dataclass(frozen=True)
class Compute:
    """Operations of a graph for one sample, in total and layer by layer.

    The totals are None where they depend on a size that is not known; where `unknown` names layers without a rule,
    they are lower bounds.
    """

    graph: Graph
    layers: tuple[ComputeRow, ...]
    macs: int | None
    flops: int | None
    training_flops: int | None
    unknown: tuple[str, ...]
    unsized: tuple[str, ...]

    @property
    def stages(self) -> Mapping[str, ComputeRow]:
        """Added up by stage."""
        return grouped(self.graph, self.layers, "stage", add_up)

    @property
    def blocks(self) -> Mapping[str, ComputeRow]:
        """Added up by block."""
        return grouped(self.graph, self.layers, "block", add_up)

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {"macs": self.macs, "flops": self.flops, "training_flops": self.training_flops}

    def rows(self) -> list[dict[str, object]]:
        """Layer by layer as plain data."""
        return [plain(row) for row in self.layers]


def compute(graph: Graph) -> Compute:
    """Count the operations of a graph by the conventions of `archlab.units`.

    >>> from archlab import Conv, Input
    >>> compute((Input(32, 32, 3) >> Conv(16, bias=False)).to_graph()).macs
    442368
    """
    rows: list[ComputeRow] = []
    flows = reached(graph)
    for node, facts in zip(graph.nodes, gather(graph), strict=True):
        cost = facts.cost
        if cost is None:
            state = State.UNKNOWN if facts.sized else State.UNSIZED
            rows.append(ComputeRow(node.name, state, None, None, None))
            continue
        macs, flops = cost
        # Once forward; backward once for the weights' gradient and once for the input's, where either is asked for.
        passes = 1 + facts.trainable + any([flows[source] for source in node.inputs])
        rows.append(ComputeRow(node.name, State.COUNTED if flops else State.FREE, macs, flops, flops * passes))
    _, _, macs, flops, training = add_up("", rows)
    unsized = tuple([row.name for row in rows if row.state is State.UNSIZED])
    unknown = tuple([row.name for row in rows if row.state is State.UNKNOWN])
    if unsized:
        macs = flops = training = None
    return Compute(graph, tuple(rows), macs, flops, training, unknown, unsized)
