"""Layers that an analysis has no rule for: some numbers are lower bounds.

**Why.** archlab counts what a layer states about itself. Of a layer that states nothing the operations, the receptive
field or the signals are not known, and totals are marked with ≥.

**Instead.** `keras_rule` says which operation a Keras layer of your own is.
"""

from collections.abc import Iterable

from archlab.lint._context import Context
from archlab.lint._rule import Found, Rule


def check(context: Context) -> Iterable[Found]:
    """Unknown layers, by kind."""
    kinds: dict[tuple[str, str, str], list[str]] = {}
    for unknown in context.analysis.unknown:
        missing = ", ".join(unknown["missing"]).replace("_", " ")
        kinds.setdefault((unknown["op"], missing, unknown["why"]), []).append(unknown["name"])
    for (kind, missing, why), names in kinds.items():
        more = f" and {len(names) - 1} more layers of this kind have" if len(names) > 1 else " has"
        because = f" ({why})" if why else ""
        message = f"{names[0]} ({kind}){more} no rule for {missing}{because}: values marked ≥ are lower bounds."
        yield Found(message, tuple(names), "say with archlab.keras_rule which operation it is", len(names))


RULE = Rule("N702", "unknown-layer", "warning", check, __doc__, "archlab: numbers and their states", reads_numbers=True)
