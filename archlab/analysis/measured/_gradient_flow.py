"""Gradient flow: how strong the error signal is when it arrives at each layer, measured on the real Keras model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np

from archlab.algebra import Part
from archlab.analysis._trend import Trend, trend, verdict
from archlab.analysis.measured._batch import Batch, prepare
from archlab.analysis.static import depths
from archlab.analysis.static._facts import gather
from archlab.bridge import build, load_keras
from archlab.errors import UsageError
from archlab.graph import Graph, elements, is_known
from archlab.ops import Weight

BATCH = 8
SEEDS = 3


@dataclass(frozen=True)
class WeightFlow:
    """One weight: the Euclidean norm of the loss's gradient with respect to it, and its own; medians over the seeds."""

    name: str
    gradient_norm: float | None
    norm: float


@dataclass(frozen=True)
class LayerFlow:
    """One layer; medians over the seeds, and quartiles where there are several. None means: no gradient reaches it.

    Attributes:
        depth: layers with a kernel on the longest path from the input, this one included.
        kernel: whether it has a kernel itself (batch normalization has none).
        body: whether it stands before the head: before global pooling or flattening.
        weight_gradient_norm: Euclidean norm of the mean loss's gradient with respect to all its trainable weights.
        output_gradient_rms: the error signal: root mean square, over examples, positions and channels, of the loss's
            gradient with respect to the layer's output, times the batch size.
        kernel_gradient_norm: the same with respect to its kernels alone, without biases, scales and shifts.
        weight_norm: Euclidean norm of its trainable weights.
        ratio: of the weights' gradient norm to the weights' norm.
    """

    name: str
    depth: int
    kernel: bool
    body: bool
    weight_gradient_norm: float | None
    output_gradient_rms: float | None
    kernel_gradient_norm: float | None
    weight_norm: float
    ratio: float | None
    weight_gradient_norm_quartiles: tuple[float, float] | None
    output_gradient_rms_quartiles: tuple[float, float] | None
    weights: tuple[WeightFlow, ...]

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        data = {name: _plain(value) for name, value in vars(self).items()}
        data["weights"] = [{name: _plain(value) for name, value in vars(weight).items()} for weight in self.weights]
        return data


def _plain(value: Any) -> Any:
    """A value as JSON can hold it, which knows neither infinity nor NaN."""
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not isfinite(value) else value


@dataclass(frozen=True)
class GradientFlow:
    """Gradient flow at initialization.

    Attributes:
        data: where the batch comes from.
        loss: the Keras loss.
        batch: examples in the batch.
        seeds: the initializations measured.
        losses: the mean loss under each seed.
        layers: every layer with trainable weights, in order.
        trend: the error signal's slope against depth, and the verdict on it.
        precision: 'float32'; or 'float64' where a signal left the range of float32 and the figures were taken again.
        not_finite: layers where a figure was infinite or not a number in float32.
    """

    data: str
    loss: str
    batch: int
    precision: str
    seeds: tuple[int, ...]
    losses: tuple[float, ...]
    layers: tuple[LayerFlow, ...]
    trend: Trend
    not_finite: tuple[str, ...] = ()

    @property
    def slope(self) -> float | None:
        """Decades per layer: positive when the error signal fades on its way back to the input."""
        return self.trend.slope

    @property
    def verdict(self) -> str:
        """'vanishes', 'explodes', 'level' or 'undefined'."""
        return self.trend.verdict

    @property
    def curve(self) -> tuple[LayerFlow, ...]:
        """The layers that the slope is fitted to: those with a kernel before the head."""
        return tuple(layer for layer in self.layers if layer.kernel and layer.body)

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "data": self.data,
            "loss": self.loss,
            "batch": self.batch,
            "precision": self.precision,
            "seeds": list(self.seeds),
            "losses": _plain(self.losses),
            "layers": [layer.to_dict() for layer in self.layers],
            "not_finite": list(self.not_finite),
            **self.trend.to_dict(),
        }


