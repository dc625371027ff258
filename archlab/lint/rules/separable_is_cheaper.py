"""Ordinary convolutions where separable ones cost a fraction.

**Why.** A k × k convolution of n channels to m costs k² n m MACs a position, a separable one k² n + n m (Chollet
2017, section 2). An info, with the ratio of this network: accuracy may suffer, and not every machine runs depthwise
convolutions as fast as their MACs promise.

**Instead.** `SeparableConv` in place of `Conv`.
"""

from collections.abc import Iterable
from math import prod

from archlab.lint._context import Context
from archlab.lint._rule import Found, Rule
from archlab.ops import Conv
from archlab.ops._base import per_axis
from archlab.units import format_count, format_share

_LEAST = 32


def check(context: Context) -> Iterable[Found]:
    """The MACs of wide ordinary convolutions, and what separable ones would take."""
    total = context.analysis.compute.macs
    found: list[int] = []
    now = then = 0
    for at, (node, facts) in enumerate(zip(context.nodes, context.facts, strict=True)):
        op = node.op
        if not isinstance(op, Conv) or op.groups > 1 or facts.cost is None or len(node.shape) not in (2, 3):
            continue
        taps, came, made = (
            prod(per_axis("", op.kernel, len(node.shape) - 1)),
            facts.inputs[0][-1] or 0,
            node.shape[-1] or 0,
        )
        if taps > 1 and came >= _LEAST and made >= _LEAST:
            found.append(at)
            now += facts.cost.macs
            then += facts.cost.macs * (taps + made) // (taps * made)
    if found and total and now / total >= 0.5 and then:
        yield Found(
            f"{len(found)} ordinary convolutions take {format_count(now)} MACs, "
            f"{format_share(now / total, 0)} of all; as separable ones they take {format_count(then)}, "
            f"{now / then:.1f}× less.",
            context.names(found),
            "try SeparableConv",
            now / then,
        )


RULE = Rule("C502", "separable-is-cheaper", "info", check, __doc__, "Chollet 2017, section 2; Howard et al. 2017")
