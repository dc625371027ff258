"""What rules are asked about: one architecture, and all that is known of it, each worked out when it is first asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, TypeAlias

from archlab.analysis import Analysis, Forecast, GradientFlow, PredictedFlow, analyze
from archlab.analysis.static._facts import Facts, gather
from archlab.analysis.static._head import head, loss_of
from archlab.analysis.static._passes import Moments, forward
from archlab.analysis.static.signal import predict
from archlab.analysis.trainability import Cause, forecast_graph
from archlab.graph import Graph, Node, Shape
from archlab.lint._task import Task
from archlab.losses import CompiledLoss, CompileSettings
from archlab.ops import (
    AlphaDropout,
    Dropout,
    Flatten,
    GaussianDropout,
    GaussianNoise,
    Identity,
    Op,
    Reshape,
    SpatialDropout,
)

DROPOUTS = (Dropout, SpatialDropout, AlphaDropout, GaussianDropout)
TRAINING_ONLY = (*DROPOUTS, GaussianNoise, Identity)
"""Layers that are the identity at inference."""
SAME_NUMBERS = (*TRAINING_ONLY, Flatten, Reshape)
"""Layers that put out at inference what they read, in another shape at most."""
Standing: TypeAlias = Literal["error", "warning", "info"]


@dataclass(frozen=True)
class Broken:
    """Why an architecture does not add up.

    Attributes:
        rule: what is broken, in a sentence.
        layer: where.
        op: the operation that refused; None where it is not known.
        shapes: what it was given.
    """

    rule: str
    layer: str = ""
    op: Op | None = None
    shapes: tuple[Shape, ...] = ()


@dataclass(frozen=True)
class Head:
    """An output, and the layer whose activation it has.

    Attributes:
        output: which output, counted from 0.
        at: the layer's position in the graph.
        node: the layer.
        activation: as Keras names it; '' where it has none; None where the layer says nothing of it.
        units: of its last axis.
        loss: that the output is compiled with.
        metrics: names of its metrics.
    """

    output: int
    at: int
    node: Node
    activation: str | None
    units: int | None
    loss: CompiledLoss | None
    metrics: tuple[str, ...]


@dataclass(frozen=True)
class Context:
    """One architecture, and what is known of it.

    Attributes:
        name: it is shown by.
        graph: of it; of one that does not add up, what stands.
        settings: what it is compiled with.
        task: what it is for.
        pixels: the mean and the standard deviation of its input, where its range is known.
        unusual_starts: variables that begin with other values than the graph says.
        broken: why it does not add up; None where it does.
        flow: its measured gradients.
        not_measured: why they are not.
        least: the least severity that is reported: what only less would come of need not be worked out.
    """

    name: str
    graph: Graph
    settings: CompileSettings = field(default_factory=CompileSettings)
    task: Task | None = None
    pixels: tuple[float, float] | None = None
    unusual_starts: tuple[str, ...] = ()
    broken: Broken | None = None
    flow: GradientFlow | None = None
    not_measured: str = ""
    least: Standing = "info"

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The layers."""
        return self.graph.nodes

    @cached_property
    def facts(self) -> tuple[Facts, ...]:
        """What each layer says of itself."""
        return gather(self.graph)

    @cached_property
    def analysis(self) -> Analysis:
        """What is counted."""
        return analyze(self.graph)

    @cached_property
    def loss(self) -> CompiledLoss | None:
        """The loss of the first output."""
        return self.settings.loss_of(0)

    @cached_property
    def forecast(self) -> Forecast:
        """Whether it trains."""
        return forecast_graph(self.graph, self.loss, self.unusual_starts, self.pixels)

    @cached_property
    def predicted(self) -> PredictedFlow:
        """What is predicted of its gradients."""
        return predict(self.graph, self.loss, self.unusual_starts)

    @cached_property
    def moments(self) -> Moments:
        """The predicted moments of the signal at every layer, at inference."""
        return forward(self.graph, loss_of(self.graph, self.loss)[0], training=False, pixels=self.pixels)

    @cached_property
    def heads(self) -> tuple[Head, ...]:
        """The outputs."""
        return tuple([self._head(number) for number in range(len(self.graph.outputs))])

    def _head(self, number: int) -> Head:
        at = head(self.graph, number)
        # Behind the last layer with an activation, dropout and flattening change no number.
        while isinstance(self.nodes[at].op, SAME_NUMBERS) and self.nodes[at].inputs:
            at = self.nodes[at].inputs[0]
        node, facts = self.nodes[at], self.facts[at]
        activation = node.op.output_activation
        if activation is None:
            activation = "" if facts.kernel and node.op.affine else None
        elif activation == "linear":
            activation = ""
        loss, metrics = self.settings.loss_of(number), self.settings.metrics_of(number)
        return Head(number, at, node, activation, node.shape[-1] if node.shape else None, loss, metrics)

    @cached_property
    def standing(self) -> Standing:
        """How grave a doubt in its training is: an error where the forecast is that neither SGD nor Adam trains it.

        A warning where that forecast is itself uncertain; an info where one of the two may train it.
        """
        if {self.forecast.sgd.outcome, self.forecast.adam.outcome} != {"fails"}:
            return "info"
        return "warning" if self.forecast.why else "error"

    @property
    def doubtful(self) -> bool:
        """Whether the forecast is sure of neither SGD nor Adam."""
        return {self.forecast.sgd.outcome, self.forecast.adam.outcome} <= {"fails", "slow"}

    def cause(self, *kinds: str) -> Cause | None:
        """The first cause of the forecast whose quantity begins with one of these words."""
        return next((each for each in self.forecast.causes if each.quantity.startswith(kinds)), None)

    def readers(self, at: int) -> tuple[int, ...]:
        """The positions of the layers that read one, each once."""
        return tuple(dict.fromkeys(self.graph.consumers[at]))

    def is_output(self, at: int) -> bool:
        """Whether it is an output of the network."""
        return at in self.graph.outputs

    def ahead(self, at: int, through: Callable[[Node], bool]) -> Iterator[int]:
        """The first layers on every way from one that are not passed through; −1 for a way that ends at an output."""
        waiting, seen = [at], {at}
        while waiting:
            here = waiting.pop()
            if self.is_output(here):
                yield -1
            for reader in self.readers(here):
                if reader in seen:
                    continue
                seen.add(reader)
                if through(self.nodes[reader]):
                    waiting.append(reader)
                else:
                    yield reader

    def before(self, at: int, through: Callable[[Node], bool]) -> int:
        """The layer that one reads, through layers of one input that are passed."""
        here = self.nodes[at].inputs[0]
        while len(self.nodes[here].inputs) == 1 and through(self.nodes[here]):
            here = self.nodes[here].inputs[0]
        return here

    def names(self, positions: Sequence[int]) -> tuple[str, ...]:
        """The names of layers."""
        return tuple([self.nodes[at].name for at in positions])


def listed(names: Sequence[str], most: int = 4) -> str:
    """The first of many names.

    >>> listed(["conv", "conv_2"]), listed(["a", "b", "c", "d", "e", "f"])
    ('conv, conv_2', 'a, b, c, d and 2 more')
    """
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
