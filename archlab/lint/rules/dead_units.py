"""All units of a narrow ReLU layer are likely to be zero at once.

**Why.** At initialization each unit is negative for a given image with probability 1/2, so that all n units of a
layer are zero with probability 2⁻ⁿ: behind it the output does not depend on the image, and no gradient comes back.
Over the layers of a chain these add up to 1 − ∏ (1 − 2⁻ⁿ) (Lu et al. 2019). Reported from 25 % on, for chains of at
least four such layers without a way past them and without normalization.

**Instead.** Wider layers; ELU or leaky ReLU; residual connections.

```python
(Dense(5, activation="relu")) * 16 >> Dense(1)  # reported: 40 %
(Dense(64, activation="relu")) * 16 >> Dense(1)  # not reported
```
"""

from collections.abc import Iterable
from math import prod

from archlab.analysis.trainability._statistics import unavoidable
from archlab.lint._context import Context
from archlab.lint._mend import Edits
from archlab.lint._rule import Found, Rule
from archlab.ops import Activation, LeakyReLU, ReLU
from archlab.units import format_share

_SHARE = 0.25
_CHAIN = 4


def check(context: Context) -> Iterable[Found]:
    """Chains of narrow ReLU layers."""
    heads = {head.at for head in context.heads}
    if any(node.op.normalizes for node in context.nodes):
        return
    narrow: list[int] = []
    for at in unavoidable(context.graph):
        node = context.nodes[at]
        # On a map the positions differ: one of them is nearly always active.
        if node.op.rectifies and len(node.shape) == 1 and node.shape[0] and at not in heads:
            narrow.append(at)
    lives = prod(1 - 0.5 ** (context.nodes[at].shape[0] or 1) for at in narrow)
    if len(narrow) < _CHAIN or 1 - lives < _SHARE:
        return
    names = context.names(narrow)
    ops = {}
    for at in narrow:
        op = context.nodes[at].op
        leaky = isinstance(op, ReLU | Activation)
        ops[context.nodes[at].name] = LeakyReLU() if leaky else op.changed(activation="leaky_relu")
    widths = sorted({context.nodes[at].shape[0] or 0 for at in narrow})
    said = f"{widths[0]}" if len(widths) == 1 else f"{widths[0]} to {widths[-1]}"
    yield Found(
        f"{len(narrow)} ReLU layers of {said} units, {names[0]} to {names[-1]}: for any one image all units of some "
        f"layer are zero with probability {format_share(1 - lives, 0)}, and no gradient comes back.",
        names,
        "make them wider, or use leaky ReLU or ELU",
        1 - lives,
        edits=Edits(ops),
    )


RULE = Rule(
    "S204",
    "dead-units",
    "warning",
    check,
    __doc__,
    "Lu et al. 2019, 'Dying ReLU and Initialization', theorem 1",
    fixes=True,
    of_gradients=True,
)
