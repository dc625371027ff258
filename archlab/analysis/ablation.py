"""What each pattern of an architecture buys: every combination of patterns, and contributions that add up."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from math import factorial, isfinite
from pathlib import Path
from typing import Any, cast

from archlab.analysis._analysis import analyze
from archlab.analysis._flow import GradientFlow
from archlab.analysis._result import Result
from archlab.analysis.cost import Device, latency, memory
from archlab.analysis.cost import device as find_device
from archlab.analysis.static.outline import groups
from archlab.dsl import Pyramid, Residual, Stage
from archlab.errors import DesignError, UsageError
from archlab.graph import Graph, Node, Part, Repeat
from archlab.graph import Sequence as Parts
from archlab.ops import BatchNorm, Conv, GroupNorm, Input, LayerNorm, SeparableConv
from archlab.shown import Printed
from archlab.sources import Architecture, Reference, load

Step = Callable[[str], None]
"""Called with a word for each step."""

NORMALIZATIONS = (BatchNorm, LayerNorm, GroupNorm)
PATTERNS: Mapping[str, tuple[tuple[type[Part], ...], Callable[[Part], Part]]] = {
    "residual connections": ((Residual,), lambda tree: tree.without(Residual)),
    "normalization": (NORMALIZATIONS, lambda tree: tree.without(*NORMALIZATIONS)),
    "separable convolutions": ((SeparableConv,), lambda tree: tree.replace(SeparableConv, Conv)),
}
"""By name: the parts that make a pattern, and the tree without it; for a separable convolution an ordinary one."""

MEASURES = (
    "params", "macs", "flops", "saved_activations", "peak_activations", "training_memory", "time_inference",
    "time_training_step", "slope", "forecast_sgd", "forecast_adam",
)  # fmt: skip
"""What is compared: counts, bytes, seconds, the predicted slope in decades per layer, the forecast's probabilities."""


@dataclass(frozen=True)
class Variant:
    """An architecture with something changed.

    Attributes:
        name: what is changed.
        removed: the patterns that are taken away, of a variant that is made of patterns.
        values: by name of `MEASURES`; None where one is not known.
        verdict: on its predicted gradients.
        measured: its measured gradients, where that was asked for.
    """

    name: str
    removed: tuple[str, ...] | None
    values: Mapping[str, float | None]
    verdict: str = ""
    measured: GradientFlow | None = None

    def to_dict(self) -> dict[str, object]:
        """As plain data."""
        return {
            "name": self.name,
            "removed": None if self.removed is None else list(self.removed),
            **self.values,
            "verdict": self.verdict,
            "slope_measured": self.measured and self.measured.slope,
        }


@dataclass(frozen=True)
class Ablation(Printed):
    """Variants of an architecture, and what each pattern contributes.

    Attributes:
        architecture: what was ablated.
        patterns: those that it has.
        variants: the architecture itself, every combination of patterns taken away, then changes of size.
        impossible: variants that cannot be built, each with the reason.
        batch: samples that times and memory are of.
        device: that times are predicted for.
    """

    architecture: Architecture
    patterns: tuple[str, ...]
    variants: tuple[Variant, ...]
    impossible: tuple[tuple[str, str], ...]
    batch: int
    device: Device

    @property
    def whole(self) -> Variant:
        """The architecture itself."""
        return self.variants[0]

    @cached_property
    def contributions(self) -> Mapping[str, Mapping[str, float]]:
        """By measure and pattern, how much the pattern adds: the Shapley value (Shapley 1953).

        It is the mean of what adding the pattern changes, over all orders in which the patterns can be added; those of
        all patterns add up to the difference between the architecture and the one without any.
        """
        found: dict[str, dict[str, float]] = {}
        by_removed = {frozenset(each.removed): each.values for each in self.variants if each.removed is not None}
        count = len(self.patterns)
        if not count or len(by_removed) < 2**count:
            return {}
        for measure in MEASURES:
            numbers = {removed: values[measure] for removed, values in by_removed.items()}
            if any(number is None or not isfinite(number) for number in numbers.values()):
                continue
            # Counts stay whole numbers until they are divided.
            known = {removed: number or 0 for removed, number in numbers.items()}
            found[measure] = {}
            for pattern in self.patterns:
                others = [each for each in self.patterns if each != pattern]
                total: float = 0
                for size in range(count):
                    weight = factorial(size) * factorial(count - size - 1)
                    for present in combinations(others, size):
                        without = frozenset(self.patterns) - set(present)
                        total += weight * (known[without - {pattern}] - known[without])
                found[measure][pattern] = total / factorial(count)
        return found

    def difference(self, measure: str) -> float:
        """How much the architecture has more than the one without any of its patterns."""
        bare = next(
            each for each in self.variants if each.removed is not None and len(each.removed) == len(self.patterns)
        )
        return float(self.whole.values[measure] or 0.0) - float(bare.values[measure] or 0.0)

    def to_dict(self) -> dict[str, object]:
        """As plain data."""
        return {
            "patterns": list(self.patterns),
            "batch": self.batch,
            "device": self.device.name,
            "variants": [each.to_dict() for each in self.variants],
            "contributions": {name: dict(each) for name, each in self.contributions.items()},
            "impossible": [{"name": name, "why": why} for name, why in self.impossible],
        }


