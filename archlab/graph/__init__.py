"""The intermediate representation: an immutable graph of nodes in topological order. It knows no operation."""

from archlab.graph._builder import Builder
from archlab.graph._graph import Graph, Node, Operation, Scope
from archlab.graph._shape import Shape, elements, format_shape, is_known, positions

__all__ = [
    "Builder",
    "Graph",
    "Node",
    "Operation",
    "Scope",
    "Shape",
    "elements",
    "format_shape",
    "is_known",
    "positions",
]
