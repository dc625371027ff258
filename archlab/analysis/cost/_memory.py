"""The memory of a training step: what takes it and when, the largest batch, and what would save some."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

from archlab.analysis.cost._allocator import resident
from archlab.analysis.cost._schedule import Phase, Schedule, Setting, Update, What, schedule
from archlab.analysis.static._facts import gather
from archlab.analysis.static.outline import groups
from archlab.errors import DesignError, UsageError, did_you_mean
from archlab.graph import Graph, is_known
from archlab.shown import Printed
from archlab.sources import Reference, load

OPTIMIZERS: Mapping[str, Update] = {
    # The gradient, and the new weight beside the old one, which the layer still reads.
    "sgd": Update(0, 2),
    "momentum": Update(1, 3),
    "rmsprop": Update(1, 3),
    "adam": Update(2, 3),
    "adamw": Update(2, 2, decays_first=True),
}
"""By name: what an optimizer of Keras keeps and makes. 'adamw' decays its weights, 'sgd' has no momentum."""

PRECISIONS: Mapping[str, bool] = {"float32": False, "bfloat16": True, "float16": True}
"""By name: whether layers compute in half precision, their weights staying float32 (mixed precision)."""

_LARGEST_BATCH = 1 << 24
_INFERENCE_BYTES = {"float32": 4, "float16": 2, "int8": 1}


class TimelineMoment(NamedTuple):
    """What is live while a layer runs, and what has been resident until then, in bytes."""

    phase: Phase
    layer: str
    bytes: int
    resident: int


class Saving(NamedTuple):
    """What another way of training would need, and how much less that is."""

    change: str
    peak: int
    saved: int


@dataclass(frozen=True)
class TrainingMemory(Printed):
    """The memory of one training step of a compiled Keras model on a CPU, in bytes.

    The prediction follows TensorFlow's order: layers forward, then backward, each weight updated as soon as its
    gradient is there. It has all tensors, not the interpreter and the libraries (0.5 to 0.7 GiB in TensorFlow).

    Attributes:
        graph: the architecture.
        batch: samples in a batch.
        optimizer: a name of `OPTIMIZERS`.
        precision: a name of `PRECISIONS`.
        recompute: whether blocks compute their inside anew in the backward pass (gradient checkpointing, Chen et al.
            2016, 'Training Deep Nets with Sublinear Memory Cost').
        unknown: layers without a rule, for which everything is a lower bound.
    """

    graph: Graph
    batch: int
    optimizer: str
    precision: str
    recompute: bool = False
    unknown: tuple[str, ...] = ()

    @cached_property
    def _schedule(self) -> Schedule:
        return _scheduled(self.graph, self.optimizer, self.precision, self.recompute)

    @cached_property
    def _sizes(self) -> list[int]:
        return self._schedule.sizes(self.batch)

    @cached_property
    def _resident(self) -> list[int]:
        return _resident(self._schedule, self.batch)

    @property
    def peak(self) -> int:
        """The most bytes that are resident at a time: tensors, and what the allocator does not give back."""
        return max(self._resident)

    @property
    def peak_at(self) -> TimelineMoment:
        """When most tensors are live: the first such moment."""
        return self.timeline[self._sizes.index(max(self._sizes))]

    @cached_property
    def timeline(self) -> tuple[TimelineMoment, ...]:
        """The live and the resident bytes at every moment, forward and backward."""
        moments = self._schedule.moments
        return tuple(
            TimelineMoment(each.phase, self.graph.nodes[each.position].name, size, most)
            for each, size, most in zip(moments, self._sizes, self._resident, strict=True)
        )

    @cached_property
    def parts(self) -> Mapping[What, int]:
        """What takes the bytes of the peak: the tensors live at `peak_at`, and fragmentation. They add up to it."""
        alive = max(self._sizes)
        found = self._schedule.parts(self.batch, self._sizes.index(alive))
        found["fragmentation"] = self.peak - alive
        return found

    def largest_batch(self, limit: int) -> int:
        """The largest batch whose step needs no more than so many bytes; 0 where not even one sample fits.

        Raises:
            UsageError: the limit is not a number of bytes.

        >>> memory("baseline").largest_batch(2**30)
        84
        """
        if isinstance(limit, bool) or not limit > 0:
            raise UsageError(f"a limit of memory must be bytes above 0, got {limit!r}")

        def fits(batch: int) -> bool:
            return max(_resident(self._schedule, batch)) <= limit

        if not fits(1):
            return 0
        low, high = 1, 2
        while high <= _LARGEST_BATCH and fits(high):
            low, high = high, 2 * high
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if fits(middle) else (low, middle)
        return low

    @cached_property
    def savings(self) -> tuple[Saving, ...]:
        """What recomputation by block, mixed precision and other optimizers would need, the least first."""
        ways: dict[str, TrainingMemory] = {}
        if not self.recompute and _segments(self.graph):
            ways["recomputation by block"] = replace(self, recompute=True)
        if self.precision == "float32":
            ways["bfloat16"] = replace(self, precision="bfloat16")
            if not self.recompute and _segments(self.graph):
                ways["bfloat16 and recomputation by block"] = replace(self, precision="bfloat16", recompute=True)
        for name in OPTIMIZERS:
            if OPTIMIZERS[name].slots < OPTIMIZERS[self.optimizer].slots and name != "rmsprop":
                ways[name] = replace(self, optimizer=name)
        found = [Saving(name, way.peak, self.peak - way.peak) for name, way in ways.items()]
        return tuple(sorted(found, key=lambda each: each.peak))

    @property
    def weights_by_precision(self) -> Mapping[str, int]:
        """The bytes of all weights in the precisions that models are stored and served in."""
        numbers = sum(each.size for facts in gather(self.graph) for each in facts.weights or () if not each.shared)
        return {name: size * numbers for name, size in _INFERENCE_BYTES.items()}

    def to_dict(self) -> dict[str, object]:
        """As plain data."""
        return {
            "batch": self.batch,
            "optimizer": self.optimizer,
            "precision": self.precision,
            "recompute": self.recompute,
            "peak": self.peak,
            "peak_at": {"phase": self.peak_at.phase, "layer": self.peak_at.layer},
            "lower_bound": bool(self.unknown),
            "unknown": list(self.unknown),
            "parts": dict(self.parts),
            "savings": [each._asdict() for each in self.savings],
            "weights_by_precision": dict(self.weights_by_precision),
            "timeline": [each._asdict() for each in self.timeline],
        }


def memory(
    architecture: Reference,
    batch: int = 32,
    optimizer: str = "adamw",
    precision: str = "float32",
    *,
    recompute: bool = False,
) -> TrainingMemory:
    """Predict the memory of a training step, without building the model.

    Args:
        architecture: whatever names one, as for `load`.
        batch: samples in a batch.
        optimizer: 'sgd', 'momentum', 'rmsprop', 'adam' or 'adamw'.
        precision: 'float32'; 'bfloat16' or 'float16' for mixed precision.
        recompute: whether blocks compute their inside anew in the backward pass.

    Returns:
        The peak and when it is reached, its parts, the timeline; `largest_batch(bytes)`.

    Raises:
        UsageError: the batch, the optimizer or the precision makes no sense.
        DesignError: the architecture does not add up, or its input size is not known.

    >>> found = memory("residual", batch=8, optimizer="sgd")
    >>> round(found.peak / 2**20), found.peak_at.layer
    (400, 'stage5/block1/separable_conv_2')
    """
    if isinstance(batch, bool) or not isinstance(batch, int) or batch < 1:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise UsageError(f"batch={batch!r}: at least 1 is needed")
    for what, name, known in (("optimizer", optimizer, OPTIMIZERS), ("precision", precision, PRECISIONS)):
        if name not in known:
            raise UsageError(f"{what}={name!r}: {did_you_mean(str(name), known)}")
    found = load(architecture)
    graph = found.graph
    unsized = next((node.name for node in graph.nodes if not is_known(node.shape)), None)
    if unsized is not None:
        raise DesignError("memory needs a known input size, such as --input 96x96", unsized).within(found.name)
    unknown = tuple(
        node.name for node, facts in zip(graph.nodes, gather(graph), strict=True) if None in (facts.kept, facts.weights)
    )
    return TrainingMemory(graph, batch, optimizer, precision, recompute, unknown)


def _scheduled(graph: Graph, optimizer: str, precision: str, recompute: bool) -> Schedule:
    segments = _segments(graph) if recompute else ()
    setting = Setting(PRECISIONS[precision], OPTIMIZERS[optimizer], segments)
    return graph.fact(("schedule", optimizer, precision, recompute), lambda: schedule(graph, setting))


def _resident(planned: Schedule, batch: int) -> list[int]:
    """The resident bytes at every moment; at least the live ones."""
    constant = sum(each.size(batch) for each in planned.constant)
    grown = resident(planned.changing, len(planned.moments), batch, constant)
    return [max(alive, constant + most) for alive, most in zip(planned.sizes(batch), grown, strict=True)]


def _segments(graph: Graph) -> tuple[tuple[int, ...], ...]:
    """Blocks whose layers stand one behind the other, which can be computed anew by themselves."""
    blocks = [members for name, members in groups(graph, "block").items() if name not in ("stem", "head", "between")]
    return tuple(each for each in blocks if len(each) > 1 and each[-1] - each[0] == len(each) - 1)
