from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, nullcontext, suppress
from dataclasses import replace
from functools import cached_property
from math import prod
from types import SimpleNamespace
from typing import Any, NamedTuple

from archlab.bridge._of_tensorflow import is_of_tensorflow, recorded
from archlab.bridge._operations import (
    LEADING,
    MOVING,
    BeyondError,
    Call,
    kind_of,
    macs_of_constants,
    operation_of,
    role_of,
)
from archlab.bridge._private import (
    MODE,
    Product,
    Products,
    all_layers,
    calls,
    fresh_names,
    functional,
    has_functional_call,
    in_any_mode,
    is_of_keras_ops,
    maker,
    spec_by_call,
    spec_of,
    tensors_in,
    traced,
)
from archlab.bridge._rules import is_ruled, layer_of
from archlab.bridge._runnable import Runnable, Step
from archlab.bridge._runtime import load_any_keras
from archlab.bridge._settings import Settings
from archlab.bridge.types import Config, Keras, Layer, Model, Tensor, Untyped, Variable
from archlab.errors import ShapeError, UsageError
from archlab.graph import Graph, Node, Scope, Shape
from archlab.ops import (
    POINTWISE,
    Constants,
    Detached,
    Fixed,
    Input,
    Op,
    Opaque,
    Output,
    Rearranged,
    Repeated,
    Weight,
)


def from_keras(model: object, input: Sequence[int | None] | None = None) -> Graph:
    """The graph of a Keras model, which is read and left exactly as it is.

    Functional, sequential and nested models, with layers used more than once and with `keras.ops` on symbolic tensors.
    A subclassed model, and a layer of somebody's own, is looked into: its `call` is traced on symbolic tensors, as
    Keras's functional constructor does, and what it calls stands in the graph under its name. What cannot be traced (a
    branch over a tensor's values, a loop of TensorFlow's) is *unknown*, by name and reason: its weights
    are counted, its operations are not. `keras_rule` gives a rule for it.

    Args:
        model: a `keras.Model`.
        input: the shape of what a subclassed model takes, without the batch, where it has not been built.

    Raises:
        UsageError: a model whose input nobody has said.

    >>> import keras
    >>> x = keras.Input((32, 32, 3))
    >>> graph = from_keras(keras.Model(x, keras.layers.Conv2D(16, 3, name="conv")(x)))
    >>> graph["conv"].op
    Conv(16, padding='valid', bias=True)
    """
    return _read(model, input, True).graph


def live(model: Model, input: Sequence[int | None] | None = None) -> Runnable:
    """A model with its graph, to be run node by node: the layers are its own, not copies; see `from_keras`."""
    return _read(model, input, False)


AllAxes = tuple[int | None, ...]
"""A shape as Keras has it, the batch's axis among the others."""


def _read(model: Model, input: Sequence[int | None] | None, fixed: bool) -> Runnable:
    """`fixed` lets a call that computes with the size of the batch be read for one size: that is not to be run."""
    keras = load_any_keras()
    if not isinstance(model, keras.Model):
        raise UsageError(f"a Keras model is needed, got {type(model).__name__}")
    with ExitStack() as stack:
        reader = _Reader(keras, model, stack, fixed)
        outputs = reader.model(model, input)
    reader.add_unused()
    graph = Graph(tuple(reader.nodes), tuple(outputs), model.name)
    return Runnable(
        model,
        graph,
        tuple(reader.operations),
        tuple(reader.steps),
        tuple(reader.owners),
        reader.first,
        reader.variables,
    )


_OWN = "it computes with nothing that comes in"
"""Why a layer's call has no graph: it makes tensors, and none of them depends on what comes in."""


class _Seen(NamedTuple):
    """What is known of an operation that has been met: a layer used again is the same layer."""

    name: str
    op: Op | None
    weights: tuple[Weight, ...]
    why: str


class _Opened(NamedTuple):
    """A layer's call as a graph: what comes in, what goes out, the calls between."""

    inputs: list[Tensor]
    outputs: list[Tensor]
    calls: list[Untyped]
    constants: Constants
    """What it multiplies of constants alone."""
    absent: tuple[int, ...] = ()
    """The places of None among what it makes, all counted."""


class _Standing(NamedTuple):
    """How a tensor stands in the graph: its shape there, and on which of its axes the batch is.

    The batch of most tensors is `LEADING`: it has the first axis to itself, which shapes leave out. Where it shares an
    axis (windows of an image as rows of the batch) or is on another one, the shape is of all axes for one sample. None:
    nothing of the batch is in the tensor.
    """

    shape: Shape
    batch: int | None = LEADING


