"""Initial weights are far too large or too small for the fan-in and the depth.

**Why.** A kernel scales the root mean square of what it reads by σ √n, for n inputs a unit and weights of deviation
σ. At 10 or more, what follows saturates from the first step. Below 1, the signal fades by so much in every layer;
reported where that comes to 10⁴ over the depth and the forecast is that the network does not train. A fixed deviation
is right for one fan-in alone. Layers that normalization follows are spared.

**Instead.** `he_normal` before ReLU, `glorot_uniform` otherwise, which take the fan-in into account.

```python
Input(784) >> Dense(30, initializer={"class_name": "RandomNormal", "config": {"stddev": 1.0}})  # reported: 28×
Input(784) >> Dense(30)  # not reported
```
"""

from collections.abc import Iterable

from archlab.lint._context import Context, listed
from archlab.lint._mend import Edits
from archlab.lint._rule import Found, Rule
from archlab.lint._signals import gain, ill_scaled


def check(context: Context) -> Iterable[Found]:
    """Kernels whose gain is out of scale."""
    found = ill_scaled(context)
    if not found:
        return
    gains = [gain(context, at) or 1.0 for at in found]
    worst = max(gains) if max(gains) > 1 else min(gains)
    names = context.names(found)
    edits = Edits({context.nodes[at].name: context.nodes[at].op.changed(initializer="he_normal") for at in found})
    if worst > 1:
        message = (
            f"{listed(names)}: initial weights scale what they read by {worst:.3g}, so that what follows saturates."
        )
    else:
        cause = context.cause("activation gradient")
        over = f"; over the depth by 10^{-cause.value:.1f}" if cause else ""
        message = f"{listed(names)}: initial weights scale what they read by {worst:.2g} a layer{over}."
    yield Found(message, names, "use he_normal before ReLU, else glorot_uniform", worst, edits=edits)


RULE = Rule(
    "S209",
    "initial-scale",
    "warning",
    check,
    __doc__,
    "He et al. 2015, section 2.2; Glorot & Bengio 2010",
    fixes=True,
    of_gradients=True,
)
