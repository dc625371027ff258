from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from archlab.errors import DesignError, UnknownNameError, did_you_mean
from archlab.graph._shape import Shape, format_shape
from archlab.shown import Shown

if TYPE_CHECKING:
    import networkx

T = TypeVar("T")


class Operation(Protocol):
    """All that the graph asks of an operation: a name for what it is."""

    @property
    def label(self) -> str: ...


@dataclass(frozen=True)
class Scope:
    """A named part of an architecture: a stage, a block, a branch. Its path names all the parts it stands in."""

    path: str
    kind: str
    parent: Scope | None = None

    def outermost(self, kind: str) -> Scope | None:
        """The largest scope of a kind that holds this one (itself included)."""
        found, scope = None, self
        while scope is not None:
            if scope.kind == kind:
                found = scope
            scope = scope.parent
        return found


@dataclass(frozen=True, slots=True)
class Node:
    """One use of an operation.

    `inputs` are positions in `Graph.nodes`; `shape` is the output's, without the batch. Nodes with the same `layer`
    use the same weights: those are counted once. `weights` are those that the layer really has, where it has been built
    already: frozen or not, in whatever dtype; None leaves them to the operation's own rule. `beside` are positions of
    what it reads besides: masks, which say where there is something and are no signal. `settings` are all that the
    layer was told, where it was read from one. `kept` is what the backward pass needs, where the framework that it was
    read from keeps something else than the operation's own rule says.
    """

    name: str
    op: Any
    inputs: tuple[int, ...]
    shape: Shape
    scope: Scope | None = None
    layer: str = ""
    dtype: str = "float32"
    weights: tuple[Any, ...] | None = None
    beside: tuple[int, ...] = ()
    settings: Any = field(default=None, compare=False, repr=False)
    kept: Any = None

    def __str__(self) -> str:
        return f"{self.name}: {self.op!r} → {format_shape(self.shape)}"


@dataclass(frozen=True, eq=False)
class Graph(Shown):
    """An architecture as nodes in topological order: every node stands after its inputs.

    >>> from archlab import Conv, Input, ReLU
    >>> graph = (Input(32, 32, 3) >> Conv(8) >> ReLU()).to_graph()
    >>> [node.name for node in graph]
    ['input', 'conv', 'relu']
    >>> graph["conv"].shape
    (32, 32, 8)
    """

    nodes: tuple[Node, ...]
    outputs: tuple[int, ...]
    name: str = ""
    _facts: dict[object, Any] = field(default_factory=dict[object, Any], init=False, repr=False)

    def __post_init__(self) -> None:
        for position, node in enumerate(self.nodes):
            for source in (*node.inputs, *node.beside):
                if not 0 <= source < position:
                    raise DesignError(f"input {source} does not stand before node {position}", node.name)
        if len(self._positions) != len(self.nodes):
            names = [node.name for node in self.nodes]
            twice = next(name for name in names if names.count(name) > 1)
            raise DesignError(f"two nodes are named {twice}")

    def __len__(self) -> int:
        return len(self.nodes)

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def __getitem__(self, key: int | str) -> Node:
        return self.nodes[self.position(key) if isinstance(key, str) else key]

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {node.name: position for position, node in enumerate(self.nodes)}

    def position(self, name: str) -> int:
        """Where the node of that name stands in `nodes`."""
        try:
            return self._positions[name]
        except KeyError:
            raise UnknownNameError(f"no node named {name!r}: {did_you_mean(name, self._positions)}") from None

    @cached_property
    def inputs(self) -> tuple[int, ...]:
        """Positions of the nodes that take no input."""
        return tuple(p for p, node in enumerate(self.nodes) if not node.inputs and not node.op.detached)

    @cached_property
    def consumers(self) -> tuple[tuple[int, ...], ...]:
        """For each node the positions of the nodes that read it, once for each time they do."""
        found: list[list[int]] = [[] for _ in self.nodes]
        for position, node in enumerate(self.nodes):
            for source in node.inputs:
                found[source].append(position)
        return tuple(map(tuple, found))

    def input_shapes(self, node: Node) -> tuple[Shape, ...]:
        """The shapes that the node reads."""
        return tuple(self.nodes[source].shape for source in node.inputs)

    def with_input(self, shape: Shape) -> Graph:
        """The same graph for inputs of another shape; weights that have been built must still fit.

        Raises:
            DesignError: a layer refuses the shapes that follow, or was built for others.
        """
        if len(self.inputs) != 1:
            name = self.name or "the graph"
            raise DesignError(f"{name} has {len(self.inputs)} inputs, and it is not said which is to change")
        nodes: list[Node] = []
        for node in self.nodes:
            inputs = tuple(nodes[source].shape for source in node.inputs)
            try:
                op = node.op if node.inputs else node.op.resized_input(shape)
                made = op.output(*inputs)
                if node.weights is not None:
                    asked = [weight.shape for weight in op.weights(*inputs) or ()]
                    built = [weight.shape for weight in node.weights]
                    if asked and asked != built:
                        raise DesignError(f"it was built with weights of {built[0]}, and this input needs {asked[0]}")
            except DesignError as error:
                raise error.at(node.name) from None
            nodes.append(replace(node, op=op, shape=made))
        return Graph(tuple(nodes), self.outputs, self.name)

    def fact(self, key: object, compute: Callable[[], T]) -> T:
        """`compute()`, remembered under `key` for as long as the graph lives: a graph never changes."""
        try:
            return self._facts[key]
        except KeyError:
            return self._facts.setdefault(key, compute())

    def to_networkx(self) -> networkx.MultiDiGraph[str]:
        """The same graph for networkx: nodes by name, with `op`, `shape` and `scope`; edges with `shape`."""
        import networkx

        view: networkx.MultiDiGraph[str] = networkx.MultiDiGraph(name=self.name)
        for node in self.nodes:
            view.add_node(node.name, op=node.op, shape=node.shape, scope=node.scope.path if node.scope else "")
            for source in node.inputs:
                view.add_edge(self.nodes[source].name, node.name, shape=self.nodes[source].shape)
        return view
