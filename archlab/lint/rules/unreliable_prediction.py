"""The prediction of gradients is unreliable here, and why.

**Why.** Mean-field theory assumes wide layers, random weights and usual starts. Where an assumption does not hold,
the prediction is marked with a question mark.

**Instead.** Measure: `archlab gradients`.
"""

from collections.abc import Iterable

from archlab.lint._context import Context
from archlab.lint._rule import Found, Rule


def check(context: Context) -> Iterable[Found]:
    """The assumptions that do not hold."""
    why = context.predicted.why
    if why:
        more = f"; and {len(why) - 3} more" if len(why) > 3 else ""
        yield Found(f"unreliable prediction of its gradients, because {'; '.join(why[:3])}{more}.", (), "measure them")


RULE = Rule(
    "N706",
    "unreliable-prediction",
    "info",
    check,
    __doc__,
    "archlab: predicted gradients",
    reads_numbers=True,
    of_gradients=True,
)
