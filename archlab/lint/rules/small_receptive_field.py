"""The units before the head see a small part of the image.

**Why.** What lies outside of a unit's receptive field cannot affect it. Global pooling takes the mean over local
looks: a bag of features, which cannot tell how parts stand to one another. Reported where the receptive field covers
less than a quarter of the image on every axis, and no layer looks at the whole map. An info: for textures that may be
enough.

**Instead.** More strided stages, dilation, larger kernels, or smaller images.
"""

from collections.abc import Iterable

from archlab.analysis import State
from archlab.lint._context import Context
from archlab.lint._rule import Found, Rule
from archlab.ops import GlobalAvgPool, GlobalMaxPool
from archlab.units import format_share

_SHARE = 0.25


def check(context: Context) -> Iterable[Found]:
    """Receptive fields before global pooling that are far smaller than the image."""
    field = context.analysis.receptive_field
    row = field.last
    if row is None or row.state is not State.COUNTED or row.whole or field.gates or not row.coverage or not row.size:
        return
    if not any(isinstance(node.op, GlobalAvgPool | GlobalMaxPool) for node in context.nodes):
        return
    known = [share for share in row.coverage if share is not None]
    if known and len(known) == len(row.coverage) and max(known) < _SHARE:
        yield Found(
            f"the receptive field before the head, at {row.name}, is {max(row.size)} px: "
            f"{format_share(max(known), 0)} of the image's side.",
            (row.name,),
            "add strided stages or dilation, or use smaller images",
            max(known),
        )


RULE = Rule(
    "R402", "small-receptive-field", "info", check, __doc__, "Brendel & Bethge 2019 (BagNet); Araujo et al. 2019"
)
