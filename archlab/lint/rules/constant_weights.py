"""All weights of a hidden layer begin with the same value.

**Why.** Units with equal weights put out equal values and get equal gradients: they stay copies of one another, and
the layer has the capacity of one unit. A kernel of zeros before a nonlinearity moreover hands no gradient back.
Layers that an output or a residual sum reads directly may begin with zeros, for what they read differs from unit to
unit.

**Instead.** A random initializer: `he_normal` before ReLU, `glorot_uniform` otherwise.

```python
Dense(64, activation="relu", initializer="ones")  # reported
Dense(64, activation="relu")  # not reported
```
"""

from collections.abc import Iterable

from archlab.lint._context import Context, listed
from archlab.lint._mend import Edits
from archlab.lint._rule import Found, Rule

_CONSTANT = (
    "zeros",
    "ones",
    "constant",
    '{"class_name": "Constant"',
    '{"class_name": "Ones"',
    '{"class_name": "Zeros"',
)


def check(context: Context) -> Iterable[Found]:
    """Kernels without randomness in layers that others with kernels read."""
    found: list[int] = []
    for at, (node, facts) in enumerate(zip(context.nodes, context.facts, strict=True)):
        if not facts.kernel or not facts.trainable or not str(node.op.initializer).startswith(_CONSTANT):
            continue
        if node.shape[-1:] == (1,):
            continue
        ends = list(context.ahead(at, lambda node: len(node.inputs) == 1 and not _learns(node.op.family)))
        # A branch that begins as nothing, before a sum, is a way to begin as the identity.
        summed = any(end >= 0 and context.nodes[end].op.merge == "sum" for end in ends)
        if ends != [-1] and not summed:
            found.append(at)
    if not found:
        return
    names = context.names(found)
    units = sum(context.nodes[at].shape[-1] or 0 for at in found)
    yield Found(
        f"{listed(names)}: all weights begin with one value: {units} units stay copies of {len(found)}.",
        names,
        "draw the weights: he_normal before ReLU, else glorot_uniform",
        units,
        edits=Edits(
            {context.nodes[at].name: context.nodes[at].op.changed(initializer="glorot_uniform") for at in found}
        ),
    )


def _learns(family: str) -> bool:
    return family in ("convolution", "dense", "sequence")


RULE = Rule(
    "S208",
    "constant-weights",
    "error",
    check,
    __doc__,
    "Goodfellow et al. 2016, 'Deep Learning', section 8.4",
    fixes=True,
    of_gradients=True,
)
