"""The loss takes logits and is given probabilities.

**Why.** With `from_logits=True` the loss applies the softmax or sigmoid itself. Of probabilities in [0, 1] a second
softmax makes at most e / (e + n − 1) for the right class of n: the loss cannot fall below the logarithm of that.

**Instead.** A linear head, or `from_logits=False`.
"""

from collections.abc import Iterable
from math import e, log

from archlab.lint._context import Context
from archlab.lint._heads import BETWEEN, activated
from archlab.lint._rule import Found, Rule


def check(context: Context) -> Iterable[Found]:
    """Heads that make probabilities for a loss that takes logits."""
    for head in context.heads:
        if head.loss is None or not head.loss.from_logits or head.activation not in ("softmax", *BETWEEN):
            continue
        name, units = head.node.name, head.units or 2
        # The best that can be said of a class: 1 and 0 in place of two logits far apart.
        floor = log(1 + (units - 1) / e) if head.activation == "softmax" else log(1 + 1 / e)
        yield Found(
            f"{name}: {head.loss.name} takes logits and is given a {head.activation}: a perfect network still has a "
            f"loss of at least {floor:.2f}.",
            (name,),
            "leave the activation out, or give the loss from_logits=False",
            floor,
            edits=activated(head, None),
        )


RULE = Rule(
    "H106", "softmax-into-logits-loss", "error", check, __doc__, "proof: softmax of values in [0, 1]", fixes=True
)
