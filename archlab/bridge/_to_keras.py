from __future__ import annotations

import re
from collections import Counter
from importlib import import_module
from typing import Any

from archlab.algebra import Part
from archlab.bridge._fast import fast_layers
from archlab.bridge._rules import initializer_config
from archlab.bridge._runnable import Runnable, Step
from archlab.bridge._runtime import load_keras
from archlab.errors import DesignError
from archlab.graph import Graph, Node


def keras_name(node: Node) -> str:
    """The name of a node's Keras layer: dots for slashes, which Keras refuses, and only what TensorFlow can trace."""
    name = re.sub(r"[^A-Za-z0-9_.-]", "_", node.layer.replace("/", "."))
    return name if name[:1].isalnum() else f"layer{name}"


def build(graph: Graph, seed: int | None = None, dtype: str | None = None, fast: bool = False) -> Runnable:
    """Build the Keras model of a graph, a layer for every node; nodes that share weights share the layer.

    `seed` makes dropout and random augmentation repeat themselves. `dtype` overrides Keras's global policy and the
    inputs' own; under a mixed one the inputs and the last layers stay in float32, as 8 bits are few for a probability.
    `fast` computes some layers in kernels that train faster.
    """
    _, keras = load_keras()
    mixed = dtype is not None and dtype.startswith("mixed_")
    stand_ins = fast_layers() if fast else {}
    tensors: list[Any] = []
    layers: list[Any] = []
    steps: list[Step] = []
    shared: dict[str, Any] = {}
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
            module, _, kind_name = described.name.rpartition(".")
            kind = getattr(import_module(module) if module else keras.layers, kind_name)
            if kind is getattr(keras.layers, kind_name, None):
                kind = stand_ins.get(kind_name, kind)
            policy = "float32" if mixed and position in graph.outputs else dtype
            arguments = described.arguments | ({"dtype": policy} if policy else {})
            for key in arguments:
                if key.endswith("_initializer"):
                    arguments[key] = initializer_config(arguments[key])
            if seed is not None and node.op.random:
                arguments["seed"] = seed + position
            layer = shared[node.layer] = kind(**arguments, name=name_of(node))
        inputs = [tensors[source] for source in node.inputs]
        layers.append(layer)
        made = layer(inputs[0] if len(inputs) == 1 else inputs)
        tensors.append(made)
        call = layer._inbound_nodes[-1]
        reads = {id(tensor): at for tensor, at in zip(inputs, node.inputs, strict=True)}
        steps.append(Step(layer, call.arguments, reads, (position,)))
    starts = [tensors[position] for position in graph.inputs]
    ends = [tensors[position] for position in graph.outputs]
    model = keras.Model(
        starts[0] if len(starts) == 1 else starts,
        ends[0] if len(ends) == 1 else ends,
        name=_model_name(graph.name),
    )
    return Runnable(model, graph, tuple(layers), tuple(steps))


def _model_name(name: str) -> str | None:
    cleaned = "".join(letter if letter.isalnum() else "_" for letter in name).strip("_")
    return cleaned or None


def to_keras(architecture: Part | Graph, seed: int | None = None) -> Any:
    """The Keras model of an architecture, its layers named after the graph's nodes.

    Returns:
        A `keras.Model`, not compiled.

    Raises:
        DesignError: the architecture does not add up, or an operation has no layer in Keras.
        MissingPartError: TensorFlow is not installed.

    >>> from archlab import Conv, Input
    >>> to_keras(Input(32, 32, 3) >> Conv(16)).count_params()
    448
    """
    graph = architecture if isinstance(architecture, Graph) else architecture.to_graph()
    return build(graph, seed).model
