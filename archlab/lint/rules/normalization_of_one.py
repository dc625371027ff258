"""A normalization over a single value, which puts out a constant.

**Why.** A value minus the mean of itself is 0: what comes out is beta, whatever comes in, and no gradient passes. It
happens where layer normalization meets one channel, or group normalization groups of one channel on a map of 1 × 1.

**Instead.** No normalization there, or fewer groups.
"""

from collections.abc import Iterable

from archlab.graph import is_known, positions
from archlab.lint._context import Context
from archlab.lint._mend import Edits
from archlab.lint._rule import Found, Rule
from archlab.ops import GroupNorm, LayerNorm


def check(context: Context) -> Iterable[Found]:
    """Normalizations of one value each."""
    for node in context.nodes:
        shape = node.shape
        if isinstance(node.op, LayerNorm):
            over = shape[-1]
        elif isinstance(node.op, GroupNorm) and is_known(shape):
            over = (shape[-1] // node.op.groups) * positions(shape)
        else:
            continue
        if over == 1:
            message = f"{node.name}: it normalizes over one value, so that it puts out a constant."
            yield Found(message, (node.name,), "leave it out", 1.0, edits=Edits({node.name: None}))


RULE = Rule("A306", "normalization-of-one", "error", check, __doc__, "proof: x − mean(x) = 0 for one x", fixes=True)
