"""Parameters: each weight once, however often its layer is used."""

from __future__ import annotations

from collections.abc import Sequence

from archlab.analysis._state import State, Value, counted
from archlab.analysis.quantities._quantity import AND_LISTED, QUANTITIES, Quantity, Subject
from archlab.units import EXACT


def _whole(subject: Subject, number: int) -> Value:
    return counted(number, State.UNKNOWN if subject.analysis.params.unknown else State.COUNTED)


def _total(subject: Subject) -> Sequence[Value]:
    return [counted(row.total, row.state) for row in subject.analysis.params.layers]


def _trainable(subject: Subject) -> Sequence[Value]:
    return [counted(row.trainable, row.state) for row in subject.analysis.params.layers]


QUANTITIES.add(
    Quantity(
        "params",
        "parameters",
        EXACT,
        "Numbers in the weights, each weight once, however often its layer is used.",
        whole=lambda subject: _whole(subject, subject.analysis.params.total),
        layers=_total,
        better="lower",
        places=AND_LISTED,
        key="params.total",
        leading=True,
        differs=True,
    )
)
QUANTITIES.add(
    Quantity(
        "trainable",
        "trainable parameters",
        EXACT,
        "Parameters that an optimizer changes; batch normalization's moving statistics are none.",
        whole=lambda subject: _whole(subject, subject.analysis.params.trainable),
        layers=_trainable,
        column="trainable",
        parent="parameters",
        short="trainable",
        places=frozenset(("compare", "diff")),
        key="params.trainable",
        state_record="",
    )
)
