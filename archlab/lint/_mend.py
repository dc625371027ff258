"""Changes to an architecture that mend what was found: of a graph, and of the tree of parts that it was made of."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from archlab.errors import DesignError
from archlab.graph import Builder, Graph, Node, Part, Sequence, Shape
from archlab.ops import Op


@dataclass(frozen=True)
class Edits:
    """What is to change, by the name of the layer.

    Attributes:
        ops: the operation that takes a layer's place; None takes the layer away.
        after: an operation to put behind a layer.
    """

    ops: Mapping[str, Op | None] = field(default_factory=dict[str, "Op | None"])
    after: Mapping[str, Op] = field(default_factory=dict[str, Op])

    def __bool__(self) -> bool:
        return bool(self.ops or self.after)

    @classmethod
    def together(cls, several: Iterable[Edits]) -> Edits:
        """The changes of several as one."""
        ops: dict[str, Op | None] = {}
        after: dict[str, Op] = {}
        for each in several:
            ops |= each.ops
            after |= each.after
        return cls(ops, after)

    def lines(self, graph: Graph) -> list[str]:
        """The changes, one a line, as they are told."""
        told: list[str] = []
        for name, op in self.ops.items():
            old = graph[name].op
            told.append(f"{name}: {old!r} → {'removed' if op is None else repr(op)}")
        told += [f"{name}: {op!r} is put behind it" for name, op in self.after.items()]
        return told


def mended_graph(graph: Graph, edits: Edits) -> Graph:
    """The graph with the changes; shapes that follow are worked out anew.

    Raises:
        DesignError: it does not add up with them.
    """
    nodes: list[Node] = []
    moved: list[int] = []
    for node in graph.nodes:
        inputs = tuple([moved[source] for source in node.inputs])
        op = edits.ops.get(node.name, node.op)
        if op is None:
            moved.append(inputs[0])
        else:
            shapes = tuple([nodes[source].shape for source in inputs])
            same = op is node.op and shapes == graph.input_shapes(node)
            beside = tuple([moved[source] for source in node.beside])
            changed = replace(node, inputs=inputs, beside=beside)
            if not same:
                shape = _shape(node.name, op, shapes) if inputs else node.shape
                # Weights and settings were those of the layer as it stood.
                changed = replace(changed, op=op, shape=shape, weights=None, settings=None)
            nodes.append(changed)
            moved.append(len(nodes) - 1)
        behind = edits.after.get(node.name)
        if behind is not None:
            at = moved[-1]
            name = _free(f"{node.name}_{behind.label}", graph)
            shape = _shape(name, behind, (nodes[at].shape,))
            nodes.append(Node(name, behind, (at,), shape, node.scope, name, node.dtype))
            moved[-1] = len(nodes) - 1
    return Graph(tuple(nodes), tuple([moved[output] for output in graph.outputs]), graph.name)


def _shape(name: str, op: Op, shapes: tuple[Shape, ...]) -> Shape:
    try:
        return op.output(*shapes)
    except DesignError as error:
        raise error.at(name) from None


def _free(name: str, graph: Graph) -> str:
    taken = {node.name for node in graph.nodes}
    return name if name not in taken else _free(f"{name}_2", graph)


class Tracing(Builder):
    """A builder that notes which part of the tree each node comes from, and what it was at when it could not go on."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[Op] = []
        self.last: tuple[Op, tuple[Shape, ...], tuple[int, ...]] | None = None
        """The operation that is added, what it reads, and where that stands."""

    def add(self, op: Op, inputs: tuple[int, ...] = (), label: str = "") -> int:
        """Append a node, and note its part."""
        shapes = tuple([self.nodes[source].shape for source in inputs])
        self.last = op.filled(self.width, shapes) if shapes else op, shapes, inputs
        at = super().add(op, inputs, label)
        self.parts.append(op)
        return at


def mended_tree(tree: Part, edits: Edits) -> Part | None:
    """The tree with the changes; None where one of them is of a layer that no part of its own stands for.

    A block that is repeated is one part: it is changed where all its repetitions are to be changed alike.
    """
    # The same object may stand in several places; copies tell them apart.
    own = tree.transformed(copy.copy)
    tracing = Tracing()
    end = own.lower(tracing, None)
    if end is None:
        return None
    asked: dict[int, _Change | None] = {}
    for node, part in zip(tracing.graph((end,)).nodes, tracing.parts, strict=True):
        change = _change_of(node, edits)
        # A part that stands for several layers is changed where all of them are to be changed alike.
        if asked.setdefault(id(part), change) != change:
            return None
    changes = {at: change for at, change in asked.items() if change is not None}
    standing = {id(part) for part in own.walk()}
    if not changes or not set(changes) <= standing:
        return None
    return _rewritten(own, lambda part: _changed(part, changes.get(id(part))))


@dataclass(frozen=True)
class _Change:
    """What becomes of a part.

    Attributes:
        arguments: those that change; None where the part goes, or another takes its place.
        other: the part that takes its place.
        behind: what is put behind it.
    """

    arguments: Mapping[str, object] | None
    other: Op | None
    behind: Op | None


def _change_of(node: Node, edits: Edits) -> _Change | None:
    if node.name not in edits.ops and node.name not in edits.after:
        return None
    op, behind = edits.ops.get(node.name, node.op), edits.after.get(node.name)
    if op is None or type(op) is not type(node.op):
        return _Change(None, op, behind)
    # Only what the edit says: the operation in the graph has widths filled in that the part leaves open.
    old = vars(node.op)
    return _Change({name: value for name, value in vars(op).items() if old.get(name) != value}, None, behind)


def _rewritten(part: Part, change: Callable[[Part], Part | None]) -> Part:
    """The tree with some parts replaced, asked of each part as it stands: its children are not changed before."""
    made = change(part)
    if made is not None:
        return made
    children = part.children
    return part.rebuilt(tuple([_rewritten(child, change) for child in children])) if children else part


def _changed(part: Part, change: _Change | None) -> Part | None:
    if change is None or not isinstance(part, Op):
        return None
    if change.arguments is None:
        left: Part = Sequence() if change.other is None else change.other
    else:
        left = part.changed(**change.arguments) if change.arguments else part
    return left if change.behind is None else left >> change.behind
