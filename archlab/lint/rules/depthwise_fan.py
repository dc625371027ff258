"""A depthwise kernel is drawn by Glorot's or He's rule, with the fan that Keras counts for it.

**Why.** Keras counts the fan-in of a depthwise kernel as k² × channels, although each of its units reads k² values:
the weights are too small by the root of the channels. Without normalization behind it the signal fades by that
factor. An info, off by default: batch normalization nearly always follows, and takes it away again.

**Instead.** An initializer with the deviation of the real fan, √(2 / k²) for He's.
"""

from collections.abc import Iterable
from math import prod

from archlab.lint._context import Context
from archlab.lint._rule import Found, Rule
from archlab.ops import DepthwiseConv, SeparableConv
from archlab.ops._base import per_axis
from archlab.signals.moments import variance

_BY_FAN = ("glorot", "he_", "lecun")


def check(context: Context) -> Iterable[Found]:
    """Depthwise kernels and their gain."""
    found: list[tuple[float, str]] = []
    for node, facts in zip(context.nodes, context.facts, strict=True):
        op = node.op
        if isinstance(op, DepthwiseConv | SeparableConv) and str(op.initializer).startswith(_BY_FAN) and facts.weights:
            spread = variance(op.initializer, facts.weights[0].shape)
            taps = prod(per_axis("", op.kernel, len(node.shape) - 1))
            if spread is not None and taps > 1:
                found.append(((spread * taps) ** 0.5, node.name))
    if found:
        gain, name = min(found)
        yield Found(
            f"{len(found)} depthwise kernels by a fan of all channels; {name} scales what it reads by {gain:.2g}.",
            tuple(name for _, name in found),
            "draw them by the fan of one channel",
            gain,
        )


RULE = Rule("C503", "depthwise-fan", "info", check, __doc__, "Keras: compute_fans", on=False)
