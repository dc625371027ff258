"""Architectures of one family that keep bounds and stand on the Pareto front: widths, depths and kernels of stages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from math import inf, prod
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from archlab.analysis._analysis import Analysis, analyze
from archlab.analysis.cost import Device, latency
from archlab.analysis.cost import device as find_device
from archlab.analysis.static.outline import groups
from archlab.analysis.trainability import forecast_graph
from archlab.dsl import Pyramid, Stage
from archlab.errors import DesignError, UsageError, did_you_mean
from archlab.graph import Graph, Part
from archlab.graph import Sequence as Parts
from archlab.ops import AvgPool, Conv, DepthwiseConv, MaxPool, SeparableConv
from archlab.shown import Printed
from archlab.sources import Architecture, Reference, load

Direction: TypeAlias = Literal["min", "max"]
Numbers: TypeAlias = NDArray[np.float64]
Choices: TypeAlias = NDArray[np.int64]

MEASURES = (
    "params", "macs", "flops", "training_flops", "saved_activations", "depth", "receptive_field", "time_inference",
)  # fmt: skip
"""What can be bounded: numbers of stages that add up, each stage's from its own choices and the width before it."""

VARIED = ("widths", "depth", "kernel")
SCALES = (0.5, 0.75, 1.0, 1.25, 1.5, 2.0)
REPEATS = (1, 2, 3)
KERNELS = (3, 5, 7)
_MULTIPLE = 8
_MOST = 20_000_000
_AT_LEAST = 0.5
"""A forecast probability below which an architecture is said not to train."""


@dataclass(frozen=True)
class Bound:
    """A bound on a measure: at most, or at least."""

    side: Direction
    measure: str
    number: float

    def __post_init__(self) -> None:
        if self.measure not in MEASURES:
            raise UsageError(f"no bound on {self.measure!r}: {did_you_mean(self.measure, MEASURES)}")


@dataclass(frozen=True)
class Candidate:
    """An architecture that keeps the bounds.

    Attributes:
        tree: what it is.
        widths: of its stages.
        repeats: blocks of its stages.
        kernel: of its convolutions; None where that was not varied.
        values: by name of `MEASURES`.
        forecast: the probabilities that it trains under SGD and under Adam; None where it is not known.
    """

    tree: Part
    widths: tuple[int, ...]
    repeats: tuple[int, ...]
    kernel: int | None
    values: Mapping[str, float]
    forecast: tuple[float | None, float | None] = (None, None)

    def to_dict(self) -> dict[str, object]:
        """As plain data."""
        return {
            "widths": list(self.widths),
            "repeats": list(self.repeats),
            "kernel": self.kernel,
            **self.values,
            "forecast_sgd": self.forecast[0],
            "forecast_adam": self.forecast[1],
        }


@dataclass(frozen=True)
class Fit(Printed):
    """The Pareto front of a family of architectures within bounds.

    Attributes:
        architecture: whose family it is.
        bounds: that every result keeps.
        objectives: by measure, whether less or more is better.
        front: architectures that no other one beats in every objective, in order of the first.
        candidates: how many there are.
        kept: how many of them keep the bounds.
        untrainable: how many were left out because they are forecast not to train.
        device: that times are predicted for.
    """

    architecture: Architecture
    bounds: tuple[Bound, ...]
    objectives: Mapping[str, Direction]
    front: tuple[Candidate, ...]
    candidates: int
    kept: int
    untrainable: int
    device: Device

    def to_dict(self) -> dict[str, object]:
        """As plain data."""
        return {
            "bounds": [vars(each) for each in self.bounds],
            "objectives": dict(self.objectives),
            "candidates": self.candidates,
            "kept": self.kept,
            "untrainable": self.untrainable,
            "device": self.device.name,
            "front": [each.to_dict() for each in self.front],
        }


