"""Channels that are no multiple of 8 waste the width of vector units.

**Why.** CPUs with AVX2 and GPUs' matrix units work on 8 channels at once: a map of 9 takes the time of 16. An info,
off by default: what it costs depends on the machine and its library.

**Instead.** A multiple of 8.
"""

from collections.abc import Iterable

from archlab.lint._context import Context
from archlab.lint._rule import Found, Rule
from archlab.ops import Conv, Dense, SeparableConv
from archlab.units import format_share

_WIDTH = 8


def check(context: Context) -> Iterable[Found]:
    """Layers whose channels do not fill the last vector."""
    heads = {head.at for head in context.heads}
    found: list[tuple[float, str]] = []
    for at, node in enumerate(context.nodes):
        channels = node.shape[-1] if node.shape else None
        if isinstance(node.op, Conv | SeparableConv | Dense) and at not in heads and channels and channels % _WIDTH:
            filled = -(-channels // _WIDTH) * _WIDTH
            found.append((1 - channels / filled, node.name))
    if found:
        worst, name = max(found)
        yield Found(
            f"{len(found)} layers have channels that are no multiple of {_WIDTH}; in {name} "
            f"{format_share(worst, 0)} of the last vectors' lanes stand idle.",
            tuple(name for _, name in found),
            f"use multiples of {_WIDTH}",
            worst,
        )


RULE = Rule("C504", "vector-width", "info", check, __doc__, "vector instructions of 256 bits: 8 float32", on=False)
