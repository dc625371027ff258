"""Convolutions and no pooling.

**Taste.** Strides do as well (Springenberg et al. 2015), and networks from image to image need neither. Off by
default: good networks do it too.
"""

from collections.abc import Iterable

from archlab.lint._chains import convolutions, pools
from archlab.lint._context import Context, listed
from archlab.lint._rule import Found, Rule


def check(context: Context) -> Iterable[Found]:
    """Networks without pooling of any kind."""
    every = convolutions(context)
    global_ = any(node.op.family == "pooling" for node in context.nodes)
    if every and not pools(context) and not global_:
        names = context.names(every)
        yield Found(f"{len(every)} convolutions, the first {listed(names[:1])}, and no pooling.", names, "", len(every))


RULE = Rule("T604", "no-pooling", "info", check, __doc__, "NeuraLint, rule on pooling", on=False)
