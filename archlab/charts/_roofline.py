"""The roofline: how fast layers compute against how much they compute for each byte."""

from __future__ import annotations

from collections.abc import Sequence
from math import log10
from typing import NamedTuple

import altair as alt

from archlab.charts._cost import STEPS, squares
from archlab.charts._depth import Chart, finished


class Dot(NamedTuple):
    """A layer: floating-point operations for each byte moved, and a second; and what it says in words."""

    stage: str
    intensity: float
    speed: float
    said: str


def roofline(dots: Sequence[Dot], peak: float, bandwidth: float, width: int = 420, height: int = 260) -> Chart:
    """Every layer a dot below the roof that the memory's bandwidth and the peak make (Williams et al. 2009).

    Args:
        dots: layers, in the order of their stages.
        peak: floating-point operations a second, at most.
        bandwidth: bytes a second, at most.
        width: of the plot, in pixels.
        height: of the plot, in pixels.

    Returns:
        An `altair` chart, both axes logarithmic.
    """
    dots = [dot for dot in dots if dot.intensity > 0 and dot.speed > 0]
    stages = list(dict.fromkeys(dot.stage for dot in dots))
    shades = [STEPS[place * (len(STEPS) - 1) // max(len(stages) - 1, 1)] for place in range(len(stages))]
    rows = [{"stage": dot.stage, "x": dot.intensity, "y": dot.speed / 1e9, "said": dot.said} for dot in dots]
    ridge = peak / bandwidth
    low = 10 ** (int(log10(min([dot.intensity for dot in dots], default=0.1) + 1e-9)) - 1)
    high = max([2 * ridge, *[2 * dot.intensity for dot in dots]])
    roof = [
        {"x": low, "y": low * bandwidth / 1e9},
        {"x": ridge, "y": peak / 1e9},
        {"x": high, "y": peak / 1e9},
    ]
    x = alt.X("x:Q", title="FLOPs for each byte", scale=alt.Scale(type="log"))
    y = alt.Y("y:Q", title="GFLOP/s", scale=alt.Scale(type="log"))
    line = alt.Chart(alt.Data(values=roof)).mark_line(color="#666666", strokeWidth=1.5, aria=False).encode(x, y)
    colour = alt.Color(
        "stage:N",
        title=None,
        sort=stages,
        scale=alt.Scale(domain=stages, range=shades),
        legend=squares(stages, width),
    )
    points = alt.Chart(alt.Data(values=rows)).mark_point(size=50, filled=True, opacity=0.9)
    return finished(line + points.encode(x, y, colour, description="said:N"), width, height)
