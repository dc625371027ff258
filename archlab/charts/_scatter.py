"""Architectures as points over two numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import altair as alt

from archlab.charts._depth import COLOURS, Chart, finished


class Spot(NamedTuple):
    """Two numbers of an architecture, and what it says in words."""

    x: float
    y: float
    said: str


def scatter(spots: Sequence[Spot], x: str, y: str, width: int = 420, height: int = 260) -> Chart:
    """A Pareto front: a point for each architecture, joined by a line in order.

    Args:
        spots: in the order of the front.
        x: what the horizontal axis is of.
        y: what the vertical axis is of.
        width: of the plot, in pixels.
        height: of the plot, in pixels.

    Returns:
        An `altair` chart.
    """
    rows = [spot._asdict() for spot in spots]
    scale = alt.Scale(zero=False, nice=True)
    axis = alt.Axis(format="~s", tickCount=6)
    base = alt.Chart(alt.Data(values=rows)).encode(
        alt.X("x:Q", title=x, scale=scale, axis=axis), alt.Y("y:Q", title=y, scale=scale, axis=axis)
    )
    line = base.mark_line(color="#999999", strokeWidth=1, aria=False)
    points = base.mark_point(size=60, filled=True, opacity=1, color=COLOURS[0]).encode(description="said:N")
    return finished(line + points, width, height)
