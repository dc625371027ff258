"""Dropout stands before batch normalization, with no layer that learns between.

**Why.** Dropout with rate p multiplies the mean square by 1 / (1 − p) in training and by 1 at inference. The running
variance is that of training, so that what comes out at inference is too small (Li et al. 2019, 'Understanding the
Disharmony between Dropout and Batch Normalization by Variance Shift').

**Instead.** Dropout behind the last batch normalization.

```python
Conv(64) >> Dropout(0.5) >> BatchNorm()    # reported
Conv(64) >> BatchNorm() >> Dropout(0.5)    # not reported
```
"""

from collections.abc import Iterable

from archlab.graph import Node
from archlab.lint._context import DROPOUTS, Context
from archlab.lint._mend import Edits
from archlab.lint._rule import Found, Rule
from archlab.ops import BatchNorm


def check(context: Context) -> Iterable[Found]:
    """Dropouts whose variance is normalized."""
    for at, node in enumerate(context.nodes):
        if not isinstance(node.op, DROPOUTS) or not node.op.rate:
            continue
        ends = [end for end in context.ahead(at, _passes) if end >= 0 and isinstance(context.nodes[end].op, BatchNorm)]
        if not ends:
            continue
        rate, signal = node.op.rate, context.moments.signals[node.inputs[0]]
        shift = 1 / (1 - rate)
        if signal is not None and signal.variance > 0:
            shift = (signal.square / (1 - rate) - signal.mean**2) / signal.variance
        name, norm = node.name, context.nodes[ends[0]].name
        alone = len(context.readers(at)) == 1 and len(ends) == 1
        yield Found(
            f"{name}: a rate of {rate:g} makes the variance that {norm} keeps {shift:.2f} times that at inference.",
            (name, norm),
            "put dropout behind the normalization",
            shift,
            edits=Edits({name: None}, {norm: node.op}) if alone else None,
        )


def _passes(node: Node) -> bool:
    """What keeps the shift of variance, but for a factor: activations, pooling, other shapes."""
    return len(node.inputs) == 1 and node.op.family in ("activation", "pooling", "shape", "regularization")


RULE = Rule(
    "A304", "dropout-before-batchnorm", "warning", check, __doc__, "Li et al. 2019, CVPR, section 3", fixes=True
)
