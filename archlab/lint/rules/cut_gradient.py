"""Trainable layers that no gradient reaches.

**Why.** Behind them stands what has no derivative: `stop_gradient`, an argument of the maximum, a rounding, a
constant. On every way to an output the gradient ends there, so that these weights stay what they were drawn as.

**Instead.** Another way past it; or `trainable=False`, if the layers are to be fixed.
"""

from collections.abc import Iterable

from archlab.lint._context import Context, listed
from archlab.lint._rule import Found, Rule
from archlab.ops import Called
from archlab.units import format_count

_STEPS = frozenset({
    "StopGradient", "Argmax", "Argmin", "Argsort", "Round", "Floor", "Ceil", "Sign", "Greater", "GreaterEqual", "Less",
    "LessEqual", "Equal", "NotEqual",
})  # fmt: skip
"""Operations of Keras whose derivative is zero wherever there is one, by their name."""


def check(context: Context) -> Iterable[Found]:
    """Weights from which every way to an output is cut."""
    reached = [False] * len(context.nodes)
    cut: set[int] = set()
    for at in range(len(context.nodes) - 1, -1, -1):
        node = context.nodes[at]
        reached[at] = reached[at] or context.is_output(at)
        if node.op.constant or (isinstance(node.op, Called) and node.op.title in _STEPS):
            cut.add(at)
            continue
        for source in node.inputs:
            reached[source] = reached[source] or reached[at]
    if not cut:
        return
    before = _ancestors(context, cut)
    found = [
        at for at, facts in enumerate(context.facts) if at in before and not reached[at] and facts.trainable
    ]  # fmt: skip
    if found:
        names, walls = context.names(found), context.names(sorted(cut))
        size = sum(weight.size for at in found for weight in context.facts[at].weights or () if weight.trainable)
        yield Found(
            f"{listed(names)}: no gradient reaches {'it' if len(found) == 1 else 'them'}, which {walls[0]} cuts off: "
            f"{format_count(size)} parameters that never learn.",
            names,
            "lead a way past it, or freeze the layers",
            size,
        )


def _ancestors(context: Context, ends: set[int]) -> set[int]:
    """The layers that some others depend on."""
    found: set[int] = set()
    waiting = list(ends)
    while waiting:
        for source in context.nodes[waiting.pop()].inputs:
            if source not in found:
                found.add(source)
                waiting.append(source)
    return found


RULE = Rule("A308", "cut-gradient", "error", check, __doc__, "proof over the graph")
