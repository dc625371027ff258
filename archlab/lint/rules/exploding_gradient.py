"""The activation gradient explodes on its way from the last layer back to the first, or values overflow.

**Why.** The first layers take steps that are too large for the others, so that only a small learning rate is stable,
with which the last layers hardly move. Predicted by mean-field theory, or measured where `compare` has measured it;
as grave as the forecast says (see `vanishing-gradient`).

**Instead.** The remedy that is named was tried on this network.
"""

from collections.abc import Iterable

from archlab.lint._context import Context
from archlab.lint._rule import Found, Rule
from archlab.lint._signals import explained
from archlab.lint._trends import change


def check(context: Context) -> Iterable[Found]:
    """Gradients that explode, measured or predicted."""
    if context.flow is None and explained(context):
        return
    yield from change(context, "exploding", "grows")


RULE = Rule(
    "S202",
    "exploding-gradient",
    "error",
    check,
    __doc__,
    "Yang et al. 2019, 'A Mean Field Theory of Batch Normalization'",
    of_gradients=True,
)
