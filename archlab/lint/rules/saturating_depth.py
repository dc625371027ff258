"""Sigmoids stand in depth, and the network does not train.

**Why.** A sigmoid's slope is at most 1/4. On its way back the gradient is multiplied by it in every layer, and with
Glorot's initialization nothing makes up for it: the gradient fades by about 0.5 decades a layer, and all images have
nearly the same features. A tanh has slope 1 at 0 and is spared, as are gates, which multiply a map. Reported where
two or more sigmoids stand between layers with kernels and the forecast is sure of neither SGD nor Adam, or where the
gradient fades by 1.5 decades through three or more. An error where the forecast is that neither trains.

**Instead.** ReLU and its kin between layers; a sigmoid at the head.

```python
(Dense(84) >> Activation("sigmoid")) * 10  # reported
(Dense(84) >> Activation("relu")) * 10  # not reported
(Dense(84) >> Activation("tanh")) * 17  # not reported: it trains
```
"""

from collections.abc import Iterable

from archlab.lint._context import Context
from archlab.lint._mend import Edits
from archlab.lint._rule import Found, Rule
from archlab.lint._signals import flat_sigmoids
from archlab.ops import Activation


def check(context: Context) -> Iterable[Found]:
    """Sigmoids between layers, where the forecast is that they do harm."""
    found = flat_sigmoids(context)
    if not found:
        return
    names = context.names(found)
    collapse = context.forecast.statistics or {}
    fading, alike = collapse.get("fading"), collapse.get("collapse")
    decades = fading["decades"] if isinstance(fading, dict) else 0.0
    same = alike["value"] if isinstance(alike, dict) else 0.0
    ops = {}
    for at in found:
        op = context.nodes[at].op
        ops[context.nodes[at].name] = (
            Activation("relu") if isinstance(op, Activation) else op.changed(activation="relu")
        )
    yield Found(
        f"{len(found)} sigmoids in depth, {names[0]} to {names[-1]}: the activation gradient fades by "
        f"10^{decades:.1f}, and the features of two images differ by a share of 10^{same:.1f}. "
        f"Forecast: with SGD {context.forecast.sgd.told}, with Adam {context.forecast.adam.told}.",
        names,
        "use ReLU between layers",
        decades,
        severity="error" if context.standing == "error" else "warning",
        edits=Edits(ops),
    )


RULE = Rule(
    "S206",
    "saturating-depth",
    "error",
    check,
    __doc__,
    "Glorot & Bengio 2010, section 3",
    fixes=True,
    of_gradients=True,
)
