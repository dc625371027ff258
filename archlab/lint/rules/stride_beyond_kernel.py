"""A stride larger than the kernel: some positions are read by nothing.

**Why.** Between two steps of the window lie positions that it skips: work of the layers before that is thrown away. 1
× 1 projections of shortcuts, which take every second position on purpose, are spared.

**Instead.** A kernel at least as large as the stride; pooling in place of the stride.

```python
Conv(64, kernel=2, stride=3)  # reported
Conv(64, kernel=3, stride=3)  # not reported
```
"""

from collections.abc import Iterable
from math import prod

from archlab.lint._context import Context
from archlab.lint._rule import Found, Rule
from archlab.ops import AvgPool, Conv, DepthwiseConv, MaxPool, SeparableConv
from archlab.ops._base import per_axis
from archlab.units import format_share


def check(context: Context) -> Iterable[Found]:
    """Windows that skip positions."""
    for node in context.nodes:
        op, axes = node.op, len(node.shape) - 1
        if isinstance(op, MaxPool | AvgPool):
            kernel, stride = op.size, op.size if op.stride is None else op.stride
        elif isinstance(op, Conv | DepthwiseConv | SeparableConv):
            kernel, stride = op.kernel, op.stride
        else:
            continue
        kernels, strides = per_axis("kernel", kernel, axes), per_axis("stride", stride, axes)
        if prod(kernels) == 1 or not any(k < s for k, s in zip(kernels, strides, strict=True)):
            continue
        skipped = 1 - prod(min(1.0, k / s) for k, s in zip(kernels, strides, strict=True))
        message = (
            f"{node.name}: a stride of {strides[0]} with a kernel of {kernels[0]} skips "
            f"{format_share(skipped, 0)} of the positions."
        )
        yield Found(message, (node.name,), "use a kernel at least as large as the stride", skipped)


RULE = Rule("A309", "stride-beyond-kernel", "warning", check, __doc__, "proof: positions between two windows")
