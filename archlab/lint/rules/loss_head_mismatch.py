"""The loss does not suit a head of this form.

**Why.** Each of these trains something else than it says:

- a categorical cross-entropy on one unit: the only class has probability 1 or is compared with nothing;
- a binary cross-entropy on a softmax: each class counts as a question of its own, although the softmax has tied them:
  the gradient of the right class is joined by one for each wrong class, which asks for the same once more;
- a squared or absolute error on a softmax: where it is sure and wrong, the gradient vanishes with p (1 − p).

**Instead.** Categorical cross-entropy on a softmax of at least two units, binary cross-entropy on sigmoids.

```python
Dense(2, activation="softmax")  # with loss="binary_crossentropy": reported
Dense(1, activation="sigmoid")  # not reported
```
"""

from collections.abc import Iterable

from archlab.lint._context import Context
from archlab.lint._heads import is_regression
from archlab.lint._rule import Found, Rule
from archlab.losses import SIGMOID_LOSSES, SOFTMAX_LOSSES


def check(context: Context) -> Iterable[Found]:
    """Heads of a form that their loss is not made for."""
    for head in context.heads:
        loss, name, units = head.loss, head.node.name, head.units or 0
        if loss is None or head.activation is None:
            continue
        if loss.kind in SOFTMAX_LOSSES and units == 1:
            message = f"{name}: {loss.name} is of a distribution over classes, and the head has one unit."
            yield Found(message, (name,), "use binary_crossentropy, or one unit for each class", 1)
        elif head.activation == "softmax" and units > 1 and loss.kind in SIGMOID_LOSSES:
            message = f"{name}: {loss.name} takes the {units} classes of a softmax for {units} questions of their own."
            yield Found(message, (name,), "use categorical_crossentropy, or sigmoids", units)
        elif head.activation == "softmax" and units > 1 and is_regression(loss):
            share = (units - 1) / units**2
            message = (
                f"{name}: {loss.name} on a softmax: its gradient is scaled by p (1 − p), {share:.2g} at initialization "
                "and less wherever the network is sure, right or wrong."
            )
            yield Found(message, (name,), "use categorical_crossentropy", share)


RULE = Rule("H104", "loss-head-mismatch", "error", check, __doc__, "Goodfellow et al. 2016, 'Deep Learning', 6.2.2")
