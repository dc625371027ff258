"""Dropout of 0.7 or more.

**Why.** With rate p a unit's value in training varies by p / (1 − p) times its own mean square: at 0.7 the noise is
2.3 times as strong as the signal, at 0.5 just as strong. Fewer than a third of the units are left to learn from.

**Instead.** At most 0.5 in dense layers, 0.1 to 0.3 in convolutional ones.

```python
Dropout(0.8)  # reported
Dropout(0.5)  # not reported
```
"""

from collections.abc import Iterable

from archlab.lint._context import DROPOUTS, Context
from archlab.lint._mend import Edits
from archlab.lint._rule import Found, Rule
from archlab.units import format_share

_MOST = 0.7


def check(context: Context) -> Iterable[Found]:
    """Dropouts that leave less than a third."""
    found = [at for at, node in enumerate(context.nodes) if isinstance(node.op, DROPOUTS) and node.op.rate >= _MOST]
    if not found:
        return
    worst = max(context.nodes[at].op.rate for at in found)
    names = context.names(found)
    yield Found(
        f"{', '.join(names[:4])}: with a rate of {worst:g} the noise is {worst / (1 - worst):.1f} times as strong as "
        f"the signal, and {format_share(1 - worst, 0)} of the units are left.",
        names,
        "use at most 0.5",
        worst,
        edits=Edits({context.nodes[at].name: context.nodes[at].op.changed(rate=0.5) for at in found}),
    )


RULE = Rule("A305", "dropout-too-high", "warning", check, __doc__, "Srivastava et al. 2014, section 7.3", fixes=True)
