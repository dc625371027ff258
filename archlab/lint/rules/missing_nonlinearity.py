"""Two layers that learn have nothing nonlinear between them, on any way from one to the other.

**Why.** Two linear layers are one: their product is a kernel that one layer could have, and the parameters of both
say no more than it does. Max pooling is passed over, for it keeps values as they are; it is named where it stands
between.

Linear layers that make the network smaller are spared: a bottleneck of fewer channels than come in and go out (the
projections of MobileNetV2, factorized kernels), depthwise and grouped convolutions, transposed ones, and layers whose
output is merged with another.

**Instead.** An activation after the first layer; or one layer in place of the two.

```python
Dense(120) >> Dense(10)  # reported
Dense(120, activation="relu") >> Dense(10)  # not reported
```
"""

from collections.abc import Iterable
from math import prod

from archlab.graph import Node, is_known
from archlab.lint._context import SAME_NUMBERS, Context
from archlab.lint._mend import Edits
from archlab.lint._rule import Found, Rule
from archlab.ops import (
    AvgPool,
    BatchNorm,
    Conv,
    Crop,
    Dense,
    Flatten,
    GlobalAvgPool,
    MaxPool,
    SeparableConv,
    Upsample,
    ZeroPad,
)
from archlab.ops._base import per_axis
from archlab.units import format_count

_LEARNS = (Dense, Conv, SeparableConv)
_PASSED = (*SAME_NUMBERS, BatchNorm, MaxPool, AvgPool, GlobalAvgPool, ZeroPad, Crop, Upsample)


def check(context: Context) -> Iterable[Found]:
    """Linear layers that only linear layers read."""
    pairs: list[tuple[int, int]] = []
    pooled = False
    for at, node in enumerate(context.nodes):
        if not isinstance(node.op, _LEARNS) or node.op.nonlinear or getattr(node.op, "groups", 1) > 1:
            continue
        ends = list(context.ahead(at, _linear))
        if not ends or any(end < 0 or not _reads(context, at, end) for end in ends):
            continue
        pairs.append((at, ends[0]))
        pooled = pooled or any(_pools(context, at, end) for end in ends)
    if not pairs:
        return
    first, names = pairs[0], context.names([at for at, _ in pairs])
    params = sum(weight.size for at, _ in pairs for weight in context.facts[at].weights or ())
    between = "only max pooling" if pooled else "nothing nonlinear"
    more = f", and {len(pairs) - 1} more" if len(pairs) > 1 else ""
    yield Found(
        f"{between} stands between {context.nodes[first[0]].name} and {context.nodes[first[1]].name}{more}: "
        f"{format_count(params)} parameters of linear layers that the next layer could hold.",
        names,
        "put an activation after it, or leave it out",
        params,
        edits=Edits({context.nodes[at].name: context.nodes[at].op.changed(activation="relu") for at, _ in pairs
                     if not _normalizes_next(context, at)}),
    )  # fmt: skip


def _linear(node: Node) -> bool:
    return len(node.inputs) == 1 and isinstance(node.op, _PASSED)


def _reads(context: Context, at: int, end: int) -> bool:
    """Whether the layer that reads makes the first one superfluous: it learns, and no bottleneck stands between."""
    node, reader = context.nodes[at], context.nodes[end]
    if not isinstance(reader.op, _LEARNS) or getattr(reader.op, "groups", 1) > 1 or not is_known(node.shape):
        return False
    came = context.facts[at].inputs[0]
    if not is_known(came) or not is_known(reader.shape) or _factorized(node, reader):
        return False
    # Where a map is flattened the reader tells its positions apart.
    flat = len(reader.shape) == 1 and any(isinstance(context.nodes[here].op, Flatten) for here in range(at, end))
    carried, taken = (prod(node.shape), prod(came)) if flat else (node.shape[-1], came[-1])
    # A pointwise projection to as many channels as it reads is a bottleneck too, of a block that does not narrow.
    pointwise = isinstance(node.op, Conv) and prod(per_axis("", node.op.kernel, len(node.shape) - 1)) == 1
    wide = carried > taken if pointwise else carried >= taken
    return wide or carried >= reader.shape[-1]


def _factorized(node: Node, reader: Node) -> bool:
    """Whether two kernels are the parts of one, along different axes: 1 × k and k × 1."""
    if not isinstance(node.op, Conv) or not isinstance(reader.op, Conv):
        return False
    axes = len(node.shape) - 1
    pairs = list(zip(per_axis("", node.op.kernel, axes), per_axis("", reader.op.kernel, axes), strict=True))
    return all(1 in pair for pair in pairs) and any(one > 1 for one, _ in pairs) and any(two > 1 for _, two in pairs)


def _pools(context: Context, at: int, end: int) -> bool:
    return any(isinstance(context.nodes[here].op, MaxPool) for here in range(at + 1, end))


def _normalizes_next(context: Context, at: int) -> bool:
    """Whether batch normalization follows: an activation belongs behind that."""
    return any(context.nodes[reader].op.normalizes for reader in context.readers(at))


RULE = Rule(
    "A301", "missing-nonlinearity", "warning", check, __doc__, "proof: a product of matrices is a matrix", fixes=True
)