def fit(
    architecture: Reference,
    bounds: Iterable[Bound] = (),
    *,
    vary: Sequence[str] = VARIED,
    objectives: Mapping[str, Direction] | None = None,
    scales: Sequence[float] = SCALES,
    repeats: Sequence[int] = REPEATS,
    kernels: Sequence[int] = KERNELS,
    device: str | Path | Device | None = None,
    most: int = 12,
) -> Fit:
    """Find the architectures of a family that keep bounds, and of these the Pareto front.

    The family has the stages of the architecture, each with a scale of its width and its number of blocks, and one
    kernel size. All combinations are looked at: numbers of a stage are worked out once for each choice and add up.

    Args:
        architecture: whatever names one whose tree has a `Pyramid`, or stages with widths.
        bounds: that every result must keep.
        vary: of 'widths', 'depth' and 'kernel'.
        objectives: by measure 'min' or 'max'. Default: fewest MACs and most parameters.
        scales: of the widths, which are rounded to multiples of 8.
        repeats: blocks of a stage.
        kernels: sides of the kernels of the stages' convolutions.
        device: that times are predicted for, as for `latency`.
        most: architectures in the result, spread evenly over the front.

    Raises:
        UsageError: there is nothing to vary, too much of it, or nothing keeps the bounds.

    >>> found = fit("residual", [Bound("max", "params", 500_000)], vary=("widths",), device="cpu", most=3)
    >>> found.candidates, all(each.values["params"] <= 500_000 for each in found.front)
    (7776, True)
    """
    found = load(architecture)
    for name in vary:
        if name not in VARIED:
            raise UsageError(f"vary {name!r}: {did_you_mean(name, VARIED)}")
    aims: dict[str, Direction] = dict(objectives) if objectives else {"macs": "min", "params": "max"}
    for name in aims:
        if name not in MEASURES:
            raise UsageError(f"no objective {name!r}: {did_you_mean(name, MEASURES)}")
    machine = find_device(device)
    limits = tuple(bounds)
    space = Space(
        found,
        tuple(scales) if "widths" in vary else (1.0,),
        tuple(repeats) if "depth" in vary else (),
        tuple(kernels) if "kernel" in vary else (),
        machine,
        tuple(dict.fromkeys([*aims, *[each.measure for each in limits]])),
    )
    chosen, values = space.within(limits)
    if not len(chosen):
        raise UsageError(f"none of {space.size:,} architectures keeps {_written(limits)}: {space.nearest(limits)}")
    front, untrainable = _trainable(space, chosen, values, aims, most)
    return Fit(found, limits, aims, tuple(front), space.size, len(chosen), untrainable, machine)


def scale(
    architecture: Reference, macs: float, *, scales: Sequence[float] = (), device: str | Path | Device | None = None
) -> Candidate:
    """Scale widths and depths together to so many times the multiply–accumulates (Tan & Le 2019, section 3.3).

    One factor scales every width, and its power of ⅔ every number of blocks, so that MACs grow by about the factor to
    the power of 8/3; of all factors the one is taken that comes closest. The image stays as it is.

    Args:
        architecture: as for `fit`.
        macs: how many times the MACs.
        scales: factors to try. Default: 0.2 to 4 in steps of 2 %.
        device: that times are predicted for, as for `latency`.

    Raises:
        UsageError: the factor is not above 0, or there is nothing to scale.

    >>> found = scale("residual", 2)
    >>> 1.8 < found.values["macs"] / 383_028_992 < 2.2
    True
    """
    if isinstance(macs, bool) or not 0 < macs < inf:
        raise UsageError(f"macs={macs!r}: a factor above 0 is needed, such as 2")
    found = load(architecture)
    knobs = _Knobs.of(found)
    wanted = macs * (analyze(found.graph).compute.macs or 0)
    best: tuple[float, Candidate] | None = None
    seen: set[tuple[tuple[int, ...], tuple[int, ...]]] = set()
    for factor in scales or [0.2 * 1.02**step for step in range(152)]:
        widths = tuple(_rounded(factor * width) for width in knobs.widths)
        repeats = tuple(max(1, round(factor ** (2 / 3) * each)) if each else 0 for each in knobs.repeats)
        if (widths, repeats) in seen:
            continue
        seen.add((widths, repeats))
        tree = knobs.tree(widths, repeats, None)
        try:
            counted = analyze(tree.to_graph(found.name))
        except DesignError:
            continue
        distance = abs((counted.compute.macs or 0) / wanted - 1)
        if best is None or distance < best[0]:
            best = distance, Candidate(tree, widths, repeats, None, _values(counted, find_device(device)))
    if best is None:
        raise UsageError(f"{found.name} cannot be scaled: no factor gives an architecture")
    return best[1]


