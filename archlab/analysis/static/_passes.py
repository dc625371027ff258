"""One traversal of a graph forward and one back: what each layer makes of the moments of signal and gradient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import inf, isfinite
from typing import NamedTuple

from archlab.analysis.static._facts import gather
from archlab.analysis.static._head import HeadLoss
from archlab.analysis.static._photos import synthetic_signal
from archlab.graph import Graph, is_known, spatial
from archlab.signals import ErrorSignal, Passed, Signal
from archlab.signals.moments import Joined, Squares, added_scatter, handed_back, mixed, plus


class Moments(NamedTuple):
    """What each node makes of its inputs, and its output; None behind a layer without a rule."""

    passed: list[Passed | None]
    signals: list[Signal | None]
    why: list[str]
    """What is not known, in sentences."""


def forward(
    graph: Graph, loss: HeadLoss, *, training: bool = True, pixels: tuple[float, float] | None = None
) -> Moments:  # fmt: skip
    """The moments of the signal at every node, worked out once.

    Args:
        graph: the architecture.
        loss: its loss, whose activation is left out.
        training: whether layers that draw random numbers do so.
        pixels: the mean and the standard deviation of the input; by default as it is measured on.
    """
    chance = training and any([node.op.random for node in graph.nodes])
    return graph.fact(("moments", loss, chance, pixels), lambda: _forward(graph, loss, chance, pixels))


def _forward(graph: Graph, loss: HeadLoss, chance: bool, pixels: tuple[float, float] | None) -> Moments:
    leading = leads(graph)
    reasons: list[str] = []
    passed: list[Passed | None] = []
    signals: list[Signal | None] = []
    for position, (node, facts) in enumerate(zip(graph.nodes, gather(graph), strict=True)):
        found: Passed | None = None
        signal: Signal | None = None
        why: str | None = None
        large = _too_large(graph, position)
        if large and None not in [signals[source] for source in node.inputs]:
            why = f"{node.name}: {large} is more than a prediction follows"
        elif not node.inputs:
            if is_known(node.shape):
                signal = synthetic_signal(graph, position, moments=pixels)
            else:
                why = f"{node.name}: the size of the input is not known"
        else:
            inputs = [signals[source] for source in node.inputs]
            known = [each for each in inputs if each is not None]
            if len(known) == len(inputs) and not facts.sized:
                why = f"{node.name}: its size is not known"
            elif len(known) == len(inputs):
                if node.op.random and not chance and len(known) == 1:
                    found = Passed(known[0], handed_back)
                elif position == loss.activated:
                    found = _without_head(graph, position, tuple(known))
                else:
                    found = node.op.signal(tuple(known), node.shape)
                if found is None:
                    why = f"{node.name}: {node.op.title} has no rule for signals"
                elif not isfinite(found.output.square):
                    why = f"{node.name}: the signal leaves the range of numbers"
                    found = None
                else:
                    signal = found.output
        passed.append(found)
        signals.append(signal)
        # What is beside the way to the output says nothing about the gradients.
        if why and leading[position]:
            reasons.append(why)
    return Moments(passed, signals, reasons)


def leads(graph: Graph) -> Sequence[bool]:
    """Of each node, whether the first output depends on it."""
    return graph.fact("leads to the first output", lambda: _leads(graph))


def _leads(graph: Graph) -> Sequence[bool]:
    found = [False] * len(graph)
    found[graph.outputs[0]] = True
    for position in range(len(graph) - 1, -1, -1):
        if found[position]:
            for source in graph.nodes[position].inputs:
                found[source] = True
    return found


_MOST_SIDE = 65_536
"""Positions along an axis that a prediction follows: it goes through a map position by position."""


def _too_large(graph: Graph, position: int) -> str:
    """What of a node is beyond what can be gone through one by one, in words; nothing in most."""
    node = graph.nodes[position]
    shapes = (*graph.input_shapes(node), node.shape)
    side = max([n or 0 for shape in shapes for n in spatial(shape)], default=0)
    if side > _MOST_SIDE:
        return f"a map of {side:,} positions along an axis"
    return ""


def _without_head(graph: Graph, position: int, inputs: tuple[Signal, ...]) -> Passed | None:
    """The last layer without the activation that its loss takes away again."""
    node = graph.nodes[position]
    op = node.op
    if not graph.input_shapes(node) or getattr(op, "activation", None) is None:
        return Passed(inputs[0], handed_back)
    return replace(op, activation=None).signal(inputs, node.shape)


def backward(
    graph: Graph, passed: list[Passed | None], first: ErrorSignal | None
) -> tuple[list[ErrorSignal | None], list[Squares]]:
    """The error at each node's output, and the squared gradients of its weights, from the error at the first output."""
    arrived: list[list[ErrorSignal]] = [[] for _ in graph.nodes]
    errors: list[ErrorSignal | None] = [None] * len(graph)
    squares: list[Squares] = [()] * len(graph)
    if first is not None:
        arrived[graph.outputs[0]].append(first)
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
    return _sum(errors) if errors else None


def _sum(errors: list[ErrorSignal]) -> ErrorSignal:
    if len(errors) == 1:
        return errors[0]
    same, cross = errors[0].same, errors[0].cross
    for error in errors[1:]:
        same, cross = plus(same, error.same), plus(cross, error.cross)
    profiles = mixed([(error.same[0], error.profiles) for error in errors])
    scatter = added_scatter([(error.same[0], error.scatter) for error in errors])
    likeness = max(error.likeness for error in errors)
    joined = None
    if count := max(len(error.parts) for error in errors):
        parts = [each.parts if len(each.parts) == count else (each._replace(joined=None),) * count for each in errors]
        joined = Joined(same, tuple([_sum(list(each)) for each in zip(*parts, strict=True)]))
    return ErrorSignal(
        same, cross, profiles, scatter=scatter, likeness=likeness, over=_spread_over(errors), joined=joined
    )


def _spread_over(errors: list[ErrorSignal]) -> tuple[float, ...] | None:
    """How the sum is spread over the atoms of the map, of which some of the errors know nothing."""
    known = next((error.over for error in errors if error.over is not None), None)
    total = sum(error.same[0] for error in errors)
    if known is None or total <= 0:
        return None
    flat = (1.0,) * len(known)
    return tuple([sum(error.same[0] * (error.over or flat)[i] for error in errors) / total for i in range(len(known))])
