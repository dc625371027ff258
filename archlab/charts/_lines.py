from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from archlab.charts._depth import COLOURS, Chart, finished


def _hues(names: Sequence[str]) -> alt.Color:
    return alt.Color(
        "name:N",
        title=None,
        scale=alt.Scale(domain=list(names), range=[COLOURS[i % len(COLOURS)] for i in range(len(names))]),
        legend=alt.Legend(orient="top", labelLimit=400, symbolStrokeWidth=3, symbolType="stroke"),
    )


def by_distance(curves: Sequence[tuple[str, Sequence[Any]]], width: int = 480, height: int = 240) -> Chart:
    """A correlation against the distance, a line for each name; between the quartiles of several runs a band.

    Args:
        curves: names, each with records that have `distance`, `correlation` and `quartiles`.
        width: of the plot, in pixels.
        height: of the plot, in pixels.

    Returns:
        An `altair` chart.
    """
    rows = []
    for name, records in curves:
        for record in records:
            low, high = record.quartiles or (None, None)
            point = {"name": name, "distance": record.distance, "value": record.correlation, "low": low, "high": high}
            rows.append(point)
    title = "correlation of the gradients"
    base = alt.Chart(alt.Data(values=rows)).encode(
        alt.X("distance:Q", title="distance of the inputs: RMS of their difference", scale=alt.Scale(nice=False)),
        _hues([name for name, _ in curves]),
    )
    tooltip = [alt.Tooltip("name:N"), alt.Tooltip("distance:Q", format=".3~g"), alt.Tooltip("value:Q", format=".3f")]
    chart = base.mark_line(strokeWidth=2).encode(alt.Y("value:Q", title=title), tooltip=tooltip)
    if any(row["low"] is not None for row in rows):
        chart = base.mark_area(opacity=0.18).encode(alt.Y("low:Q", title=title), alt.Y2("high:Q")) + chart
    return finished(chart, width, height)


def by_length(
    curves: Sequence[tuple[str, Sequence[tuple[int, float]]]], what: str, width: int = 480, height: int = 220
) -> Chart:
    """Shares against a whole number, a line for each name.

    Args:
        curves: names, each with pairs of the number and the share.
        what: the number is of.
        width: of the plot, in pixels.
        height: of the plot, in pixels.

    Returns:
        An `altair` chart.
    """
    rows = [
        {"name": name, "length": length, "value": share} for name, points in curves for length, share in points
    ]  # fmt: skip
    chart = (
        alt.Chart(alt.Data(values=rows))
        .mark_line(strokeWidth=2, point=alt.OverlayMarkDef(size=22))
        .encode(
            alt.X("length:Q", title=what, scale=alt.Scale(nice=False), axis=alt.Axis(tickMinStep=1)),
            alt.Y("value:Q", title="share", axis=alt.Axis(format="%")),
            _hues([name for name, _ in curves]),
            tooltip=[alt.Tooltip("name:N"), alt.Tooltip("length:Q"), alt.Tooltip("value:Q", format=".2%")],
        )
    )
    return finished(chart, width, height)
