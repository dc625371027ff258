"""Dropout stands before batch normalization, with no layer that learns between.

**Why.** Dropout with rate p multiplies the mean square by 1 / (1 − p) in training and by 1 at inference. The running
variance is that of training, so that what comes out at inference is too small (Li et al. 2019, 'Understanding the
Disharmony between Dropout and Batch Normalization by Variance Shift').

**Instead.** Dropout behind the last batch normalization.

```python
Conv(64) >> Dropout(0.5) >> BatchNorm()  # reported
Conv(64) >> BatchNorm() >> Dropout(0.5)  # not reported
```
"""

from collections.abc import Iterable

from archlab.graph import Node
from archlab.lint._context import DROPOUTS, Context, listed
from archlab.lint._mend import Edits
from archlab.lint._rule import Found, Rule
from archlab.ops import BatchNorm, Op


def check(context: Context) -> Iterable[Found]:
    """Dropouts whose variance is normalized."""
    found: list[tuple[float, int, int]] = []
    ops: dict[str, Op | None] = {}
    after: dict[str, Op] = {}
    for at, node in enumerate(context.nodes):
        if not isinstance(node.op, DROPOUTS) or not node.op.rate:
            continue
        ends = [end for end in context.ahead(at, _passes) if end >= 0 and isinstance(context.nodes[end].op, BatchNorm)]
        if ends:
            found.append((_shift(context, at), at, ends[0]))
            if len(context.readers(at)) == 1 and len(ends) == 1:
                ops[node.name] = None
                after[context.nodes[ends[0]].name] = node.op
    if not found:
        return
    shift, at, norm = max(found)
    rate = context.nodes[at].op.rate
    names = context.names([at for _, at, _ in found])
    yield Found(
        f"{listed(names)}: a rate of {rate:g} makes the variance that {context.nodes[norm].name} keeps {shift:.2f} "
        "times that at inference.",
        (*names, *context.names([norm for _, _, norm in found])),
        "put dropout behind the normalization",
        shift,
        edits=Edits(ops, after) if len(ops) == len(found) else None,
    )


def _shift(context: Context, at: int) -> float:
    """The variance in training over that at inference."""
    op, signal = context.nodes[at].op, context.moments.signals[context.nodes[at].inputs[0]]
    if signal is None or signal.variance <= 0:
        return 1 / (1 - op.rate)
    return (signal.square / (1 - op.rate) - signal.mean**2) / signal.variance


def _passes(node: Node) -> bool:
    """What keeps the shift of variance, but for a factor: activations, pooling, other shapes."""
    return len(node.inputs) == 1 and node.op.family in ("activation", "pooling", "shape", "regularization")


RULE = Rule(
    "A304", "dropout-before-batchnorm", "warning", check, __doc__, "Li et al. 2019, CVPR, section 3", fixes=True
)
