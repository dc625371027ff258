"""A dense head stands on a feature map, so that the network puts out a map of predictions.

**Why.** `Dense` works on the last axis alone. Without `Flatten` or global pooling before it the output has one
prediction for each position, which labels of whole images do not fit: Keras stops at the first step, or worse,
stretches the label over all positions.

Reported where the map that the head reads is smaller than the input (so that it labels neither images nor pixels),
where no layer before the head looks at more than one position, or where the task is one label an image.

**Instead.** `GlobalAvgPool()` or `Flatten()` before the head; for a label at each position, a map of the input's
size.

```python
Input(30, 1) >> Conv(64, padding="valid", activation="relu") >> Dense(1)  # reported
Input(30, 1) >> Conv(64, padding="valid", activation="relu") >> GlobalAvgPool() >> Dense(1)  # not reported
```
"""

from collections.abc import Iterable
from math import prod

from archlab.graph import is_known
from archlab.lint._context import Context
from archlab.lint._mend import Edits
from archlab.lint._rule import Found, Rule
from archlab.ops import Dense, GlobalAvgPool, Pointwise


def check(context: Context) -> Iterable[Found]:
    """Dense heads that read a map."""
    for head in context.heads:
        op = head.node.op
        at = head.at if isinstance(op, Dense) else _dense_before(context, head.at)
        if at is None or len(context.nodes[at].shape) < 2 or len(context.graph.inputs) != 1:
            continue
        came, image = context.nodes[context.nodes[at].inputs[0]].shape, context.nodes[context.graph.inputs[0]].shape
        if not is_known(came) or not is_known(image) or prod(came[:-1]) == 1:
            continue
        shrunk = len(came) == len(image) and prod(came[:-1]) < prod(image[:-1])
        looks = any(
            facts.inputs and not isinstance(facts.window, Pointwise) and node.op.family != "preprocessing"
            for node, facts in zip(context.nodes[:at], context.facts[:at], strict=True)
        )
        labels = context.task is not None and context.task.kind != "regression"
        if not (shrunk or labels or (not looks and len(came) == len(image))):
            continue
        name, source = context.nodes[at].name, context.nodes[context.nodes[at].inputs[0]].name
        places = prod(came[:-1])
        found = Edits(after={source: GlobalAvgPool()}) if looks else None
        yield Found(
            f"{name}: a dense head on a map of {'×'.join(map(str, came[:-1]))} positions puts out {places} predictions "
            "an image.",
            (name,),
            "put GlobalAvgPool or Flatten before it",
            places,
            edits=found,
        )


def _dense_before(context: Context, at: int) -> int | None:
    """The dense layer straight before a head that is an activation."""
    node = context.nodes[at]
    if node.op.family == "activation" and node.inputs and isinstance(context.nodes[node.inputs[0]].op, Dense):
        return node.inputs[0]
    return None


RULE = Rule(
    "H113", "dense-head-on-map", "error", check, __doc__, "Keras: Dense works on the last axis alone", fixes=True
)
