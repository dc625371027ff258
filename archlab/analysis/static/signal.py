"""Gradient flow predicted from the graph alone: nothing is built, nothing is run.

The first two moments of the signal go forward through the graph and those of the gradient back, in the mean-field way:
Glorot & Bengio 2010, 'Understanding the difficulty of training deep feedforward neural networks', section 4.2.1; He et
al. 2015, 'Delving Deep into Rectifiers', section 2.2; Schoenholz et al. 2017, 'Deep Information Propagation'; Yang et
al. 2019, 'A Mean Field Theory of Batch Normalization'; Brock et al. 2021, 'Characterizing signal propagation', for
residual sums. What each layer does to the moments is a fact of the layer, `Op.signal`; here is one traversal forward
and one back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import inf, isfinite, isnan, prod, sqrt
from typing import Any

from archlab.analysis._flow import Curve, LayerFlow, WeightFlow
from archlab.analysis._trend import Trend, trend
from archlab.analysis.static._doubts import doubts
from archlab.analysis.static._facts import gather
from archlab.analysis.static._first_error import first_error, output_square
from archlab.analysis.static._head import before_head, head_function, head_loss
from archlab.analysis.static._photos import BATCH, synthetic_signal
from archlab.analysis.static.paths import depths
from archlab.graph import Graph, elements, is_known
from archlab.ops import Weight
from archlab.ops._signal import ErrorSignal, Passed, Signal, Squares, added_scatter, mixed, plus
from archlab.ops._signal._draw import variance
from archlab.shown import Shown


@dataclass(frozen=True)
class PredictedFlow(Curve, Shown):
    """Gradient flow at initialization as theory expects it, for the batch that it would be measured on by default.

    Attributes:
        data: the batch that is assumed.
        loss: the Keras loss that goes with the head.
        batch: examples in the batch.
        layers: every layer with trainable weights, in order, with the fields of a measured one; None where the
            prediction does not reach.
        trend: the error signal's slope against depth, and the verdict on it.
        reliable: whether every assumption of the prediction holds, by the graph.
        why: where it is not, the assumptions that do not hold.
    """

    data: str
    loss: str
    batch: int
    layers: tuple[LayerFlow, ...]
    trend: Trend
    reliable: bool
    why: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "data": self.data,
            "loss": self.loss,
            "batch": self.batch,
            "layers": [layer.to_dict() for layer in self.layers],
            **self.trend.to_dict(),
            "reliable": self.reliable,
            "why": list(self.why),
        }


def predict(graph: Graph) -> PredictedFlow:
    """Predict how gradients flow through a graph at initialization.

    >>> from archlab import Conv, Dense, GlobalAvgPool, Input, ReLU
    >>> net = Input(8, 8, 4096) >> (Conv(4096, kernel=1) >> ReLU()) * 20 >> GlobalAvgPool() >> Dense(1)
    >>> found = predict(net.to_graph())
    >>> round(found.slope, 4), found.verdict, found.reliable
    (0.1505, 'level', True)
    """
    return graph.fact("predicted", lambda: _predicted(graph))


def _predicted(graph: Graph) -> PredictedFlow:
    why: list[str] = []
    passed, signals = _forward(graph, why)
    errors, squares = _backward(graph, passed, signals, why)
    why += doubts(graph, signals)
    layers = _layers(graph, signals, errors, squares)
    curve = [(layer, graph[layer.name].shape) for layer in layers if layer.kernel and layer.body]
    found = trend(
        [layer.depth for layer, _ in curve],
        [elements(shape) if is_known(shape) else None for _, shape in curve],
        [[layer.output_gradient_rms for layer, _ in curve]],
    )
    return PredictedFlow(
        f"assumed: synthetic, {BATCH} examples",
        head_loss(graph),
        BATCH,
        tuple(layers),
        found,
        not why,
        tuple(why),
    )


def _forward(graph: Graph, why: list[str]) -> tuple[list[Passed | None], list[Signal | None]]:
    """What each node makes of its inputs; None behind a layer without a rule."""
    passed: list[Passed | None] = []
    signals: list[Signal | None] = []
    for position, (node, facts) in enumerate(zip(graph.nodes, gather(graph), strict=True)):
        found: Passed | None = None
        signal: Signal | None = None
        if not node.inputs:
            if is_known(node.shape):
                signal = synthetic_signal(graph, position)
            else:
                why.append(f"{node.name}: the size of the input is not known")
        else:
            inputs = [signals[source] for source in node.inputs]
            known = [each for each in inputs if each is not None]
            if len(known) == len(inputs) and facts.sized:
                if position in graph.outputs and head_function(node):
                    found = _without_head(graph, position, tuple(known))
                else:
                    found = node.op.signal(tuple(known), node.shape)
                if found is None:
                    why.append(f"{node.name}: {node.op.title} has no rule for signals")
                elif not isfinite(found.output.square):
                    why.append(f"{node.name}: the signal leaves the range of numbers")
                    found = None
                else:
                    signal = found.output
        passed.append(found)
        signals.append(signal)
    return passed, signals


def _without_head(graph: Graph, position: int, inputs: tuple[Signal, ...]) -> Passed | None:
    """The last layer without the activation that its loss takes away again."""
    node = graph.nodes[position]
    op = node.op
    if not graph.input_shapes(node) or getattr(op, "activation", None) is None:
        return Passed(inputs[0], lambda error: ((error,), ()))
    return replace(op, activation=None).signal(inputs, node.shape)


def _backward(
    graph: Graph, passed: list[Passed | None], signals: list[Signal | None], why: list[str]
) -> tuple[list[ErrorSignal | None], list[Squares]]:
    """The error at each node's output, and the squared gradients of its weights."""
    arrived: list[list[ErrorSignal]] = [[] for _ in graph.nodes]
    errors: list[ErrorSignal | None] = [None] * len(graph)
    squares: list[Squares] = [()] * len(graph)
    last = graph.outputs[0]
    end = signals[last]
    if end is not None:
        arrived[last].append(first_error(end, head_function(graph.nodes[last])))
    for position in range(len(graph) - 1, -1, -1):
        error = errors[position] = _added(arrived[position])
        found = passed[position]
        if error is None or found is None:
            continue
        if not isfinite(error.same[0]):
            # Beyond 1e308 in the square it is infinite here, and for all that stands before.
            error = errors[position] = error._replace(same=(inf, *error.same[1:]), scatter=0.0)
            for source in graph.nodes[position].inputs:
                arrived[source] = [error]
            continue
        backs, squares[position] = found.back(error)
        for source, back in zip(graph.nodes[position].inputs, backs, strict=True):
            if back is not None:
                arrived[source].append(back)
    return errors, squares