class _Reader:
    """Reads calls into nodes; models and layers that hold others in place, in scopes of their own."""

    def __init__(self, keras: Keras, model: Model, stack: ExitStack, fixed: bool) -> None:
        self.keras = keras
        self._fixed = fixed
        self._stack = stack
        self._inside = 0
        self._mode: bool | None = None
        self.nodes: list[Node] = []
        self.operations: list[Layer] = []
        self.steps: list[Step] = []
        self.owners: list[Layer] = []
        """Layers that were looked into, whose own variables what they call reads."""
        self.variables: dict[int, tuple[Variable, ...]] = {}
        """By node, the variables that its weights are, where no layer has them as its own."""
        self._whole = model
        self._used: dict[str, int] = {}
        self._seen: dict[int, _Seen] = {}
        self._counted: set[int] = set()
        self._batch: dict[int, int | None] = {}
        """By node, the axis that its batch is on, where that is not `LEADING`."""
        self._twice: dict[int, AllAxes] = {}
        """By the `id` of what a call makes that was traced for one sample, the shape that it has for two."""
        self._absent: dict[int, Tensor] = {}
        """Symbolic tensors for which None stands when the model runs: their layers say that they make more."""
        self._kept: list[_Opened] = []
        """Traces whose tensors are looked up by their `id`."""
        self.first = _is_channels_first(model)
        self._trainable = {id(variable) for variable in model.trainable_variables}

    # Models and layers.

    def model(self, model: Model, input: Sequence[int | None] | None) -> list[int]:
        """Read a whole model; gives the positions of what goes out."""
        function = self._function(model)
        if function is not None:
            tensors, outputs = list(function.inputs), list(function.outputs)
            came = [self.input(tensor, "") for tensor in tensors]
            return self.read(list(calls(function)), dict(_places(tensors, came)), outputs, None)
        args, kwargs = _asked(self.keras, model, input)
        tensors = [each for each in self.keras.tree.flatten((args, kwargs)) if self.is_symbolic(each)]
        came = [self.input(tensor, "") for tensor in tensors]
        opened, why = self.open(model, args, kwargs, tensors, came)
        if opened is None or why:
            raise UsageError(
                f"{type(model).__name__} is a subclassed model whose call cannot be traced on symbolic tensors: {why}"
            )
        self.owners.append(model)
        self._add_constants(opened.constants, None)
        return self.read(opened.calls, dict(_places(opened.inputs, came)), opened.outputs, None)

    def _function(self, model: Model) -> Untyped:
        """The functional graph inside a model that is nothing but it; None of one with a `call` of its own."""
        found = functional(model)
        if isinstance(model, self.keras.Sequential):
            if found is None:
                raise UsageError(
                    f"the sequential model {model.name!r} does not know its input: begin it with keras.Input, "
                    "or call model.build((None, 180, 180, 3))"
                )
            return found if type(model).call is self.keras.Sequential.call else None
        return found if found is not None and has_functional_call(model) else None

    def shape(self, tensor: Tensor) -> Shape:
        """A tensor's shape without the batch, channels last: so they stand in a graph, wherever Keras has them."""
        return self._in_graph(tensor.shape)

    def _in_graph(self, all_axes: AllAxes) -> Shape:
        shape = tuple(None if size is None else int(size) for size in all_axes[1:])
        return (*shape[1:], shape[0]) if self.first and len(shape) > 2 else shape

    def is_symbolic(self, value: object) -> bool:
        """Whether it is a symbolic tensor."""
        return isinstance(value, self.keras.KerasTensor)

    def open(
        self, layer: Layer, args: Sequence[Tensor], kwargs: Config, tensors: Sequence[Tensor], came: Sequence[int]
    ) -> tuple[_Opened | None, str]:
        """A layer's own `call`, traced on tensors as they stand at `came`; or None and the reason why it cannot be.

        Of a call that makes something of nothing that comes in there are both: a trace without a call, and `_OWN`.
        """
        shapes = [self._called_with(position) for position in came]
        opened, why = self._trace(layer, args, kwargs, tensors, shapes)
        vague = opened is not None and _is_vague(shapes, opened)
        if opened is not None and not vague:
            return opened, why
        if not self._fixed:
            return None, why or "it computes with the size of the batch"
        # A call that computes with the size of the batch needs one; two tell what grows with it.
        (one, fixed), (two, _) = (
            self._trace(layer, args, kwargs, tensors, [self._all_axes(position, samples) for position in came])
            for samples in (1, 2)
        )
        if one is None or two is None or not _same_calls(one, two):
            return opened, fixed or why
        made = [(call.outputs, other.outputs) for call, other in zip(one.calls, two.calls, strict=True)]
        pairs = [pair for each in (*made, (one.outputs, two.outputs)) for pair in zip(*each, strict=True)]
        self._twice |= {id(tensor): tuple(other.shape) for tensor, other in pairs}
        self._kept.append(one)
        return one, fixed

    @cached_property
    def _products(self) -> Products:
        """What is traced from now on multiplies. Most models are graphs already, and nothing of theirs is called."""
        return self._stack.enter_context(traced(self._whole))

    def _called_with(self, position: int) -> AllAxes:
        """The shape that a layer is called with, the size of the batch unknown and all others as they are known."""
        axis = self._batch.get(position, LEADING)
        axis = 0 if axis == LEADING else axis
        return tuple(None if at == axis else size for at, size in enumerate(self._all_axes(position, 1)))

    def _all_axes(self, position: int, samples: int) -> AllAxes:
        """The shape of a node for so many samples, as Keras has it."""
        shape, batch = self.nodes[position].shape, self._batch.get(position, LEADING)
        if batch == LEADING:
            moved = (shape[-1], *shape[:-1]) if self.first and len(shape) > 2 else shape
            return (samples, *moved)
        return tuple(size * samples if at == batch and size else size for at, size in enumerate(shape))

    def _trace(
        self, layer: Layer, args: Sequence[Tensor], kwargs: Config, tensors: Sequence[Tensor], shapes: Sequence[AllAxes]
    ) -> tuple[_Opened | None, str]:
        with fresh_names():  # inputs, for Keras takes no other tensor that nothing reads
            swapped = {
                id(old): self.keras.Input(batch_shape=shape, dtype=old.dtype)
                for shape, old in zip(shapes, tensors, strict=True)
            }
        fresh = [swapped[id(old)] for old in tensors]
        products, noted = self._products, list[Product | Variable]()
        given = (list(args), dict(kwargs))
        args, kwargs = self.keras.tree.map_structure(lambda each: swapped.get(id(each), each), given)
        try:
            with fresh_names(), in_any_mode(layer):
                if "training" not in inspect.signature(layer.call).parameters:
                    # A model notes the mode for every layer that it calls, whether or not it names it.
                    kwargs = {name: value for name, value in kwargs.items() if name != "training"}
                elif kwargs.get("training") is None:
                    kwargs = {**kwargs, "training": MODE}
                # What a layer of Keras's own calls of TensorFlow says less than the layer does, whose name is known.
                of_keras = type(layer).__module__.startswith("keras.")
                with products.noted_in(noted), nullcontext() if of_keras else recorded():
                    all_made = self.keras.tree.flatten(layer.call(*args, **kwargs))
            made, absent = tensors_in(all_made), tuple(at for at, each in enumerate(all_made) if each is None)
            multiplied = [each for each in noted if isinstance(each, Product)]
            if len(multiplied) < len(noted) and not self._fixed and layer is not self._whole:
                # Run from the graph, it would have the values that they have now, and no gradient.
                return None, "it computes with the values of its own variables"
            constants = _multiplied(multiplied)
            if not made or not all(hasattr(each, "shape") for each in made):
                return None, "it makes no tensors"
            symbols = [each for each in made if self.is_symbolic(each)]
            if not symbols:
                return _Opened(fresh, [], [], constants), _OWN
            if len(symbols) < len(made) and not self._fixed:
                return None, "some of what it makes are constants"  # nothing computes these when it is run
            # What goes out as it came in is no part of a graph of calls.
            computed = [each for each in symbols if not any(each is tensor for tensor in fresh)]
            if not computed:
                return _Opened(fresh, made, [], constants, absent), ""
            function = self.keras.Function(list(swapped.values()), computed)
            if not all([_leaves_batch_open(each) for each in calls(function)]) and not self._fixed:
                return None, "it computes with the size of the batch"
        except Exception as error:  # somebody's layer: whatever it raises, it cannot be traced
            return None, _reason(error)
        return _Opened(fresh, made, list(calls(function)), constants, absent), ""

    # Nodes.

    def name(self, path: str) -> str:
        """A name that no node has yet."""
        count = self._used[path] = self._used.get(path, 0) + 1
        return path if count == 1 else self.name(f"{path}_{count}")

    def add(self, node: Node, operation: Layer = None) -> int:
        """Append a node and give its position."""
        self.nodes.append(node)
        self.operations.append(operation)
        return len(self.nodes) - 1

    def input(self, tensor: Tensor, prefix: str) -> int:
        """A node for what comes in."""
        made_by = maker(tensor)
        name = self.name(prefix + ((made_by.name if made_by is not None else tensor.name) or "input"))
        shape, dtype = self.shape(tensor), _dtype(tensor)
        settings = Settings(made_by) if made_by is not None else None
        return self.add(Node(name, Input.of(shape, dtype), (), shape, None, name, dtype, settings=settings))

    def read(
        self, found: Iterable[Untyped], known: dict[int, int], outputs: Sequence[Tensor], scope: Scope | None
    ) -> list[int]:
        """Append the nodes of calls in order; takes the positions of tensors by their `id`, gives those of outputs."""
        for call in found:
            if call.is_input or call.operation is None:
                continue
            made = self._call(self._without_absent(call), known, scope)
            known.update(_places(call.outputs, made))
        return [known[id(tensor)] for tensor in outputs]

    def _without_absent(self, call: Untyped) -> Untyped:
        """A call as it is run: with None for what is not made."""
        if not any(id(tensor) in self._absent for tensor in call.arguments.keras_tensors):
            return call
        given = (call.arguments.args, call.arguments.kwargs)
        args, kwargs = self.keras.tree.map_structure(lambda each: None if id(each) in self._absent else each, given)
        return SimpleNamespace(
            operation=call.operation, outputs=call.outputs, arguments=type(call.arguments)(*args, **kwargs)
        )

    def _call(self, call: Untyped, known: dict[int, int], scope: Scope | None) -> list[int]:
        operation = call.operation
        if isinstance(operation, self.keras.Model) and not is_ruled(operation):
            function = self._function(operation)
            came = [known[id(tensor)] for tensor in call.arguments.keras_tensors]
            # A graph for tensors of other sizes, or of sizes that it leaves open, is traced anew for these.
            if function is not None and self._stand_so(came, function.inputs):
                inner = Scope(self.name(_inside(scope, operation.name)), "block", scope)
                return self.read(list(calls(function)), dict(_places(function.inputs, came)), function.outputs, inner)
        seen = self._seen.get(id(operation))
        if seen is None or isinstance(seen.op, Fixed):
            op, why = self._ruled(operation)
            if op is None and isinstance(operation, self.keras.layers.Layer):
                made, untraced = self._looked_into(call, known, scope)
                if isinstance(made, list):
                    return made
                op, why = made, why or untraced
            seen = _Seen("", op, (), why) if seen is None else seen._replace(op=op, why=why)
        return self._leaf(call, seen, known, scope)

    def _stand_so(self, positions: Sequence[int], tensors: Sequence[Tensor]) -> bool:
        """Whether nodes have just the shapes of these tensors."""
        return len(positions) == len(tensors) and all(
            self._standing(position) == _Standing(self.shape(tensor))
            for position, tensor in zip(positions, tensors, strict=True)
        )

    def _standing(self, position: int) -> _Standing:
        return _Standing(self.nodes[position].shape, self._batch.get(position, LEADING))

    def _ruled(self, operation: Layer) -> tuple[Op | None, str]:
        """The operation that a layer is by its rule, or why there is none; a call of `keras.ops` is asked later."""
        if not isinstance(operation, self.keras.layers.Layer):
            return None, ""
        try:
            return layer_of(operation, self.first), ""
        except BeyondError as error:
            return None, str(error)

    def _looked_into(
        self, call: Untyped, known: dict[int, int], scope: Scope | None
    ) -> tuple[list[int] | Fixed | None, str]:
        """The nodes of what a layer calls, in a scope of its name; or None and the reason why it cannot be traced.

        Of a layer that calls nothing, what it is.
        """
        layer = call.operation
        tensors = call.arguments.keras_tensors
        came = [known[id(tensor)] for tensor in tensors]
        opened, why = self.open(layer, call.arguments.args, call.arguments.kwargs, tensors, came)
        if opened is None:
            return None, why
        if why:
            macs = opened.constants.macs
            if macs is None:
                return None, opened.constants.why or why
            return Fixed(type(layer).__name__, (), (), self._infer(call, tensors), macs=macs), why
        absent = opened.absent if len(opened.outputs) < len(call.outputs) else ()
        if len(opened.outputs) + len(absent) != len(call.outputs):
            return None, "its call makes another number of tensors than Keras says"
        self._absent |= {id(call.outputs[place]): call.outputs[place] for place in absent}
        inner = Scope(self.name(_inside(scope, layer.name)), "block", scope)
        self._add_constants(opened.constants, inner)
        first = len(self.nodes)
        self.owners.append(layer)
        places = dict(_places(opened.inputs, came))
        for tensor in opened.outputs:
            if not self.is_symbolic(tensor):
                places[id(tensor)] = self._add_constant(tensor, layer, came, inner)
        outer, self._mode = self._mode, self._mode_of(call)
        self._inside += 1
        made = self.read(opened.calls, places, opened.outputs, inner)
        self._inside -= 1
        self._mode = outer
        self._own(layer, first)
        for place in absent:
            made.insert(place, made[0])  # nothing reads it
        return made, ""

    def _add_constants(self, constants: Constants, scope: Scope | None) -> None:
        """A node for what is multiplied of constants alone, if anything is."""
        if constants.macs != 0:
            name = self.name(_inside(scope, "constants"))
            self.add(Node(name, constants, (), (0,), scope, name, "float32", ()))

    def _add_constant(self, tensor: Tensor, layer: Layer, came: Sequence[int], scope: Scope) -> int:
        """A node for something that a layer makes of nothing that comes in, beside what it computes."""
        name, made = self.name(_inside(scope, "constant")), tuple(tensor.shape)
        stands = _stands(made, self._twice.get(id(tensor), made)) or _Standing(made, None)
        op = Fixed(type(layer).__name__, tuple(self.nodes[each].shape for each in came), stands.shape)
        dtype = self.keras.backend.standardize_dtype(tensor.dtype)
        position = self.add(Node(name, op, tuple(came), stands.shape, scope, name, dtype, ()))
        self._batch[position] = stands.batch
        return position

    def _mode_of(self, call: Untyped) -> bool | None:
        """The mode that the code of a layer which was looked into asks for, in this call or around it."""
        asked = call.arguments.kwargs.get("training") if self._inside else None
        return self._mode if asked is None or asked is MODE else bool(asked)

    def _own(self, layer: Layer, first: int) -> None:
        """Count the variables of a layer that was looked into of which nothing shows where they are read."""
        inside = {id(variable) for each in all_layers(layer) for variable in each.weights}
        left = [variable for variable in layer.weights if id(variable) not in self._counted | inside]
        if left and first < len(self.nodes):
            node = self.nodes[first]
            more = tuple(self._weight(variable, "bias") for variable in left)
            self.nodes[first] = replace(node, weights=(*(node.weights or ()), *more))
            before = self.variables.get(first, tuple(getattr(self.operations[first], "weights", ())))
            self.variables[first] = (*before, *left)

    def _leaf(self, call: Untyped, seen: _Seen, known: dict[int, int], scope: Scope | None) -> list[int]:
        operation = call.operation
        layer = isinstance(operation, self.keras.layers.Layer)
        data, beside = self._operands(call) if layer else (list(call.arguments.keras_tensors), [])
        came = [known[id(tensor)] for tensor in data]
        stand = [self._standing(position) for position in came]
        made, clear = self._made(call, known, stand)
        shapes = tuple(each.shape for each in stand)
        op, why = self._fitted(call, seen, data, stand, made[0])
        if op is None and seen.op is not None and not seen.name:
            # It is not called as its rule has it: an attention, say, whose queries are weights of another layer.
            found, _ = self._looked_into(call, known, scope)
            if isinstance(found, list):
                return found
        name = self.name(_inside(scope, operation.name))
        if not clear:
            op, why = None, why or "where the samples of a batch are in what it makes is not known"
        if op is None:
            infer = self._infer(call, data)
            op = Opaque(kind_of(operation), shapes, made[0].shape, infer, why)
        own: tuple[Variable, ...] = ()
        if not seen.name:
            own = () if layer else self._read_by(call)
            weights = self._weights(operation) if layer else self._weighed(operation, own)
            seen = _Seen(name, seen.op, weights, seen.why)
            self._seen[id(operation)] = seen
        weights = _roles(op, shapes, seen.weights)
        dtype = _dtype(call.outputs[0])
        masks = tuple(known[id(tensor)] for tensor in beside)
        settings = Settings(operation) if layer else None
        node = Node(name, op, tuple(came), made[0].shape, scope, seen.name, dtype, weights, masks, settings)
        position = self.add(node, operation)
        if own:
            self.variables[position] = own
        # Further outputs have nodes of their own, so that a shape goes with each.
        part = isinstance(op, Rearranged) and op.looks == POINTWISE
        for tensor, (shape, _) in zip(call.outputs[1:], made[1:], strict=True):
            self.add(Node(self.name(name), Output(shape, part), (position,), shape, scope, name, _dtype(tensor), ()))
        positions = list(range(position, position + len(call.outputs)))
        self._batch.update({at: each.batch for at, each in zip(positions, made, strict=True) if each.batch != LEADING})
        reads = {id(tensor): known[id(tensor)] for tensor in call.arguments.keras_tensors}
        self.steps.append(Step(operation, call.arguments, reads, tuple(positions), self._mode_of(call)))
        return positions

    def _made(self, call: Untyped, known: dict[int, int], stand: Sequence[_Standing]) -> tuple[list[_Standing], bool]:
        """How what a call makes stands in the graph, and whether that is certain."""
        plain = [_Standing(self.shape(tensor)) for tensor in call.outputs]
        tensors = call.arguments.keras_tensors
        in_front = all(each.batch == LEADING for each in stand) and all(
            tensor.shape[0] is None for tensor in call.outputs
        )
        same = all(each.shape == self.shape(tensor) for each, tensor in zip(stand, tensors, strict=False))
        closed = all(None not in each.shape for each in plain) or any(None in each.shape for each in stand)
        moves = type(call.operation).__name__ in MOVING and is_of_keras_ops(type(call.operation))
        moves = moves or is_of_tensorflow(call.operation)
        if in_front and same and closed and not moves:
            return plain, True
        one: Sequence[AllAxes] | None = None
        two: Sequence[AllAxes] | None = None
        if all(id(tensor) in self._twice and None not in tensor.shape for tensor in call.outputs):
            one = [tuple(tensor.shape) for tensor in call.outputs]
            two = [self._twice[id(tensor)] for tensor in call.outputs]
        else:
            one, two = (self._asked_for(call, {id(t): self._all_axes(known[id(t)], samples) for t in tensors})
                        for samples in (1, 2))  # fmt: skip
        if one is None or two is None or len(one) != len(plain):
            return plain, in_front
        found = [_stands(*shapes) for shapes in zip(one, two, strict=True)]
        if self.first:  # a shape that has the batch elsewhere has no channels to be put behind
            found = [each and (_Standing(self._in_graph(all_axes)) if each.batch == LEADING else None)
                     for each, all_axes in zip(found, one, strict=True)]  # fmt: skip
        return [each or other for each, other in zip(found, plain, strict=True)], in_front or None not in found

    def _asked_for(self, call: Untyped, shapes: dict[int, AllAxes]) -> list[AllAxes] | None:
        """The shapes of what an operation makes of tensors of these shapes, as it says; None where it does not."""
        tensors = call.arguments.keras_tensors
        try:
            given = {id(tensor): self.keras.KerasTensor(shapes[id(tensor)], tensor.dtype) for tensor in tensors}
            args, kwargs = call.arguments.fill_in(given)
            found = self.keras.tree.flatten(spec_of(call.operation, args, kwargs))
        except Exception:  # somebody's layer may raise anything
            return None
        made = [tuple(each.shape) for each in found if each is not None]
        if type(call.operation).__name__ == "Reshape":  # Keras leaves open a size that it was given as unknown
            return [_filled(shape, shapes[id(tensors[0])]) for shape in made]
        if any(None in shape for shape in made) and not any(None in shape for shape in shapes.values()):
            # What Keras says of some functions, such as `repeat`, is less than it could say.
            with suppress(Exception):
                made = [
                    tuple(each.shape) for each in self.keras.tree.flatten(spec_by_call(call.operation, *args, **kwargs))
                ]
        return made

    def _fitted(
        self, call: Untyped, seen: _Seen, data: Sequence[Tensor], stand: Sequence[_Standing], made: _Standing
    ) -> tuple[Op | None, str]:
        """The operation of a call on tensors as they stand in the graph; or None and why it is not known."""
        layer = isinstance(call.operation, self.keras.layers.Layer)
        shapes = tuple(each.shape for each in stand)
        if isinstance(seen.op, Fixed):
            return replace(seen.op, came=shapes, made=made.shape), ""
        if all(each.batch == LEADING for each in (*stand, made)):
            op, why = seen.op, seen.why
            if not layer:
                op, why = self._function_of(call, shapes, made.shape, self._infer(call, data), None)
            return _agreeing(op, why, shapes, made.shape)
        rows = {each.shape[0] for each in (*stand, made) if each.batch == 0}
        if len(rows) == 1 and all(each.batch == 0 for each in (*stand, made)):
            # A sample stands in several rows of the batch, as the windows of an image do, and each is worked on alone.
            plain, after = tuple(shape[1:] for shape in shapes), made.shape[1:]
            op, why = seen.op, seen.why
            if not layer:
                op, why = self._function_of(call, plain, after, None, None)
            op, why = _agreeing(op, why, plain, after)
            if isinstance(op, Rearranged):
                return replace(op, came=shapes, made=made.shape, infer=None, looks=None), why
            return (None if op is None else Repeated(op)), why
        if layer:
            return _agreeing(seen.op, seen.why, shapes, made.shape)
        return self._function_of(call, shapes, made.shape, None, tuple(each.batch for each in (*stand, made)))

    def _function_of(
        self,
        call: Untyped,
        came: tuple[Shape, ...],
        made: Shape,
        infer: Callable[..., Shape] | None,
        batches: tuple[int | None, ...] | None,
    ) -> tuple[Op | None, str]:
        operands = tuple(self.keras.tree.flatten((call.arguments.args, call.arguments.kwargs)))
        if type(call.operation).__name__ == "GetItem":
            operands = (*call.arguments.args, *call.arguments.kwargs.values())
        try:
            return operation_of(Call(call.operation, operands, came, made, infer, batches)), ""
        except BeyondError as error:
            return None, str(error)
        except Exception as error:  # a rule is written for calls as they are known
            return None, f"{type(error).__name__}: {error}"

    def _infer(self, call: Untyped, data: Sequence[Tensor]) -> Callable[..., Shape]:
        """A function that asks the operation what comes out of other shapes."""

        def infer(*inputs: Shape) -> Shape:
            shapes = {id(tensor): tuple(tensor.shape) for tensor in call.arguments.keras_tensors}
            for tensor, shape in zip(data, inputs, strict=True):
                moved = (shape[-1], *shape[:-1]) if self.first and len(shape) > 2 else shape
                shapes[id(tensor)] = (None, *moved)
            found = self._asked_for(call, shapes)
            if found is None:
                kind = type(call.operation).__name__
                raise ShapeError(f"{kind} does not say what comes out of {inputs}")
            return self._in_graph(found[0])

        return infer

    # Tensors by what they are to a layer.

    def _operands(self, call: Untyped) -> tuple[list[Tensor], list[Tensor]]:
        """The tensors that a layer works on, and those that say where (masks), by the names of its arguments."""
        tensors = call.arguments.keras_tensors
        if len(tensors) < 2:
            return list(tensors), []
        try:
            bound = inspect.signature(call.operation.call).bind(*call.arguments.args, **call.arguments.kwargs).arguments
        except (TypeError, ValueError):
            return list(tensors), []
        named = dict(bound)
        named.update(named.pop("kwargs", {}) if isinstance(named.get("kwargs"), dict) else {})
        beside = {
            id(each)
            for name, value in named.items()
            if name == "mask" or name.endswith("_mask")
            for each in self.keras.tree.flatten(value)
        }
        data = [tensor for tensor in tensors if id(tensor) not in beside]
        return data, [tensor for tensor in tensors if id(tensor) in beside]

    # Variables.

    def _weight(self, variable: Variable, role: Any = None) -> Weight:
        shape = tuple(variable.shape)
        trainable = id(variable) in self._trainable
        if role is None:
            # A guess, until a rule says better: what is learned and has two axes or more is a kernel.
            role = "kernel" if variable.trainable and len(shape) > 1 else "bias" if variable.trainable else "statistic"
        shared = id(variable) in self._counted
        self._counted.add(id(variable))
        return Weight(variable.name, shape, prod(shape), role, trainable, str(variable.dtype), shared)

    def _weights(self, layer: Layer) -> tuple[Weight, ...]:
        """The weights that a layer has, frozen or not, in their own dtype."""
        return tuple(self._weight(variable) for variable in layer.weights)

    def _read_by(self, call: Untyped) -> tuple[Variable, ...]:
        """The variables among the operands of a call of `keras.ops`."""
        operands = self.keras.tree.flatten((call.arguments.args, call.arguments.kwargs))
        return tuple(each for each in operands if isinstance(each, self.keras.Variable) and id(each) in self._ours)

    @cached_property
    def _ours(self) -> set[int]:
        return {id(variable) for variable in self._whole.weights}

    def _weighed(self, operation: Layer, variables: Sequence[Variable]) -> tuple[Weight, ...]:
        """They as weights, by what the operation does with them."""
        role = role_of(type(operation).__name__)
        return tuple(self._weight(each, role if each.trainable else "statistic") for each in variables)

    def add_unused(self) -> None:
        """A node beside the graph for each layer that the model owns and its outputs do not need."""
        left = {id(variable): variable for variable in self._whole.weights if id(variable) not in self._counted}
        if not left:
            return
        for layer in all_layers(self._whole):
            own = [variable for variable in layer.weights if id(variable) in left]
            if own and not all_layers(layer):
                weights = tuple(self._weight(left.pop(id(variable))) for variable in own)
                self._add_detached(layer.name, type(layer).__name__, weights, layer)
        if left:
            weights = tuple(self._weight(variable) for variable in left.values())
            self._add_detached(self._whole.name, type(self._whole).__name__, weights, self._whole)

    def _add_detached(self, name: str, kind: str, weights: tuple[Weight, ...], layer: Layer) -> None:
        name = self.name(name)
        self.add(Node(name, Detached(kind), (), (0,), None, name, "float32", weights), layer)


