"""Images whose channels stand first are read as if they stood last.

**Why.** A convolution slides over all axes but the last. Of an input of 3 × 32 × 32 it takes 3 × 32 for the map and
the columns of the image for channels: kernels are shared along the colours and not along the width, and the map has
three rows to shrink. Reported where the first of three axes is 1, 3 or 4 and both others are 8 or more, and a
convolution or a pooling reads it.

**Instead.** The channels last, `Input(32, 32, 3)`; or `Permute((2, 3, 1))` behind the input.

```python
Input(3, 32, 32) >> Conv(32)  # reported
Input(32, 32, 3) >> Conv(32)  # not reported
```
"""

from collections.abc import Iterable

from archlab.lint._context import Context
from archlab.lint._mend import Edits
from archlab.lint._rule import Found, Rule
from archlab.ops import Permute, Windows

_CHANNELS = (1, 3, 4)
_LEAST = 8


def check(context: Context) -> Iterable[Found]:
    """Inputs of few rows and many channels that windows slide over."""
    for at in context.graph.inputs:
        shape = context.nodes[at].shape
        if len(shape) not in (3, 4) or shape[0] not in _CHANNELS or min(size or 0 for size in shape[1:]) < _LEAST:
            continue
        if not _slides(context, at):
            continue
        name, order = context.nodes[at].name, (*range(2, len(shape) + 1), 1)
        said = " × ".join(map(str, shape))
        yield Found(
            f"{name}: {said} is read as {said.rpartition(' × ')[0]} positions of {shape[-1]} channels: it looks like "
            f"{shape[0]} channel{'s' if shape[0] != 1 else ''} of {shape[1]} × {shape[2]}.",
            (name,),
            "give the channels last",
            edits=Edits(after={name: Permute(*order)}) if context.broken is None else None,
        )


def _slides(context: Context, at: int) -> bool:
    """Whether a window slides over the input; of what does not add up, the layer that refused counts."""
    ends = list(context.ahead(at, lambda node: node.op.family in ("regularization", "preprocessing", "activation")))
    windows = [end for end in ends if end >= 0 and isinstance(context.facts[end].window, Windows)]
    refused = context.broken is not None and -1 in ends
    return bool(windows) or refused


RULE = Rule("A315", "input-layout", "warning", check, __doc__, "Keras: channels_last", partial=True, fixes=True)
