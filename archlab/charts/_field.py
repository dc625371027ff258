from __future__ import annotations

from collections.abc import Sequence
from math import ceil, cos, floor, pi, sin
from typing import Any

import altair as alt

from archlab.charts._depth import COLOURS, Chart
from archlab.charts._safe import safe

# More cells than this on a side are no sharper on a screen, and a file of them is ten times as large.
_CELLS = 72
_BOX, _ELLIPSE = "theoretical field", "two standard deviations"


def heat_map(
    values: Sequence[Sequence[float]],
    box: Sequence[tuple[int, int]] | None = None,
    centre: Sequence[float] | None = None,
    radii: Sequence[float] | None = None,
    width: int = 320,
) -> Chart:
    """A map of values over pixels, with a box and an ellipse on it; cut to what is worth seeing.

    Args:
        values: rows of columns, none negative.
        box: first and last row, first and last column.
        centre: row and column of the ellipse.
        radii: of the ellipse, along the rows and along the columns.
        width: of the plot, in pixels of the screen.

    Returns:
        An `altair` chart.
    """
    height_of, width_of = len(values), len(values[0])
    rows, columns = _window(height_of, width_of, box, centre, radii)
    step = max(1, ceil(max(rows[1] - rows[0], columns[1] - columns[0]) / _CELLS))
    cells = []
    for top in range(rows[0], rows[1], step):
        for left in range(columns[0], columns[1], step):
            bottom, right = min(top + step, rows[1]), min(left + step, columns[1])
            total = sum(sum(values[row][left:right]) for row in range(top, bottom))
            mean = total / ((bottom - top) * (right - left))
            cells.append({"top": top, "left": left, "bottom": bottom, "right": right, "value": mean})
    largest = max((cell["value"] for cell in cells), default=0.0) or 1.0
    for cell in cells:
        cell["value"] /= largest
    x = alt.Scale(domain=[columns[0], columns[1]], nice=False, zero=False)
    y = alt.Scale(domain=[rows[1], rows[0]], nice=False, zero=False)
    map_of = (
        alt.Chart(alt.Data(values=cells))
        .mark_rect(strokeWidth=0)
        .encode(
            alt.X("left:Q", title="column", scale=x),
            alt.Y("top:Q", title="row", scale=y),
            alt.X2("right:Q"),
            alt.Y2("bottom:Q"),
            # The root shows the tails, which a linear scale leaves black.
            alt.Color(
                "value:Q", title="of the largest", scale=alt.Scale(type="sqrt", domain=[0, 1], range=["white", "black"])
            ),
            tooltip=[alt.Tooltip("top:Q"), alt.Tooltip("left:Q"), alt.Tooltip("value:Q", format=".3~g")],
        )
    )
    layers: list[Any] = [map_of]
    if box is not None:
        (top, bottom), (left, right) = box
        corners = [(top, left), (top, right + 1), (bottom + 1, right + 1), (bottom + 1, left), (top, left)]
        layers.append(_line(corners, rows, columns, _BOX, x, y))
    if centre is not None and radii is not None:
        # The middle of a pixel lies half a pixel behind its edge.
        ring = [
            (centre[0] + 0.5 + radii[0] * sin(2 * pi * i / 72), centre[1] + 0.5 + radii[1] * cos(2 * pi * i / 72))
            for i in range(73)
        ]
        layers.append(_line(ring, rows, columns, _ELLIPSE, x, y))
    tall = round(width * (rows[1] - rows[0]) / (columns[1] - columns[0]))
    chart = alt.layer(*layers).properties(width=width, height=tall, background="white")
    return safe(chart.configure_view(stroke="#cccccc").configure_axis(grid=False, labelFontSize=11, titleFontSize=12))


def _window(
    height: int,
    width: int,
    box: Sequence[tuple[int, int]] | None,
    centre: Sequence[float] | None,
    radii: Sequence[float] | None,
) -> tuple[tuple[int, int], tuple[int, int]]:
    """The rows and columns that are drawn: all that the box and the ellipse lie on and a little more, in the image."""
    found = []
    for axis, size in enumerate((height, width)):
        low, high = (0, size) if box is None and centre is None else (size, 0)
        if box is not None:
            low, high = box[axis][0], box[axis][1] + 1
        if centre is not None and radii is not None:
            low, high = min(low, floor(centre[axis] - radii[axis])), max(high, ceil(centre[axis] + radii[axis]) + 1)
        margin = max(1, (high - low) // 20)
        found.append((max(0, low - margin), min(size, high + margin)))
    return found[0], found[1]


def _line(
    points: Sequence[tuple[float, float]],
    rows: tuple[int, int],
    columns: tuple[int, int],
    name: str,
    x: alt.Scale,
    y: alt.Scale,
) -> Chart:
    # What lies outside of the image is drawn along its edge.
    data = [
        {
            "row": min(max(row, rows[0]), rows[1]),
            "column": min(max(column, columns[0]), columns[1]),
            "order": order,
            "name": name,
        }
        for order, (row, column) in enumerate(points)
    ]
    legend = alt.Legend(orient="top", symbolStrokeWidth=2, labelLimit=300, symbolType="stroke")
    return (
        alt.Chart(alt.Data(values=data))
        .mark_line(strokeWidth=2)
        .encode(
            alt.X("column:Q", scale=x),
            alt.Y("row:Q", scale=y),
            alt.Order("order:Q"),
            # Told apart by hue and by dash: one legend for both.
            alt.Stroke(
                "name:N", title=None, scale=alt.Scale(domain=[_BOX, _ELLIPSE], range=COLOURS[1::-1]), legend=legend
            ),
            alt.StrokeDash(
                "name:N", title=None, scale=alt.Scale(domain=[_BOX, _ELLIPSE], range=[[6, 3], [1, 0]]), legend=legend
            ),
        )
    )


def embedded(chart: Chart, words: str) -> str:
    """A chart as HTML that stands for itself: the picture inside, the words for those who cannot see it."""
    from base64 import b64encode
    from html import escape

    import vl_convert

    png = vl_convert.vegalite_to_png(chart.to_dict(), scale=2)
    picture = b64encode(png).decode("ascii")
    return f'<img alt="{escape(words)}" style="max-width: 30em" src="data:image/png;base64,{picture}">'
