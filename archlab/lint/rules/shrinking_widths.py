"""Later convolutions have fewer filters than earlier ones.

**Taste.** Maps become smaller and usually get more channels; decoders and bottlenecks narrow by design. Off by
default: good networks do it too.
"""

from collections.abc import Iterable
from itertools import pairwise

from archlab.lint._chains import convolutions, width
from archlab.lint._context import Context, listed
from archlab.lint._rule import Found, Rule


def check(context: Context) -> Iterable[Found]:
    """Convolutions with fewer filters than the one before."""
    every = convolutions(context)
    pairs = pairwise(every)
    found = [at for before, at in pairs if width(context, at) < width(context, before)]
    if found:
        names = context.names(found)
        yield Found(f"{listed(names)}: fewer filters than the convolution before.", names, "", len(found))


RULE = Rule("T602", "shrinking-widths", "info", check, __doc__, "NeuraLint, rule on filters", on=False)
