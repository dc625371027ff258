"""The output is a softmax over a single unit, which is always 1.

**Why.** A softmax divides each exponential by the sum over all units: with one unit that is eˣ / eˣ = 1, whatever the
weights. The network says the same of every image, and no weight has a gradient. This is a proof, for any loss.

**Instead.** `Dense(1, activation="sigmoid")` with binary cross-entropy; or one unit for each class and a softmax.

```python
GlobalAvgPool() >> Dense(1, activation="softmax")  # reported
GlobalAvgPool() >> Dense(1, activation="sigmoid")  # not reported
```
"""

from collections.abc import Iterable

from archlab.lint._context import Context
from archlab.lint._heads import activated
from archlab.lint._rule import Found, Rule


def check(context: Context) -> Iterable[Found]:
    """Heads that are a softmax over one unit."""
    for head in context.heads:
        if head.activation == "softmax" and head.units == 1:
            name = head.node.name
            yield Found(
                f"{name}: the softmax over one unit is always 1, so that no weight has a gradient.",
                (name,),
                "use a sigmoid, or one unit for each class",
                1.0,
                edits=activated(head, "sigmoid"),
            )


RULE = Rule("H101", "softmax-one-unit", "error", check, __doc__, "proof: eˣ / eˣ = 1", fixes=True)
