"""Parameters: each weight once, however often its layer is used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from archlab.analysis._state import State
from archlab.analysis.static._facts import add_up, gather, plain
from archlab.analysis.static.outline import grouped
from archlab.graph import Graph
from archlab.units import BYTES_PER_ELEMENT


class ParamsRow(NamedTuple):
    """The weights of a layer, or of a group of layers."""

    name: str
    state: State
    total: int
    trainable: int
    non_trainable: int
    bytes: int


@dataclass(frozen=True)
class Params:
    """Parameters of a graph, in total and layer by layer."""

    graph: Graph
    layers: tuple[ParamsRow, ...]
    total: int
    trainable: int
    non_trainable: int
    bytes: int
    unknown: tuple[str, ...]

    @property
    def stages(self) -> Mapping[str, ParamsRow]:
        """Added up by stage."""
        return grouped(self.graph, self.layers, "stage", add_up)

    @property
    def blocks(self) -> Mapping[str, ParamsRow]:
        """Added up by block."""
        return grouped(self.graph, self.layers, "block", add_up)

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "total": self.total,
            "trainable": self.trainable,
            "non_trainable": self.non_trainable,
            "bytes": self.bytes,
        }

    def rows(self) -> list[dict[str, object]]:
        """Layer by layer as plain data."""
        return [plain(row) for row in self.layers]


def params(graph: Graph) -> Params:
    """Count the parameters of a graph.

    >>> from archlab import Conv, Input
    >>> params((Input(32, 32, 3) >> Conv(16)).to_graph()).total
    448
    """
    rows: list[ParamsRow] = []
    unknown: list[str] = []
    counted: set[str] = set()
    for node, facts in zip(graph.nodes, gather(graph), strict=True):
        if facts.weights is None:
            unknown.append(node.name)
            rows.append(ParamsRow(node.name, State.UNKNOWN, 0, 0, 0, 0))
        elif not facts.weights or node.layer in counted:
            rows.append(ParamsRow(node.name, State.FREE, 0, 0, 0, 0))
        else:
            counted.add(node.layer)
            total = trainable = size = 0
            for weight in facts.weights:
                if weight.shared:
                    continue  # counted where it was first read
                total += weight.size
                size += weight.size * BYTES_PER_ELEMENT[weight.dtype]
                if weight.trainable:
                    trainable += weight.size
            rows.append(ParamsRow(node.name, State.COUNTED, total, trainable, total - trainable, size))
    _, _, total, trainable, non_trainable, size = add_up("", rows)
    return Params(graph, tuple(rows), total, trainable, non_trainable, size, tuple(unknown))
