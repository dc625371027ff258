"""A reshape to another number of values.

**Why.** The numbers before and after must be as many. Where the batch is left open, TensorFlow's own reshape mixes
the values of several images in its place.

**Instead.** A shape with the same product, or Flatten.
"""

from collections.abc import Iterable

from archlab.lint._breaks import break_of
from archlab.lint._context import Context
from archlab.lint._rule import Found, Rule


def check(context: Context) -> Iterable[Found]:
    """Architectures that end there."""
    broken = context.broken
    if broken is not None and break_of(context) == "reshape":
        where = (broken.layer,) if broken.layer else ()
        yield Found(
            ": ".join((*where, broken.rule)).rstrip(".") + ".",
            where,
            "A shape with the same product, or Flatten".lower(),
        )


RULE = Rule("A312", "reshape-size", "error", check, __doc__, "proof: the products of both shapes", partial=True)
