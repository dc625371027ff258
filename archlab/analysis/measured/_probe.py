"""A Keras model with its signals and gradients measured in one compiled function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from functools import cached_property
from typing import Any

import numpy as np

from archlab.analysis.measured._blocks import block_ends
from archlab.analysis.measured._loss import Loss
from archlab.analysis.static._facts import gather
from archlab.bridge import (
    Initializer,
    Runnable,
    drawn,
    initializers,
    load_keras,
    mask_of,
    masked,
    missing_kernels,
    unimproved_graphs,
)
from archlab.bridge.types import Tensor
from archlab.graph import Graph
from archlab.ops import Identity
from archlab.probes import LOSS_SCALES, NO_GRADIENT, Batch, Row, Run, roots

# In networks of more nodes TensorFlow spends longer on improving the graph than on running it, and more than in
# proportion; and signals are likely to leave what float32 holds, so that sums are taken in float64 at once.
_DEEP = 500


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
        self.relus = tuple(position for position, node in enumerate(graph) if node.op.rectifies)
        policies = [getattr(getattr(layer, "dtype_policy", None), "name", "") for layer in runnable.layers]
        named = [policy for policy in dict.fromkeys(policies) if policy]
        self.precision = next((policy for policy in named if policy.startswith("mixed")), named[0] if named else "")
        self._scales = LOSS_SCALES if any("float16" in p and "bfloat16" not in p for p in named) else (1.0,)
        # Sums of squares in float32 lose what lies below 1e-38 or above 3e38; in float64 they cost a tenth more time.
        self._deep = len(graph) > _DEEP
        self._wide = self.precision == "float64" or self._deep
        self._compiled: dict[Any, Any] = {}

    def current(self) -> list[Tensor]:
        """The value of every variable as it is."""
        tf, _ = load_keras()
        return [tf.convert_to_tensor(variable.value) for variable in self.variables]

    def drawn(self, seed: int) -> list[Tensor]:
        """The same, each drawn anew by its own initializer: zeros stay zeros. The model keeps its own."""
        values: list[Tensor] = list(self.current())
        for place, (variable, number) in enumerate(zip(self.variables, self._numbers, strict=True)):
            initializer = self._initializers.get(id(variable))
            if initializer is not None:
                # A seed of its own for each variable: two of one shape must not be twins.
                values[place] = drawn(initializer, variable, seed * 1_000_003 + number)
        return values

    @cached_property
    def not_drawn(self) -> tuple[str, ...]:
        """The learned variables that keep their values under every seed, as nothing says how they are initialized."""
        learned = [(row, variable) for row in self.rows for variable in row.variables]
        return tuple(
            f"{self.graph.nodes[row.position].name}/{variable.name}"
            for row, variable in learned
            if id(variable) not in self._initializers
        )

    @cached_property
    def _initializers(self) -> Mapping[int, Initializer]:
        return initializers((*self.runnable.layers, *self.runnable.owners))

    @cached_property
    def _numbers(self) -> list[int]:
        """A number for each variable, which its seed is made of: kernels in order, then all others."""
        kernels = [v for row in self.rows for v, kernel in zip(row.variables, row.kernels, strict=True) if kernel]
        ordered = {id(variable): number for number, variable in enumerate(kernels)}
        return [ordered.setdefault(id(variable), len(ordered)) for variable in self.variables]

    def run(self, batch: Batch, values: Sequence[Tensor] | None = None) -> Run:
        """One batch forward and backward, with these values of the variables; with their own by default."""
        tf, _ = load_keras()
        values = self.current() if values is None else list(values)
        x = [tf.convert_to_tensor(array) for array in batch.x]
        y = [None if array is None else self._label(array) for array in batch.y]
        scale, *smaller = self._scales
        found = self._squares(x, y, values, scale)
        while smaller and not (np.isfinite(found["gradients"]).all() and np.isfinite(found["outputs"]).all()):
            scale, *smaller = smaller
            found = self._squares(x, y, values, scale)
        if not self._wide and not (_safe(found["gradients"]) and _safe(found["outputs"])):
            self._wide = True
            found = self._squares(x, y, values, scale)
        size = found["sizes"]
        return Run(
            float(found["loss"]),
            roots(found["gradients"]) / scale,
            np.sqrt(found["norms"]),
            roots(found["outputs"], size) * batch.examples / scale,
            np.sqrt(found["squares"] / size),
            found["sums"] / size,
            found["dead"],
        )

    def _label(self, array: np.ndarray) -> Tensor:
        tf, _ = load_keras()
        kind = "float64" if self.precision == "float64" else "float32"
        return tf.convert_to_tensor(array, kind) if array.dtype.kind == "f" else tf.convert_to_tensor(array)

    def _squares(self, x: list[Tensor], y: list[Tensor], values: list[Tensor], scale: float) -> dict[str, np.ndarray]:
        tf, _ = load_keras()
        arguments = x, y, values, tf.constant(scale)
        key = self._wide, *[None if tensor is None else (tensor.dtype, tuple(tensor.shape)) for tensor in (*x, *y)]
        if key not in self._compiled:
            # Asking for each shape's function by hand keeps TensorFlow from warning that there are several. Never XLA:
            # on a CPU it makes convolutions several times slower.
            wide = self._wide

            def measure(x: list[Tensor], y: list[Tensor], values: list[Tensor], scale: Tensor) -> dict[str, Tensor]:
                return self._traced(x, y, values, scale, wide)

            function = tf.function(measure, jit_compile=False, autograph=False)
            self._compiled[key] = function.get_concrete_function(*arguments)
        with missing_kernels(), unimproved_graphs() if self._deep else nullcontext():
            return {name: value.numpy() for name, value in self._compiled[key](*arguments).items()}

    def _traced(
        self, x: list[Tensor], y: list[Tensor], values: list[Tensor], scale: Tensor, wide: bool
    ) -> dict[str, Tensor]:
        tf, _ = load_keras()
        weights = [values[number] for number in self._flat]
        trained = [weight for weight, is_trained in zip(weights, self._trained, strict=True) if is_trained]
        watched = set(self.seen)

        def half(tensor: Tensor) -> Tensor:
            # As few operations a layer as can be: tracing them is what takes time.
            if tensor is None:
                return None
            return tf.nn.l2_loss(_summed(tf.convert_to_tensor(tensor), wide))

        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(trained)

            def tell(position: int, value: Tensor) -> None:
                # What comes of frozen layers alone is watched too: the activation gradient reaches it all the same.
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
            "gradients": 2 * _stacked([half(gradient) for gradient in gradients]),
            "norms": 2 * _stacked([half(weight) for weight in weights]),
            "outputs": 2 * _stacked([half(gradient) for gradient in to_outputs]),
            "squares": 2 * _stacked([half(tensor) for tensor in floats]),
            "sums": _stacked([tf.reduce_sum(_summed(tensor, wide)) for tensor in floats]),
            "sizes": _sizes(seen),
            "dead": _stacked([_dead(nodes[position]) for position in self.relus]),
        }

    def _end(self, output: Tensor) -> Tensor:
        tf, _ = load_keras()
        if output.dtype not in (tf.float16, tf.bfloat16):
            return output
        return masked(tf.cast(output, tf.float32), mask_of(output))

    def _of_outputs(self, y: list[object], nodes: list[object], scale: object, to_outputs: list[object]) -> None:
        """The loss's gradient with respect to what the model itself puts out.

        Keras's crossentropies step around the last sigmoid or softmax to its logits, so that a tape finds no way to the
        layer's own output. The same loss, of the output itself:
        """
        tf, _ = load_keras()
        outputs = dict.fromkeys(self.graph.outputs)
        # A last layer that changes nothing hands on the very tensor that the layer before it has made.
        ends = {seen: end for end in outputs for seen in self.seen if nodes[seen] is nodes[end]}
        if not ends:
            return
        with tf.GradientTape(watch_accessed_variables=False) as last:
            bare = {position: masked(tf.identity(nodes[position]), mask_of(nodes[position])) for position in outputs}
            last.watch([bare[end] for end in ends.values()])
            value = self.loss(y, [self._end(bare[position]) for position in self.graph.outputs])
            value = value * tf.cast(scale, value.dtype)
        for seen, gradient in zip(ends, last.gradient(value, [bare[end] for end in ends.values()]), strict=True):
            # An output that other layers read too gets what comes from them as well: that is the tape's.
            if all(nodes[reader] is nodes[seen] for reader in self.graph.consumers[seen]):
                to_outputs[self.seen.index(seen)] = gradient


def probe_of(runnable: Runnable, loss: Loss, training: bool) -> Probe:
    """A probe that sees every layer with weights, and what each block puts out."""
    return Probe(runnable, loss, training, block_ends(runnable.graph))


def _rows(runnable: Runnable) -> tuple[Row, ...]:
    facts = gather(runnable.graph)
    rows: list[Row] = []
    done: set[int] = set()
    for position, node in enumerate(runnable.graph):
        own = runnable.weights_of(position)
        if not own or node.op.detached:
            continue
        known = facts[position].weights
        if known is not None and len(known) == len(own):
            roles = [fact.role for fact in known]
        else:
            roles = ["kernel" if len(v.shape) > 1 else "bias" if v.trainable else "statistic" for v in own]
        # A variable belongs to the layer that reads it first.
        learned = [
            (v, role == "kernel")
            for v, role in zip(own, roles, strict=True)
            if role != "statistic" and id(v) not in done
        ]
        done.update(id(v) for v in own)
        if learned:
            variables, kernels = zip(*learned, strict=True)
            rows.append(Row(position, variables, kernels))
    return tuple(rows)


def rectified(graph: Graph, position: int) -> int | None:
    """The ReLU that a layer's output goes into straight, through normalization at most; or the layer itself."""
    while True:
        if graph.nodes[position].op.rectifies:
            return position
        readers = graph.consumers[position]
        if len(readers) != 1:
            return None
        position = readers[0]
        op = graph.nodes[position].op
        activates = op.family == "activation" and op.rectifies
        if not activates and not op.normalizes and not isinstance(op, Identity):
            return None


