"""The change of signal and gradient along the deepest path, taken apart into terms that add up to it.

Between two neighbours of a path the logarithm of what arrives changes by what the later one makes of it, and, where
paths part, by what the others add. Both are known from the moments; sorted by the kind of layer they sum up to the
change between the ends, and nothing is left over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log, log10
from typing import ClassVar

from archlab.analysis._record import Record
from archlab.analysis.static._facts import Facts, gather
from archlab.analysis.static._first_error import first_error
from archlab.analysis.static._head import HeadLoss, loss_of
from archlab.analysis.static._passes import Moments, backward, forward
from archlab.analysis.static.paths import depths
from archlab.errors import DesignError
from archlab.graph import Graph, Node, elements
from archlab.losses import CompiledLoss
from archlab.ops import Op
from archlab.shown import Printed
from archlab.signals import ErrorSignal, Nonlinearity, Signal
from archlab.signals.moments import fans, variance
from archlab.sources import Reference, load

_SOURCES = {
    "kernels": "Glorot & Bengio 2010, section 4.2.1; He et al. 2015, section 2.2",
    "activations": "Cho & Saul 2009, section 2; Schoenholz et al. 2017, section 3",
    "normalization": "Yang et al. 2019, 'A Mean Field Theory of Batch Normalization', section 3",
    "branches": "Brock et al. 2021, 'Characterizing signal propagation', section 3",
    "pooling": "order statistics of equally correlated Gaussians; means of windows",
    "map size": "as many units more share one error: the square root of their ratio",
    "finite width": "Hanin & Nica 2020, 'Products of Many Large Random Matrices'",
    "other layers": "their own rules",
}
_FORMULAS = {
    "kernels": ("√(fan-out × Var w)", "√(fan-in × Var w)"),
    "activations": ("√E f'(u)²", "√(E f(u)² / E u²)"),
    "normalization": ("1/σ, less what lies along the signal", "1/σ"),
    "branches": ("√(1 + what other paths send back)", "√(1 + what other paths add)"),
    "pooling": ("√(share that is sent back)", "√(E m² / E u²)"),
    "map size": ("√(units behind / units before)", ""),
    "finite width": ("median over mean, of draws of narrow kernels", "median over mean, of draws of narrow kernels"),
    "other layers": ("", ""),
}


@dataclass(frozen=True)
class Term(Record):
    """A part of a change.

    Attributes:
        name: the kind of layers that it comes of.
        decades: log10 of the factor, all layers together.
        layers: how many they are.
        formula: of one layer's factor.
        example: the formula with the values of the first of them that has any.
        source: of the formula.
    """

    name: str
    decades: float
    layers: int
    formula: str
    example: str
    source: str


@dataclass(frozen=True, repr=False)
class Explanation(Record, Printed):
    """Where a change comes from; the terms of each add up to it.

    Attributes:
        name: of the architecture.
        first: the first layer with a kernel on the deepest path.
        last: the last.
        gradient_decades: log10 of the activation gradient (root mean square) at `first` over that at `last`: negative
            where it fades on its way back.
        gradient: its terms.
        activation_decades: log10 of the root mean square of what `last` reads over that of what `first` reads.
        activation: its terms.
    """

    what: ClassVar[str] = "explanation"

    name: str
    first: str
    last: str
    gradient_decades: float
    gradient: tuple[Term, ...]
    activation_decades: float
    activation: tuple[Term, ...]


def explain(architecture: Reference, *, input: Sequence[int | None] | None = None) -> Explanation:
    """Take the predicted change of signal and gradient along the deepest path apart into terms that add up to it.

    Args:
        architecture: a part, a graph, a live Keras model (read, and left as it is) or a reference such as 'residual'.
        input: another input shape; of a PyTorch module, which does not say it, the shape that it takes: (3, 224, 224).

    Raises:
        UnknownNameError: the reference names nothing.
        DesignError: the architecture does not add up, or the prediction does not reach all of the path.

    >>> found = explain("plain:depth=50,normalization=none,conv=ordinary")
    >>> [(term.name, round(term.decades, 1)) for term in found.gradient if abs(term.decades) > 1]
    [('activations', -6.9), ('map size', -3.0)]
    """
    found = load(architecture, input)
    return explain_graph(found.graph, found.name, found.compiled_loss)


def explain_graph(graph: Graph, name: str = "", compiled: CompiledLoss | None = None) -> Explanation:
    """The same of a graph."""
    loss, _ = loss_of(graph, compiled)
    moments = forward(graph, loss)
    end = moments.signals[graph.outputs[0]]
    errors, _ = backward(graph, moments.passed, None if end is None else first_error(end, loss.function))
    path = _deepest_path(graph)
    for at in path:
        if moments.signals[at] is None or errors[at] is None:
            raise DesignError(
                f"no signal or gradient is predicted here: {'; '.join(moments.why)}", graph.nodes[at].name
            )
    walk = _Walk(graph, moments, errors, loss)
    back, ahead = walk.gradient(path), walk.activation(path)
    return Explanation(
        name,
        graph.nodes[path[0]].name,
        graph.nodes[path[-1]].name,
        sum(term.decades for term in back),
        back,
        sum(term.decades for term in ahead),
        ahead,
    )


def _deepest_path(graph: Graph) -> list[int]:
    """Positions from the first layer with a kernel to the last, on a path with the most kernels."""
    facts, depth = gather(graph), depths(graph)
    at = max((at for at, each in enumerate(facts) if each.kernel), default=None, key=lambda at: depth[at])
    if at is None:
        raise DesignError("no layer has a kernel: there is nothing to explain")
    path = [at]
    while graph.nodes[at].inputs and depth[at] > 0:
        at = max(graph.nodes[at].inputs, key=lambda source: depth[source])
        path.append(at)
    path = [at for at in path if depth[at] > 0]
    return path[::-1]


class _Walk:
    """A path, with the moments of everything on it."""

    def __init__(self, graph: Graph, moments: Moments, errors: list[ErrorSignal | None], loss: HeadLoss) -> None:
        self.graph, self.moments, self.errors, self.loss = graph, moments, errors, loss
        self.facts = gather(graph)

    def gradient(self, path: list[int]) -> tuple[Term, ...]:
        """From the last layer back to the first."""
        terms = _Terms(0)
        for here, behind in pairwise(path):
            arrived, sent = self._error(here), self._error(behind)
            back = self._handed(behind, here)
            node = self.graph.nodes[behind]
            share = (log10(elements(node.shape)) - log10(elements(self.graph.nodes[here].shape))) / 2
            function = self._slope(behind)
            kind = _kind(node, self.facts[behind])
            if function:
                terms.add("activations", function, node.name, f"√E f'(u)² = {10**function:.3g}")
            terms.add("map size", share, node.name, "")
            own = _half(back.same[0]) - _half(sent.same[0]) - share - function
            terms.add(kind, own, node.name, self._example(node, self.facts[behind], True))
            terms.add("branches", _half(arrived.same[0]) - _half(back.same[0]), node.name, "")
            terms.add("finite width", -(arrived.scatter - sent.scatter) / 4 / log(10), node.name, "")
        return terms.all()

    def activation(self, path: list[int]) -> tuple[Term, ...]:
        """From what the first layer reads to what the last one reads."""
        terms = _Terms(1)
        start = self._signal(self.graph.nodes[path[0]].inputs[0])
        came = start
        for at in path[:-1]:
            node, made = self.graph.nodes[at], self._signal(at)
            kind = _kind(node, self.facts[at])
            change, inside = _half(made.square) - _half(came.square), 0.0
            if kind == "branches":
                terms.add("branches", change, node.name, "")
            else:
                if (before := self._inside(at)) is not None:
                    inside = _half(made.square) - _half(before[0].square)
                    terms.add("activations", inside, node.name, f"√(E f(u)² / E u²) = {10**inside:.3g}")
                terms.add(kind, change - inside, node.name, self._example(node, self.facts[at], False))
            terms.add("finite width", -(made.scatter - came.scatter) / 4 / log(10), node.name, "")
            came = made
        return terms.all()

    def _error(self, at: int) -> ErrorSignal:
        error = self.errors[at]
        assert error is not None
        return error

    def _signal(self, at: int) -> Signal:
        signal = self.moments.signals[at]
        assert signal is not None
        return signal

    def _handed(self, behind: int, here: int) -> ErrorSignal:
        """What a node sends back to one of its inputs."""
        passed = self.moments.passed[behind]
        assert passed is not None
        backs, _ = passed.back(self._error(behind))
        back = backs[self.graph.nodes[behind].inputs.index(here)]
        assert back is not None
        return back

    def _inside(self, at: int) -> tuple[Signal, Nonlinearity] | None:
        """What goes into the activation inside a layer with a kernel, and the activation."""
        has = self.facts[at].kernel and getattr(self.graph.nodes[at].op, "activation", None) is not None
        return self._signal(at).before if has and at != self.loss.activated else None

    def _slope(self, at: int) -> float:
        """Of the activation inside a layer, log10 of the root mean square slope; 0 where there is none."""
        before = self._inside(at)
        if before is None:
            return 0.0
        response = before[1].response(before[0].mean, before[0].variance)
        return 0.0 if response is None else _half(response.slope)

    def _example(self, node: Node, facts: Facts, back: bool) -> str:
        kernel = next((weight for weight in facts.weights or () if weight.role == "kernel"), None)
        if kernel is None:
            return ""
        drawn = variance(getattr(node.op, "initializer", None), kernel.shape)
        into, out = fans(kernel.shape)
        if drawn is None:
            return ""
        return f"√({out if back else into:g} × {drawn:.3g}) = {((out if back else into) * drawn) ** 0.5:.3g}"


def _half(square: float) -> float:
    """log10 of a root mean square."""
    return log10(max(square, 1e-300)) / 2


def _kind(node: Node, facts: Facts) -> str:
    op: Op = node.op
    if facts.kernel:
        return "kernels"
    if op.normalizes:
        return "normalization"
    if op.nonlinear:
        return "activations"
    if len(node.inputs) > 1:
        return "branches"
    return "pooling" if op.family == "pooling" else "other layers"


class _Terms:
    """Changes, added up by kind."""

    def __init__(self, which: int) -> None:
        self.which = which
        self.found: dict[str, tuple[float, set[str], str]] = {}

    def add(self, kind: str, decades: float, layer: str, example: str) -> None:
        """A layer's part of a kind."""
        total, layers, first = self.found.get(kind, (0.0, set[str](), ""))
        shown = first or (f"{layer}: {example}" if example else "")
        self.found[kind] = total + decades, layers | ({layer} if decades else set()), shown

    def all(self) -> tuple[Term, ...]:
        """Those that change anything, the largest first."""
        terms = [
            Term(kind, decades, len(layers), _FORMULAS[kind][self.which], example, _SOURCES[kind])
            for kind, (decades, layers, example) in self.found.items()
            if layers
        ]
        return tuple(sorted(terms, key=lambda term: -abs(term.decades)))
