"""What depends on a machine: times, and the memory of a training step. They stand where they are asked for."""

from __future__ import annotations

from archlab.analysis._state import State, Value, nothing
from archlab.analysis.cost import latency, memory
from archlab.analysis.quantities._quantity import QUANTITIES, Quantity, Subject
from archlab.errors import DesignError
from archlab.units import BYTES, SECONDS


def _inference(subject: Subject) -> Value:
    return _time(subject, training=False)


def _training_step(subject: Subject) -> Value:
    return _time(subject, training=True)


def _time(subject: Subject, training: bool) -> Value:
    try:
        found = latency(subject.analysis.graph)
    except DesignError:
        return Value(None, State.UNSIZED)
    number = found.training_step if training else found.inference
    return Value(number, State.LOWER_BOUND if found.unknown else State.COUNTED)


def _memory(subject: Subject) -> Value:
    if not len(subject.analysis.graph):
        return nothing()
    try:
        found = memory(subject.analysis.graph)
    except DesignError:
        return Value(None, State.UNSIZED)
    return Value(found.peak, State.LOWER_BOUND if found.unknown else State.COUNTED)


QUANTITIES.add(
    Quantity(
        "time_inference",
        "time of inference",
        SECONDS,
        "Predicted seconds of a forward pass of one sample on one thread of this machine, as `archlab latency` has it.",
        whole=_inference,
        better="lower",
        places=frozenset(),
        key="",
        aliases=("time", "time.inference"),
        counted=False,
    )
)
QUANTITIES.add(
    Quantity(
        "time_training_step",
        "time of a training step",
        SECONDS,
        "Predicted seconds of a training step of one sample on one thread of this machine, under Adam.",
        whole=_training_step,
        better="lower",
        places=frozenset(),
        key="",
        aliases=("time.training_step",),
        counted=False,
    )
)
QUANTITIES.add(
    Quantity(
        "training_memory",
        "memory of a training step",
        BYTES,
        "Predicted bytes that a training step of 32 samples under AdamW needs at most, as `archlab memory` has it.",
        whole=_memory,
        better="lower",
        places=frozenset(),
        key="",
        counted=False,
    )
)
