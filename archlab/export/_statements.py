"""A graph as assignments to few variables: `x` carries what flows, and what is needed again is kept under a name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from archlab.bridge import unstated
from archlab.errors import ArgumentError, DesignError
from archlab.export._expressions import expression
from archlab.graph import Graph, format_shape

MAIN = "x"


@dataclass(frozen=True)
class Statement:
    """`target = kind(arguments)(inputs)`; a `kind` of None only keeps a value under another name.

    `scopes` are the parts of the architecture that it stands in, outermost first. `layer` is the variable of a layer
    that is used more than once.
    """

    target: str
    kind: str | None
    inputs: tuple[str, ...]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    scopes: tuple[str, ...] = ()
    layer: str = ""


@dataclass(frozen=True)
class Program:
    """A whole network: its inputs and layers used more than once, then statements, then what comes out."""

    inputs: tuple[tuple[str, Mapping[str, Any]], ...]
    shared: tuple[tuple[str, str, Mapping[str, Any]], ...]
    statements: tuple[Statement, ...]
    outputs: tuple[str, ...]


def programs(graph: Graph) -> Iterator[Program]:
    """Ways to write the statements that build a graph in Keras.

    The second, for a graph of one input, begins with `x = inputs`: then the first layers read like the later ones, and
    can be part of a loop.

    Raises:
        DesignError: an operation has no layer in Keras.
    """
    yield _Writer(graph).program()
    if len(graph.inputs) == 1:
        yield _Writer(graph, True).program()


class _Writer:
    def __init__(self, graph: Graph, renamed: bool = False) -> None:
        self.renamed = renamed
        self.graph = graph
        self.order = _depth_first(graph)
        place = {position: number for number, position in enumerate(self.order)}
        reached = set(self.order)
        self.readers: dict[int, list[int]] = {
            position: sorted(
                {reader for reader in graph.consumers[position] if reader in reached}, key=place.__getitem__
            )
            for position in self.order
        }
        self.height = _heights(graph, self.order)
        # A value that comes out is read at the end.
        self.left = {position: len(self.readers[position]) + (position in graph.outputs) for position in self.order}
        self.variable: dict[int, str] = {}
        self.live = _Names()
        self.parts: dict[int, bool] = {}
        self.multiplied: dict[int, int] = {}
        self.input_names: list[str] = []
        self.statements: list[Statement] = []
        self.shared: dict[str, tuple[str, str, Mapping[str, Any]]] = {}

    def program(self) -> Program:
        inputs: list[tuple[str, Mapping[str, Any]]] = []
        for number, position in enumerate(self.graph.inputs, start=1):
            name = "inputs" if len(self.graph.inputs) == 1 else f"input{number}"
            self.variable[position] = name
            self.input_names.append(name)
            inputs.append((name, self.described(position)[1]))
        if self.renamed:
            self.statements.append(Statement(MAIN, None, (self.input_names[0],)))
            self.variable[self.graph.inputs[0]] = MAIN
            self.live.hold(MAIN)
        uses: dict[str, int] = {}
        for position in self.order:
            layer = self.graph.nodes[position].layer
            uses[layer] = uses.get(layer, 0) + 1
        for position in self.order:
            if self.graph.nodes[position].inputs:
                self.write(position, uses[self.graph.nodes[position].layer] > 1)
        outputs = tuple(self.variable[position] for position in self.graph.outputs)
        last = self.statements[-1] if self.statements else None
        if last is not None and outputs == (last.target,):
            self.statements[-1] = Statement(
                "outputs", last.kind, last.inputs, last.arguments, last.scopes, last.layer
            )  # fmt: skip
            outputs = ("outputs",)
        return Program(tuple(inputs), tuple(self.shared.values()), tuple(self.statements), outputs)

    def described(self, position: int) -> tuple[str, Mapping[str, Any]]:
        node = self.graph.nodes[position]
        layer = node.op.keras(*self.graph.input_shapes(node))
        if layer is None:
            raise DesignError(f"{node.op.title} has no layer in Keras", node.name)
        for name, value in layer.arguments.items():
            if callable(value) and import_of(value) is None:
                raise DesignError(
                    f"{node.op.title}: {name}={value!r} cannot be imported by name, as code has to: define it as a "
                    "function of a module",
                    node.name,
                )
        arguments = {name: _plain(name, value) for name, value in layer.arguments.items()}
        for name, value in unstated(self.graph)[position].items():
            try:
                arguments[name] = expression(value)
            except ArgumentError as error:
                raise DesignError(f"{node.op.title}: {name} cannot be written as code: {error}", node.name) from None
        ours = [each.shape for each in node.op.weights(*self.graph.input_shapes(node)) or ()]
        if node.weights is not None and sorted(ours) != sorted([each.shape for each in node.weights]):
            told = ", ".join(map(format_shape, [each.shape for each in node.weights]))
            raise DesignError(f"{node.op.title}: its weights, {told}, are not those of such a layer in code", node.name)
        return layer.name, arguments

    def write(self, position: int, shared: bool) -> None:
        node = self.graph.nodes[position]
        kind, arguments = self.described(position)
        scopes: list[str] = []
        scope = node.scope
        while scope is not None:
            scopes.insert(0, scope.path)
            scope = scope.parent
        variable = ""
        if shared:
            variable = self.layer_variable(node.layer, kind, arguments)
        shown = self.keep_what_is_needed(position, tuple(scopes))
        inputs = tuple(shown or self.variable[source] for source in node.inputs)
        for source in set(node.inputs):
            self.left[source] -= 1
            if not self.left[source]:
                self.live.drop(self.variable[source])
        target = self.target(position, inputs)
        self.variable[position] = target
        self.live.hold(target)
        self.statements.append(Statement(target, kind, inputs, arguments, tuple(scopes), variable))

    def layer_variable(self, layer: str, kind: str, arguments: Mapping[str, object]) -> str:
        if layer not in self.shared:
            word = kind.rpartition(".")[2].rstrip("123D").lower()
            taken = [name for name, _, _ in self.shared.values()]
            self.shared[layer] = (_free(f"shared_{word}", taken), kind, arguments)
        return self.shared[layer][0]

    def keep_what_is_needed(self, position: int, scopes: tuple[str, ...]) -> str:
        """Where the longer of two ways sets off, keep what it starts from for the other: `residual = x`.

        Returns the name that the way itself goes on from; empty where nothing had to be kept.
        """
        node = self.graph.nodes[position]
        source = node.inputs[0]
        name = self.variable[source]
        if len(node.inputs) != 1 or self.left[source] < 2 or name not in self.live:
            return ""
        if self.forks(source) or self.is_gate(position, source):
            return ""
        other = next((reader for reader in self.readers[source] if reader != position), None)
        if other is None:
            # It is needed at the end only: it comes out.
            kept = self.live.fresh("output")
        elif self.height[other] > self.height[position]:
            return ""
        else:
            kept = self.live.fresh("residual" if self.is_sum(other) else "skip")
        self.statements.append(Statement(kept, None, (name,), scopes=scopes))
        self.live.drop(name)
        self.live.hold(kept)
        self.variable[source] = kept
        return name

    def target(self, position: int, inputs: tuple[str, ...]) -> str:
        """The variable that a node's value goes to, once those that nobody reads any more are free."""
        node = self.graph.nodes[position]
        free = [name for name in inputs if name not in self.live and name not in self.input_names]
        forks = len(node.inputs) == 1 and self.forks(node.inputs[0])
        if not forks:
            if MAIN not in self.live:
                return MAIN
            if free:
                return free[0]
        if self.is_gate(position, node.inputs[0]):
            return self.live.fresh("gate")
        return self.live.fresh("shortcut" if self.is_sum(position) and not forks else "branch")

    def forks(self, source: int) -> bool:
        """Whether a value is where branches part, none of them the main one; asked of each branch, found out once."""
        if source not in self.parts:
            readers = self.readers[source]
            if len(readers) < 2 or any(len(self.graph.nodes[reader].inputs) > 1 for reader in readers):
                self.parts[source] = len(readers) > 2 and not self.factors(source)
            else:
                self.parts[source] = len(readers) > 2 or not any(self.is_sum(reader) for reader in readers)
        return self.parts[source]

    def factors(self, source: int) -> int:
        """How many of a value's readers multiply it."""
        if source not in self.multiplied:
            readers = self.readers[source]
            self.multiplied[source] = sum(self.graph.nodes[reader].op.merge == "product" for reader in readers)
        return self.multiplied[source]

    def is_sum(self, position: int) -> bool:
        """Whether the way through a node ends in a sum."""
        return self.merges(position) == "sum"

    def is_gate(self, position: int, source: int) -> bool:
        """Whether a way that starts here, at a reader of `source`, ends in a factor for what it starts from."""
        elsewhere = self.factors(source) - (self.graph.nodes[position].op.merge == "product")
        return elsewhere > 0 and self.merges(position) == "product"

    def merges(self, position: int) -> str | None:
        """How the way through a node meets another one; None where it meets none."""
        op = self.merge_after(position)
        return None if op is None else op.merge

    def merge_after(self, position: int) -> Any:
        """The operation in which the way through a node meets another one; None where it meets none."""
        while len(self.graph.nodes[position].inputs) < 2:
            readers = self.readers[position]
            if not readers:
                return None
            position = max(readers, key=self.height.__getitem__)
        return self.graph.nodes[position].op


