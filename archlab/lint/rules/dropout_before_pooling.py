"""Dropout stands before max pooling.

**Taste.** The largest of a window survives with probability 1 − p, else the second largest takes its place: max
pooling undoes much of the dropout before it (Wu & Gu 2015, 'Towards Dropout Training for CNNs'). Off by default: it
is a regularizer all the same.
"""

from collections.abc import Iterable

from archlab.graph import Node
from archlab.lint._context import DROPOUTS, Context, listed
from archlab.lint._rule import Found, Rule
from archlab.ops import MaxPool


def check(context: Context) -> Iterable[Found]:
    """Dropouts that only activations separate from max pooling."""
    found = [
        at for at, node in enumerate(context.nodes)
        if isinstance(node.op, DROPOUTS) and node.op.rate and any(
            end >= 0 and isinstance(context.nodes[end].op, MaxPool) for end in context.ahead(at, _passes)
        )
    ]  # fmt: skip
    if found:
        names = context.names(found)
        yield Found(
            f"{listed(names)}: max pooling undoes much of it.", names, "put dropout behind the pooling", len(found)
        )


def _passes(node: Node) -> bool:
    return len(node.inputs) == 1 and node.op.family in ("activation", "normalization")


RULE = Rule("T608", "dropout-before-pooling", "info", check, __doc__, "Wu & Gu 2015, section 3", on=False)
