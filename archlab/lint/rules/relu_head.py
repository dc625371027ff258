"""A regression ends in a ReLU.

**Why.** A ReLU puts out no negative value, and where its input is negative its gradient is exactly 0. At
initialization that is so for half of the outputs; a head that is negative for all images never learns.

**Instead.** A linear head; a softplus where targets are positive.

```python
Dense(1, activation="relu")  # with loss="mse": reported
Dense(1)  # not reported
```
"""

from collections.abc import Iterable

from archlab.lint._context import Context
from archlab.lint._heads import activated, is_regression
from archlab.lint._rule import Found, Rule


def check(context: Context) -> Iterable[Found]:
    """Heads that are cut off at 0, before a regression loss."""
    for head in context.heads:
        if head.loss is not None and head.node.op.rectifies and is_regression(head.loss):
            name = head.node.name
            yield Found(
                f"{name}: {head.loss.name} on a {head.activation}: it reaches no negative target, and half of the "
                "outputs have a gradient of 0 at initialization.",
                (name,),
                "use a linear head, or softplus for positive targets",
                0.5,
                edits=activated(head, None),
            )


RULE = Rule(
    "H107", "relu-head-regression", "error", check, __doc__, "proof: the derivative of max(x, 0) below 0", fixes=True
)
