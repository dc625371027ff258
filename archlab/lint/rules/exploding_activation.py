"""Exponentials stand in depth, and values overflow.

**Why.** The exponential of a normal number of variance v has a mean square of e^(2v). The next layer hands that on,
and the exponential of it is beyond every number of float32 after two or three layers.

**Instead.** ELU, which is an exponential where its input is negative and linear elsewhere.

```python
(Dense(5) >> Activation("exponential")) * 10  # reported
(Dense(5) >> Activation("elu")) * 10  # not reported
```
"""

from collections.abc import Iterable
from math import exp

from archlab.lint._context import Context
from archlab.lint._mend import Edits
from archlab.lint._rule import Found, Rule
from archlab.lint._signals import gain, normalized
from archlab.ops import Activation

_LARGEST = 88.0
"""The largest number whose exponential is in the range of float32."""


def check(context: Context) -> Iterable[Found]:
    """Exponentials that follow one another without normalization between."""
    heads = {head.at for head in context.heads}
    found = [
        at for at, node in enumerate(context.nodes) if node.op.output_activation == "exponential" and at not in heads
    ]
    if len(found) < 2 or any(normalized(context, at) for at in found):
        return
    names = context.names(found)
    over = _overflow(context, found)
    ops = {}
    for each in found:
        op = context.nodes[each].op
        ops[context.nodes[each].name] = (
            Activation("elu") if isinstance(op, Activation) else op.changed(activation="elu")
        )
    yield Found(
        f"{len(found)} exponentials in depth, {names[0]} to {names[-1]}: predicted is {over}.",
        names,
        "use ELU",
        edits=Edits(ops),
    )


def _overflow(context: Context, found: list[int]) -> str:
    """Where values overflow, or how large they become: mean squares layer by layer, from inputs of variance 1."""
    square = 1.0
    for at in found:
        variance = _gain_before(context, at) ** 2 * square
        if 2 * variance > _LARGEST:
            return f"beyond float32 at {context.nodes[at].name}"
        square = exp(2 * variance)
    return f"a root mean square of {square**0.5:.2g} at {context.nodes[found[-1]].name}"


def _gain_before(context: Context, at: int) -> float:
    """The gain of the kernel that an activation reads: its own layer's, or that of the layer before."""
    here = at
    while not context.facts[here].kernel and context.nodes[here].inputs:
        here = context.nodes[here].inputs[0]
    return gain(context, here) or 1.0


RULE = Rule(
    "S207",
    "exploding-activation",
    "error",
    check,
    __doc__,
    "moments of the log-normal distribution",
    fixes=True,
    of_gradients=True,
)
