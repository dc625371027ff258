"""The feature map shrinks to nothing: a window no longer fits.

**Why.** Without padding every window takes (kernel − 1) from the map, and every stride divides it. A map that is
smaller than the next window has no output: the network cannot be built.

**Instead.** Padding, fewer strides or poolings, or larger images.
"""

from collections.abc import Iterable

from archlab.lint._breaks import break_of
from archlab.lint._context import Context
from archlab.lint._rule import Found, Rule


def check(context: Context) -> Iterable[Found]:
    """Architectures that end there."""
    broken = context.broken
    if broken is not None and break_of(context) == "vanishes":
        where = (broken.layer,) if broken.layer else ()
        yield Found(
            ": ".join((*where, broken.rule)).rstrip(".") + ".",
            where,
            "Padding, fewer strides or poolings, or larger images".lower(),
        )


RULE = Rule("A310", "map-vanishes", "error", check, __doc__, "proof: the arithmetic of windows", partial=True)
