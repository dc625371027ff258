"""A branch, an input or weights that no output depends on.

**Why.** It is computed, or kept in memory, for nothing: its weights have no gradient.

**Instead.** Leave it out, or connect it.
"""

from collections.abc import Iterable

from archlab.lint._context import Context, listed
from archlab.lint._rule import Found, Rule
from archlab.units import format_count


def check(context: Context) -> Iterable[Found]:
    """Layers from which no way leads to an output."""
    used = [False] * len(context.nodes)
    for at in range(len(context.nodes) - 1, -1, -1):
        node = context.nodes[at]
        used[at] = used[at] or context.is_output(at)
        for source in (*node.inputs, *node.beside):
            used[source] = used[source] or used[at]
    found = [at for at, node in enumerate(context.nodes) if not used[at] and not node.op.further]
    # What a model keeps besides, such as counters that are no weights, is no branch.
    found = [
        at for at in found if context.nodes[at].inputs or _weighs(context, at) or not context.nodes[at].op.detached
    ]
    if not found:
        return
    names = context.names(found)
    size = sum(weight.size for at in found for weight in context.facts[at].weights or () if not weight.shared)
    yield Found(
        f"{listed(names)}: no output depends on {'it' if len(found) == 1 else 'them'}: {format_count(size)} parameters "
        "for nothing.",
        names,
        "leave it out, or connect it",
        size,
    )


def _weighs(context: Context, at: int) -> bool:
    return any(weight.trainable and not weight.shared for weight in context.facts[at].weights or ())


RULE = Rule("A307", "unused-branch", "warning", check, __doc__, "proof over the graph")
