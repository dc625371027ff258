"""Strides and pooling together shrink the map faster than layers can use it.

**Why.** A strided convolution followed by strided pooling divides the map by both. Where at most 8 positions a side
are left after one or two layers that learn, the layers behind have no detail to work on: each of the image's pixels
is in one of a few positions. Reported where the input is a map of at least 16 positions a side.

**Instead.** Stride or pooling, not both; as a rule one halving a stage.

```python
Input(28, 28, 1) >> Conv(32, stride=2) >> MaxPool(4, stride=2)  # reported: 7 positions a side
Input(224, 224, 3) >> Conv(64, kernel=7, stride=2) >> MaxPool(3, stride=2)  # not reported: 56
```
"""

from collections.abc import Iterable

from archlab.lint._context import Context
from archlab.lint._rule import Found, Rule
from archlab.ops import AvgPool, Conv, DepthwiseConv, MaxPool, SeparableConv
from archlab.ops._base import per_axis

_LEFT, _FROM = 8, 16
_LAYERS = 2


def check(context: Context) -> Iterable[Found]:
    """Strided convolutions that strided pooling follows, early on."""
    if len(context.graph.inputs) != 1:
        return
    image = context.nodes[context.graph.inputs[0]].shape
    if len(image) < 2 or any(size is None or size < _FROM for size in image[:-1]):
        return
    kernels = 0
    for at, node in enumerate(context.nodes):
        kernels += context.facts[at].kernel
        if kernels > _LAYERS:
            return
        if not isinstance(node.op, MaxPool | AvgPool) or _stride(node.op, node.shape) < 2:
            continue
        source = context.before(
            at, lambda each: each.op.family in ("activation", "normalization", "regularization", "shape")
        )
        before = context.nodes[source]
        strided = isinstance(before.op, Conv | DepthwiseConv | SeparableConv) and _stride(before.op, before.shape) > 1
        sides = [size for size in node.shape[:-1] if size is not None]
        if strided and sides and max(sides) <= _LEFT:
            over = (image[0] or 0) / max(sides)
            yield Found(
                f"{before.name} and {node.name} leave {'×'.join(map(str, sides))} positions of "
                f"{'×'.join(map(str, image[:-1]))}, {over:.0f} times fewer a side, after {kernels} layers that learn.",
                (node.name, before.name),
                "use the stride or the pooling, not both",
                over,
            )
            return


def _stride(op: Conv | DepthwiseConv | SeparableConv | MaxPool | AvgPool, shape: tuple[int | None, ...]) -> int:
    stride = op.size if isinstance(op, MaxPool | AvgPool) and op.stride is None else op.stride
    return max(per_axis("stride", stride or 1, len(shape) - 1))


RULE = Rule(
    "A318", "early-downsampling", "warning", check, __doc__, "Szegedy et al. 2016, section 2, principle 1", partial=True
)
