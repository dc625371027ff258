"""Operations for one sample, by the conventions of `archlab.units`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from archlab.analysis._state import State, Value, counted
from archlab.analysis.quantities._quantity import AND_LISTED, QUANTITIES, Quantity, Subject
from archlab.analysis.static.compute import ComputeRow
from archlab.units import COUNT


def _whole(subject: Subject, number: int | None) -> Value:
    found = subject.analysis.compute
    return counted(number, State.UNKNOWN if found.unknown and not found.unsized else State.COUNTED)


def _layers(read: Callable[[ComputeRow], int | None]) -> Callable[[Subject], Sequence[Value]]:
    return lambda subject: [counted(read(row), row.state) for row in subject.analysis.compute.layers]


QUANTITIES.add(
    Quantity(
        "macs",
        "MACs",
        COUNT,
        "Multiply–accumulates of convolutions, dense layers and matrix products, for one sample.",
        whole=lambda subject: _whole(subject, subject.analysis.compute.macs),
        layers=_layers(lambda row: row.macs),
        better="lower",
        places=AND_LISTED,
        state_record="",
        leading=True,
        differs=True,
    )
)
QUANTITIES.add(
    Quantity(
        "flops",
        "FLOPs",
        COUNT,
        "Floating-point operations of a forward pass, for one sample: 2 a MAC, and all other arithmetic.",
        whole=lambda subject: _whole(subject, subject.analysis.compute.flops),
        layers=_layers(lambda row: row.flops),
        better="lower",
        state_record="compute_state",
    )
)
QUANTITIES.add(
    Quantity(
        "training_flops",
        "FLOPs of a training step",
        COUNT,
        "An estimate for one sample: the forward pass, and the gradients with respect to weights and inputs that a "
        "backward pass takes.",
        whole=lambda subject: _whole(subject, subject.analysis.compute.training_flops),
        layers=_layers(lambda row: row.training_flops),
        better="lower",
        parent="FLOPs",
        short="of a training step",
        places=frozenset(("compare",)),
        state_record="compute_state",
    )
)
