"""The activation gradient vanishes on its way from the last layer back to the first.

**Why.** A layer learns at the rate of its gradient. Predicted by mean-field theory without building the network, or
measured where `compare` has measured it; how it affects training is the forecast's, fitted to networks that were
trained (see [forecast](../concepts/forecast.md)). An error where the forecast is that neither SGD nor Adam trains the
network, or where the gradient was measured; a warning where that forecast is uncertain; an info where one of the two
may train it, or where the gradient is weak in a branch that there is a way past.

**Instead.** The remedy that is named was tried on this network: He's initialization, residual connections or batch
normalization.

```python
load("plain:depth=50,normalization=none,conv=ordinary")  # reported
load("residual:depth=50")  # not reported
```
"""

from collections.abc import Iterable

from archlab.lint._context import Context
from archlab.lint._rule import Found, Rule
from archlab.lint._signals import explained
from archlab.lint._trends import change


def check(context: Context) -> Iterable[Found]:
    """Gradients that vanish, measured or predicted."""
    if context.flow is None and explained(context):
        return
    yield from change(context, "vanishing", "fades")


RULE = Rule(
    "S201",
    "vanishing-gradient",
    "error",
    check,
    __doc__,
    "Glorot & Bengio 2010, section 4; He et al. 2015, section 2.2",
    of_gradients=True,
)
