"""A dense layer is wider than one before it.

**Taste.** Classifiers usually narrow towards the head; autoencoders and expansions do not. Off by default: good
networks do it too.
"""

from collections.abc import Iterable
from itertools import pairwise

from archlab.lint._chains import denses, width
from archlab.lint._context import Context, listed
from archlab.lint._rule import Found, Rule


def check(context: Context) -> Iterable[Found]:
    """Dense layers wider than the one before."""
    every = denses(context)
    pairs = pairwise(every)
    found = [at for before, at in pairs if width(context, at) > width(context, before)]
    if found:
        names = context.names(found)
        yield Found(f"{listed(names)}: wider than the dense layer before.", names, "", len(found))


RULE = Rule("T603", "growing-dense-widths", "info", check, __doc__, "NeuraLint, rule on dense layers", on=False)
