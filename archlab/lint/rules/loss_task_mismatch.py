"""The loss measures something else than the task asks.

**Why.** A cross-entropy compares probabilities of classes, a squared error real numbers. The one trained in place of
the other has its minimum elsewhere: a squared error weighs a sure mistake by at most 1, a cross-entropy without
bound.

**Instead.** `binary_crossentropy` for two classes or for labels that may hold together, `categorical_crossentropy`
for classes that exclude one another, `mean_squared_error` for real numbers. Give the task with `--task`.
"""

from collections.abc import Iterable

from archlab.lint._context import Context
from archlab.lint._heads import BETWEEN, is_regression, takes_probabilities
from archlab.lint._rule import Found, Rule
from archlab.losses import SIGMOID_LOSSES, SOFTMAX_LOSSES

_SUITS = {
    "binary": "binary_crossentropy",
    "classes": "categorical_crossentropy",
    "labels": "binary_crossentropy",
    "regression": "mean_squared_error",
}


def check(context: Context) -> Iterable[Found]:
    """Losses of another task than the one that is given."""
    task = context.task
    if task is None:
        return
    for head in context.heads:
        loss = head.loss
        if loss is None:
            continue
        probabilities = takes_probabilities(loss) or (loss.from_logits and loss.kind in SIGMOID_LOSSES | SOFTMAX_LOSSES)
        # Sigmoids with a binary cross-entropy tell classes apart as well, one against all others.
        apart = head.activation in BETWEEN or loss.from_logits
        if task.kind == "regression":
            wrong = probabilities
        elif is_regression(loss):
            wrong = True
        elif task.kind == "labels":
            wrong = loss.kind in SOFTMAX_LOSSES
        else:
            wrong = task.kind == "classes" and (task.count or 0) > 2 and loss.kind in SIGMOID_LOSSES and not apart
        if wrong:
            message = f"{loss.name} for {task.words}: it measures something else."
            yield Found(message, (head.node.name,), f"use {_SUITS[task.kind]}")


RULE = Rule("H110", "loss-task-mismatch", "error", check, __doc__, "Goodfellow et al. 2016, 'Deep Learning', 6.2.2")