def ablate(
    architecture: Reference,
    *,
    per_stage: bool = False,
    measured: bool = False,
    batch: int = 32,
    device: str | Path | Device | None = None,
    progress: Step | None = None,
) -> Ablation:
    """Take patterns away from an architecture, one by one and together, and compare what is left.

    Patterns are residual connections, normalization, and separable convolutions (ordinary ones stand in for them), as
    far as there are any; beside them stand half the width, one block fewer, and each stage removed. Of a model that was
    read from Keras each block is bypassed whose input and output have one shape.

    Args:
        architecture: whatever names one, as for `load`.
        per_stage: also remove each stage.
        measured: measure the gradients of every variant on its Keras model.
        batch: samples that times and memory are of.
        device: that times are predicted for, as for `latency`.
        progress: called with a word for each variant.

    Raises:
        UsageError: there is nothing to take away.

    >>> found = ablate("residual", device="cpu")
    >>> found.patterns
    ('residual connections', 'normalization', 'separable convolutions')
    >>> round(sum(found.contributions["macs"].values())), round(found.difference("macs"))
    (-1975112448, -1975112448)
    """
    found = load(architecture)
    machine = find_device(device)
    patterns = tuple(name for name, (kinds, _) in PATTERNS.items() if _has(found.tree, kinds))
    variants: list[Variant] = []
    impossible: list[tuple[str, str]] = []
    for name, removed, made in _variants(found, patterns, per_stage):
        if progress:
            progress(name)
        try:
            each = made()
            variants.append(_measured(name, removed, each, batch, machine, measured))
        except DesignError as error:
            if removed == ():
                raise
            impossible.append((name, str(error)))
    if len(variants) + len(impossible) < 2:
        raise UsageError(f"{found.name} has nothing to take away: no {', no '.join(PATTERNS)}, and no block to bypass")
    return Ablation(found, patterns, tuple(variants), tuple(impossible), batch, machine)


def _has(tree: Part | None, kinds: tuple[type[Part], ...]) -> bool:
    return tree is not None and any(isinstance(part, kinds) for part in tree.walk())


def _measured(
    name: str, removed: tuple[str, ...] | None, made: Architecture, batch: int, machine: Device, measure: bool
) -> Variant:
    result = Result(made, analyze(made.graph))
    counted, flow, forecast = result.analysis, result.gradient_flow_predicted, result.forecast
    time = latency(made, batch, device=machine)
    values: dict[str, float | None] = {
        "params": counted.params.total,
        "macs": counted.compute.macs,
        "flops": counted.compute.flops,
        "saved_activations": counted.memory.saved_activations,
        "peak_activations": counted.memory.peak_inference,
        "training_memory": memory(made, batch).peak,
        "time_inference": time.inference,
        "time_training_step": time.training_step,
        "slope": flow.slope,
        "forecast_sgd": forecast.sgd.probability,
        "forecast_adam": forecast.adam.probability,
    }
    gradients = None
    if measure:
        from archlab.analysis.measured import gradient_flow

        gradients = gradient_flow(made)
    return Variant(name, removed, values, flow.verdict, gradients)


Made = tuple[str, "tuple[str, ...] | None", Callable[[], Architecture]]


def _variants(found: Architecture, patterns: Sequence[str], per_stage: bool) -> Iterator[Made]:
    yield found.name, (), lambda: found
    tree = found.tree
    if tree is None:
        for name, members in groups(found.graph, "block").items():
            graph = _bypassed(found.graph, members)
            if graph is not None:
                yield f"without {name}", None, _graph_of(found, graph, name)
        return
    for size in range(1, len(patterns) + 1):
        for removed in combinations(patterns, size):
            yield f"without {' and '.join(removed)}", removed, _tree_of(found, tree, removed)
    yield "half the width", None, lambda: _changed(found, halved(tree), "half")
    shorter = one_block_fewer(tree)
    if shorter is not None:
        yield "one block fewer", None, lambda: _changed(found, shorter, "shorter")
    if per_stage:
        for name, part in without_stages(tree):
            yield f"without {name}", None, _part_of(found, part, name)


def _tree_of(found: Architecture, tree: Part, removed: Sequence[str]) -> Callable[[], Architecture]:
    def made() -> Architecture:
        changed = tree
        for name in removed:
            changed = PATTERNS[name][1](changed)
        return _changed(found, changed, "-".join(removed))

    return made


