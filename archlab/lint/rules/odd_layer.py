"""Layers whose measured gradients are unlike the others': frozen, cut off, dead, or beyond the range of numbers.

**Why.** Measured on a batch, where `compare` measures gradients: weights that get no gradient, channels that are zero
for every image, infinity or NaN.
"""

from collections.abc import Iterable

from archlab.lint._context import Context
from archlab.lint._rule import Found, Rule
from archlab.lint._verdict import odd_layers


def check(context: Context) -> Iterable[Found]:
    """What measured gradients say of single layers."""
    if context.flow is not None:
        for line in odd_layers(context.flow):
            yield Found(line)


RULE = Rule(
    "N705", "odd-layer", "info", check, __doc__, "archlab: measured gradients", reads_numbers=True, of_gradients=True
)
