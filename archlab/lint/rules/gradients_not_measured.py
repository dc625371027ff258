"""Gradients could not be measured, and why.

**Why.** The Keras model cannot be built, or cannot be run on the batch that was given: what `compare` says of its
gradients is the prediction.
"""

from collections.abc import Iterable

from archlab.lint._context import Context
from archlab.lint._rule import Found, Rule


def check(context: Context) -> Iterable[Found]:
    """The reason, where there is one."""
    if context.not_measured:
        yield Found(f"gradients are not measured: {context.not_measured}.")


RULE = Rule(
    "N704",
    "not-measured",
    "warning",
    check,
    __doc__,
    "archlab: measured gradients",
    reads_numbers=True,
    of_gradients=True,
)