def _part_of(found: Architecture, part: Part, what: str) -> Callable[[], Architecture]:
    return lambda: _changed(found, part, what)


def _graph_of(found: Architecture, graph: Graph, what: str) -> Callable[[], Architecture]:
    return lambda: Architecture(f"{found.name} without {what}", "", None, _graph=graph)


def _changed(found: Architecture, tree: Part, what: str) -> Architecture:
    return Architecture(f"{found.name}, {what}", "", tree)


def halved(tree: Part) -> Part:
    """The tree with half of every width that is a number, but for the head's.

    >>> from archlab import Conv, Dense, Input
    >>> halved(Input(8, 8, 3) >> Conv(32) >> Dense(10))
    Input(8, 8, 3) >> Conv(16) >> Dense(10)
    """

    def change(part: Part) -> Part:
        if isinstance(part, Pyramid):
            return replace(part, widths=tuple(max(1, width // 2) for width in part.widths))
        if isinstance(part, Stage) and part.width is not None:
            return replace(part, width=max(1, part.width // 2))
        filters = getattr(part, "filters", None)
        if isinstance(filters, int):
            return replace(cast("Any", part), filters=max(1, filters // 2))
        return part

    return tree.transformed(change)


def one_block_fewer(tree: Part) -> Part | None:
    """The tree with one block fewer in the last stage that has several, else without its last stage; None if neither.

    >>> from archlab import Conv, Input, MaxPool, Pyramid
    >>> one_block_fewer(Input(32, 32, 3) >> Pyramid(Conv() >> MaxPool(), widths=(8, 16, 32)))
    Input(32, 32, 3) >> Pyramid(Conv() >> MaxPool(), widths=(8, 16))
    """
    last = next((part for part in reversed(list(tree.walk())) if _shortened(part) is not None), None)
    if last is None:
        return None
    done = False

    def change(part: Part) -> Part:
        nonlocal done
        if done or part != last:
            return part
        done = True
        return _shortened(part) or part

    return tree.transformed(change)


def _shortened(part: Part) -> Part | None:
    if isinstance(part, Pyramid):
        repeats = part.repeats if isinstance(part.repeats, tuple) else (part.repeats,) * len(part.widths)
        longest = max(repeats)
        if longest > 1:
            place = len(repeats) - 1 - repeats[::-1].index(longest)
            return replace(part, repeats=(*repeats[:place], longest - 1, *repeats[place + 1 :]))
        return replace(part, widths=part.widths[:-1], repeats=1) if len(part.widths) > 1 else None
    if isinstance(part, Repeat) and part.times > 1:
        return replace(part, times=part.times - 1)
    return None


def without_stages(tree: Part) -> Iterator[tuple[str, Part]]:
    """The tree without each of its stages in turn, by the stage's name."""
    number = 0
    for position, part in enumerate(tree.parts if isinstance(tree, Parts) else (tree,)):
        if isinstance(part, Stage):
            number += 1
            yield part.name or f"stage{number}", _at(tree, position, Parts())
        elif isinstance(part, Pyramid):
            repeats = part.repeats if isinstance(part.repeats, tuple) else (part.repeats,) * len(part.widths)
            for place in range(len(part.widths)):
                number += 1
                left = [each for each in range(len(part.widths)) if each != place]
                if left:
                    changed = replace(
                        part,
                        widths=tuple(part.widths[each] for each in left),
                        repeats=tuple(repeats[each] for each in left),
                    )
                    yield f"stage{number}", _at(tree, position, changed)


def _at(tree: Part, position: int, part: Part) -> Part:
    if not isinstance(tree, Parts):
        return part
    return Parts.of(*tree.parts[:position], part, *tree.parts[position + 1 :])


def _bypassed(graph: Graph, members: Sequence[int]) -> Graph | None:
    """The graph without a block; None where what it reads and what it makes differ in shape."""
    inside = set(members)
    entries = {source for place in members for source in graph.nodes[place].inputs if source not in inside}
    exits = {place for place in members if any(each not in inside for each in graph.consumers[place])}
    if len(entries) != 1 or len(exits) != 1 or inside & set(graph.outputs):
        return None
    entry, end = entries.pop(), exits.pop()
    if graph.nodes[entry].shape != graph.nodes[end].shape or isinstance(graph.nodes[members[0]].op, Input):
        return None
    places: dict[int, int] = {}
    nodes: list[Node] = []
    for place, node in enumerate(graph.nodes):
        if place in inside:
            continue
        places[place] = len(nodes)
        read = [entry if source == end else source for source in node.inputs]
        beside = [entry if source == end else source for source in node.beside]
        nodes.append(
            replace(node, inputs=tuple(places[each] for each in read), beside=tuple(places[each] for each in beside))
        )
    return Graph(tuple(nodes), tuple(places[each] for each in graph.outputs), graph.name)
