"""Pooling after each single convolution.

**Taste.** VGG stacks two or three convolutions between poolings; small networks, and the lecture's own baseline, pool
after each. Off by default: good networks do it too.
"""

from collections.abc import Iterable

from archlab.lint._chains import convolutions, pools
from archlab.lint._context import Context, listed
from archlab.lint._rule import Found, Rule


def check(context: Context) -> Iterable[Found]:
    """Chains in which each convolution is pooled."""
    every, pooled = convolutions(context), pools(context)
    if len(every) >= 3 and len(pooled) >= len(every) - 1:
        names = context.names(pooled)
        yield Found(f"{len(pooled)} poolings for {len(every)} convolutions: {listed(names)}.", names, "", len(pooled))


RULE = Rule("T606", "pool-after-every-conv", "info", check, __doc__, "NeuraLint, rule on pooling", on=False)
