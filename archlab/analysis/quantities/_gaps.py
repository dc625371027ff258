"""What could not be counted."""

from __future__ import annotations

from archlab.analysis._state import Value
from archlab.analysis.quantities._quantity import QUANTITIES, Quantity
from archlab.units import EXACT

QUANTITIES.add(
    Quantity(
        "unknown_layers",
        "layers without a rule",
        EXACT,
        "Layers that at least one analysis has no rule for; what they touch is a lower bound.",
        whole=lambda subject: Value(len(subject.analysis.unknown)),
        better="lower",
        places=frozenset(("compare",)),
        key="",
        worth_a_row=False,
    )
)
