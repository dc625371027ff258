"""A squared or absolute error is taken of a sigmoid.

**Why.** Its gradient with respect to what goes into the sigmoid is scaled by p (1 − p): at most 1/4, and nearly 0
where the network is sure and wrong. Cross-entropy has no such factor.

**Instead.** Binary cross-entropy, if the targets are probabilities or lie in [0, 1]; a linear head, if they do not.
An autoencoder of images in [0, 1] may mean it: ignore the rule there.

```python
Dense(1, activation="sigmoid")  # with loss="mse": reported
Dense(1)  # not reported
```
"""

from collections.abc import Iterable

from archlab.lint._context import Context
from archlab.lint._heads import BETWEEN, activated, is_regression
from archlab.lint._rule import Found, Rule


def check(context: Context) -> Iterable[Found]:
    """Sigmoids before a regression loss."""
    for head in context.heads:
        if head.loss is not None and head.activation in BETWEEN and is_regression(head.loss):
            name = head.node.name
            yield Found(
                f"{name}: {head.loss.name} on a {head.activation}: the gradient is scaled by p (1 − p), at most 0.25, "
                "and by 0.01 where an output of 0.99 is wrong.",
                (name,),
                "use binary_crossentropy for targets in [0, 1], else a linear head",
                0.25,
                edits=activated(head, None),
            )


RULE = Rule(
    "H105",
    "regression-loss-on-sigmoid",
    "warning",
    check,
    __doc__,
    "Goodfellow et al. 2016, 'Deep Learning', 6.2.2.2",
    fixes=True,
)