def _dead(output: Tensor) -> Tensor:
    """The share of channels that are zero at every position of every sample."""
    tf, _ = load_keras()
    largest = tf.reduce_max(output, axis=list(range(output.shape.rank - 1)))
    return tf.reduce_mean(tf.cast(largest <= 0, tf.float64))


def _summed(tensor: Tensor, wide: bool) -> Tensor:
    """A tensor in the precision that its elements are summed in."""
    tf, _ = load_keras()
    if wide:
        return tf.cast(tensor, tf.float64)
    return tf.cast(tensor, tf.float32) if tensor.dtype.size < 4 else tensor


def _stacked(values: Sequence[Tensor]) -> Tensor:
    """Numbers in one tensor of float64; half of `NO_GRADIENT` for None, for what is stacked are halves of squares."""
    tf, _ = load_keras()
    if not values:
        return tf.zeros((0,), tf.float64)
    kinds = {value.dtype for value in values if value is not None}
    kind = kinds.pop() if len(kinds) == 1 else tf.float64
    none = tf.constant(NO_GRADIENT / 2, kind)
    stacked = tf.stack([none if each is None else each if each.dtype == kind else tf.cast(each, kind)
                        for each in values])  # fmt: skip
    return tf.cast(stacked, tf.float64)


def _sizes(tensors: Sequence[Tensor]) -> Tensor:
    """How many elements each of them has."""
    tf, _ = load_keras()
    if all(tensor.shape.is_fully_defined() for tensor in tensors):
        return tf.constant([tensor.shape.num_elements() for tensor in tensors], tf.float64, (len(tensors),))
    return _stacked([tf.cast(tf.size(tensor), tf.float64) for tensor in tensors])


def _safe(sums: np.ndarray) -> bool:
    """Whether sums of squares taken in float32 have lost nothing."""
    known = sums[sums != NO_GRADIENT]
    return bool(((known > 1e-24) & (known < 1e30)).all())
