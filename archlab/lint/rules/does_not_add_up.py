"""The architecture does not add up for another reason, which the message says.

**Why.** Shapes that are merged must be equal, and each layer takes inputs of some number of axes. The network cannot
be built.

**Instead.** What the message says.
"""

from collections.abc import Iterable

from archlab.lint._breaks import break_of
from archlab.lint._context import Context
from archlab.lint._rule import Found, Rule


def check(context: Context) -> Iterable[Found]:
    """Architectures that end there."""
    broken = context.broken
    if broken is not None and break_of(context) == "other":
        where = (broken.layer,) if broken.layer else ()
        yield Found(": ".join((*where, broken.rule)).rstrip(".") + ".", where, "What the message says".lower())


RULE = Rule("A313", "does-not-add-up", "error", check, __doc__, "proof: the layer's own rule", partial=True)
