"""Every static analysis of one architecture, and its layers with all their values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from archlab.analysis._layers import ByLayer
from archlab.analysis.quantities import QUANTITIES, Counted, Subject
from archlab.analysis.static import Numbers, count
from archlab.graph import Graph
from archlab.sources import Reference, load


@dataclass(frozen=True, repr=False)
class Analysis(Numbers, ByLayer):
    """Every static analysis of one architecture: totals, and `layers` with all values of each.

    >>> from archlab import analyze
    >>> found = analyze("residual")
    >>> found["stage1/block1/add"].macs, found["stage1/block1/shortcut"].params
    (0, 1024)
    """

    def _subject(self) -> Subject:
        return Counted(self)

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        inputs = [list(self.graph.nodes[i].shape) for i in self.graph.inputs]
        data: dict[str, Any] = {
            "input": inputs[0] if len(inputs) == 1 else inputs,
            "params": self.params.to_dict(),
            "memory": self.memory.to_dict(),
            "receptive_field": self.receptive_field.to_dict(),
            "unknown": list(self.unknown),
            "unsized": list(self.compute.unsized),
        }
        subject = Counted(self)
        for quantity in QUANTITIES.of_wholes():
            if quantity.path and quantity.whole:
                put(data, quantity.path, quantity.whole(subject).plain)
        return data


def put(data: dict[str, Any], path: str, value: Any) -> None:
    """Set what a path such as 'params.total' leads to, unless it is there."""
    *outer, last = path.split(".")
    for key in outer:
        data = data.setdefault(key, {})
    data.setdefault(last, value)


def analyze(architecture: Reference, *, input: Sequence[int | None] | None = None) -> Analysis:
    """Every static analysis of an architecture, without building or running it.

    Args:
        architecture: whatever names one: a part, a graph, a live Keras model (which is read and left as it is), or a
            reference such as 'residual' or 'keras:ResNet50'.
        input: another input shape; of a PyTorch module, which does not say it, the shape that it takes: (3, 224, 224).

    Raises:
        UnknownNameError: the reference names nothing.
        DesignError: the architecture does not add up.

    >>> from archlab import Conv, Dense, GlobalAvgPool, Input
    >>> found = analyze(Input(32, 32, 3) >> Conv(16) >> GlobalAvgPool() >> Dense(10))
    >>> found.params.total, found.compute.macs, found.depth
    (618, 442528, 2)
    """
    graph = architecture if isinstance(architecture, Graph) and input is None else load(architecture, input).graph
    # A picture, a page and a notebook ask for the same again.
    return graph.fact("analysis", lambda: Analysis(graph, *count(graph)))
