"""The head cannot reach the targets of the regression.

**Why.** A sigmoid or a softmax ends at 0 and 1, a tanh at −1 and 1, a ReLU at 0: targets outside have an error that
no weight removes.

**Instead.** A linear head, or targets scaled into the range. Give their range: `--task regression:0:100`.
"""

from collections.abc import Iterable
from math import inf

from archlab.lint._context import Context
from archlab.lint._heads import activated
from archlab.lint._rule import Found, Rule

_RANGES = {
    **dict.fromkeys(("sigmoid", "hard_sigmoid", "softmax"), (0.0, 1.0)),
    **dict.fromkeys(("tanh", "softsign"), (-1.0, 1.0)),
    **dict.fromkeys(("relu", "softplus", "exponential"), (0.0, inf)),
    "relu6": (0.0, 6.0),
}


def check(context: Context) -> Iterable[Found]:
    """Heads whose range does not hold that of the targets."""
    task = context.task
    if task is None or task.low is None or task.high is None:
        return
    for head in context.heads:
        low, high = _RANGES.get(head.activation or "", (-inf, inf))
        lacks = max(low - task.low, task.high - high, 0.0)
        if lacks:
            name = head.node.name
            message = (
                f"{name}: a {head.activation} reaches {low:g} to {high:g}, and targets {task.low:g} to {task.high:g}: "
                f"an error of up to {lacks:g} remains."
            )
            yield Found(message, (name,), "use a linear head", lacks, edits=activated(head, None))


RULE = Rule("H112", "bounded-head", "error", check, __doc__, "proof: the range of the activation", fixes=True)
