"""A softmax stands where several labels may hold at once.

**Why.** The outputs of a softmax add up to 1: two labels that both hold can have a probability of 1/2 each at most.

**Instead.** A sigmoid for each label, and binary cross-entropy.
"""

from collections.abc import Iterable

from archlab.lint._context import Context
from archlab.lint._heads import activated
from archlab.lint._rule import Found, Rule


def check(context: Context) -> Iterable[Found]:
    """Softmax heads of tasks with several labels."""
    if context.task is None or context.task.kind != "labels":
        return
    for head in context.heads:
        if head.activation == "softmax":
            name = head.node.name
            message = f"{name}: a softmax adds up to 1, so that two labels which both hold reach 0.5 each at most."
            yield Found(message, (name,), "use sigmoids", 0.5, edits=activated(head, "sigmoid"))


RULE = Rule("H111", "exclusive-head-multilabel", "error", check, __doc__, "proof: a softmax adds up to 1", fixes=True)
