from __future__ import annotations

from typing import Any

from archlab.bridge._rules import layer_of, operation_of
from archlab.bridge._runnable import Runnable, Step
from archlab.bridge._runtime import load_keras
from archlab.errors import ShapeError, UsageError
from archlab.graph import Graph, Node, Scope, Shape
from archlab.ops import Input, Op, Opaque, Output, Weight
from archlab.ops._base import Role


def from_keras(model: Any) -> Graph:
    """The graph of a Keras model, which is read and left exactly as it is.

    Functional, sequential and nested models, with layers used more than once and with `keras.ops` on symbolic tensors.
    A layer without a rule (a custom one, for which `keras_rule` gives one) is *unknown*: its weights are counted, its
    operations are not.

    Args:
        model: a `keras.Model`.

    Raises:
        UsageError: a subclassed model, whose graph Keras does not keep, or one that has not been built.

    >>> import keras
    >>> x = keras.Input((32, 32, 3))
    >>> graph = from_keras(keras.Model(x, keras.layers.Conv2D(16, 3, name="conv")(x)))
    >>> graph["conv"].op
    Conv(16, padding='valid', bias=True)
    """
    return live(model).graph


def live(model: Any) -> Runnable:
    """A model with its graph, to be run node by node: the layers are its own, not copies; see `from_keras`."""
    _, keras = load_keras()
    if not isinstance(model, keras.Model):
        raise UsageError(f"a Keras model is needed, got {type(model).__name__}")
    reader = _Reader(keras)
    function = reader.function(model)
    tensors = [reader.input(tensor, "") for tensor in function.inputs]
    outputs = reader.read(function, tensors, None)
    graph = Graph(tuple(reader.nodes), tuple(outputs), model.name)
    return Runnable(model, graph, tuple(reader.operations), tuple(reader.steps))


class _Reader:
    """Reads functional graphs into nodes; nested models in place, in scopes of their own."""

    def __init__(self, keras: Any) -> None:
        self.keras = keras
        self.nodes: list[Node] = []
        self.operations: list[Any] = []
        self.steps: list[Step] = []
        self._used: dict[str, int] = {}
        self._layers: dict[int, tuple[str, Op | None, tuple[Weight, ...]]] = {}

    def function(self, model: Any) -> Any:
        """The functional graph inside a model."""
        if isinstance(model, self.keras.Sequential):
            if model._functional is None:
                raise UsageError(
                    f"the sequential model {model.name!r} does not know its input: begin it with keras.Input, "
                    "or call model.build((None, 180, 180, 3))"
                )
            return model._functional
        if not hasattr(model, "_nodes_by_depth"):
            raise UsageError(
                f"{type(model).__name__} is a subclassed model, whose graph Keras does not keep: give the functional "
                "model of its call, keras.Model(x, model.call(x)) with x = keras.Input((180, 180, 3))"
            )
        return model

    def name(self, path: str) -> str:
        """A name that no node has yet."""
        count = self._used[path] = self._used.get(path, 0) + 1
        return path if count == 1 else self.name(f"{path}_{count}")

    def add(self, node: Node, operation: Any = None) -> int:
        """Append a node and give its position."""
        self.nodes.append(node)
        self.operations.append(operation)
        return len(self.nodes) - 1

    def input(self, tensor: Any, prefix: str) -> int:
        """A node for what comes in."""
        name = self.name(prefix + (tensor._keras_history.operation.name or "input"))
        shape = _shape(tensor)
        return self.add(Node(name, Input(*shape, dtype=_dtype(tensor)), (), shape, None, name, _dtype(tensor)))

    def read(self, function: Any, inputs: list[int], scope: Scope | None) -> list[int]:
        """Append the nodes of a functional graph; takes and returns the positions of what comes in and goes out."""
        known = {id(tensor): position for tensor, position in zip(function.inputs, inputs, strict=True)}
        # Keras itself runs a model by depth, the deepest first.
        for depth in sorted(function._nodes_by_depth, reverse=True):
            for call in function._nodes_by_depth[depth]:
                if call.is_input or call.operation is None:
                    continue
                came = [known[id(tensor)] for tensor in call.arguments.keras_tensors]
                made = self._call(call, came, scope)
                known.update({id(tensor): position for tensor, position in zip(call.outputs, made, strict=True)})
        return [known[id(tensor)] for tensor in function.outputs]

    def _call(self, call: Any, came: list[int], scope: Scope | None) -> list[int]:
        operation = call.operation
        prefix = f"{scope.path}/" if scope else ""
        nested = isinstance(operation, self.keras.Sequential) or hasattr(operation, "_nodes_by_depth")
        if isinstance(operation, self.keras.Model) and nested:
            inner = Scope(self.name(prefix + operation.name), "block", scope)
            return self.read(self.function(operation), came, inner)
        key = id(operation)
        known = self._layers.get(key)
        name = self.name(prefix + operation.name)
        if known is None:
            layer = isinstance(operation, self.keras.layers.Layer)
            arguments = (*call.arguments.args, *call.arguments.kwargs.values())
            op = layer_of(operation) if layer else operation_of(operation, arguments, len(came))
            known = self._layers[key] = (name, op, _weights(operation) if layer else ())
        first, op, weights = known
        shapes = tuple(self.nodes[source].shape for source in came)
        shape = _shape(call.outputs[0])
        if op is not None and not _agrees(op, shapes, shape):
            op = None
        if op is None:
            op = Opaque(type(operation).__name__, shapes, shape, _infer(operation))
        else:
            weights = _roles(op, shapes, weights)
        node = Node(name, op, tuple(came), shape, scope, first, _dtype(call.outputs[0]), weights)
        position = self.add(node, operation)
        # Further outputs have nodes of their own, so that a shape goes with each.
        for tensor in call.outputs[1:]:
            further, dtype = _shape(tensor), _dtype(tensor)
            self.add(Node(self.name(name), Output(further), (position,), further, scope, name, dtype, ()))
        made = tuple(range(position, position + len(call.outputs)))
        tensors = zip(call.arguments.keras_tensors, came, strict=True)
        self.steps.append(Step(operation, call.arguments, {id(tensor): at for tensor, at in tensors}, made))
        return list(made)


