"""A deep network with average pooling and no max pooling.

**Taste.** Max pooling keeps the strongest response, average pooling the mean; DenseNet and LeNet use the latter. Off
by default: good networks do it too.
"""

from collections.abc import Iterable

from archlab.lint._chains import convolutions, pools
from archlab.lint._context import Context, listed
from archlab.lint._rule import Found, Rule


def check(context: Context) -> Iterable[Found]:
    """Deep networks whose pooling is all average pooling."""
    found = [at for at in pools(context) if context.nodes[at].op.label == "avg_pool"]
    if len(convolutions(context)) >= 8 and found and len(found) == len(pools(context)):
        names = context.names(found)
        yield Found(f"{listed(names)}: average pooling only.", names, "", len(found))


RULE = Rule("T605", "average-pooling-only", "info", check, __doc__, "NeuraLint, rule on pooling", on=False)
