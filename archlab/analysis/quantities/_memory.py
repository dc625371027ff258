"""Bytes for one sample."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from archlab.analysis._state import State, Value, counted
from archlab.analysis.quantities._quantity import QUANTITIES, Quantity, Subject
from archlab.analysis.static.memory import MemoryRow
from archlab.units import BYTES


def _known_by_shape(read: Callable[[MemoryRow], int | None]) -> Callable[[Subject], Sequence[Value]]:
    """What is known wherever shapes are, of layers without a rule too."""
    return lambda subject: [counted(read(row)) for row in subject.analysis.memory.layers]


def _saved(subject: Subject) -> Sequence[Value]:
    memory = subject.analysis.memory
    return [counted(row.kept, State.COUNTED if row.kept is None else row.state) for row in memory.layers]


def _saved_whole(subject: Subject) -> Value:
    memory = subject.analysis.memory
    lower = memory.unknown and not memory.unsized
    return counted(memory.saved_activations, State.UNKNOWN if lower else State.COUNTED)


def _weights(subject: Subject) -> Value:
    lower = subject.analysis.params.unknown
    return counted(subject.analysis.memory.weights, State.UNKNOWN if lower else State.COUNTED)


QUANTITIES.add(
    Quantity(
        "weight_bytes",
        "memory: weights",
        BYTES,
        "Bytes of all weights, each in its own precision.",
        whole=_weights,
        better="lower",
        places=frozenset(("compare",)),
        key="memory.weights",
    )
)
QUANTITIES.add(
    Quantity(
        "output_bytes",
        "output",
        BYTES,
        "Bytes of the layer's output, for one sample.",
        layers=_known_by_shape(lambda row: row.output),
        better="lower",
        column="output (bytes)",
        places=frozenset(("page",)),
        state_record="",
    )
)
QUANTITIES.add(
    Quantity(
        "saved_activations",
        "saved activations",
        BYTES,
        "Bytes of what the forward pass stores for the backward pass, for one sample, each tensor once.",
        whole=_saved_whole,
        layers=_saved,
        better="lower",
        parent="memory: weights",
        short="saved activations",
        key="memory.saved_activations",
        record="kept_bytes",
        state_record="memory_state",
        aliases=("memory",),
        differs=True,
    )
)
QUANTITIES.add(
    Quantity(
        "peak_activations",
        "peak activation memory (inference)",
        BYTES,
        "The most bytes of activations that are live at once at inference, for one sample, when layers run in order "
        "and a tensor is freed once its last reader has run; of a layer, what is live while it runs.",
        whole=lambda subject: counted(subject.analysis.memory.peak_inference),
        layers=_known_by_shape(lambda row: row.live),
        combine="largest",
        better="lower",
        column="live activations",
        parent="memory: weights",
        short="peak activations (inference)",
        places=frozenset(("compare", "groups", "page")),
        key="memory.peak_inference",
        record="live_bytes",
        state_record="",
        differs=True,
    )
)