def _shape(tensor: Any) -> Shape:
    return tuple(tensor.shape[1:])


def _dtype(tensor: Any) -> str:
    return str(tensor.dtype)


def _weights(layer: Any) -> tuple[Weight, ...]:
    """The weights that a layer has, frozen or not, in their own dtype."""
    found: list[Weight] = []
    for variable in layer.weights:
        shape = tuple(variable.shape)
        size = 1
        for side in shape:
            size *= side
        # A guess, until a rule says better: what is learned and has two axes or more is a kernel.
        role: Role = (
            "kernel" if variable.trainable and len(shape) > 1 else "bias" if variable.trainable else "statistic"
        )
        trainable = bool(variable.trainable and layer.trainable)
        found.append(Weight(variable.name, shape, size, role, trainable, str(variable.dtype)))
    return tuple(found)


def _roles(op: Op, inputs: tuple[Shape, ...], weights: tuple[Weight, ...]) -> tuple[Weight, ...]:
    """The same weights with the roles that the rule knows."""
    try:
        facts = op.weights(*inputs) or ()
    except ShapeError:
        return weights
    if [fact.shape for fact in facts] != [weight.shape for weight in weights]:
        return weights
    return tuple(weight._replace(role=fact.role) for weight, fact in zip(weights, facts, strict=True))


def _agrees(op: Op, inputs: tuple[Shape, ...], made: Shape) -> bool:
    """Whether the operation makes of these shapes what Keras makes of them."""
    try:
        return op.output(*inputs) == made
    except ShapeError:
        return False


def _infer(operation: Any) -> Any:
    """A function that asks the layer what comes out of other shapes."""

    def infer(*inputs: Shape) -> Shape:
        shapes = [(None, *shape) for shape in inputs]
        try:
            found = operation.compute_output_shape(shapes[0] if len(shapes) == 1 else shapes)
        except Exception as error:
            raise ShapeError(f"{type(operation).__name__} does not say what comes out of {inputs}") from error
        return tuple(found[1:])

    return infer
