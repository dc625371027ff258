"""The channels do not divide into the groups.

**Why.** A grouped convolution or normalization works on channels / groups of them; both the channels that come in and
those that go out must be multiples of the groups.

**Instead.** A number of groups that divides both.
"""

from collections.abc import Iterable

from archlab.lint._breaks import break_of
from archlab.lint._context import Context
from archlab.lint._rule import Found, Rule


def check(context: Context) -> Iterable[Found]:
    """Architectures that end there."""
    broken = context.broken
    if broken is not None and break_of(context) == "groups":
        where = (broken.layer,) if broken.layer else ()
        yield Found(
            ": ".join((*where, broken.rule)).rstrip(".") + ".", where, "A number of groups that divides both".lower()
        )


RULE = Rule("A311", "groups-do-not-divide", "error", check, __doc__, "proof: division", partial=True)
