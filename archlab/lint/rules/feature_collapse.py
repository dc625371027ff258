"""Two images have nearly the same features deep in the network.

**Why.** Where the correlation c of two images' features tends to 1, the head cannot tell them apart, and the kernel
that gradient descent works with degenerates (Schoenholz et al. 2017). As grave as the forecast says; see
`vanishing-gradient`.

**Instead.** The remedy that is named was tried on this network.
"""

from collections.abc import Iterable

from archlab.lint._context import Context
from archlab.lint._rule import Found, Rule
from archlab.lint._signals import explained


def check(context: Context) -> Iterable[Found]:
    """Features that collapse, by the forecast."""
    cause = context.cause("1 − correlation")
    if cause is None or explained(context):
        return
    # Where the gradient fades as well, that is reported, and this follows from it.
    standing = "info" if context.cause("activation gradient") is not None else context.standing
    remedy = cause.remedy if standing != "info" else ""
    yield Found(cause.sentence, cause.layers, remedy, cause.value, severity=standing)


RULE = Rule(
    "S203",
    "feature-collapse",
    "error",
    check,
    __doc__,
    "Schoenholz et al. 2017, 'Deep Information Propagation'",
    of_gradients=True,
)
