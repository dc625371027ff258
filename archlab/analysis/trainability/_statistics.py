"""What a forecast is made of: one pass of moments forward, and two back.

Two errors are sent back from the last layer. In the one every sample wants another output than the rest (labels in
balance), in the other all want the same. The squared gradient of the first is the rate at which the loss of labels that
are learned falls, that of the second bounds the rate that gradient descent can take: both are quadratic forms of the
neural tangent kernel (Jacot et al. 2018, 'Neural Tangent Kernel', section 4).
"""

from __future__ import annotations

from collections.abc import Iterable
from math import inf, isfinite, log10, pi, prod, sqrt
from typing import NamedTuple

from archlab.analysis.static._facts import Facts, gather
from archlab.analysis.static._first_error import first_error
from archlab.analysis.static._head import HeadLoss
from archlab.analysis.static._passes import backward, forward
from archlab.analysis.static.paths import depths
from archlab.graph import Graph, elements, is_known
from archlab.signals import ErrorSignal, Signal
from archlab.signals.moments import Squares, all_below, average, times

_SMALLEST = 1e-300
_BOUNDED = {"sigmoid": 0.25, "hard_sigmoid": 1 / 6, "tanh": 1.0, "softsign": 1.0}
"""Activations that saturate, each with its steepest slope."""
_MANY = 20
"""Channels that are never all dead by chance: each is with a probability of at most a half."""


class Place(NamedTuple):
    """A number at a layer."""

    value: float
    layer: str


class Stretch(NamedTuple):
    """What changes between two layers: by so many decades on the way from `last` back to `first`."""

    decades: float
    first: str
    last: str


class Statistics(NamedTuple):
    """Statistics of a network at initialization, in decades (log10) where nothing else is said."""

    fading: Stretch
    """The most that the activation gradient loses on its way back, whole maps taken together; 0 or more."""
    growth: Stretch
    """The most that it gains."""
    distance: float
    """Of the features that the last layer reads: root mean square × √(1 − c)."""
    head: Place
    """The root mean square of these features."""
    collapse: Place
    """1 − c where it is smallest, c being the correlation of two samples' features, from the last layer's input."""
    largest: Place
    """The largest root mean square of a layer's output."""
    output: float
    """The root mean square of what goes into the output's activation."""
    learned: float
    """The squared gradient of the loss where the samples' labels differ."""
    common: float
    """The same where all want the same output."""
    learned_sum: float
    """The sum of the absolute values of the first gradient."""
    common_sum: float
    """The same of the second."""
    dead: Place
    """The probability that a layer's units are all dead: zero for every sample; not in decades."""
    saturated: Place
    """The share of its slope that a bounded activation has lost; not in decades."""
    depth: int
    """Layers with a kernel on the longest path."""

    def to_dict(self) -> dict[str, object]:
        """As plain data: of what has a place, its value and its layers."""
        found: dict[str, object] = {}
        for name, value in self._asdict().items():
            if isinstance(value, Place | Stretch):
                found[name] = {key: _rounded(each) for key, each in value._asdict().items()}
            else:
                found[name] = _rounded(value)
        return found


def _rounded(value: object) -> object:
    return round(value, 4) if isinstance(value, float) else value


def statistics(graph: Graph, loss: HeadLoss, pixels: tuple[float, float] | None) -> tuple[Statistics | None, list[str]]:
    """The statistics of a graph, or None and what stands against them.

    Args:
        graph: the architecture.
        loss: that it is trained with.
        pixels: the mean and the standard deviation of its input.
    """
    passed, signals, why = forward(graph, loss, training=False, pixels=pixels)
    end = signals[graph.outputs[0]]
    facts = gather(graph)
    # A tensor that is learned but reads nothing, such as a position embedding, is no layer on the way.
    kernels = [at for at, each in enumerate(facts) if each.kernel and graph.nodes[at].inputs]
    if end is None or not kernels:
        return None, why or ["no layer has a kernel"]
    quiet = end._replace(mean=0.0, same=times(end.same, 0.0), cross=times(end.cross, 0.0))
    differ = first_error(quiet, loss.function)
    alike = ErrorSignal(differ.same[:1] * len(differ.same), differ.same[:1] * len(differ.cross), differ.profiles)
    errors, squares = backward(graph, passed, differ)
    learned, learned_sum = _together(facts, squares)
    common, common_sum = _together(facts, backward(graph, passed, alike)[1])
    fading, growth = _stretches(graph, kernels, errors)
    last = signals[graph.nodes[kernels[-1]].inputs[0]]
    assert last is not None
    found = Statistics(
        fading=fading,
        growth=growth,
        distance=_log(_root(_apart(last) * last.square)),
        head=Place(_log(_root(last.square)), graph.nodes[kernels[-1]].name),
        collapse=min(_collapses(graph, kernels, signals), default=Place(0.0, "")),
        largest=max(Place(_log(_root(signal.square)), graph.nodes[at].name)
                    for at in kernels if (signal := signals[at]) is not None),
        output=_log(_root(end.square)),
        learned=_log(learned),
        common=_log(common),
        learned_sum=_log(learned_sum),
        common_sum=_log(common_sum),
        dead=max(_dead(graph, signals), default=Place(0.0, "")),
        saturated=max(_saturated(graph, signals), default=Place(0.0, "")),
        depth=max(depths(graph)),
    )  # fmt: skip
    return found, why


