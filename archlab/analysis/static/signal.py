"""Gradient flow predicted from the graph alone: nothing is built, nothing is run.

The first two moments of the signal go forward through the graph and those of the gradient back, in the mean-field way:
Glorot & Bengio 2010, 'Understanding the difficulty of training deep feedforward neural networks', section 4.2.1; He et
al. 2015, 'Delving Deep into Rectifiers', section 2.2; Schoenholz et al. 2017, 'Deep Information Propagation'; Yang et
al. 2019, 'A Mean Field Theory of Batch Normalization'; Brock et al. 2021, 'Characterizing signal propagation', for
residual sums. What each layer does to the moments is a fact of the layer, `Op.signal`; here is one traversal forward
and one back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import exp, isnan, prod, sqrt
from typing import TYPE_CHECKING, Any, ClassVar

from archlab.analysis._flow import Curve, LayerFlow, WeightFlow
from archlab.analysis._record import Record
from archlab.analysis._trend import Trend, trend
from archlab.analysis.static._doubts import doubts
from archlab.analysis.static._facts import gather
from archlab.analysis.static._first_error import first_error, output_square
from archlab.analysis.static._head import HeadLoss, before_head, loss_of
from archlab.analysis.static._passes import backward, forward, leads
from archlab.analysis.static._photos import BATCH
from archlab.analysis.static.paths import depths, on_longest_path
from archlab.files import INLINE
from archlab.graph import Graph, elements, is_known
from archlab.losses import CompiledLoss
from archlab.ops import Weight
from archlab.shown import Printed
from archlab.signals import ErrorSignal, Signal, start
from archlab.signals.moments import Squares, variance
from archlab.sources import Reference, load

if TYPE_CHECKING:
    from altair import TopLevelMixin


@dataclass(frozen=True, repr=False)
class PredictedFlow(Curve, Record, Printed):
    """Gradient flow at initialization as predicted, for the batch that it would be measured on by default.

    Attributes:
        data: the batch that is assumed.
        loss: the Keras loss: the compiled one, else the one that goes with the head.
        batch: examples in the batch.
        layers: every layer with trainable weights, in order, with the fields of a measured one; None where the
            prediction does not reach.
        trend: the activation gradient's slope against depth, and the verdict on it.
        reliable: whether every assumption of the prediction holds, by the graph.
        why: where it is not, the assumptions that do not hold.
    """

    what: ClassVar[str] = "predicted gradient flow"

    data: str
    loss: str
    batch: int
    layers: tuple[LayerFlow, ...]
    trend: Trend = field(metadata=INLINE)
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

    def plot(self, quantity: str = "activation_gradient_rms") -> TopLevelMixin:
        """The curve of a quantity against depth as an Altair chart, dashed.

        Args:
            quantity: a field of `LayerFlow`.
        """
        from archlab.charts import by_depth

        return by_depth([], quantity, predicted=[("predicted", self.curve)])


def predict_gradient_flow(architecture: Reference, *, input: Sequence[int | None] | None = None) -> PredictedFlow:
    """Gradient flow at initialization as predicted, in milliseconds: nothing is built, nothing is run.

    Assumes what `gradient_flow` measures by default: training mode, a synthetic batch of 8, the loss that a model is
    compiled with, else the one that goes with the head. Where an assumption of the theory does not hold for this
    architecture, `reliable` is false and `why` says which.

    Args:
        architecture: a part, a graph, a live Keras model (which is read and left as it is), or a reference such as
            'residual' or 'keras:ResNet50'.
        input: another input shape; of a PyTorch module, which does not say it, the shape that it takes: (3, 224, 224).

    Raises:
        UnknownNameError: the reference names nothing.
        DesignError: the architecture does not add up.

    >>> found = predict_gradient_flow("plain:depth=50,normalization=none,conv=ordinary")
    >>> round(found.slope, 2), found.verdict, found.layers[0].name
    (0.18, 'vanishing', 'conv')
    """
    found = load(architecture, input)
    return predict(found.graph, found.compiled_loss, found.unusual_starts)


def predict(
    graph: Graph, compiled: CompiledLoss | None = None, unusual_starts: tuple[str, ...] = ()
) -> PredictedFlow:  # fmt: skip
    """Predict how gradients flow through a graph at initialization, with the loss that a model is compiled with.

    `unusual_starts` name variables that begin with other values than the graph says: the prediction is then unreliable.

    >>> from archlab import Conv, Dense, GlobalAvgPool, Input, ReLU
    >>> net = Input(8, 8, 4096) >> (Conv(4096, kernel=1) >> ReLU()) * 20 >> GlobalAvgPool() >> Dense(1)
    >>> found = predict(net.to_graph())
    >>> round(found.slope, 4), found.verdict, found.reliable
    (0.1505, 'stable', True)
    """
    key = f"predicted with {compiled} and {unusual_starts}"
    return graph.fact(key, lambda: _predicted(graph, compiled, unusual_starts))


def _predicted(graph: Graph, compiled: CompiledLoss | None, unusual_starts: tuple[str, ...]) -> PredictedFlow:
    why: list[str] = []
    loss, is_compiled = loss_of(graph, compiled)
    if compiled is not None and not is_compiled:
        why.append(f"the compiled loss, {compiled.name}, has no rule: {loss.name} is assumed")
    passed, signals, missing = forward(graph, loss)
    why += missing
    end = signals[graph.outputs[0]]
    first = None if end is None else first_error(end, loss.function)
    errors, squares = backward(graph, passed, first)
    why += doubts(graph, signals)
    why += _left_to_chance(graph, errors)
    why += unusual_starts
    layers = _layers(graph, loss, signals, errors, squares)
    leading = leads(graph)
    unreached = [
        layer.name for layer in layers if layer.activation_gradient_rms is None and leading[graph.position(layer.name)]
    ]
    if not why and (unreached or not layers):
        why.append(f"{unreached[0]}: no error reaches it" if unreached else "no layer has trainable weights")
    curve = [(layer, graph[layer.name].shape) for layer in layers if layer.kernel and layer.body]
    found = trend(
        [layer.depth for layer, _ in curve],
        [elements(shape) if is_known(shape) else None for _, shape in curve],
        [[layer.activation_gradient_rms for layer, _ in curve]],
    )
    return PredictedFlow(
        f"assumed: synthetic, {BATCH} examples",
        loss.name,
        BATCH,
        tuple(layers),
        found,
        not why,
        tuple(why),
    )


def _layers(
    graph: Graph, loss: HeadLoss, signals: list[Signal | None], errors: list[ErrorSignal | None], squares: list[Squares]
) -> list[LayerFlow]:
    depth, body, longest = depths(graph), before_head(graph), on_longest_path(graph)
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
        if position == loss.activated and signal is not None:
            square = output_square(signal, loss.function)
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
                activation_gradient_rms=_root(square),
                kernel_gradient_norm=_root(_sum([gradients[i] for i in kernels])) if kernels else None,
                weight_norm=norm,
                ratio=total / norm if total is not None and norm > 0 else None,
                weight_gradient_norm_quartiles=None,
                activation_gradient_rms_quartiles=_quartiles(_root(square), error),
                weights=tuple(
                    WeightFlow(weight.name, _root(gradient), norm)
                    for weight, gradient, norm in zip(weights, gradients, norms, strict=True)
                ),
                activation_rms=activation,
                activation_mean=average,
                activation_rms_quartiles=_quartiles(activation, signal),
                longest_path=longest[position],
            )
        )
    return rows


_WIDE = 2.0
"""The variance of the logarithm of a squared gradient from which on a median says little: × 1.6 either way for half."""


def _left_to_chance(graph: Graph, errors: list[ErrorSignal | None]) -> list[str]:
    """A sentence where narrow layers, for their number, leave the gradient to the draw of the weights."""
    kernels = [(error.scatter, node) for error, node, facts in zip(errors, graph.nodes, gather(graph), strict=True)
               if error is not None and facts.kernel]  # fmt: skip
    scatter, node = max(kernels, key=lambda each: each[0], default=(0.0, None))
    if node is None or scatter <= _WIDE:
        return []
    factor = exp(_QUARTER * sqrt(scatter) / 2)
    return [f"{node.name}: so many narrow layers leave its gradient to chance: in half of all initializations it is "
            f"more than {factor:.1f} times smaller or larger than predicted"]  # fmt: skip


_QUARTER = 0.6745
"""A quarter of a normal distribution lies farther above its middle than so many standard deviations."""


def _quartiles(rms: float | None, over_draws: Signal | ErrorSignal | None) -> tuple[float, float] | None:
    """Between which values half of the initializations lie; the logarithm is about normal (Hanin and Nica 2020)."""
    if rms is None or over_draws is None or over_draws.scatter <= 0:
        return None
    factor = exp(_QUARTER * sqrt(over_draws.scatter) / 2)
    return rms / factor, rms * factor


def _sum(squares: Iterable[float | None]) -> float | None:
    known = list(squares)
    if not known:
        return None
    total = 0.0
    for square in known:
        if square is None:
            return None
        total += square
    return total


def _root(square: float | None) -> float | None:
    """A root mean square; None where it is not known."""
    return None if square is None or isnan(square) else sqrt(max(square, 0.0))


def _norm(op: Any, weight: Weight) -> float:
    """The expected norm of a weight at initialization: scales begin at 1, biases at 0."""
    if weight.role == "kernel":
        return sqrt((variance(op.initializer, weight.shape) or 0.0) * prod(weight.shape))
    begins = start(getattr(op, f"{weight.name}_initializer", None)) if weight.name in ("gamma", "beta") else None
    if begins is not None:
        return sqrt(weight.size * (begins.mean**2 + begins.variance))
    return sqrt(weight.size) * getattr(op, "initial", 1.0) if weight.name == "gamma" else 0.0
