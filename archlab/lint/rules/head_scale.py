"""What the head reads is too small, or too large, to be learned from.

**Why.** The step of the last layer is proportional to its features: where two images' features differ by 10⁻⁵, a
usual learning rate needs 10⁵ times as many steps; where they are 10⁵, the first step overshoots. As grave as the
forecast says; see `vanishing-gradient`.

**Instead.** The remedy that is named was tried on this network.
"""

from collections.abc import Iterable

from archlab.lint._context import Context
from archlab.lint._rule import Found, Rule
from archlab.lint._signals import explained


def check(context: Context) -> Iterable[Found]:
    """Features at the head that are out of scale, by the forecast."""
    cause = context.cause("difference of two samples", "features at the head")
    if cause is None or explained(context):
        return
    standing = context.standing
    if standing != "info" and context.cause("activation gradient", "1 − correlation") is not None:
        standing = "info"  # the other cause is reported, and this follows from it
    remedy = cause.remedy if standing != "info" else ""
    yield Found(cause.sentence, cause.layers, remedy, cause.value, severity=standing)


RULE = Rule("S205", "head-scale", "error", check, __doc__, "forecast, fitted to trained networks", of_gradients=True)
