"""What architectures cost and see, by place: lines over depth and over time, bars by stage, a scatter of trade-offs.

Every value has a mark that says in words what it is (`description`, in SVG `aria-label`), for pages to show on touch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import altair as alt

from archlab.charts._depth import Chart, finished, hues, legend, whole, words

STEPS = ("#C9DDF2", "#A3C6E8", "#7BADDB", "#5592CB", "#3478B8", "#1F5F9C", "#134779", "#0A3157")
"""From the first stage to the last: one hue, light to dark, so that neighbours can be told apart without colour too."""
WHOLE = "no stages"
"""The one part of an architecture that has no stages."""
_PLAIN = "#999999"


class Place(NamedTuple):
    """A value at a place of an architecture, and what it says in words."""

    net: str
    x: float
    y: float
    said: str


class Part(NamedTuple):
    """The share that a stage has of a total, and what it says in words."""

    net: str
    stage: str
    value: float
    said: str


class Trained(NamedTuple):
    """An architecture's cost and its accuracy, with the interval of that where it is known."""

    net: str
    cost: float
    accuracy: float
    interval: tuple[float, float] | None
    said: str


def growth(
    places: Sequence[Place], images: Sequence[int] = (), title: str = "", width: int = 420, height: int = 230
) -> Chart:
    """How far the units see against depth, a line for each architecture.

    Args:
        places: `x` the depth, `y` the size of the receptive field in pixels.
        images: sides of the images, each drawn as a dashed line: what lies above sees all of it.
        title: of the vertical axis; what is drawn, by default.
        width: of the plot, in pixels.
        height: of the plot, in pixels.

    Returns:
        An `altair` chart.
    """
    base = _places(places, width).encode(
        alt.X(
            "x:Q",
            title="depth: layers with a kernel from the input",
            scale=alt.Scale(nice=False),
            axis=whole([place.x for place in places]),
        ),
        alt.Y("y:Q", title=title or "receptive field (pixels)", scale=alt.Scale(zero=True)),
    )
    layers: list[Any] = [base.mark_line(strokeWidth=2, aria=False), words(base)]
    if images:
        # Side by side, so that images of nearly one size do not hide each other's words.
        rows = [
            {"y": side, "label": f"image: {side} pixels", "place": 4 + 130 * number}
            for number, side in enumerate(sorted(set(images)))
        ]
        rule = alt.Chart(alt.Data(values=rows)).encode(alt.Y("y:Q"))
        text = rule.mark_text(align="left", baseline="bottom", dy=-2, color="#666666", aria=False)
        layers = [
            rule.mark_rule(color="#999999", strokeDash=[3, 3], aria=False),
            text.encode(alt.X("place:Q", scale=None, axis=None), alt.Text("label:N")),
            *layers,
        ]
    return finished(alt.layer(*layers), width, height)


def timeline(
    places: Sequence[Place],
    unit: str,
    width: int = 420,
    height: int = 230,
    *,
    what: str = "live activations",
    order: str = "layers in the order they run",
) -> Chart:
    """What is live at a time against the order in which layers run, a step for each layer.

    Args:
        places: `x` the number of the layer, `y` how much is live while it runs.
        unit: of `y`, such as 'MiB'.
        what: what is live, over the vertical axis.
        order: what the horizontal axis counts.
        width: of the plot, in pixels.
        height: of the plot, in pixels.

    Returns:
        An `altair` chart.
    """
    axis = whole([place.x for place in places])
    base = _places(places, width).encode(
        alt.X("x:Q", title=order, scale=alt.Scale(nice=False), axis=axis),
        alt.Y("y:Q", title=f"{what} ({unit})", scale=alt.Scale(zero=True)),
    )
    line = base.mark_line(strokeWidth=1.5, interpolate="step-after", aria=False)
    return finished(line + words(base), width, height)