def measures(architecture: Reference, device: str | Path | Device | None = None) -> dict[str, float]:
    """Every measure of an architecture as it is, by name of `MEASURES`.

    >>> measures("residual", "cpu")["receptive_field"]
    191.0
    """
    return _values(analyze(load(architecture).graph), find_device(device))


def _written(bounds: Sequence[Bound]) -> str:
    return ", ".join(f"{each.measure} {'≤' if each.side == 'max' else '≥'} {each.number:g}" for each in bounds)


def _rounded(width: float) -> int:
    """To the nearest multiple of 8, and not below 8 (as MobileNets do)."""
    return max(_MULTIPLE, int(width / _MULTIPLE + 0.5) * _MULTIPLE)


@dataclass(frozen=True)
class _Knobs:
    """What can be turned in a tree: its stages, and where they stand."""

    parts: tuple[Part, ...]
    place: tuple[int, ...]
    """For each stage the part that it stands in."""
    widths: tuple[int, ...]
    repeats: tuple[int, ...]
    """Blocks of each stage; 0 where they are no number of the tree's own."""

    @classmethod
    def of(cls, found: Architecture) -> _Knobs:
        if found.tree is None:
            raise UsageError(f"{found.name} was read from a graph: only a tree with stages can be varied")
        parts = found.tree.parts if isinstance(found.tree, Parts) else (found.tree,)
        place: list[int] = []
        widths: list[int] = []
        repeats: list[int] = []
        for position, part in enumerate(parts):
            if isinstance(part, Pyramid):
                each = part.repeats if isinstance(part.repeats, tuple) else (part.repeats,) * len(part.widths)
                place += [position] * len(part.widths)
                widths += part.widths
                repeats += each
            elif isinstance(part, Stage) and part.width is not None:
                place.append(position)
                widths.append(part.width)
                repeats.append(0)
        if not place:
            raise UsageError(f"{found.name} has no stages with widths: write it as a Pyramid, as `residual` is")
        return cls(parts, tuple(place), tuple(widths), tuple(repeats))

    def tree(self, widths: Sequence[int], repeats: Sequence[int], kernel: int | None) -> Part:
        """The tree with other widths, blocks and kernels of its stages."""
        changed = list(self.parts)
        for position in dict.fromkeys(self.place):
            part = self.parts[position]
            stages = [number for number, each in enumerate(self.place) if each == position]
            if isinstance(part, Pyramid):
                blocks = tuple(repeats[each] for each in stages)
                # A block that shrinks the map opens a stage; those that follow keep its size.
                then = same_size(part.block) if part.then is None and set(blocks) != {1} else part.then
                part = replace(part, widths=tuple(widths[each] for each in stages), repeats=blocks, then=then)
            elif isinstance(part, Stage):
                part = replace(part, width=widths[stages[0]])
            changed[position] = part if kernel is None else part.transformed(_with_kernel(kernel))
        return Parts.of(*changed)


def same_size(block: Part) -> Part:
    """A block without what shrinks the map: pooling with a stride goes, convolutions lose theirs.

    >>> from archlab.blocks import separable_residual
    >>> same_size(separable_residual()) == separable_residual(shrink=False)
    True
    """

    def change(part: Part) -> Part:
        if isinstance(part, MaxPool | AvgPool) and (part.size if part.stride is None else part.stride) != 1:
            return part.removed()
        if isinstance(part, Conv | SeparableConv | DepthwiseConv) and part.stride != 1:
            return replace(part, stride=1)
        return part

    return block.transformed(change)


def _with_kernel(kernel: int) -> Callable[[Part], Part]:
    def change(part: Part) -> Part:
        if isinstance(part, Conv | SeparableConv | DepthwiseConv) and part.kernel != 1:
            return replace(part, kernel=kernel)
        return part

    return change


