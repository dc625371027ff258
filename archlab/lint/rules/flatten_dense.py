"""The dense layer behind Flatten has most of the network's parameters.

**Why.** Flattened, every position of the map has weights of its own: the layer has positions × channels × units of
them, cannot use what it learns at one place at another, and ties the network to one size of image. Global average
pooling puts the mean of each channel in their place and divides the weights by the positions (Lin et al. 2014,
section 3.2). Reported where a dense layer behind Flatten, or behind a reshape of the map into a vector, has more than
half of all parameters, and at least 100,000.

**Instead.** `GlobalAvgPool()` in place of `Flatten()`; or more pooling before it, where positions matter.

```python
Input(28, 28, 64) >> Flatten() >> Dense(512)  # reported: 25.7 M
Input(28, 28, 64) >> GlobalAvgPool() >> Dense(512)  # not reported: 33 K
```
"""

from collections.abc import Iterable
from math import prod

from archlab.graph import Node, is_known
from archlab.lint._context import TRAINING_ONLY, Context
from archlab.lint._mend import Edits
from archlab.lint._rule import Found, Rule
from archlab.ops import Concatenate, Dense, Flatten, GlobalAvgPool, Permute, Reshape
from archlab.units import format_bytes, format_count, format_share

_SHARE, _LEAST = 0.5, 100_000
_PASSED = (*TRAINING_ONLY, Concatenate, Permute, Flatten)


def check(context: Context) -> Iterable[Found]:
    """Dense layers behind flattened maps that outweigh all else."""
    total = context.analysis.params.total
    for at, node in enumerate(context.nodes):
        if not isinstance(node.op, Dense) or not node.inputs:
            continue
        size = sum(weight.size for weight in context.facts[at].weights or () if weight.role == "kernel")
        flat = _flattened(context, at)
        if size < _LEAST or not total or size <= _SHARE * total or not flat:
            continue
        maps = [context.nodes[context.nodes[each].inputs[0]].shape for each in flat]
        if not all(map(is_known, maps)):
            continue
        pooled = sum(shape[-1] or 0 for shape in maps)
        saved = size - pooled * (node.shape[-1] or 1)
        names = context.names(flat)
        direct = all(isinstance(context.nodes[each].op, Flatten) for each in flat)
        edits = Edits({name: GlobalAvgPool() for name in names}) if direct else None
        yield Found(
            f"{node.name}, behind {names[0]}, has {format_count(size)} of {format_count(total)} parameters, "
            f"{format_share(size / total, 0)}; behind global average pooling it has {format_count(size - saved)}: "
            f"{format_bytes(4 * saved)} less.",
            (node.name, *names),
            "use global average pooling in place of Flatten",
            size,
            edits=edits,
        )


def _flattened(context: Context, at: int) -> list[int]:
    """The layers that flatten the maps which a dense layer reads."""
    found: list[int] = []
    waiting = list(context.nodes[at].inputs)
    while waiting:
        here = waiting.pop()
        node = context.nodes[here]
        if _flattens(context, node):
            found.append(here)
        elif isinstance(node.op, _PASSED):
            waiting.extend(node.inputs)
    return found


def _flattens(context: Context, node: Node) -> bool:
    """Whether it makes one vector of a map of several positions."""
    if not isinstance(node.op, Flatten | Reshape) or not node.inputs:
        return False
    came = context.nodes[node.inputs[0]].shape
    return (
        is_known(came) and len(came) > 1 and prod(came[:-1]) > 1 and is_known(node.shape) and prod(node.shape[:-1]) == 1
    )


RULE = Rule(
    "C501",
    "flatten-dense-heavy",
    "warning",
    check,
    __doc__,
    "Lin et al. 2014, 'Network In Network', section 3.2",
    fixes=True,
)