_PER_AXIS = ("kernel_size", "strides", "pool_size", "dilation_rate", "output_padding", "size", "padding", "cropping")


def _plain(name: str, value: object) -> Any:
    """One number for one of each axis, where they are the same."""
    if name in _PER_AXIS and isinstance(value, tuple):
        inner = {_plain(name, each) for each in value}
        if len(inner) == 1 and isinstance(each := inner.pop(), int):
            return each
    return value


def import_of(value: Any) -> tuple[str, str] | None:
    """The module and the name under which a function can be imported; None where there is none."""
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    if not module or not name or module == "__main__" or not name.isidentifier():
        return None
    return module, name


class _Names:
    """The variables whose values are still needed; the lowest number that is free is not searched anew each time."""

    def __init__(self) -> None:
        self._held: set[str] = set()
        self._lowest: dict[str, int] = {}
        self._made: dict[str, tuple[str, int]] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._held

    def hold(self, name: str) -> None:
        """It is needed from here on."""
        self._held.add(name)

    def drop(self, name: str) -> None:
        """It is not needed any more."""
        self._held.discard(name)
        if name in self._made:
            base, number = self._made[name]
            self._lowest[base] = min(number, self._lowest[base])

    def fresh(self, base: str) -> str:
        """`base`, or with the lowest number that leaves it free."""
        number = self._lowest.get(base, 1)
        while (name := base if number == 1 else f"{base}{number}") in self:
            number += 1
        self._lowest[base] = number
        self._made[name] = base, number
        return name


def _free(base: str, taken: Iterable[str]) -> str:
    number, name = 1, base
    while name in taken:
        number += 1
        name = f"{base}{number}"
    return name


def _depth_first(graph: Graph) -> list[int]:
    """The nodes that what comes out depends on, one way after another: a person writes a branch down as a whole."""
    order: list[int] = []
    entered: set[int] = set()
    for output in graph.outputs:
        stack = [(output, 0)]
        while stack:
            position, number = stack.pop()
            inputs = graph.nodes[position].inputs
            if number == 0:
                if position in entered:
                    continue
                entered.add(position)
            if number < len(inputs):
                stack.append((position, number + 1))
                if inputs[number] not in entered:
                    stack.append((inputs[number], 0))
            else:
                order.append(position)
    return order


def _heights(graph: Graph, order: list[int]) -> dict[int, int]:
    """For each node the most nodes that lie between it and an end."""
    height = dict.fromkeys(order, 0)
    for position in reversed(order):
        for source in graph.nodes[position].inputs:
            height[source] = max(height[source], height[position] + 1)
    return height
