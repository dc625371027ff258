"""Most of a kernel lies on padding, for every position of the map.

**Why.** With 'same' padding a kernel may be larger than its map. A weight whose tap never falls on the map multiplies
zeros only: its gradient is exactly zero. Reported where at least half of a kernel's taps are such.

**Instead.** A smaller kernel, or a larger map.

```python
Input(5, 5, 32) >> Conv(64, kernel=12, stride=6)  # reported
Input(28, 28, 32) >> Conv(64, kernel=5)  # not reported
```
"""

from collections.abc import Iterable
from math import prod

from archlab.lint._context import Context
from archlab.lint._rule import Found, Rule
from archlab.ops import Conv, DepthwiseConv, SeparableConv
from archlab.ops._base import per_axis
from archlab.ops._window import same_padding
from archlab.units import format_share

_SHARE = 0.5


def check(context: Context) -> Iterable[Found]:
    """Kernels with taps that never see the map."""
    for node, facts in zip(context.nodes, context.facts, strict=True):
        op = node.op
        if not isinstance(op, Conv | DepthwiseConv | SeparableConv) or op.padding != "same" or not facts.sized:
            continue
        came = facts.inputs[0]
        axes = len(came) - 1
        spans = zip(came, node.shape, *(per_axis("", each, axes) for each in (op.kernel, op.stride, op.dilation)),
                    strict=False)  # fmt: skip
        used = [_used(n or 0, out or 0, k, s, d) for n, out, k, s, d in spans]
        taps = prod(per_axis("", op.kernel, axes))
        idle = 1 - prod(used) / taps
        if taps > 1 and idle >= _SHARE:
            weights = sum(weight.size for weight in facts.weights or () if weight.role == "kernel")
            message = (
                f"{node.name}: {taps - prod(used)} of the {taps} taps of its kernel never fall on the map of "
                f"{'×'.join(map(str, came[:-1]))}: {format_share(idle, 0)} of {weights:,} weights never learn."
            )
            yield Found(message, (node.name,), "use a smaller kernel", idle)


def _used(size: int, out: int, kernel: int, stride: int, dilation: int) -> int:
    """Taps along an axis that fall on the map for some position of the window."""
    before = same_padding(size, kernel, stride, dilation)
    return sum(
        any(0 <= place * stride + tap * dilation - before < size for place in range(out)) for tap in range(kernel)
    )


RULE = Rule("A314", "kernel-beyond-map", "warning", check, __doc__, "proof: the arithmetic of padding", partial=True)
