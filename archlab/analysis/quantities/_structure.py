"""What an architecture is before anything is counted: its input, how many layers it has, how deep it is."""

from __future__ import annotations

from archlab.analysis._state import Value
from archlab.analysis.quantities._quantity import QUANTITIES, Quantity, Subject
from archlab.units import EXACT, SHAPE


def _input(subject: Subject) -> Value:
    graph = subject.analysis.graph
    return Value(graph.nodes[graph.inputs[0]].shape)


QUANTITIES.add(
    Quantity(
        "input",
        "input",
        SHAPE,
        "The shape of the first input, channels last, for one sample.",
        whole=_input,
        places=frozenset(("compare",)),
        key="",
    )
)
QUANTITIES.add(
    Quantity(
        "layers",
        "layers",
        EXACT,
        "Nodes of the graph, the input included.",
        whole=lambda subject: Value(len(subject.analysis.graph)),
        places=frozenset(("diff",)),
        key="",
    )
)
QUANTITIES.add(
    Quantity(
        "depth",
        "depth (weighted layers)",
        EXACT,
        "Layers with a kernel on the longest path from the input: what the literature counts.",
        whole=lambda subject: Value(subject.analysis.depth),
        places=frozenset(("compare", "list", "diff")),
        column="depth",
    )
)