def _added(errors: list[ErrorSignal]) -> ErrorSignal | None:
    """The sum of the errors of all that read a map: independent, as their kernels are."""
    if len(errors) < 2:
        return errors[0] if errors else None
    same, cross = errors[0].same, errors[0].cross
    for error in errors[1:]:
        same, cross = plus(same, error.same), plus(cross, error.cross)
    profiles = mixed([(error.same[0], error.profiles) for error in errors])
    scatter = added_scatter([(error.same[0], error.scatter) for error in errors])
    return ErrorSignal(same, cross, profiles, scatter=scatter)


def _layers(
    graph: Graph, signals: list[Signal | None], errors: list[ErrorSignal | None], squares: list[Squares]
) -> list[LayerFlow]:
    depth, body = depths(graph), before_head(graph)
    uses: dict[str, list[int]] = {}
    for position, node in enumerate(graph.nodes):
        uses.setdefault(node.layer or node.name, []).append(position)
    rows: list[LayerFlow] = []
    for position, (node, facts) in enumerate(zip(graph.nodes, gather(graph), strict=True)):
        places = uses[node.layer or node.name]
        if places[0] != position or not facts.trainable:
            continue
        weights = [weight for weight in facts.weights or () if weight.trainable]
        # A layer used more than once adds up what each use sends back.
        found = [squares[place] for place in places if len(squares[place]) == len(weights)]
        gradients = [_sum([each[i] for each in found]) for i in range(len(weights))]
        norms = [_norm(node.op, weight) for weight in weights]
        signal, error = signals[position], errors[position]
        square = None if error is None else error.same[0] * error.typical
        activation, average = (
            (None, None)
            if signal is None
            else (_root(signal.square * signal.typical), signal.mean * sqrt(signal.typical))
        )
        if position in graph.outputs and head_function(node) and signal is not None:
            square = output_square(signal, head_function(node))
            activation, average = None, None
        kernels = [i for i, weight in enumerate(weights) if weight.role == "kernel"]
        total = _root(_sum(gradients))
        norm = sqrt(sum(n * n for n in norms))
        rows.append(
            LayerFlow(
                name=node.name,
                depth=depth[position],
                kernel=facts.kernel,
                body=body[position],
                weight_gradient_norm=total,
                output_gradient_rms=_root(square),
                kernel_gradient_norm=_root(_sum([gradients[i] for i in kernels])) if kernels else None,
                weight_norm=norm,
                ratio=total / norm if total is not None and norm > 0 else None,
                weight_gradient_norm_quartiles=None,
                output_gradient_rms_quartiles=None,
                weights=tuple(
                    WeightFlow(weight.name, _root(gradient), norm)
                    for weight, gradient, norm in zip(weights, gradients, norms, strict=True)
                ),
                activation_rms=activation,
                activation_mean=average,
            )
        )
    return rows


def _sum(squares: Iterable[float | None]) -> float | None:
    known = list(squares)
    return None if not known or None in known else sum(known)  # pyright: ignore[reportArgumentType, reportCallIssue]


def _root(square: float | None) -> float | None:
    """A root mean square; None where it is not known."""
    return None if square is None or isnan(square) else sqrt(max(square, 0.0))


def _norm(op: Any, weight: Weight) -> float:
    """The expected norm of a weight at initialization: scales begin at 1, biases at 0."""
    if weight.role == "kernel":
        return sqrt((variance(op.initializer, weight.shape) or 0.0) * prod(weight.shape))
    if weight.name == "gamma":
        return sqrt(weight.size) * getattr(op, "initial", 1.0)
    return 0.0
