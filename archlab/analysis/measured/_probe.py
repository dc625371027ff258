"""A Keras model with its signals and gradients measured in one compiled function."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from archlab.analysis.measured._batch import Batch
from archlab.analysis.measured._loss import Loss
from archlab.analysis.static._facts import gather
from archlab.bridge import Runnable, initializer_config, initializer_name, load_keras
from archlab.graph import Graph
from archlab.ops import Activation, BatchNorm, Conv, Dense, GroupNorm, Identity, LayerNorm, Opaque, ReLU

# Gradients in float16 are taken of a loss that is scaled up, so that small ones are not lost; the first scale that
# overflows nowhere is used (Micikevicius et al. 2018, 'Mixed Precision Training', section 3.2).
_SCALES = (2.0**15, 2.0**10, 2.0**5, 1.0)


class Run(NamedTuple):
    """One pass: by weight, gradient and own norm; by node seen, error signal and activation. NaN: no gradient."""

    loss: float
    gradients: np.ndarray
    norms: np.ndarray
    outputs: np.ndarray
    rms: np.ndarray
    means: np.ndarray
    dead: np.ndarray


@dataclass(frozen=True)
class Row:
    """A layer with weights of its own, where it is used first."""

    position: int
    variables: tuple[Any, ...]
    """What is learned, frozen or not: no statistics."""
    kernels: tuple[bool, ...]
    """Which of them are kernels."""

    @property
    def frozen(self) -> bool:
        """Whether none of it is trained."""
        return not any(variable.trainable for variable in self.variables)


class Probe:
    """Measures a Keras model as it is: nothing of it changes. Traced once for each shape of batch.

    Args:
        runnable: the model.
        loss: what gradients are taken of.
        training: whether layers act as in training (dropout, statistics of the batch) or as at inference.
        seen: nodes whose signals are measured besides those of layers with weights.
    """

    def __init__(self, runnable: Runnable, loss: Loss, training: bool = True, seen: Sequence[int] = ()) -> None:
        self.runnable = runnable
        self.graph = graph = runnable.graph
        self.loss = loss
        self.training = training
        self.rows = _rows(runnable)
        self.seen = tuple(dict.fromkeys([*(row.position for row in self.rows), *seen]))
        self.variables = runnable.variables
        place = {id(variable): number for number, variable in enumerate(self.variables)}
        flat = [variable for row in self.rows for variable in row.variables]
        self._flat = [place[id(variable)] for variable in flat]
        self._trained = [variable.trainable for variable in flat]
        self.relus = tuple(position for position, node in enumerate(graph) if _is_relu(node.op))
        policies = [getattr(getattr(layer, "dtype_policy", None), "name", "") for layer in runnable.layers]
        named = [policy for policy in dict.fromkeys(policies) if policy]
        self.precision = next((policy for policy in named if policy.startswith("mixed")), named[0] if named else "")
        self._scales = _SCALES if any("float16" in p and "bfloat16" not in p for p in named) else (1.0,)
        # Sums of squares in float32 lose what lies below 1e-38 or above 3e38; in float64 they cost a tenth more time.
        self._wide = self.precision == "float64"
        self._compiled: dict[Any, Any] = {}

    def current(self) -> list[Any]:
        """The value of every variable as it is."""
        tf, _ = load_keras()
        return [tf.convert_to_tensor(variable.value) for variable in self.variables]

    def drawn(self, seed: int) -> list[Any]:
        """The same with every kernel drawn anew by its initializer; the model keeps its own."""
        _, keras = load_keras()
        values: list[Any] = list(self.current())
        kernels = [
            (variable, row.position)
            for row in self.rows
            for variable, kernel in zip(row.variables, row.kernels, strict=True)
            if kernel
        ]
        place = {id(variable): number for number, variable in enumerate(self.variables)}
        for number, (variable, position) in enumerate(kernels):
            # A seed of its own for each kernel: two of one shape must not be twins.
            config = _initializer(self.graph, position, self.runnable.layers[position], variable)
            if config is not None:
                config = initializer_config(config, seed * 1_000_003 + number)
                drawn = keras.initializers.get(config)(variable.shape, variable.dtype)
                values[place[id(variable)]] = drawn
        return values

    def run(self, batch: Batch, values: Sequence[Any] | None = None) -> Run:
        """One batch forward and backward, with these values of the variables; with their own unless given."""
        tf, _ = load_keras()
        values = self.current() if values is None else list(values)
        x = [tf.convert_to_tensor(array) for array in batch.x]
        y = [None if array is None else self._label(array) for array in batch.y]
        scale, *smaller = self._scales
        found = self._squares(x, y, values, scale)
        while smaller and not np.isfinite(found["gradients"][~np.isnan(found["gradients"])]).all():
            scale, *smaller = smaller
            found = self._squares(x, y, values, scale)
        if not self._wide and not (_safe(found["gradients"]) and _safe(found["outputs"])):
            self._wide = True
            found = self._squares(x, y, values, scale)
        size = found["sizes"]
        return Run(
            float(found["loss"]),
            np.sqrt(found["gradients"]) / scale,
            np.sqrt(found["norms"]),
            np.sqrt(found["outputs"] / size) * batch.examples / scale,
            np.sqrt(found["squares"] / size),
            found["sums"] / size,
            found["dead"],
        )

    def _label(self, array: np.ndarray) -> Any:
        tf, _ = load_keras()
        kind = "float64" if self.precision == "float64" else "float32"
        return tf.convert_to_tensor(array, kind) if array.dtype.kind == "f" else tf.convert_to_tensor(array)

    def _squares(self, x: list[Any], y: list[Any], values: list[Any], scale: float) -> dict[str, np.ndarray]:
        tf, _ = load_keras()
        arguments = x, y, values, tf.constant(scale)
        key = self._wide, *[None if tensor is None else (tensor.dtype, tuple(tensor.shape)) for tensor in (*x, *y)]
        if key not in self._compiled:
            # Asking for each shape's function by hand keeps TensorFlow from warning that there are several. Never XLA:
            # on a CPU it makes convolutions several times slower.
            wide = self._wide

            def measure(x: list[Any], y: list[Any], values: list[Any], scale: Any) -> dict[str, Any]:
                return self._traced(x, y, values, scale, wide)

            function = tf.function(measure, jit_compile=False, autograph=False)
            self._compiled[key] = function.get_concrete_function(*arguments)
        return {name: value.numpy() for name, value in self._compiled[key](*arguments).items()}

    def _traced(self, x: list[Any], y: list[Any], values: list[Any], scale: Any, wide: bool) -> dict[str, Any]:
        tf, _ = load_keras()
        weights = [values[number] for number in self._flat]
        trained = [weight for weight, is_trained in zip(weights, self._trained, strict=True) if is_trained]
        watched = set(self.seen)

        def total(tensor: Any) -> Any:
            return 2 * tf.cast(tf.nn.l2_loss(_summed(tensor, wide)), tf.float64)

        def square(gradient: Any) -> Any:
            if gradient is None:
                return tf.constant(float("nan"), tf.float64)
            return total(tf.convert_to_tensor(gradient))

        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(trained)

            def tell(position: int, value: Any) -> None:
                # What comes of frozen layers alone is watched too: the error signal reaches it all the same.
                if position in watched and value.dtype.is_floating:
                    tape.watch(value)

            with self.runnable.holding(values):
                nodes = self.runnable.run(x, self.training, tell)
            ends = [self._end(nodes[position]) for position in self.graph.outputs]
            value = self.loss(y, ends)
            scaled = value * tf.cast(scale, value.dtype)
        seen = [nodes[position] for position in self.seen]
        to_weights, to_outputs = tape.gradient(scaled, [trained, seen])
        self._of_outputs(y, nodes, scale, to_outputs)
        rest = iter(to_weights)
        gradients = [next(rest) if is_trained else None for is_trained in self._trained]
        floats = [tensor if tensor.dtype.is_floating else tf.cast(tensor, tf.float32) for tensor in seen]
        return {
            "loss": tf.cast(value, tf.float64),
            "gradients": _stacked([square(gradient) for gradient in gradients]),
            "norms": _stacked([total(weight) for weight in weights]),
            "outputs": _stacked([square(gradient) for gradient in to_outputs]),
            "squares": _stacked([total(tensor) for tensor in floats]),
            "sums": _stacked([tf.cast(tf.reduce_sum(_summed(tensor, wide)), tf.float64) for tensor in floats]),
            "sizes": _stacked([tf.cast(tf.size(tensor), tf.float64) for tensor in seen]),
            "dead": _stacked([_dead(nodes[position]) for position in self.relus]),
        }

    def _end(self, output: Any) -> Any:
        tf, _ = load_keras()
        return tf.cast(output, tf.float32) if output.dtype in (tf.float16, tf.bfloat16) else output

    def _of_outputs(self, y: list[Any], nodes: list[Any], scale: Any, to_outputs: list[Any]) -> None:
        """The loss's gradient with respect to what the model itself puts out.

        Keras's crossentropies step around the last sigmoid or softmax to its logits, so that a tape finds no way to the
        layer's own output. The same loss, of the output itself:
        """
        tf, _ = load_keras()
        ends = [position for position in dict.fromkeys(self.graph.outputs) if position in self.seen]
        if not ends:
            return
        with tf.GradientTape(watch_accessed_variables=False) as last:
            bare = {position: tf.identity(nodes[position]) for position in dict.fromkeys(self.graph.outputs)}
            last.watch([bare[position] for position in ends])
            value = self.loss(y, [self._end(bare[position]) for position in self.graph.outputs])
            value = value * tf.cast(scale, value.dtype)
        for position, gradient in zip(ends, last.gradient(value, [bare[p] for p in ends]), strict=True):
            # An output that other layers read too gets what comes from them as well: that is the tape's.
            if not self.graph.consumers[position]:
                to_outputs[self.seen.index(position)] = gradient


def _rows(runnable: Runnable) -> tuple[Row, ...]:
    facts = gather(runnable.graph)
    rows: list[Row] = []
    done: set[int] = set()
    for position, layer in enumerate(runnable.layers):
        if id(layer) in done or not getattr(layer, "weights", None):
            continue
        done.add(id(layer))
        known = facts[position].weights
        if known is not None and len(known) == len(layer.weights):
            roles = [fact.role for fact in known]
        else:
            roles = [
                "kernel" if len(v.shape) > 1 else "bias" if v.trainable else "statistic" for v in layer.weights
            ]  # fmt: skip
        learned = [(v, role == "kernel") for v, role in zip(layer.weights, roles, strict=True) if role != "statistic"]
        if learned:
            variables, kernels = zip(*learned, strict=True)
            rows.append(Row(position, variables, kernels))
    return tuple(rows)


def _initializer(graph: Graph, position: int, layer: Any, variable: Any) -> str | None:
    """How a kernel is drawn, by its layer's rule, or by the layer's own initializer of that name; None: unknown."""
    facts = gather(graph)[position].weights
    op = graph.nodes[position].op
    if facts is not None and isinstance(op.initializer, str) and not isinstance(op, Opaque):
        return op.initializer
    own = getattr(layer, f"{variable.name}_initializer", None)
    return None if own is None else initializer_name(own)


def _is_relu(op: Any) -> bool:
    """Whether an operation puts out exactly zero for whatever is negative."""
    if isinstance(op, ReLU):
        return not op.negative_slope and op.threshold >= 0
    name = op.function if isinstance(op, Activation) else getattr(op, "activation", None)
    return name in ("relu", "relu6")


def rectified(graph: Graph, position: int) -> int | None:
    """The ReLU that a layer's output goes into straight, through normalization at most; or the layer itself."""
    while True:
        if _is_relu(graph.nodes[position].op):
            return position
        readers = graph.consumers[position]
        if len(readers) != 1:
            return None
        position = readers[0]
        op = graph.nodes[position].op
        if not (_is_relu(op) and not isinstance(op, Conv | Dense)) and not isinstance(
            op, BatchNorm | LayerNorm | GroupNorm | Identity
        ):
            return None


def _dead(output: Any) -> Any:
    """The share of channels that are zero at every position of every example."""
    tf, _ = load_keras()
    largest = tf.reduce_max(output, axis=list(range(output.shape.rank - 1)))
    return tf.reduce_mean(tf.cast(largest <= 0, tf.float64))


def _summed(tensor: Any, wide: bool) -> Any:
    """A tensor in the precision that its elements are summed in."""
    tf, _ = load_keras()
    if wide:
        return tf.cast(tensor, tf.float64)
    return tf.cast(tensor, tf.float32) if tensor.dtype.size < 4 else tensor


def _stacked(values: list[Any]) -> Any:
    tf, _ = load_keras()
    return tf.stack(values) if values else tf.zeros((0,), tf.float64)


def _safe(sums: np.ndarray) -> bool:
    """Whether sums of squares taken in float32 have lost nothing; NaN is where there is no gradient."""
    known = sums[~np.isnan(sums)]
    return bool(((known > 1e-24) & (known < 1e30)).all())
