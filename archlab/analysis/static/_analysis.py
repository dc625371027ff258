from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from archlab.algebra import Part
from archlab.analysis.static.compute import Compute, compute
from archlab.analysis.static.memory import Memory, memory
from archlab.analysis.static.params import Params, params
from archlab.analysis.static.paths import depth
from archlab.analysis.static.receptive_field import ReceptiveField, receptive_field
from archlab.graph import Graph
from archlab.shown import Shown


@dataclass(frozen=True)
class Analysis(Shown):
    """Every static analysis of one architecture."""

    graph: Graph
    params: Params
    compute: Compute
    memory: Memory
    receptive_field: ReceptiveField
    depth: int

    @cached_property
    def unknown(self) -> tuple[dict[str, Any], ...]:
        """The layers without a rule, and which numbers are lower bounds for it."""
        found: dict[str, list[str]] = {}
        results = {
            "params": self.params.unknown,
            "compute": self.compute.unknown,
            "memory": self.memory.unknown,
            "receptive_field": self.receptive_field.unknown,
        }
        for what, names in results.items():
            for name in names:
                found.setdefault(name, []).append(what)
        return tuple(
            {"name": name, "op": self.graph[name].op.title, "missing": missing} for name, missing in found.items()
        )

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        inputs = [list(self.graph.nodes[i].shape) for i in self.graph.inputs]
        return {
            "input": inputs[0] if len(inputs) == 1 else inputs,
            "depth": self.depth,
            "params": self.params.to_dict(),
            **self.compute.to_dict(),
            "memory": self.memory.to_dict(),
            "receptive_field": self.receptive_field.to_dict(),
            "unknown": list(self.unknown),
            "unsized": list(self.compute.unsized),
        }


def analyze(architecture: Part | Graph) -> Analysis:
    """Every static analysis of an architecture, without building or running it.

    >>> from archlab import Conv, Dense, GlobalAvgPool, Input
    >>> found = analyze(Input(32, 32, 3) >> Conv(16) >> GlobalAvgPool() >> Dense(10))
    >>> found.params.total, found.compute.macs, found.depth
    (618, 442528, 2)
    """
    graph = architecture if isinstance(architecture, Graph) else architecture.to_graph()
    # A picture, a page and a notebook ask for the same again.
    return graph.fact("analysis", lambda: _analysis(graph))


def _analysis(graph: Graph) -> Analysis:
    counted = params(graph)
    return Analysis(graph, counted, compute(graph), memory(graph, counted), receptive_field(graph), depth(graph))
