"""The output does not depend on the input, or no weight has a gradient.

**Why.** Where no way leads from the input to the output, or where everything on it is constant, training changes
nothing that matters. This is a proof over the graph.

**Instead.** Connect the output with the input.
"""

from collections.abc import Iterable

from archlab.lint._context import Context
from archlab.lint._rule import Found, Rule


def check(context: Context) -> Iterable[Found]:
    """What the forecast says of paths and gradients that are missing."""
    for cause in context.forecast.causes:
        if cause.quantity == "paths from input to output" or (
            cause.quantity == "weight gradient" and "softmax over one unit" not in cause.sentence
        ):
            yield Found(cause.sentence, cause.layers, cause.remedy, 0.0)


RULE = Rule("S212", "no-gradient", "error", check, __doc__, "proof over the graph", of_gradients=True)
