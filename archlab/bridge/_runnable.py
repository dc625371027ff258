from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from archlab.bridge._fast import is_narrow_projection, narrow_projection
from archlab.bridge._runtime import load_keras
from archlab.graph import Graph


class Step(NamedTuple):
    """One call of a Keras operation: its arguments as Keras keeps them, and the nodes that it reads and makes."""

    operation: Any
    arguments: Any
    reads: Mapping[int, int]
    """The position of each symbolic tensor among the arguments, by its `id`."""
    makes: tuple[int, ...]


@dataclass(frozen=True)
class Runnable:
    """A Keras model that can be run node by node.

    `layers` are the Keras layer (or operation) of each node; nodes that share weights share the layer. None for inputs
    and for the further outputs of a layer that has several.
    """

    model: Any
    graph: Graph
    layers: tuple[Any, ...]
    steps: tuple[Step, ...]

    def run(
        self,
        inputs: Sequence[Any],
        training: bool,
        tell: Callable[[int, Any], None] | None = None,
        through: Callable[[int, int, Any], Any] | None = None,
    ) -> list[Any]:
        """The output of every node, in order.

        `tell` is called with each position and output as it is made; `through` with a node's position, that of a node
        which it reads, and what it reads there: it reads what comes back.
        """
        _, keras = load_keras()
        values: list[Any] = [None] * len(self.graph)
        for position, tensor, value in zip(self.graph.inputs, self.model.inputs, inputs, strict=True):
            values[position] = keras.ops.convert_to_tensor(value, tensor.dtype)
        for step in self.steps:
            read = {name: values[position] for name, position in step.reads.items()}
            if through:
                read = {name: through(step.makes[0], step.reads[name], value) for name, value in read.items()}
            args, kwargs = step.arguments.fill_in(read)
            if getattr(step.operation, "_call_has_training_arg", False):
                kwargs = kwargs | {"training": training}
            call = step.operation
            if _is_narrow_projection(keras, call):
                call = partial(_narrow_projection, call)
            made = keras.tree.flatten(call(*args, **kwargs))
            for position, value in zip(step.makes, made, strict=True):
                values[position] = value
                if tell:
                    tell(position, value)
        return values

    def holding(self, values: Sequence[Any]) -> Any:
        """A scope in which layers read these values of the variables, and the model itself stays as it is.

        What layers would write there (the statistics of batch normalization, the states of random generators) goes no
        further than the scope, which tells it when asked.
        """
        _, keras = load_keras()
        mapping = list(zip(self.variables, values, strict=True))
        return keras.StatelessScope(state_mapping=mapping, initialize_variables=False)

    @property
    def variables(self) -> list[Any]:
        """Every variable of every layer once, the states of random generators among them."""
        found = {id(variable): variable for layer in self.layers for variable in getattr(layer, "variables", ())}
        return list(found.values())


def _is_narrow_projection(keras: Any, operation: Any) -> bool:
    """Whether its gradient would bring the process down; a layer's own class may compute anything, so Keras's alone."""
    return (
        type(operation) is keras.layers.Conv2D
        and operation.dtype_policy.name in ("float32", "float64")
        and is_narrow_projection(operation)
    )


def _narrow_projection(layer: Any, x: Any, **_: Any) -> Any:
    made = narrow_projection(layer, x, layer.kernel)
    made = made + layer.bias if layer.use_bias else made
    return layer.activation(made)
