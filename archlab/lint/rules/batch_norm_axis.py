"""Batch normalization along another axis than the channels.

**Why.** With `axis=1` on a map whose channels stand last it keeps one mean and one scale for each row: rows are made
alike, channels are not normalized, and the layer works for images of this one height only.

**Instead.** The default, `axis=-1`.
"""

from collections.abc import Iterable

from archlab.lint._context import Context, listed
from archlab.lint._mend import Edits
from archlab.lint._rule import Found, Rule
from archlab.ops import BatchNorm


def check(context: Context) -> Iterable[Found]:
    """Batch normalizations of a Keras model whose axis is not the last."""
    found: list[int] = []
    for at, node in enumerate(context.nodes):
        # One that is understood is along the channels, wherever the model has them.
        if node.settings is None or isinstance(node.op, BatchNorm) or not node.inputs:
            continue
        if node.settings.kind[1] != "BatchNormalization" or len(node.shape) < 2:
            continue
        axis = node.settings.config.get("axis")
        axis = axis[0] if isinstance(axis, list | tuple) and len(axis) == 1 else axis
        if isinstance(axis, int) and axis not in (-1, len(node.shape)):
            found.append(at)
    if found:
        names = context.names(found)
        rows = context.nodes[found[0]].shape
        yield Found(
            f"{listed(names)}: batch normalization along an axis of positions, {rows[0]} of them, and not along the "
            f"{rows[-1]} channels.",
            names,
            "use axis=-1",
            edits=Edits({name: BatchNorm() for name in names}),
        )


RULE = Rule("A317", "batchnorm-wrong-axis", "error", check, __doc__, "Ioffe & Szegedy 2015, section 3.2", fixes=True)