class Space:
    """All combinations of choices, with their measures as sums of tables.

    Args:
        architecture: whose family it is.
        scales: of widths.
        repeats: blocks of a stage; none: as they are.
        kernels: sides of kernels; none: as they are.
        machine: that times are predicted for.
        measures: that are worked out.
    """

    def __init__(
        self,
        architecture: Architecture,
        scales: tuple[float, ...],
        repeats: tuple[int, ...],
        kernels: tuple[int, ...],
        machine: Device,
        measures: tuple[str, ...],
    ):
        self.architecture, self.machine, self.measures = architecture, machine, measures
        self.knobs = _Knobs.of(architecture)
        self.kernels: tuple[int | None, ...] = kernels or (None,)
        self.widths = [tuple(dict.fromkeys(_rounded(s * width) for s in scales)) for width in self.knobs.widths]
        if scales == (1.0,):
            self.widths = [(width,) for width in self.knobs.widths]
        self.repeats = [(tuple(repeats) or (each,)) if each else (0,) for each in self.knobs.repeats]

    @cached_property
    def size(self) -> int:
        """How many combinations there are."""
        return len(self.kernels) * prod(len(w) * len(r) for w, r in zip(self.widths, self.repeats, strict=True))

    @cached_property
    def _tables(self) -> tuple[Numbers, list[Numbers], Numbers]:
        """What the stem has by kernel; each stage by kernel, width before, width and blocks; the head by last width."""
        stages = len(self.widths)
        count = len(self.measures)
        most = max(map(len, self.widths))
        deepest = max(map(len, self.repeats))
        stem = np.zeros((len(self.kernels), count))
        tables = [
            np.zeros((len(self.kernels), len(self.widths[stage - 1]) if stage else 1, len(w), len(r), count))
            for stage, (w, r) in enumerate(zip(self.widths, self.repeats, strict=True))
        ]
        head = np.zeros((len(self.widths[-1]), count))
        for k, kernel in enumerate(self.kernels):
            # One graph tells of every stage: its widths go to and fro between two choices.
            for one, other, depth in product(range(most), range(most), range(deepest)):
                picked = [min((one, other)[s % 2], len(w) - 1) for s, w in enumerate(self.widths)]
                blocks = [min(depth, len(r) - 1) for r in self.repeats]
                rows = self._rows(picked, blocks, kernel)
                stem[k] = rows[0]
                head[picked[-1]] = rows[-1]
                for s in range(stages):
                    tables[s][k, picked[s - 1] if s else 0, picked[s], blocks[s]] = rows[1 + s]
        return stem, tables, head

    def _rows(self, picked: Sequence[int], blocks: Sequence[int], kernel: int | None) -> list[Numbers]:
        """The measures of stem, stages and head in one graph."""
        graph = self._tree(picked, blocks, kernel).to_graph(self.architecture.name)
        values = _by_node(graph, self.machine, self.measures)
        members = groups(graph, "stage")
        names = [name for name in members if name not in ("stem", "head", "between")]
        if len(names) != len(self.widths):
            raise UsageError(f"{self.architecture.name}: its stages are not those of its tree")
        parts = [members.get("stem", ()), *[members[name] for name in names], members.get("head", ())]
        return [values[list(each)].sum(axis=0) for each in parts]

    def _tree(self, picked: Sequence[int], blocks: Sequence[int], kernel: int | None) -> Part:
        widths = [w[each] for w, each in zip(self.widths, picked, strict=True)]
        repeats = [r[each] for r, each in zip(self.repeats, blocks, strict=True)]
        return self.knobs.tree(widths, repeats, kernel)

    def within(self, bounds: Sequence[Bound]) -> tuple[Choices, Numbers]:
        """Every combination that keeps the bounds, and its measures: a column for each of `measures`.

        A combination is a row: the kernel, then width and blocks of each stage, as positions among the choices. What
        cannot keep a bound any more is dropped before the next stage is chosen.

        Raises:
            UsageError: so many combinations keep the bounds that they do not fit into memory.
        """
        stem, tables, head = self._tables
        floors, ceilings = self._rest(tables, head)
        chosen = np.arange(len(self.kernels))[:, None]
        values = stem.copy()
        for s, table in enumerate(tables):
            w, r = table.shape[2], table.shape[3]
            count = len(chosen)
            if count * w * r > _MOST:
                raise UsageError(
                    f"{count * w * r:,} of {self.size:,} combinations are left at stage {s + 1}: give tighter bounds, "
                    f"or vary less; at most {_MOST:,} are looked at"
                )
            before = chosen[:, -2] if s else np.zeros(count, int)
            added = table[chosen[:, 0], before]  # combinations × widths × blocks × measures
            values = (values[:, None, None, :] + added).reshape(count * w * r, len(self.measures))
            choices: Choices = np.array(list(product(range(w), range(r))), np.int64)
            chosen = np.concatenate([np.repeat(chosen, w * r, axis=0), np.tile(choices, (count, 1))], axis=1)
            keeps = np.ones(len(chosen), bool)
            for bound in bounds:
                column = self.measures.index(bound.measure)
                if bound.side == "max":
                    keeps &= values[:, column] + floors[s][column] <= bound.number * (1 + 1e-12)
                else:
                    keeps &= values[:, column] + ceilings[s][column] >= bound.number * (1 - 1e-12)
            chosen, values = chosen[keeps], values[keeps]
        values = values + head[chosen[:, -2]]
        keeps = np.ones(len(chosen), bool)
        for bound in bounds:
            column = values[:, self.measures.index(bound.measure)]
            keeps &= column <= bound.number if bound.side == "max" else column >= bound.number
        return chosen[keeps], values[keeps]

    def _rest(self, tables: Sequence[Numbers], head: Numbers) -> tuple[list[Numbers], list[Numbers]]:
        """The least and the most that the stages behind each one, and the head, can add."""
        floors, ceilings = [head.min(axis=0)], [head.max(axis=0)]
        for table in reversed(tables[1:]):
            flat = table.reshape(-1, table.shape[-1])
            floors.append(floors[-1] + flat.min(axis=0))
            ceilings.append(ceilings[-1] + flat.max(axis=0))
        return floors[::-1], ceilings[::-1]

    def nearest(self, bounds: Sequence[Bound]) -> str:
        """What the bounds would have to be at least, each by itself, in words."""
        stem, tables, head = self._tables
        floors, ceilings = self._rest(tables, head)
        first = tables[0].reshape(-1, tables[0].shape[-1])
        low = stem.min(axis=0) + first.min(axis=0) + floors[0]
        high = stem.max(axis=0) + first.max(axis=0) + ceilings[0]
        words = [
            f"{each.measure} is between {low[column]:.4g} and {high[column]:.4g}"
            for each in bounds
            for column in (self.measures.index(each.measure),)
        ]
        return "; ".join(words)

    def candidate(self, row: Sequence[int]) -> Candidate:
        """A combination as an architecture, with its measures worked out anew from its own graph.

        Raises:
            DesignError: it cannot be built.
        """
        kernel = self.kernels[row[0]]
        picked, blocks = list(row[1::2]), list(row[2::2])
        tree = self._tree(picked, blocks, kernel)
        counted = analyze(tree.to_graph(self.architecture.name))
        forecast = forecast_graph(counted.graph)
        return Candidate(
            tree,
            tuple(w[each] for w, each in zip(self.widths, picked, strict=True)),
            tuple(r[each] for r, each in zip(self.repeats, blocks, strict=True)),
            kernel,
            _values(counted, self.machine),
            (forecast.sgd.probability, forecast.adam.probability),
        )


