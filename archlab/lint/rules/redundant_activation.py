"""An activation is applied to what has just been through one.

**Why.** A ReLU of what is not negative changes nothing. A softmax of a softmax cannot be sure: of n classes the right
one has a probability of at most e / (e + n − 1), 0.23 for ten. A sigmoid of a ReLU is never below 1/2. Gates, whose
output multiplies a map, are spared.

**Instead.** One of the two.

```python
Dense(10, activation="softmax") >> Softmax()  # reported
Dense(10) >> Softmax()  # not reported
```
"""

from collections.abc import Iterable
from math import e

from archlab.graph import Node
from archlab.lint._context import TRAINING_ONLY, Context, listed
from archlab.lint._mend import Edits
from archlab.lint._rule import Found, Rule
from archlab.ops import ELU, Activation, Flatten, LeakyReLU, PReLU, ReLU, Reshape, Softmax

_ACTIVATIONS = (Activation, ReLU, LeakyReLU, ELU, Softmax, PReLU)
_NOT_NEGATIVE = ("relu", "relu6", "sigmoid", "hard_sigmoid", "softmax", "softplus", "exponential")
_KEEPS_POSITIVE = ("relu", "leaky_relu", "prelu", "elu")


def check(context: Context) -> Iterable[Found]:
    """Activations of activations, one finding for each pair of kinds."""
    kinds: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for at, node in enumerate(context.nodes):
        second = node.op.output_activation
        if not isinstance(node.op, _ACTIVATIONS) or second in (None, "linear") or not node.inputs:
            continue
        if any(context.nodes[reader].op.merge == "product" for reader in context.readers(at)):
            continue
        source = context.before(at, _passes)
        first = context.nodes[source].op.output_activation
        if first not in (None, "linear") and context.nodes[source].inputs:
            kinds.setdefault((first, second), []).append((source, at))
    for (first, second), pairs in kinds.items():
        yield _found(context, first, second, pairs)


def _passes(node: Node) -> bool:
    return isinstance(node.op, (*TRAINING_ONLY, Flatten, Reshape))


def _found(context: Context, first: str, second: str, pairs: list[tuple[int, int]]) -> Found:
    places = context.names([at for _, at in pairs])
    where = f"{listed(places)}: a {second} of a {first}"
    layers = (*places, *context.names([source for source, _ in pairs]))
    gone = Edits(dict.fromkeys(places))
    if first in _NOT_NEGATIVE and second in _KEEPS_POSITIVE:
        return Found(f"{where} changes nothing, for that is never negative.", layers, "leave it out", 0.0, edits=gone)
    if first == second == "softmax":
        units = context.nodes[pairs[0][1]].shape[-1] or 2
        most = e / (e + units - 1)
        message = f"{where}: the right of {units} classes has a probability of at most {most:.2f}."
        return Found(message, layers, "leave it out", most, edits=gone)
    least = " is never below 0.5" if first in _NOT_NEGATIVE and second == "sigmoid" else ""
    return Found(f"{where}{least}.", layers, "leave one of the two out")


RULE = Rule("A303", "redundant-activation", "warning", check, __doc__, "proof: the ranges of both", fixes=True)