def gradient_flow(
    architecture: Part | Graph,
    x: Any = None,
    y: Any = None,
    *,
    data: str | Path | None = None,
    loss: str | Callable[..., Any] | None = None,
    seeds: int | Sequence[int] = SEEDS,
    batch: int = BATCH,
    progress: Callable[[str], None] | None = None,
) -> GradientFlow:
    """Measure how gradients flow through an architecture at initialization, in training mode.

    The Keras model is built and traced once; for each seed its kernels are drawn anew in place and one batch is run
    forward and backward.

    Args:
        architecture: a part, or a graph.
        x: a batch of inputs, (examples, height, width, channels).
        y: its labels; synthetic ones where x is given alone.
        data: instead of x and y, a folder of class folders with photos. Without either, a seeded synthetic batch.
        loss: a Keras loss by name, or a function of (y, output). By default the one that goes with the head.
        seeds: how many initializations, or which.
        batch: examples, where the batch is not given.
        progress: called with a word on every step done.

    Raises:
        DesignError: the architecture does not add up.
        DataError: the folder cannot be used.
        UsageError: a batch cannot be made for this input, or the labels do not fit the head.

    >>> from archlab import Conv, Dense, GlobalAvgPool, Input, ReLU
    >>> net = Input(16, 16, 3) >> (Conv(8) >> ReLU()) * 4 >> GlobalAvgPool() >> Dense(1, activation="sigmoid")
    >>> flow = gradient_flow(net, seeds=2)
    >>> [layer.depth for layer in flow.layers], flow.verdict
    ([1, 2, 3, 4, 5], 'level')
    """
    graph = architecture if isinstance(architecture, Graph) else architecture.to_graph()
    chosen = tuple(range(seeds)) if isinstance(seeds, int) else tuple(seeds)
    if not chosen:
        raise UsageError("gradient flow needs at least one seed")
    if batch < 1:
        raise UsageError(f"a batch needs at least one example, got {batch}")
    used = prepare(graph, x, y, data, batch)
    tell = progress or (lambda word: None)
    probe = _Probe(graph, used, loss)
    tell("built")
    runs: list[Run] = []
    for seed in chosen:
        runs.append(probe.run(seed))
        tell(f"seed {seed}")
    found = _summary(graph, used, loss, chosen, probe, runs)
    if found.trend.silent or found.not_finite:
        # Beyond what float32 holds, 1e-38 to 3e38, float64 still tells how strong the signal is: 1e-308 to 2e308.
        tell("measuring again in float64")
        probe = _Probe(graph, used, loss, "float64")
        runs = [probe.run(seed) for seed in chosen]
        silent, lost = found.trend.silent, found.not_finite
        found = _summary(graph, used, loss, chosen, probe, runs)
        found = replace(
            found, trend=replace(found.trend, silent=silent, verdict=verdict(found.trend, silent, bool(lost)))
        )
        found = replace(found, not_finite=lost)
    return found


class Run(NamedTuple):
    """One seed's figures: by weight, by layer's output, by weight; NaN where there is no gradient."""

    loss: float
    gradients: np.ndarray
    outputs: np.ndarray
    norms: np.ndarray


class _Probe:
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

        def total(tensor: Any) -> Any:
            # Squares of numbers below 1e-19 or above 1e19 would be lost in float32.
            return 2 * tf.nn.l2_loss(tf.cast(tensor, tf.float64))

        def square(gradient: Any) -> Any:
            if gradient is None:
                return tf.constant(float("nan"), tf.float64)
            return total(tf.convert_to_tensor(gradient))

        def measure(x: Any, y: Any) -> Any:
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
        # Never XLA: on a CPU it makes convolutions several times slower.
        self._measure = tf.function(measure, jit_compile=False, autograph=False).get_concrete_function(*self.batch)

    def run(self, seed: int) -> Run:
        """Draw every kernel anew, in place, and measure."""
        kernels = [(kernel, position) for position, found in self.kernels.items() for kernel in found]
        for number, (variable, position) in enumerate(kernels):
            # A seed of its own for each kernel: two of one shape must not be twins.
            name = self._graph.nodes[position].op.initializer
            config = {"class_name": name, "config": {"seed": seed * 1_000_003 + number}}
            variable.assign(self._initializers.get(config)(variable.shape, variable.dtype))
        loss, gradients, outputs, norms, sizes = [each.numpy() for each in self._measure(*self.batch)]
        rms = np.sqrt(outputs / sizes) * self.examples
        return Run(float(loss), np.sqrt(gradients), rms, np.sqrt(norms))


