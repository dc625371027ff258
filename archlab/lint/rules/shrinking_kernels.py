"""Later kernels are smaller than earlier ones.

**Taste.** Some advise kernels that grow, as maps become smaller; AlexNet and ResNet begin with their largest. Off by
default: good networks do it too.
"""

from collections.abc import Iterable
from itertools import pairwise

from archlab.lint._chains import convolutions, side
from archlab.lint._context import Context, listed
from archlab.lint._rule import Found, Rule


def check(context: Context) -> Iterable[Found]:
    """Convolutions whose kernel is smaller than the one before."""
    every = convolutions(context)
    pairs = pairwise(every)
    found = [at for before, at in pairs if side(context, at) < side(context, before)]
    if found:
        names = context.names(found)
        yield Found(f"{listed(names)}: a smaller kernel than the convolution before.", names, "", len(found))


RULE = Rule("T601", "shrinking-kernels", "info", check, __doc__, "NeuraLint, rule on kernels", on=False)
