"""Inputs are not scaled for the weights that read them.

**Why.** Initializers assume inputs of mean 0 and variance 1. Inputs of 0 to 255 make the first layer's output, and
all that follows without normalization, a hundred times too large, and the loss as much steeper in the first weights
than in the others. Judged where the range is known: `--input-range 0:255`. Networks that rescale, or normalize after
the first layer, are spared.

**Instead.** `Rescaling(1 / 255)` or `Normalization` behind the input.
"""

from collections.abc import Iterable
from math import hypot

from archlab.lint._context import Context
from archlab.lint._mend import Edits
from archlab.lint._rule import Found, Rule
from archlab.lint._signals import normalized
from archlab.ops import Rescaling

_LARGE, _SMALL = 3.0, 0.05


def check(context: Context) -> Iterable[Found]:
    """First kernels that read what is far from mean 0 and variance 1."""
    if context.pixels is None:
        return
    mean, deviation = context.pixels
    for at, facts in enumerate(context.facts):
        if not facts.kernel or not context.nodes[at].inputs or normalized(context, at):
            continue
        source = context.nodes[at].inputs[0]
        behind = _behind_input(context, source)
        if behind is None:
            continue
        # The square of what comes in: its mean's, and its variance.
        size = hypot(mean, deviation)
        if size > _LARGE or size < _SMALL:
            name = context.nodes[behind].name
            yield Found(
                f"{context.nodes[at].name} reads inputs of root mean square {size:.3g}, where 1 is assumed.",
                (context.nodes[at].name,),
                f"put Rescaling({1 / deviation:.3g}, {-mean / deviation:.3g}) behind the input",
                size,
                edits=Edits(after={name: Rescaling(1 / deviation, -mean / deviation)}),
            )
        return


def _behind_input(context: Context, at: int) -> int | None:
    """The input that a layer is, or reads through layers that learn nothing; None where layers learn before it."""
    while context.nodes[at].inputs:
        if context.facts[at].trainable or context.nodes[at].op.normalizes or context.nodes[at].op.rescales_input:
            return None
        at = context.nodes[at].inputs[0]
    return at


RULE = Rule(
    "S210",
    "input-scale",
    "warning",
    check,
    __doc__,
    "LeCun et al. 1998, 'Efficient BackProp', section 4.3",
    fixes=True,
    of_gradients=True,
)
