"""Accuracy is measured beside a regression loss, or of a head that it is not for.

**Why.** Accuracy counts outputs that equal their labels. Of real numbers that are compared with a distance hardly any
does: the metric is near 0 or says nothing. One of the two, loss or metric, is not what was meant.

**Instead.** `mean_absolute_error` beside a regression loss; a cross-entropy, if it is a classification.

```python
model.compile("adam", "mse", metrics=["accuracy"])  # reported
model.compile("adam", "mse", metrics=["mae"])  # not reported
```
"""

from collections.abc import Iterable

from archlab.lint._context import Context
from archlab.lint._heads import is_regression
from archlab.lint._rule import Found, Rule

_ACCURACIES = frozenset({
    "accuracy", "acc", "binary_accuracy", "categorical_accuracy", "sparse_categorical_accuracy",
    "top_k_categorical_accuracy", "sparse_top_k_categorical_accuracy",
})  # fmt: skip
_OF_SEVERAL = frozenset({"categorical_accuracy", "top_k_categorical_accuracy"})


def check(context: Context) -> Iterable[Found]:
    """Metrics of a classification where the loss is of a regression."""
    for head in context.heads:
        wrong = [metric for metric in head.metrics if metric in _ACCURACIES]
        if head.loss is not None and wrong and is_regression(head.loss):
            message = (
                f"{wrong[0]} beside {head.loss.name}: it counts outputs that equal their targets, hardly any does."
            )
            yield Found(message, (head.node.name,), "measure mean_absolute_error, or use a cross-entropy")
        elif head.units == 1 and _OF_SEVERAL & set(head.metrics):
            metric = next(each for each in head.metrics if each in _OF_SEVERAL)
            message = f"{metric} of one unit is always 1: the largest of one is the first."
            yield Found(message, (head.node.name,), "measure binary_accuracy", 1.0)


RULE = Rule("H108", "wrong-metric", "warning", check, __doc__, "definition of accuracy")
