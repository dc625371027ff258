"""A weight constraint is passed as a regularizer.

**Why.** A constraint, such as `MaxNorm`, takes weights and gives back others. As a regularizer its result is added to
the loss, no penalty but a sum of weights, which gradient descent makes negative; their norm is not bounded.

**Instead.** `kernel_constraint=MaxNorm(3)`.
"""

from collections.abc import Iterable

from archlab.lint._context import Context, listed
from archlab.lint._rule import Found, Rule

_CONSTRAINTS = frozenset({"MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm", "Constraint"})


def check(context: Context) -> Iterable[Found]:
    """Layers of a Keras model with a constraint in a regularizer's place."""
    found: list[str] = []
    for node in context.nodes:
        told = node.settings.config if node.settings is not None else {}
        given = [value for name, value in told.items() if name.endswith("_regularizer") and isinstance(value, dict)]
        if any(value.get("class_name") in _CONSTRAINTS for value in given):
            found.append(node.name)
    if found:
        yield Found(
            f"{listed(found)}: a weight constraint as a regularizer adds the weights themselves to the loss.",
            tuple(found),
            "give it as kernel_constraint",
        )


RULE = Rule("A316", "constraint-as-regularizer", "error", check, __doc__, "Keras: regularizers are added to the loss")
