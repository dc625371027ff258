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
from archlab.ops import MOST_UNITS, Conv, DepthwiseConv, SeparableConv
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
        used = [used_taps(n or 0, out or 0, k, s, d) for n, out, k, s, d in spans]
        taps = prod(per_axis("", op.kernel, axes))
        idle = 1 - prod(used) / taps
        if taps > 1 and idle >= _SHARE:
            weights = sum(weight.size for weight in facts.weights or () if weight.role == "kernel")
            message = (
                f"{node.name}: {taps - prod(used)} of the {taps} taps of its kernel never fall on the map of "
                f"{'×'.join(map(str, came[:-1]))}: {format_share(idle, 0)} of {weights:,} weights never learn."
            )
            yield Found(message, (node.name,), "use a smaller kernel", idle)


def used_taps(size: int, out: int, kernel: int, stride: int, dilation: int) -> int:
    """Taps along an axis that fall on the map for some position of the window.

    Gone through are the taps or the positions, whichever are fewer; where both are many, every tap counts as used.
    """
    before = same_padding(size, kernel, stride, dilation)
    if min(kernel, out) > MOST_UNITS:
        return kernel
    if kernel <= out:
        first = (-((tap * dilation - before) // stride) for tap in range(kernel))
        last = ((size - 1 + before - tap * dilation) // stride for tap in range(kernel))
        return sum(max(low, 0) <= min(high, out - 1) for low, high in zip(first, last, strict=True))
    count, end = 0, 0
    for place in range(out - 1, -1, -1):
        start = max(-((place * stride - before) // dilation), end)
        end = max(min((size - 1 + before - place * stride) // dilation, kernel - 1) + 1, end)
        count += max(end - start, 0)
    return count


RULE = Rule("A314", "kernel-beyond-map", "warning", check, __doc__, "proof: the arithmetic of padding", partial=True)
