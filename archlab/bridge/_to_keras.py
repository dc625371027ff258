from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from archlab.bridge._fast import fast_layers
from archlab.bridge._padding import for_keras
from archlab.bridge._private import deep_graphs, latest_call, named_layer
from archlab.bridge._rules import initializer_config
from archlab.bridge._runnable import Runnable, Step
from archlab.bridge._runtime import load_any_keras
from archlab.bridge.types import Layer, Tensor
from archlab.errors import DesignError, closest
from archlab.graph import Graph, Node
from archlab.ops import KerasLayer


def keras_name(node: Node) -> str:
    """The name of a node's Keras layer: dots for slashes, which Keras refuses, and only what TensorFlow can trace."""
    name = re.sub(r"[^A-Za-z0-9_.-]", "_", node.layer.replace("/", "."))
    return name if name[:1].isalnum() else f"layer{name}"


def keras_layer(described: KerasLayer, stand_ins: Mapping[str, type] | None = None, **more: object) -> Layer:
    """The Keras layer that is described, not yet called; `stand_ins` take the place of classes of `keras.layers`.

    Raises:
        DesignError: Keras has no layer of that name.

    >>> from archlab import Conv
    >>> keras_layer(Conv(16, kernel=5).keras((32, 32, 3))).kernel_size
    (5, 5)
    """
    keras = load_any_keras()
    kind = (stand_ins or {}).get(described.name) or named_layer(described.name)
    if kind is None:
        near = closest(described.name.rpartition(".")[2], dir(keras.layers))
        hint = f": did you mean {' or '.join(near)}?" if near else ""
        raise DesignError(f"Keras has no layer {described.name}{hint}")
    arguments = described.arguments | more
    for key in arguments:
        if key.endswith("_initializer"):
            arguments[key] = initializer_config(arguments[key])
    return kind(**arguments)


def build(graph: Graph, seed: int | None = None, dtype: str | None = None, fast: bool = False) -> Runnable:
    """Build the Keras model of a graph, a layer for every node; nodes that share weights share the layer.

    `seed` makes dropout and random augmentation repeat themselves. `dtype` overrides Keras's global policy and the
    inputs' own; under a mixed one the inputs and the last layers stay in float32, as 8 bits are few for a probability.
    `fast` computes some layers in kernels that train faster.
    """
    keras = load_any_keras()
    graph = for_keras(graph)
    mixed = dtype is not None and dtype.startswith("mixed_")
    stand_ins: dict[str, Layer] = fast_layers() if fast else {}
    tensors: list[Tensor] = []
    layers: list[Layer] = []
    steps: list[Step] = []
    shared: dict[str, Layer] = {}
    taken: Counter[str] = Counter()

    def name_of(node: Node) -> str:
        # Two names may differ only in letters that TensorFlow cannot trace.
        name = keras_name(node)
        taken[name] += 1
        return name if taken[name] == 1 else f"{name}.{taken[name]}"

    for position, node in enumerate(graph.nodes):
        described = node.op.keras(*graph.input_shapes(node))
        if described is None:
            raise DesignError(f"{node.op.title} has no layer in Keras", node.name)
        if not node.inputs:
            layers.append(None)
            arguments = described.arguments | ({"dtype": dtype} if dtype and not mixed else {})
            tensors.append(keras.Input(**arguments, name=name_of(node)))
            continue
        layer = shared.get(node.layer)
        if layer is None:
            policy = "float32" if mixed and position in graph.outputs else dtype
            more: dict[str, object] = {"dtype": policy} if policy else {}
            if seed is not None and node.op.random:
                more["seed"] = seed + position
            try:
                layer = shared[node.layer] = keras_layer(described, stand_ins, name=name_of(node), **more)
            except DesignError as error:
                raise error.at(node.name) from None
        inputs = [tensors[source] for source in node.inputs]
        layers.append(layer)
        made = layer(inputs[0] if len(inputs) == 1 else inputs)
        tensors.append(made)
        call = latest_call(layer)
        reads = {id(tensor): at for tensor, at in zip(inputs, node.inputs, strict=True)}
        steps.append(Step(layer, call.arguments, reads, (position,)))
    starts = [tensors[position] for position in graph.inputs]
    ends = [tensors[position] for position in graph.outputs]
    with deep_graphs():
        model = keras.Model(
            starts[0] if len(starts) == 1 else starts,
            ends[0] if len(ends) == 1 else ends,
            name=_model_name(graph.name),
        )
    return Runnable(model, graph, tuple(layers), tuple(steps))


def _model_name(name: str) -> str | None:
    cleaned = "".join(letter if letter.isalnum() else "_" for letter in name).strip("_")
    return cleaned or None
