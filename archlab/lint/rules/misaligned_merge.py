"""Branches merge whose receptive fields are centred on different pixels.

**Why.** A sum or a concatenation takes values of one position together. Where a branch is strided and padded
differently from the other, the two look at places that are some pixels apart, at every position of the map. It comes
from 'same' padding of even sizes, or of kernels of different parity. A warning where the branches are at least as far
apart as the positions of the map they merge on, or where their strides differ; less is an info, for layers learn
around it.

**Instead.** The same kernel parity on both branches, or 'valid' padding with the padding given.
"""

from collections.abc import Iterable

from archlab.analysis.static.receptive_field import Misaligned
from archlab.lint._context import Context
from archlab.lint._rule import Found, Rule
from archlab.units import format_sides


def check(context: Context) -> Iterable[Found]:
    """Merges that the receptive field reports."""
    merges = context.analysis.receptive_field.misaligned
    if merges:
        places = ", ".join(f"{merge.name} ({_apart(merge)})" for merge in merges[:4])
        more = f" and {len(merges) - 4} more" if len(merges) > 4 else ""
        message = f"branches merge with misaligned receptive fields: {places}{more}."
        worst = max((float(max(merge.offset)) for merge in merges if merge.offset is not None), default=None)
        grave = any(_is_grave(context, merge) for merge in merges)
        yield Found(
            message,
            tuple(merge.name for merge in merges),
            "give the branches kernels of the same parity and the same padding",
            worst,
            severity="warning" if grave else "info",
        )


def _is_grave(context: Context, merge: Misaligned) -> bool:
    if merge.offset is None:
        return True
    seen = context.analysis.receptive_field.seen[context.graph.position(merge.name)]
    strides = [float(extent.stride) for extent in seen.by_image(seen.extents or ())]
    return not strides or any(float(apart) >= stride for apart, stride in zip(merge.offset, strides, strict=False))


def _apart(merge: Misaligned) -> str:
    if merge.offset is None:
        return "strides " + " and ".join(format_sides(each) for each in merge.strides)
    return f"{max(merge.offset)} px"


RULE = Rule(
    "R401",
    "misaligned-merge",
    "warning",
    check,
    __doc__,
    "Araujo et al. 2019, 'Computing Receptive Fields'",
    reads_numbers=True,
)
