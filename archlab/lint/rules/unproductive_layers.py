"""Layers stand behind the one whose receptive field covers the whole image.

**Why.** Once a unit sees the whole image, further layers integrate no more of it: Richter et al. 2021 measured that
such layers add little to the accuracy of chains without residual connections. An info with the MACs that they take:
whether they are worth it depends on the data.

**Instead.** Fewer layers there, or larger images.
"""

from collections.abc import Iterable

from archlab.lint._context import Context
from archlab.lint._rule import Found, Rule
from archlab.units import format_count, format_share


def check(context: Context) -> Iterable[Found]:
    """Kernels on maps behind full coverage, with their MACs."""
    covering, total = context.analysis.receptive_field.covering, context.analysis.compute.macs
    if covering is None or not total:
        return
    start = context.graph.position(covering)
    rows = context.analysis.compute.layers
    behind = [
        at for at, facts in enumerate(context.facts)
        if at > start and facts.kernel and len(context.nodes[at].shape) > 1 and rows[at].macs
    ]  # fmt: skip
    macs = sum(rows[at].macs or 0 for at in behind)
    if behind and macs / total >= 0.1:
        yield Found(
            f"{covering} is the first layer that covers the image; {len(behind)} layers behind it take "
            f"{format_count(macs)} MACs, {format_share(macs / total, 0)} of all.",
            context.names(behind),
            "try it with fewer layers there, or with larger images",
            macs,
        )


RULE = Rule("R403", "unproductive-layers", "info", check, __doc__, "Richter et al. 2021, 'Should you go deeper?'")