def _log(value: float) -> float:
    return log10(min(max(value, _SMALLEST), 1 / _SMALLEST))


def _root(square: float) -> float:
    return sqrt(max(square, 0.0))


def _together(facts: Iterable[Facts], squares: Iterable[Squares]) -> tuple[float, float]:
    """The squared norm of all weights' gradients, and the sum of their absolute values, as of normal numbers."""
    square = absolute = 0.0
    for each, found in zip(facts, squares, strict=True):
        weights = [weight for weight in each.weights or () if weight.trainable]
        if len(weights) != len(found):
            continue
        for weight, value in zip(weights, found, strict=True):
            if value is None:
                continue
            if not isfinite(value):
                return inf, inf
            square += max(value, 0.0)
            absolute += sqrt(max(value, 0.0) * weight.size * 2 / pi)
    return square, absolute


def _stretches(graph: Graph, kernels: list[int], errors: list[ErrorSignal | None]) -> tuple[Stretch, Stretch]:
    """The most that the gradient of whole maps falls, and rises, on its way from the output back to the input.

    It is looked at where all paths meet. What a branch scales down, such as a layer scale of 1e-6 or a normalization
    whose gamma is zero, is no obstacle while the path beside it hands the gradient on.
    """
    curve: list[Place] = []
    with_kernel = set(kernels)
    for at in reversed(unavoidable(graph)):
        error, node = errors[at], graph.nodes[at]
        if at not in with_kernel and len(node.inputs) < 2:
            continue
        if error is not None and error.same[0] > 0 and is_known(node.shape):
            curve.append(Place(_log(_root(error.same[0])) + log10(elements(node.shape)) / 2, node.name))
    fading = growth = Stretch(0.0, curve[-1].layer if curve else "", curve[0].layer if curve else "")
    if curve:
        high = low = curve[0]
        for each in curve:
            high, low = max(high, each), min(low, each)
            fading = max(fading, Stretch(high.value - each.value, each.layer, high.layer))
            growth = max(growth, Stretch(each.value - low.value, each.layer, low.layer))
    return fading, growth


def _collapses(graph: Graph, kernels: list[int], signals: list[Signal | None]) -> Iterable[Place]:
    """1 − c of what the kernels read, but for the first, which reads the input."""
    for at in kernels[1:]:
        signal = signals[graph.nodes[at].inputs[0]]
        if signal is not None:
            yield Place(_log(_apart(signal)), graph.nodes[at].name)


def _apart(signal: Signal) -> float:
    """1 − c: how far the features of two samples are apart, over their mean square."""
    if signal.square <= 0:
        return 0.0
    return min(1.0, max(0.0, 1 - signal.cross[0] / signal.square))


def _saturated(graph: Graph, signals: list[Signal | None]) -> Iterable[Place]:
    """How much of its steepest slope an activation that saturates has lost, in root mean square."""
    for node, signal in zip(graph.nodes, signals, strict=True):
        if signal is None or signal.before is None or node.inputs == ():
            continue
        before, function = signal.before
        if function.name in _BOUNDED and node.op.nonlinear:
            response = function.response(before.mean, before.variance)
            if response is not None:
                yield Place(1 - _root(response.slope) / _BOUNDED[function.name], node.name)


def _dead(graph: Graph, signals: list[Signal | None]) -> Iterable[Place]:
    """The probability that every unit of a ReLU layer, which no path passes by, is zero for all samples and positions.

    Inputs of a unit are Gaussian over draws of its kernel, with a mean of zero. Samples share a part c of them.
    """
    for at in unavoidable(graph):
        node, signal = graph.nodes[at], signals[at]
        if signal is None or signal.before is None:
            continue
        before, function = signal.before
        if function.name not in ("relu", "relu6") or before.variance <= 0 or before.pinned or before.channels > _MANY:
            continue
        shared = max(0.0, min(1.0, before.cross[0] / before.square))
        inner = max(0.0, average(before.same, before.size) / before.square)
        # Positions of a map that are alike count as one.
        places = min(prod(before.size), 1 / max(inner, 1e-6))
        yield Place(all_below(0.0, before.batch * places, shared) ** before.channels, node.name)


def unavoidable(graph: Graph) -> list[int]:
    """The nodes that every path from an input to the output passes."""
    # A node that closes all that is open: no edge leads from before it to behind it.
    reach = [max(graph.consumers[at], default=at) for at in range(len(graph))]
    found: list[int] = []
    furthest = 0
    for at in range(len(graph)):
        if furthest <= at:
            found.append(at)
        furthest = max(furthest, reach[at])
    return found