def pareto(values: Numbers, directions: Sequence[Direction]) -> list[int]:
    """The rows that no other row beats: no worse in any column and better in one. In order of the first column.

    >>> pareto(np.array([[1.0, 1.0], [2.0, 3.0], [2.0, 2.0], [3.0, 3.0]]), ["min", "max"])
    [0, 1]
    """
    signed = values * np.array([1 if each == "min" else -1 for each in directions])
    order = np.lexsort(signed.T[::-1])
    front: list[int] = []
    kept = np.empty((0, signed.shape[1]))
    for place in order:
        row = signed[place]
        # In this order only rows before can be as good in every column.
        if not np.any(np.all(kept <= row, axis=1)):
            front.append(int(place))
            kept = np.vstack([kept, row])
    return front


def _trainable(
    space: Space, chosen: Choices, values: Numbers, aims: Mapping[str, Direction], most: int
) -> tuple[list[Candidate], int]:
    """The front, without what is forecast not to train: others take their place."""
    columns = [space.measures.index(name) for name in aims]
    left = np.arange(len(chosen))
    made: dict[int, Candidate] = {}
    dropped = 0
    while len(left):
        front = [int(left[each]) for each in pareto(values[left][:, columns], list(aims.values()))]
        count = min(most, len(front))
        spread = sorted({round(place * (len(front) - 1) / max(count - 1, 1)) for place in range(count)})
        shown = [front[each] for each in spread]
        bad: list[int] = []
        for each in shown:
            if each not in made:
                made[each] = space.candidate([int(x) for x in chosen[each]])
                _check(space, made[each], values[each])
            probabilities = [p for p in made[each].forecast if p is not None]
            if probabilities and max(probabilities) < _AT_LEAST:
                bad.append(each)
        if not bad:
            return [made[each] for each in shown], dropped
        dropped += len(bad)
        left = left[~np.isin(left, bad)]
    raise UsageError("every architecture that keeps the bounds is forecast not to train")