def _kernels(layer: Any, facts: tuple[Weight, ...] | None) -> list[Any]:
    """The variables of a Keras layer that are kernels: by its rule, or without one those with two axes or more."""
    if facts is None or len(facts) != len(layer.weights):
        return [variable for variable in layer.trainable_weights if len(variable.shape) > 1]
    return [variable for variable, fact in zip(layer.weights, facts, strict=True) if fact.role == "kernel"]


def _summary(
    graph: Graph,
    batch: Batch,
    loss: str | Callable[..., Any] | None,
    seeds: tuple[int, ...],
    probe: _Probe,
    runs: list[Run],
) -> GradientFlow:
    depth = depths(graph)
    facts = gather(graph)
    gradients = np.array([run.gradients for run in runs])
    outputs = np.array([run.outputs for run in runs])
    norms = np.array([run.norms for run in runs])
    body = before_head(graph)
    layers: list[LayerFlow] = []
    start = 0
    for row, (position, variables) in enumerate(zip(probe.positions, probe.variables, strict=True)):
        node = graph.nodes[position]
        own = slice(start, start + len(variables))
        start += len(variables)
        weights = tuple(
            WeightFlow(variable.name, _middle(gradients[:, own][:, i]), float(np.median(norms[:, own][:, i])))
            for i, variable in enumerate(variables)
        )
        # A layer's norm is over all its weights together: those without a gradient add nothing.
        together = _together(gradients[:, own])
        kernels = [i for i, variable in enumerate(variables) if any(variable is k for k in probe.kernels[position])]
        norm = float(np.median(np.sqrt((norms[:, own] ** 2).sum(axis=1))))
        gradient = _middle(together)
        layers.append(
            LayerFlow(
                name=node.name,
                depth=depth[position],
                kernel=facts[position].kernel,
                body=body[position],
                weight_gradient_norm=gradient,
                output_gradient_rms=_middle(outputs[:, row]),
                kernel_gradient_norm=_middle(_together(gradients[:, own][:, kernels])) if kernels else None,
                weight_norm=norm,
                ratio=gradient / norm if gradient is not None and norm > 0 else None,
                weight_gradient_norm_quartiles=_quartiles(together),
                output_gradient_rms_quartiles=_quartiles(outputs[:, row]),
                weights=weights,
            )
        )
    rows = [i for i, layer in enumerate(layers) if layer.kernel and layer.body]
    fits = trend(
        [layers[i].depth for i in rows],
        [elements(shape) if is_known(shape := graph.nodes[probe.positions[i]].shape) else None for i in rows],
        [[None if np.isnan(value) else float(value) for value in run[rows]] for run in outputs],
    )
    named = batch.loss if loss is None else loss if isinstance(loss, str) else getattr(loss, "__name__", "custom")
    losses = tuple(run.loss for run in runs)
    # NaN marks a layer without a gradient, unless the loss itself is lost.
    finite = bool(np.isfinite(losses).all())
    lost = tuple(
        layer.name for layer, seen in zip(layers, outputs.T, strict=True) if not finite or bool(np.isinf(seen).any())
    )
    return GradientFlow(batch.source, named, probe.examples, probe.precision, seeds, losses, tuple(layers), fits, lost)


def _together(norms: np.ndarray) -> np.ndarray:
    """The norm over several weights together, for each seed; NaN where no gradient reaches any of them."""
    squares = norms**2
    return np.where(np.isnan(squares).all(axis=1), np.nan, np.sqrt(np.nansum(squares, axis=1)))


def _middle(values: np.ndarray) -> float | None:
    known = [float(value) for value in values if not np.isnan(value)]
    return median(known) if known else None


def _quartiles(values: np.ndarray) -> tuple[float, float] | None:
    known = values[~np.isnan(values)]
    if len(known) < 2:
        return None
    low, high = np.percentile(known, (25, 75))
    return float(low), float(high)


def before_head(graph: Graph) -> list[bool]:
    """For each node whether it stands before the head: before the first global pooling or flattening on its way.

    Where nothing does (a net without spatial axes), everything is body but the last layer.
    """
    body: list[bool] = []
    for node in graph.nodes:
        shapes = graph.input_shapes(node)
        if not node.inputs:
            body.append(len(node.shape) > 1)
        elif len(node.inputs) == 1:
            body.append(body[node.inputs[0]] and node.op.window(*shapes) != "whole")
        else:
            body.append(any(body[source] for source in node.inputs))
    if not any(body):
        return [position not in graph.outputs for position in range(len(graph))]
    return body
