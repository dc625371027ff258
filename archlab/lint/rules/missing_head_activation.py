"""The loss takes probabilities and the head puts out any number.

**Why.** Keras clips what it takes for a probability to [10⁻⁷, 1 − 10⁻⁷]. A linear unit is below 0 for about half of
the images at initialization: there the loss is constant, and its gradient exactly zero.

**Instead.** An activation that makes probabilities, `sigmoid` for binary cross-entropy and `softmax` for categorical;
or a loss that takes logits, `from_logits=True`, which is more exact.

```python
Dense(10)  # with loss="categorical_crossentropy": reported
Dense(10, activation="softmax")  # not reported
```
"""

from collections.abc import Iterable

from archlab.lint._context import Context
from archlab.lint._heads import activated, fitting, takes_probabilities
from archlab.lint._rule import Found, Rule


def check(context: Context) -> Iterable[Found]:
    """Linear heads before a loss of probabilities."""
    for head in context.heads:
        if head.loss is None or head.activation != "" or not takes_probabilities(head.loss):
            continue
        name, suits = head.node.name, fitting(head.loss, head.units)
        yield Found(
            f"{name}: {head.loss.name} takes probabilities and the head is linear: where an output is negative, about "
            "half of them at initialization, the gradient is 0.",
            (name,),
            f"end in a {suits}, or give the loss from_logits=True",
            0.5,
            edits=activated(head, suits),
        )


RULE = Rule(
    "H102",
    "missing-head-activation",
    "error",
    check,
    __doc__,
    "Keras: losses clip probabilities to [ε, 1 − ε]",
    fixes=True,
)