def _check(space: Space, made: Candidate, values: Numbers) -> None:
    """Hold sums of tables to what the architecture's own graph has."""
    for name, summed in zip(space.measures, values, strict=True):
        if abs(made.values[name] - summed) > 1e-6 * max(1.0, abs(summed)) and name != "time_inference":
            raise DesignError(f"{name} of {made.widths} is {made.values[name]:g}, and its stages add up to {summed:g}")


def _by_node(graph: Graph, machine: Device, measures: Sequence[str]) -> Numbers:
    """For each node what it adds to each measure: the sum over all nodes is the whole's."""
    counted = analyze(graph)
    columns: list[Sequence[float]] = []
    for name in measures:
        if name == "params":
            columns.append([row.total or 0 for row in counted.params.layers])
        elif name in ("macs", "flops", "training_flops"):
            columns.append([getattr(row, name) or 0 for row in counted.compute.layers])
        elif name == "saved_activations":
            columns.append([row.kept or 0 for row in counted.memory.layers])
        elif name == "time_inference":
            columns.append([each.inference or 0 for each in latency(graph, device=machine).layers])
        else:
            columns.append(_growth(counted, name))
    return np.array(columns, float).T


def _growth(counted: Analysis, name: str) -> list[float]:
    """For each node by how much the depth or the receptive field grows over what stood before all of its stage's."""
    graph = counted.graph
    fields = counted.receptive_field.layers
    depths = _depths(graph)
    found = [0.0] * len(graph)
    before = 0.0
    for members in groups(graph, "stage").values():
        if name == "depth":
            reached = max([float(depths[each]) for each in members], default=before)
        else:
            reached = max([_side(fields[each].size) for each in members], default=0.0)
        reached = max(reached, before)
        found[members[0]] = reached - before
        before = reached
    return found


def _side(size: tuple[int, ...] | None) -> float:
    if size is None:
        return 0.0
    return max([float(each) for each in size], default=0.0)


def _depths(graph: Graph) -> list[int]:
    from archlab.analysis.static._facts import gather

    found: list[int] = []
    for node, facts in zip(graph.nodes, gather(graph), strict=True):
        found.append(max([found[source] for source in node.inputs], default=0) + facts.kernel)
    return found


def _values(counted: Analysis, machine: Device) -> dict[str, float]:
    """Every measure of an architecture, from its own graph."""
    time = latency(counted.graph, device=machine)
    return {
        "params": counted.params.total,
        "macs": counted.compute.macs or 0,
        "flops": counted.compute.flops or 0,
        "training_flops": counted.compute.training_flops or 0,
        "saved_activations": counted.memory.saved_activations or 0,
        "depth": counted.depth,
        "receptive_field": sum(_growth(counted, "receptive_field")),
        "time_inference": time.inference,
    }
