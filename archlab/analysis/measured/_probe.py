"""The Keras model with its gradients measured in one compiled function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from archlab.analysis.measured._batch import Batch
from archlab.analysis.static._facts import gather
from archlab.bridge import build, initializer_config, load_keras
from archlab.graph import Graph
from archlab.ops import Weight


class Run(NamedTuple):
    """One seed's figures: by weight, by layer's output, by weight; NaN where there is no gradient."""

    loss: float
    gradients: np.ndarray
    outputs: np.ndarray
    norms: np.ndarray


class Probe:
    """The Keras model with its gradients measured in one compiled function, traced once."""

    def __init__(
        self, graph: Graph, batch: Batch, loss: str | Callable[..., Any] | None, precision: str = "float32"
    ) -> None:
        tf, keras = load_keras()
        built = self.built = build(graph, seed=0, dtype=precision)
        self.precision = precision
        self._graph = graph
        self.examples = len(batch.x)
        # A layer used more than once has one row, where it is used first.
        first: dict[int, int] = {}
        for position, layer in enumerate(built.layers):
            first.setdefault(id(layer), position)
        self.positions = [
            position
            for position, layer in enumerate(built.layers)
            if layer is not None and first[id(layer)] == position and layer.trainable_weights
        ]
        self.variables = [built.layers[position].trainable_weights for position in self.positions]
        self.kernels = {
            position: _kernels(built.layers[position], gather(graph)[position].weights) for position in self.positions
        }
        self._initializers = keras.initializers
        outputs = [built.tensors[position] for position in self.positions]
        model = keras.Model(built.model.inputs, [*outputs, built.tensors[graph.outputs[0]]])
        flat = [variable for variables in self.variables for variable in variables]
        function = keras.losses.get(batch.loss if loss is None else loss)
        head = self.positions.index(graph.outputs[0]) if graph.outputs[0] in self.positions else None

        def measure(x: Any, y: Any, wide: bool) -> Any:
            def total(tensor: Any) -> Any:
                return 2 * tf.cast(tf.nn.l2_loss(tf.cast(tensor, tf.float64) if wide else tensor), tf.float64)

            def square(gradient: Any) -> Any:
                if gradient is None:
                    return tf.constant(float("nan"), tf.float64)
                return total(tf.convert_to_tensor(gradient))

            with tf.GradientTape() as tape:
                *seen, out = model(x, training=True)
                value = tf.reduce_mean(function(y, out))
            to_weights, to_outputs = tape.gradient(value, [flat, seen])
            if head is not None:
                # Keras's crossentropies step around the last sigmoid or softmax to its logits, so that the tape finds
                # no way to the layer's own output. The same loss, of the output itself:
                with tf.GradientTape() as last:
                    output = tf.identity(out)
                    last.watch(output)
                    value = tf.reduce_mean(function(y, output))
                to_outputs[head] = last.gradient(value, output)
            return (
                tf.cast(value, tf.float64),
                tf.stack([square(gradient) for gradient in to_weights]),
                tf.stack([square(gradient) for gradient in to_outputs]),
                tf.stack([total(variable.value) for variable in flat]),
                tf.stack([tf.cast(tf.size(tensor), tf.float64) for tensor in seen]),
            )

        self.batch = tf.constant(batch.x, precision), tf.constant(batch.y)
        if self.batch[1].dtype.is_floating:
            self.batch = self.batch[0], tf.cast(self.batch[1], precision)

        def traced(wide: bool) -> Any:
            # Never XLA: on a CPU it makes convolutions several times slower.
            function = tf.function(lambda x, y: measure(x, y, wide), jit_compile=False, autograph=False)
            return function.get_concrete_function(*self.batch)

        self._traced = traced
        self._wide = precision == "float64"
        self._measure = traced(self._wide)

    def run(self, seed: int) -> Run:
        """Draw every kernel anew, in place, and measure."""
        kernels = [(kernel, position) for position, found in self.kernels.items() for kernel in found]
        for number, (variable, position) in enumerate(kernels):
            # A seed of its own for each kernel: two of one shape must not be twins.
            name = self._graph.nodes[position].op.initializer
            config = initializer_config(name, seed * 1_000_003 + number)
            variable.assign(self._initializers.get(config)(variable.shape, variable.dtype))
        loss, gradients, outputs, norms, sizes = [each.numpy() for each in self._measure(*self.batch)]
        if not self._wide and not (_safe(gradients) and _safe(outputs)):
            # Squares below 1e-38 or above 3e38 are lost to a sum in float32. Summing in float64 costs a tenth more
            # time: it is done from here on.
            self._wide, self._measure = True, self._traced(True)
            loss, gradients, outputs, norms, sizes = [each.numpy() for each in self._measure(*self.batch)]
        rms = np.sqrt(outputs / sizes) * self.examples
        return Run(float(loss), np.sqrt(gradients), rms, np.sqrt(norms))


def _safe(sums: np.ndarray) -> bool:
    """Whether sums of squares taken in float32 have lost nothing; NaN is where there is no gradient."""
    known = sums[~np.isnan(sums)]
    return bool(((known > 1e-24) & (known < 1e30)).all())


def _kernels(layer: Any, facts: tuple[Weight, ...] | None) -> list[Any]:
    """The variables of a Keras layer that are kernels: by its rule, or without one those with two axes or more."""
    if facts is None or len(facts) != len(layer.weights):
        return [variable for variable in layer.trainable_weights if len(variable.shape) > 1]
    return [variable for variable, fact in zip(layer.weights, facts, strict=True) if fact.role == "kernel"]