def _reason(error: Exception) -> str:
    """What an exception says in one line, without the frame that Keras puts around it."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
    lines = [line.strip() for line in text.splitlines()]
    said = [line for line in lines if line and not line.startswith("Exception encountered when calling")]
    return said[0][:200] if said else type(error).__name__


def _multiplied(products: Sequence[Product]) -> Constants:
    """What products of constants cost together."""
    try:
        return Constants(sum(macs_of_constants(*each) for each in products))
    except Exception as error:  # somebody's layer may multiply whatever Keras takes
        return Constants(None, _reason(error))


def _is_channels_first(model: Model) -> bool:
    """Whether all layers that care have the channels before the other axes."""
    formats = {getattr(layer, "data_format", None) for layer in all_layers(model)} - {None}
    return formats == {"channels_first"}


def _places(tensors: Sequence[Tensor], positions: Sequence[int]) -> list[tuple[int, int]]:
    return [(id(tensor), position) for tensor, position in zip(tensors, positions, strict=True)]


def _dtype(tensor: Tensor) -> str:
    return str(tensor.dtype)


def _inside(scope: Scope | None, name: str) -> str:
    """The path of something in a scope."""
    return f"{scope.path}/{name}" if scope else name


def _leaves_batch_open(call: Untyped) -> bool:
    """Whether a call of `keras.ops` that was traced for a batch of any size can be run for one that has a size.

    Code that asks for the size of the batch gets None. In a view of that shape the size follows from all others.
    """
    operation = call.operation
    if call.is_input or not is_of_keras_ops(type(operation)) or type(operation).__name__ == "GetItem":
        return True
    if type(operation).__name__ == "Reshape":
        shape = tuple(operation.newshape)
        if shape.count(None) == 1 and -1 not in shape:
            operation.newshape = tuple(-1 if size is None else size for size in shape)
    values = (*vars(operation).values(), *call.arguments.args, *call.arguments.kwargs.values())
    sizes = [value for value in values if isinstance(value, list | tuple) and None in value]
    return not any(all(size is None or isinstance(size, int) for size in value) for value in sizes)


def _filled(shape: AllAxes, came: AllAxes) -> AllAxes:
    """The shape of all elements of another one, with the one size that is not known."""
    if None in came or shape.count(None) != 1:
        return shape
    known, all_of = prod(size for size in shape if size is not None), prod(size or 0 for size in came)
    return tuple(all_of // known if size is None and known else size for size in shape)


def _same_calls(one: _Opened, two: _Opened) -> bool:
    """Whether two traces are of the same calls."""
    kinds = [[(type(call.operation), len(call.outputs)) for call in each.calls] for each in (one, two)]
    return kinds[0] == kinds[1]


def _is_vague(inputs: Sequence[AllAxes], opened: _Opened) -> bool:
    """Whether a call of which only the size of the batch is not known leaves other sizes open in what it makes."""
    made = [tuple(tensor.shape) for call in opened.calls for tensor in call.outputs]
    return all(shape.count(None) < 2 for shape in inputs) and any(shape.count(None) > 1 for shape in made)


def _stands(one: AllAxes, two: AllAxes) -> _Standing | None:
    """How a tensor stands in the graph that has these shapes for one sample and for two; None: that is not clear."""
    if len(one) != len(two) or not one or one[0] is None:
        return None
    grown = [axis for axis, sizes in enumerate(zip(one, two, strict=True)) if sizes[0] != sizes[1]]
    if not grown:
        return _Standing(one, None)
    axis, size = grown[0], one[grown[0]]
    if len(grown) > 1 or size is None or two[axis] != 2 * size:
        return None
    return _Standing(one[1:]) if axis == 0 and size == 1 else _Standing(one, axis)


def _asked(keras: Keras, model: Model, input: Sequence[int | None] | None) -> tuple[list[Tensor], dict[str, Tensor]]:
    """Symbolic tensors to call a subclassed model with: of the shape that is given, or that it was built for."""
    function = functional(model)
    if function is not None and input is None:
        # A functional model with a call of its own still says what it takes.
        return [keras.tree.map_structure(lambda t: keras.KerasTensor(t.shape, t.dtype, name=t.name), model.input)], {}
    if input is not None:
        return [keras.KerasTensor((None, *input), keras.config.floatx(), name="input")], {}
    built = (model.get_build_config() or {}) if model.built else {}
    shape = built.get("input_shape")
    shapes = built.get("shapes_dict")
    named = inspect.signature(model.call).parameters
    if isinstance(shapes, dict) and len(shapes) > 1:
        made = {name.removesuffix("_shape"): each for name, each in shapes.items()}
        if set(made) <= set(named):
            return [], {name: _tensors(keras, each, name) for name, each in made.items()}
    if shape is None and isinstance(shapes, dict):
        shape = next(iter(shapes.values()), None)
    if shape is None:
        raise UsageError(
            f"{type(model).__name__} is a subclassed model that has not been built: give the shape that it takes, "
            "input=(180, 180, 3), or call it once"
        )
    return [_tensors(keras, shape, "input")], {}


def _tensors(keras: Keras, shape: Untyped, name: str) -> Tensor:
    if isinstance(shape, dict):
        return {key: _tensors(keras, each, key) for key, each in shape.items()}
    if shape and isinstance(shape[0], list | tuple):
        return [_tensors(keras, each, f"{name}{number}") for number, each in enumerate(shape, start=1)]
    return keras.KerasTensor((None, *shape[1:]), keras.config.floatx(), name=name)


def _roles(op: Op, inputs: tuple[Shape, ...], weights: tuple[Weight, ...]) -> tuple[Weight, ...]:
    """The same weights with the roles that the rule knows."""
    try:
        facts = op.weights(*inputs) or ()
    except (ShapeError, IndexError):
        return weights
    if [fact.shape for fact in facts] != [weight.shape for weight in weights]:
        return weights
    return tuple(weight._replace(role=fact.role) for weight, fact in zip(weights, facts, strict=True))


def _agreeing(op: Op | None, why: str, inputs: tuple[Shape, ...], made: Shape) -> tuple[Op | None, str]:
    """The operation, where it makes of these shapes what Keras makes of them; else None and why."""
    if op is not None and op.arity is not None and len(inputs) > op.arity > 0:
        return None, why or f"it is called on {len(inputs)} tensors, and its rule is for {op.arity}"
    try:
        if op is None or op.output(*inputs) == made:
            return op, why
    except (ShapeError, IndexError):
        pass
    return None, why or "its rule does not make the shapes that Keras says"
