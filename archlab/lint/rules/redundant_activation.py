"""An activation is applied to what has just been through one.

**Why.** A ReLU of what is not negative changes nothing. A softmax of a softmax cannot be sure: of n classes the right
one has a probability of at most e / (e + n − 1), 0.23 for ten. A sigmoid of a ReLU is never below 1/2. Gates, whose
output multiplies a map, are spared.

**Instead.** One of the two.

```python
Dense(10, activation="softmax") >> Softmax()    # reported
Dense(10) >> Softmax()                          # not reported
```
"""

from collections.abc import Iterable
from math import e

from archlab.lint._context import TRAINING_ONLY, Context
from archlab.lint._mend import Edits
from archlab.lint._rule import Found, Rule
from archlab.ops import ELU, Activation, Flatten, LeakyReLU, MaxPool, PReLU, ReLU, Reshape, Softmax

_ACTIVATIONS = (Activation, ReLU, LeakyReLU, ELU, Softmax, PReLU)
_NOT_NEGATIVE = ("relu", "relu6", "sigmoid", "hard_sigmoid", "softmax", "softplus", "exponential")
_KEEPS_POSITIVE = ("relu", "leaky_relu", "prelu", "elu")


def check(context: Context) -> Iterable[Found]:
    """Activations of activations."""
    for at, node in enumerate(context.nodes):
        second = node.op.output_activation
        if not isinstance(node.op, _ACTIVATIONS) or second == "linear" or not node.inputs:
            continue
        if any(context.nodes[reader].op.merge == "product" for reader in context.readers(at)):
            continue
        same = second in _KEEPS_POSITIVE
        source = context.before(
            at,
            lambda each, same=same: isinstance(
                each.op, (*TRAINING_ONLY, Flatten, Reshape, *((MaxPool,) if same else ()))
            ),
        )
        before = context.nodes[source]
        first = before.op.output_activation
        if first in (None, "linear") or not before.inputs:
            continue
        direct = source == node.inputs[0]
        if first in _NOT_NEGATIVE and same:
            # On its way a max pooling of ReLUs may want them after it for the cost of it; only what is direct is waste.
            if not direct and any(isinstance(context.nodes[here].op, MaxPool) for here in range(source, at)):
                continue
            message = f"{node.name}: a {second} of a {first} changes nothing, for that is never negative."
            yield Found(message, (node.name, before.name), "leave it out", 0.0, edits=Edits({node.name: None}))
        elif first == "softmax" and second == "softmax":
            units = node.shape[-1] or 2
            most = e / (e + units - 1)
            message = (
                f"{node.name}: a softmax of a softmax: the right of {units} classes has a probability of at most "
                f"{most:.2f}."
            )
            yield Found(message, (node.name, before.name), "leave it out", most, edits=Edits({node.name: None}))
        elif direct:
            least = " and is never below 0.5" if first in _NOT_NEGATIVE and second == "sigmoid" else ""
            message = f"{node.name}: a {second} of a {first}{least}."
            yield Found(message, (node.name, before.name), "leave one of the two out")


RULE = Rule("A303", "redundant-activation", "warning", check, __doc__, "proof: the ranges of both", fixes=True)