def by_stage(parts: Sequence[Part], title: str, width: int = 420) -> Chart:
    """A total for each architecture as a bar, cut into what each stage has of it, in order.

    Args:
        parts: by architecture, and in each in the order of its stages.
        title: of the axis: what is added up, and its unit.
        width: of the plot, in pixels.

    Returns:
        An `altair` chart.
    """
    nets = list(dict.fromkeys(part.net for part in parts))
    stages = ordered([[part.stage for part in parts if part.net == net] for net in nets])
    rows, ends = [], dict.fromkeys(nets, 0.0)
    for part in parts:
        start, ends[part.net] = ends[part.net], ends[part.net] + part.value
        rows.append(
            {"net": part.net, "stage": part.stage, "start": start, "end": ends[part.net], "said": part.said}
        )  # fmt: skip
    last = max(len(stages) - 1 - (WHOLE in stages), 1)
    shades = [STEPS[place * (len(STEPS) - 1) // last] for place in range(last + 1)]
    colours = [_PLAIN if stage == WHOLE else shades.pop(0) for stage in stages]
    chart = (
        alt.Chart(alt.Data(values=rows))
        .mark_bar(stroke="#ffffff", strokeWidth=1, height={"band": 0.7})
        .encode(
            alt.Y("net:N", title=None, sort=nets, axis=alt.Axis(labelLimit=180)),
            alt.X("start:Q", title=title, axis=alt.Axis(tickCount=6)),
            alt.X2("end:Q"),
            alt.Color(
                "stage:N",
                title=None,
                sort=stages,
                scale=alt.Scale(domain=stages, range=colours),
                legend=squares(stages, width),
            ),
            description="said:N",
        )
    )
    return finished(chart, width, 34 * len(nets))


def trade_off(trained: Sequence[Trained], title: str, width: int = 420, height: int = 230) -> Chart:
    """Accuracy against what it costs, a point for each architecture, its interval as a line.

    Args:
        trained: one record an architecture.
        title: of the horizontal axis: what the cost is, and its unit.
        width: of the plot, in pixels.
        height: of the plot, in pixels.

    Returns:
        An `altair` chart.
    """
    nets = [each.net for each in trained]
    rows = [
        {"net": each.net, "x": each.cost, "y": each.accuracy, "said": each.said}
        | ({"low": each.interval[0], "high": each.interval[1]} if each.interval else {"low": None, "high": None})
        for each in trained
    ]
    base = alt.Chart(alt.Data(values=rows)).encode(
        alt.X("x:Q", title=title, scale=alt.Scale(zero=True), axis=alt.Axis(tickCount=6)),
        _colour(nets, width),
    )
    y = alt.Scale(zero=False, nice=True)
    interval = base.transform_filter("isValid(datum.low)").mark_rule(strokeWidth=2, aria=False)
    point = base.mark_point(size=70, filled=True, opacity=1).encode(
        alt.Y("y:Q", title="test accuracy", scale=y), description="said:N"
    )
    return finished(interval.encode(alt.Y("low:Q", scale=y), alt.Y2("high:Q")) + point, width, height)


def ordered(lists: Sequence[Sequence[str]]) -> list[str]:
    """One list with the names of all, each after those that stand before it in the lists it comes from.

    >>> ordered([["stem", "stage1", "head"], ["stem", "stage1", "stage2", "head"]])
    ['stem', 'stage1', 'stage2', 'head']
    """
    found: list[str] = []
    for names in lists:
        place = 0
        for name in names:
            if name in found:
                place = found.index(name) + 1
            else:
                found.insert(place, name)
                place += 1
    return found


def _places(places: Sequence[Place], width: int) -> alt.Chart:
    rows = [place._asdict() for place in places]
    return alt.Chart(alt.Data(values=rows)).encode(_colour([place.net for place in places], width))


def _colour(nets: Sequence[str], width: int) -> alt.Color:
    names = list(dict.fromkeys(nets))
    scale = alt.Scale(domain=names, range=hues(len(names)))
    return alt.Color("net:N", title=None, sort=names, scale=scale, legend=legend(names, width))


def squares(names: Sequence[str], width: int) -> alt.Legend:
    """A legend above a chart of such a width, a square for each name."""
    return alt.Legend(orient="top", columns=_columns(names, width), symbolType="square", labelLimit=180)


def _columns(names: Sequence[str], width: int) -> int:
    return max(1, width // (34 + 7 * max(map(len, names), default=1)))
