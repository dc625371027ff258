from __future__ import annotations

import re
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any, NamedTuple

from archlab.bridge._fast import is_narrow_projection, narrow_projection
from archlab.bridge._private import in_mode, sublayers, tensors_in
from archlab.bridge._runtime import load_keras
from archlab.bridge.types import Layer, Model, Tensor, Variable
from archlab.graph import Graph


class Step(NamedTuple):
    """One call of a Keras operation: its arguments as Keras keeps them, and the nodes that it reads and makes."""

    operation: Layer
    arguments: Any
    reads: Mapping[int, int]
    """The position of each symbolic tensor among the arguments, by its `id`."""
    makes: tuple[int, ...]
    training: bool | None = None
    """The mode that the code of a layer around it asks for; None: that of the run."""


@dataclass(frozen=True)
class Runnable:
    """A Keras model that can be run node by node.

    `layers` are the Keras layer (or operation) of each node; nodes that share weights share the layer. None for inputs
    and for the further outputs of a layer that has several.
    """

    model: Model
    graph: Graph
    layers: tuple[Layer, ...]
    steps: tuple[Step, ...]
    owners: tuple[Layer, ...] = ()
    """Layers that were looked into: what they call reads variables of theirs."""
    channels_first: bool = False
    """Whether the model has channels before the other axes, where its graph has them behind."""
    read: Mapping[int, tuple[Variable, ...]] = field(default_factory=dict[int, tuple[Variable, ...]])
    """By node, the variables that it reads where they are not those of a layer's own: of a call of `keras.ops`."""

    def weights_of(self, position: int) -> tuple[Variable, ...]:
        """The variables whose weights the node has in the graph, in the same order."""
        if position in self.read:
            return self.read[position]
        return tuple(getattr(self.layers[position], "weights", ()))

    def run(
        self,
        inputs: Sequence[Tensor],
        training: bool,
        tell: Callable[[int, Tensor], None] | None = None,
        through: Callable[[int, int, Tensor], Tensor] | None = None,
    ) -> list[Any]:
        """The output of every node, in order.

        `tell` is called with each position and output as it is made; `through` with a node's position, that of a node
        which it reads, and what it reads there: it reads what comes back.
        """
        _, keras = load_keras()
        values: list[Tensor] = [None] * len(self.graph)
        for position, tensor, value in zip(self.graph.inputs, self.model.inputs, inputs, strict=True):
            value = keras.ops.convert_to_tensor(value, tensor.dtype)
            values[position] = keras.ops.moveaxis(value, -1, 1) if self.channels_first and value.ndim > 3 else value
        for step in self.steps:
            read = {name: values[position] for name, position in step.reads.items()}
            if through:
                read = {name: through(step.makes[0], step.reads[name], value) for name, value in read.items()}
            args, kwargs = step.arguments.fill_in(read)
            with _safe_projections(step.operation), _safe_names(step.operation):
                found = in_mode(step.operation, training if step.training is None else step.training)(*args, **kwargs)
            # A layer may give None where it says that it makes a tensor, and beside what it says that it makes.
            made = keras.tree.flatten(found)
            for position, value in zip(
                step.makes, made if len(made) == len(step.makes) else tensors_in(made), strict=True
            ):
                values[position] = value
                if tell and value is not None:
                    tell(position, value)
        return values

    def holding(self, values: Sequence[object]) -> Tensor:
        """A scope in which layers read these values of the variables, and the model itself stays as it is.

        What layers would write there (the statistics of batch normalization, the states of random generators) goes no
        further than the scope, which tells it when asked. A weight that a layer assigns while it runs (spectral
        normalization does) has the new value from there on, and its gradient is that with respect to the new value, as
        a tape finds it that watches the variable.
        """
        mapping = list(zip(self.variables, values, strict=True))
        return _scope()(state_mapping=mapping, initialize_variables=False)

    @property
    def variables(self) -> list[Tensor]:
        """Every variable of every layer once, the states of random generators among them."""
        found = {
            id(variable): variable
            for layer in (*self.layers, *self.owners)
            for variable in getattr(layer, "variables", ())
        }
        return list(found.values())


@cache
def _scope() -> type:
    """The class of a scope whose variables can be differentiated with respect to after they are assigned."""
    tf, keras = load_keras()

    @tf.custom_gradient
    def replaced(old: Tensor, new: Tensor) -> tuple[Tensor, Callable[[Tensor], tuple[Tensor, None]]]:
        return tf.identity(new), lambda gradient: (gradient, None)

    class AssigningScope(keras.StatelessScope):
        def add_update(self, update: tuple[Variable, Tensor]) -> None:
            variable, value = update
            old = self.get_current_value(variable)
            if variable.trainable and old is not None:
                value = replaced(old, tf.cast(value, old.dtype))
            super().add_update((variable, value))

    return AssigningScope


_NAME = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*")


@contextmanager
def _safe_names(operation: Layer) -> Generator[None]:
    """Call layers by names that TensorFlow takes as scopes while they run: Keras allows what TensorFlow refuses."""
    refused = [layer for layer in sublayers(operation) if not _NAME.fullmatch(layer.name)]
    names = [layer.name for layer in refused]
    for layer in refused:
        vars(layer)["name"] = re.sub(r"[^A-Za-z0-9_.-]", "_", f"layer_{layer.name}")
    try:
        yield
    finally:
        for layer, name in zip(refused, names, strict=True):
            vars(layer)["name"] = name


@contextmanager
def _safe_projections(operation: Layer) -> Generator[None]:
    """Compute narrow strided 1 × 1 convolutions another way, in layers within layers too; see `narrow_projection`."""
    _, keras = load_keras()
    unsafe = [
        layer
        for layer in sublayers(operation)
        # A class with a convolution of its own may compute anything.
        if isinstance(layer, keras.layers.Conv2D)
        and type(layer).convolution_op is keras.layers.Conv2D.convolution_op
        and layer.built
        and layer.dtype_policy.name in ("float32", "float64")
        and is_narrow_projection(layer)
    ]
    for layer in unsafe:
        vars(layer)["convolution_op"] = partial(narrow_projection, layer)
    try:
        yield
    finally:
        for layer in unsafe:
            del vars(layer)["convolution_op"]
