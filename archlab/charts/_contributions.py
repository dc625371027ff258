"""What each of several causes adds to a number: bars to the left and to the right of zero."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import altair as alt

from archlab.charts._cost import squares
from archlab.charts._depth import Chart, finished, hues


class Contribution(NamedTuple):
    """The share that a cause has of a measure, and what it says in words."""

    measure: str
    cause: str
    share: float
    said: str


def contributions(parts: Sequence[Contribution], title: str, width: int = 420) -> Chart:
    """A row for each measure, a bar for each cause: how much it adds, as a share of the whole.

    Args:
        parts: by measure, in each the causes in one order.
        title: of the axis.
        width: of the plot, in pixels.

    Returns:
        An `altair` chart.
    """
    measures = list(dict.fromkeys(part.measure for part in parts))
    causes = list(dict.fromkeys(part.cause for part in parts))
    rows = [part._asdict() for part in parts]
    x = alt.X("share:Q", title=title, axis=alt.Axis(format="+.0%", tickCount=6))
    chart = (
        alt.Chart(alt.Data(values=rows))
        .mark_bar()
        .encode(
            alt.Y("measure:N", title=None, sort=measures, axis=alt.Axis(labelLimit=180)),
            x,
            alt.YOffset("cause:N", sort=causes),
            alt.Color(
                "cause:N",
                title=None,
                sort=causes,
                scale=alt.Scale(domain=causes, range=hues(len(causes))),
                legend=squares(causes, width),
            ),
            description="said:N",
        )
    )
    return finished(chart, width, 16 * max(len(parts), 2))
