"""A bias stands right before batch normalization, which subtracts it again.

**Why.** Batch normalization subtracts each channel's mean, and with it any constant that was added before. In
training the bias has a gradient of exactly zero; it takes memory, an addition for each element and optimizer slots.
Pooling and flattening between the two hand a constant on, and change nothing. Frozen layers are spared.

**Instead.** `bias=False` (Keras: `use_bias=False`); beta of the normalization takes its place.

```python
Conv(64, bias=True) >> BatchNorm()  # reported
Conv(64, bias=False) >> BatchNorm()  # not reported
```
"""

from collections.abc import Iterable

from archlab.graph import Node, elements
from archlab.lint._context import Context, listed
from archlab.lint._mend import Edits
from archlab.lint._rule import Found, Rule
from archlab.ops import (
    AvgPool,
    Conv,
    ConvTranspose,
    Dense,
    DepthwiseConv,
    Flatten,
    GlobalAvgPool,
    GlobalMaxPool,
    MaxPool,
    SeparableConv,
)
from archlab.units import BYTES_PER_ELEMENT, format_bytes, format_count

_BIASED = (Conv, ConvTranspose, Dense, DepthwiseConv, SeparableConv)
_HANDED_ON = (MaxPool, AvgPool, GlobalAvgPool, GlobalMaxPool, Flatten)


def check(context: Context) -> Iterable[Found]:
    """Layers with a bias that every way from subtracts."""
    found: list[int] = []
    for at, node in enumerate(context.nodes):
        if not isinstance(node.op, _BIASED) or not node.op.bias or node.op.nonlinear:
            continue
        # A bias that is frozen belongs to weights as they are: batch normalization is at inference there.
        if not any(weight.role == "bias" and weight.trainable for weight in context.facts[at].weights or ()):
            continue
        ends = list(context.ahead(at, _hands_on))
        if ends and all(end >= 0 and context.nodes[end].op.cancels_bias for end in ends):
            found.append(at)
    if not found:
        return
    biases = [weight for at in found for weight in context.facts[at].weights or () if weight.role == "bias"]
    size = sum(weight.size * BYTES_PER_ELEMENT.get(weight.dtype, 4) for weight in biases)
    flops = sum(elements(context.nodes[at].shape) for at in found if context.facts[at].sized)
    names = context.names(found)
    yield Found(
        f"{listed(names)}: batch normalization subtracts {'its bias' if len(found) == 1 else f'{len(found)} biases'} "
        f"again: {format_bytes(size)} of weights and {format_count(flops)} FLOPs for nothing.",
        names,
        "use bias=False (Keras: use_bias=False)",
        size,
        edits=Edits({context.nodes[at].name: context.nodes[at].op.changed(bias=False) for at in found}),
    )


def _hands_on(node: Node) -> bool:
    return isinstance(node.op, _HANDED_ON)


RULE = Rule("A302", "bias-before-batchnorm", "warning", check, __doc__, "Ioffe & Szegedy 2015, section 3.2", fixes=True)
