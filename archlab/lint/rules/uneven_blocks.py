"""Convolutions between two poolings differ in kernel or width.

**Taste.** VGG keeps them equal; Inception and MobileNet do not. Off by default: good networks do it too.
"""

from collections.abc import Iterable

from archlab.lint._chains import convolutions, is_chain, pools, side, width
from archlab.lint._context import Context, listed
from archlab.lint._rule import Found, Rule


def check(context: Context) -> Iterable[Found]:
    """Blocks of a chain whose convolutions are unlike."""
    if not is_chain(context):
        return
    ends = pools(context)
    blocks: dict[int, list[int]] = {}
    for at in convolutions(context):
        blocks.setdefault(sum(end < at for end in ends), []).append(at)
    found = [
        block[0] for block in blocks.values() if len({(side(context, at), width(context, at)) for at in block}) > 1
    ]
    if found:
        names = context.names(found)
        yield Found(f"blocks with convolutions that differ begin at {listed(names)}.", names, "", len(found))


RULE = Rule("T607", "uneven-blocks", "info", check, __doc__, "NeuraLint, rule on blocks", on=False)
