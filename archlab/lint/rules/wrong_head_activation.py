"""The head's activation is not the one that its loss is made for.

**Why.** A cross-entropy or an overlap (Dice) takes probabilities. Of a ReLU about half of the values are 0 at
initialization, a tanh is negative: clipped to [10⁻⁷, 1 − 10⁻⁷] these have no gradient. Sigmoids before a categorical
cross-entropy do not compete: Keras divides them by their sum, so that a network may raise all classes at once.

**Instead.** `sigmoid` for binary losses, `softmax` for categorical ones.

```python
Dense(10, activation="relu")  # with loss="categorical_crossentropy": reported
Dense(10, activation="softmax")  # not reported
```
"""

from collections.abc import Iterable

from archlab.lint._context import Context
from archlab.lint._heads import BETWEEN, activated, fitting, takes_probabilities
from archlab.lint._rule import Found, Rule
from archlab.losses import SOFTMAX_LOSSES


def check(context: Context) -> Iterable[Found]:
    """Heads whose activation does not suit a loss of probabilities."""
    for head in context.heads:
        loss = head.loss
        if loss is None or not head.activation or not takes_probabilities(loss) or head.activation == "softmax":
            continue  # a softmax that does not suit is another rule's
        between = head.activation in BETWEEN
        if between and (loss.kind not in SOFTMAX_LOSSES or head.units == 1):
            continue
        name, suits = head.node.name, fitting(loss, head.units)
        if between:
            message = (
                f"{name}: {loss.name} is of one distribution over the {head.units} classes, and the {head.activation} "
                "of each is taken on its own."
            )
        else:
            none = "is 0 for about half of the outputs" if head.node.op.rectifies else "puts out other values"
            message = (
                f"{name}: {loss.name} takes probabilities, and a {head.activation} {none}: the gradient is 0 there."
            )
        yield Found(
            message,
            (name,),
            f"end in a {suits}",
            severity="warning" if between else None,
            edits=activated(head, suits),
        )


RULE = Rule(
    "H103",
    "wrong-head-activation",
    "error",
    check,
    __doc__,
    "Keras: losses clip probabilities to [ε, 1 − ε]",
    fixes=True,
)
