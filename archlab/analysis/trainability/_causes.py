"""Why a network does not train: the statistic beyond its limit, where, by how much, and which change mends it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, ClassVar

from archlab.analysis._record import Record
from archlab.analysis.static._facts import gather
from archlab.analysis.static._head import loss_of
from archlab.analysis.static._passes import forward
from archlab.analysis.trainability._calibration import CALIBRATION
from archlab.analysis.trainability._edits import REMEDIES, Edit, with_scaled_input
from archlab.analysis.trainability._obstacles import (
    LABELS,
    OPTIMIZERS,
    Obstacle,
    obstacles,
    probability,
)
from archlab.analysis.trainability._statistics import Statistics, statistics
from archlab.analysis.trainability._words import words_of
from archlab.files import KEY
from archlab.graph import Graph
from archlab.losses import CompiledLoss
from archlab.units import format_share

_WORTH_NAMING = 0.7
"""The cost of an obstacle, in the logarithm of the odds, from which it is named: it halves them."""
_MENDED = 0.15
"""By how much a change must raise the probability to be called a remedy."""
_NOTHING = -100.0
"""Decades below which there is nothing."""


@dataclass(frozen=True)
class Cause(Record):
    """One thing that stands in the way of training.

    Attributes:
        layers: where: the first and the last layer of a stretch, or the layer itself.
        quantity: what was measured of it.
        value: of the quantity, in decades (log10) unless the sentence says otherwise.
        limit: up to which networks train.
        sentence: all of it in words.
        optimizers: those that it stands in the way of.
    """

    layers: tuple[str, ...]
    quantity: str
    value: float
    limit: float
    sentence: str
    optimizers: tuple[str, ...] = ()
    _remedy: str = field(default="", compare=False, repr=False, metadata={KEY: "remedy"})
    _look_for_remedy: ClassVar[Callable[[], str] | None] = None

    @property
    def remedy(self) -> str:
        """The change that mends it most, of those that are tried when this is first asked, and the forecast then."""
        if self._look_for_remedy is not None:
            object.__setattr__(self, "_remedy", self._look_for_remedy())
            object.__setattr__(self, "_look_for_remedy", None)
        return self._remedy

    def mended_by(self, look: Callable[[], str]) -> Cause:
        """The same, with a remedy that is looked for when it is asked for."""
        object.__setattr__(self, "_look_for_remedy", look)
        return self

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        data = super().to_dict()
        return {name: value for name, value in data.items() if name[0] != "_"} | {"remedy": self.remedy}


def unconnected(graph: Graph) -> bool:
    """Whether no path leads from an input to the first output through operations that pass a signal on."""
    open_: list[bool] = []
    for at, node in enumerate(graph.nodes):
        open_.append(
            at in graph.inputs if not node.inputs else not node.op.constant and any(open_[s] for s in node.inputs)
        )
    return bool(graph.outputs) and not open_[graph.outputs[0]]


def no_path(graph: Graph) -> Cause:
    """The cause of a graph whose output does not depend on its input."""
    last = graph.nodes[graph.outputs[0]].name
    return Cause(
        (last,),
        "paths from input to output",
        0.0,
        1.0,
        f"No path leads from the input to the output ({last}): it is the same whatever the image.",
        OPTIMIZERS,
        "connect the output with the input",
    )


def causes_of(
    graph: Graph,
    found: Statistics,
    compiled: CompiledLoss | None,
    pixels: tuple[float, float] | None,
    chances: Mapping[str, float],
) -> tuple[Cause, ...]:
    """What stands in the way, the gravest first.

    Args:
        graph: the architecture.
        found: its statistics.
        compiled: the loss that it is compiled with.
        pixels: the mean and the standard deviation of its input.
        chances: the probability that it trains, for each optimizer.
    """
    if found.learned < _NOTHING:
        return (_no_gradient(graph),)
    gravest: dict[str, Obstacle] = {}
    optimizers: dict[str, list[str]] = {}
    for name in OPTIMIZERS:
        trains = chances[name] >= CALIBRATION[name]["trains"]
        for each in obstacles(found, name):
            if each.cost >= _WORTH_NAMING and not trains:
                optimizers.setdefault(each.kind, []).append(name)
                gravest[each.kind] = max(gravest.get(each.kind, each), each, key=lambda obstacle: obstacle.cost)
    if not gravest:
        return ()
    remedy = cache(lambda: _remedy(graph, compiled, pixels, chances))
    # What has a place is the cause of what has none.
    ordered = sorted(gravest.values(), key=lambda each: (each.kind in ("slow", "curved"), -each.cost))
    return tuple(_cause(each, found, tuple(optimizers[each.kind]), remedy) for each in ordered)


def _no_gradient(graph: Graph) -> Cause:
    last = graph.nodes[graph.outputs[0]]
    one = last.op.output_activation == "softmax" and last.shape[-1:] == (1,)
    why = "a softmax over one unit is always 1" if one else "the output does not depend on any weight"
    remedy = "end in a sigmoid" if one else "let the gradient through"
    return Cause((last.name,), "weight gradient", 0.0, 0.0, f"No weight has a gradient: {why}.", OPTIMIZERS, remedy)


_MOST_NODES = 3_000
"""Nodes of all networks that a remedy is tried on: of a thousand only the first are tried, of more none."""


def _remedies(
    graph: Graph, compiled: CompiledLoss | None, pixels: tuple[float, float] | None, chances: Mapping[str, float]
) -> list[tuple[str, dict[str, float]]]:
    """The changes that raise a probability, each with what it becomes; the best first.

    The first that is enough by itself ends the search: they stand in the order of how little they change.
    """
    tried: list[tuple[str, Edit]] = list(REMEDIES.items())
    mean, deviation = _first_input(graph, compiled, pixels)
    if deviation > 0 and (max(abs(mean), deviation) > 3 or max(abs(mean), deviation) < 0.1):
        tried.insert(0, ("input scaled to mean 0 and variance 1", with_scaled_input(1 / deviation, -mean / deviation)))
    found: list[tuple[str, dict[str, float]]] = []
    for words, edit in tried[: _MOST_NODES // len(graph)]:
        changed = edit(graph)
        if changed is None:
            continue
        made, _ = statistics(changed, loss_of(changed, compiled)[0], pixels)
        if made is not None:
            now = {name: probability(made, name) for name in OPTIMIZERS}
            if any(now[name] > chances[name] + _MENDED for name in OPTIMIZERS):
                found.append((words, now))
            if all(now[name] >= CALIBRATION[name]["trains"] for name in OPTIMIZERS):
                break
    return sorted(found, key=lambda each: -sum(each[1].values()))


def _first_input(
    graph: Graph, compiled: CompiledLoss | None, pixels: tuple[float, float] | None
) -> tuple[float, float]:
    """The mean and the standard deviation of what the first kernel reads."""
    signals = forward(graph, loss_of(graph, compiled)[0], training=False, pixels=pixels).signals
    for node, facts in zip(graph.nodes, gather(graph), strict=True):
        if facts.kernel and node.inputs and (signal := signals[node.inputs[0]]) is not None:
            return signal.mean, signal.variance**0.5
    return 0.0, 1.0


def _cause(each: Obstacle, found: Statistics, optimizers: tuple[str, ...], remedy: Callable[[], str]) -> Cause:
    words = words_of(each.kind, found)
    return Cause(
        words.layers,
        words.quantity,
        round(words.value, 4),
        round(words.sign * each.limit, 4),
        words.sentence,
        optimizers,
    ).mended_by(remedy)


def _remedy(
    graph: Graph, compiled: CompiledLoss | None, pixels: tuple[float, float] | None, chances: Mapping[str, float]
) -> str:
    if len(graph) > _MOST_NODES:
        return f"changes are tried on networks of up to {_MOST_NODES:,} layers"
    tried = _remedies(graph, compiled, pixels, chances)
    if not tried:
        return "none of the changes tried mends it alone"
    change, now = tried[0]
    told = " and ".join(f"{LABELS[name]} {format_share(now[name], 0)}" for name in OPTIMIZERS)
    return f"{change} (forecast then: {told})"
