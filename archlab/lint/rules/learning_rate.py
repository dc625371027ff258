"""The learning rate is beyond what its optimizer bears.

**Why.** Adam moves every weight by about the learning rate in each step: at 0.03 a weight of a layer with 1,000
inputs, which begins near ±0.03, is another one after a single step. SGD diverges where the rate is above 2 (1 + m)
over the largest curvature of the loss; the forecast predicts it, and above 1 it is named in any case.

**Instead.** 0.001 for Adam and its kin; for SGD at most the rate that is named.
"""

from collections.abc import Iterable
from math import log10

from archlab.lint._context import Context
from archlab.lint._rule import Found, Rule

_ADAPTIVE = {"adam", "adamw", "nadam", "adamax", "rmsprop", "lion", "lamb"}
"""Optimizers whose step does not depend on the size of the gradient."""
_MOST_ADAPTIVE, _MOST = 0.03, 1.0


def check(context: Context) -> Iterable[Found]:
    """Rates that no usual network bears."""
    rate, name = context.settings.learning_rate, context.settings.optimizer
    if rate is None:
        return
    if name.lower() in _ADAPTIVE and rate >= _MOST_ADAPTIVE:
        message = f"{name} at {rate:g} moves every weight by about {rate:g} a step, more than most weights begin with."
        yield Found(message, (), "use 0.001", rate)
    elif name.lower() == "sgd" and rate >= _MOST:
        bound = _highest(context)
        said = f"; predicted to diverge above {bound:.2g}" if bound is not None and bound < rate else ""
        yield Found(f"SGD at a learning rate of {rate:g}{said}.", (), "use 0.01 to 0.1", rate)


def _highest(context: Context) -> float | None:
    """The rate above which SGD diverges, by the forecast's curvature."""
    common = (context.forecast.statistics or {}).get("common")
    return 10 ** (log10(2 * 1.9) - common) if isinstance(common, float) else None


RULE = Rule(
    "S211",
    "learning-rate-extreme",
    "warning",
    check,
    __doc__,
    "Cohen et al. 2021, section 2; Kingma & Ba 2015, section 2.1",
    of_gradients=True,
)
