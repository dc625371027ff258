"""All that is counted of a graph."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from archlab.analysis.static.compute import Compute, compute
from archlab.analysis.static.memory import Memory, memory
from archlab.analysis.static.params import Params, params
from archlab.analysis.static.paths import depth
from archlab.analysis.static.receptive_field import ReceptiveField, receptive_field
from archlab.graph import Graph


@dataclass(frozen=True)
class Numbers:
    """What is counted of one architecture, each analysis with its rows of layers."""

    graph: Graph
    params: Params
    compute: Compute
    memory: Memory
    receptive_field: ReceptiveField
    depth: int

    @cached_property
    def unknown(self) -> tuple[dict[str, Any], ...]:
        """The layers without a rule, which numbers are lower bounds for it, and why, where that is known."""
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
        ops = {name: self.graph[name].op for name in found}
        return tuple(
            {"name": name, "op": ops[name].title, "missing": missing, "why": ops[name].unknown_because()}
            for name, missing in found.items()
        )


def count(graph: Graph) -> tuple[Params, Compute, Memory, ReceptiveField, int]:
    """Everything that is counted of a graph, in the order in which `Numbers` has it."""
    counted = params(graph)
    return counted, compute(graph), memory(graph, counted), receptive_field(graph), depth(graph)
