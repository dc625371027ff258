from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import ceil, floor, log10
from pathlib import Path
from typing import Any, TypeAlias

import altair as alt

from archlab.charts._safe import safe

# Hues that stay apart for every kind of colour vision (Okabe & Ito 2008).
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MEASURED, PREDICTED = "measured", "predicted"

TITLES = {
    "activation_gradient_rms": "activation gradient: RMS of ∂loss/∂output",
    "weight_gradient_norm": "norm of ∂loss/∂weights",
    "kernel_gradient_norm": "norm of ∂loss/∂kernel",
    "activation_rms": "RMS of the activation",
    "activation_mean": "mean of the activation",
    "weight_norm": "norm of the weights",
    "ratio": "gradient norm / weight norm",
    "dead_share": "share of dead channels",
}
HEADS = {
    "activation_gradient_rms": "Activation gradient by depth",
    "weight_gradient_norm": "Weight gradient by depth",
    "kernel_gradient_norm": "Kernel gradient by depth",
    "activation_rms": "Activations by depth",
    "activation_mean": "Mean activation by depth",
    "weight_norm": "Weights by depth",
    "ratio": "Gradient against weights by depth",
    "dead_share": "Dead channels by depth",
}
_FIFTHS = tuple(tenths / 10 for tenths in range(10, 100, 2))
_LINEAR = ("activation_mean", "dead_share")


Chart: TypeAlias = alt.TopLevelMixin
"""A chart of Altair, whatever it is put together from."""


def by_depth(
    curves: Sequence[tuple[str, Sequence[Any]]],
    quantity: str = "activation_gradient_rms",
    predicted: Sequence[tuple[str, Sequence[Any]]] = (),
    ordered: bool = False,
    named: bool = False,
    width: int = 560,
    height: int = 260,
) -> Chart:
    """A quantity against depth, a line for each name; between the quartiles of several runs a band.

    Args:
        curves: names, each with records that have `name`, `depth`, `longest_path`, the quantity and perhaps its
            quartiles. The line follows the longest path; what stands beside it is a diamond.
        quantity: the attribute that is drawn, on a logarithmic axis where it is a size.
        predicted: the same for what has been predicted: dashed.
        ordered: whether the names follow one another, such as steps of a training run: from light to dark then.
        named: whether every value has a point that says in words what it is, invisible where there are none otherwise,
            as in a report, which has a title of its own.
        width: of the plot, in pixels.
        height: of the plot, in pixels.

    Returns:
        An `altair` chart; `save` writes it to a file.
    """
    rows = [row for kind, each in ((MEASURED, curves), (PREDICTED, predicted)) for row in _rows(each, quantity, kind)]
    names = list(dict.fromkeys(name for name, _ in (*curves, *predicted)))
    scale, axis = _vertical(rows, quantity)
    base = alt.Chart(alt.Data(values=rows)).encode(
        alt.X(
            "depth:Q",
            title="depth: layers with a kernel from the input",
            scale=alt.Scale(zero=False, nice=False),
            axis=whole([row["depth"] for row in rows]),
        ),
        alt.Color(
            "net:N",
            title=None,
            sort=names,
            scale=alt.Scale(domain=names, range=_shades(len(names)) if ordered else hues(len(names))),
            legend=legend(names, width),
        ),
    )
    kinds = list(dict.fromkeys(row["kind"] for row in rows))
    beside = any(not row["longest_path"] for row in rows)
    dash = alt.StrokeDash(
        "kind:N",
        title=None,
        scale=alt.Scale(domain=[MEASURED, PREDICTED], range=[[1, 0], [5, 4]]),
        legend=alt.Legend(orient="top", symbolStrokeWidth=2, symbolType="stroke") if len(kinds) > 1 else None,
    )
    tooltip = [
        alt.Tooltip("net:N"),
        alt.Tooltip("layer:N"),
        alt.Tooltip("depth:Q"),
        alt.Tooltip("value:Q", format=".3~e", title=TITLES.get(quantity, quantity)),
    ]
    title = TITLES.get(quantity, quantity)
    # Points would hide the dashes.
    y = alt.Y("value:Q", title=title, scale=scale, axis=axis)
    mark = alt.OverlayMarkDef(size=18, aria=not named)
    trunk = base.transform_filter("datum.longest_path") if beside else base
    line = trunk.mark_line(strokeWidth=2, point=len(kinds) == 1 and mark).encode(y, dash, tooltip=tooltip)
    # A row without quartiles, as those of a prediction are, would cut the band in two.
    band = (
        trunk.transform_filter("isValid(datum.low)")
        .mark_area(opacity=0.18)
        .encode(alt.Y("low:Q", scale=scale, title=title), alt.Y2("high:Q"))
    )
    chart = band + line if any(row["low"] is not None for row in rows) else line
    if beside:
        # A projection shares its depth with a layer of the body: on the line it would be a step that no path takes.
        apart = base.transform_filter("!datum.longest_path")
        chart += apart.mark_point(size=26, shape="diamond", aria=not named).encode(y, tooltip=tooltip)
    if named:
        for row in rows:
            row["said"] = f"{row['net']}, {row['layer']}: {row['value']:.2g} ({row['kind']}, depth {row['depth']})"
        chart += words(base.encode(alt.Y("value:Q", scale=scale, title=title)))
    if not named and quantity in HEADS:
        chart = chart.properties(title=_titled(HEADS[quantity], beside))
    return finished(chart, width, height)


def _titled(title: str, beside: bool) -> alt.Title:
    if not beside:
        return alt.Title(title, anchor="start", fontSize=14)
    below = "diamonds: layers beside the longest path, such as projection shortcuts"
    return alt.Title(title, subtitle=below, anchor="start", fontSize=14)


def _vertical(rows: Sequence[Mapping[str, Any]], quantity: str) -> tuple[alt.Scale, alt.Axis]:
    """The vertical axis: of a size logarithmic, with labels at powers of ten, or at 1, 2 and 5 where these are few."""
    if quantity in _LINEAR:
        return alt.Scale(type="linear"), alt.Axis(format="~g")
    values = [row[key] for row in rows for key in ("value", "low", "high") if row[key]]
    scale = alt.Scale(type="log", nice=False)
    if not values:
        return scale, alt.Axis(format=".0e", tickCount=6)
    low, high = floor(log10(min(values))), ceil(log10(max(values)))
    labels = [(form, shown) for form, shown in _labels(low, high, min(values), max(values)) if len(shown) > 1]
    if not labels:  # one value, or nearly so
        return scale, alt.Axis(format=".2e", tickCount=4)
    form, shown = next((each for each in labels if len(each[1]) > 3), labels[-1])
    return scale, alt.Axis(format=form, values=shown)


def _labels(low: int, high: int, least: float, most: float) -> Iterator[tuple[str, list[float]]]:
    """Rows of labels between two values, from the coarsest on, each with its format."""
    step = max(1, round((high - low) / 8))
    for form, digits in ((".0e", (1,)), (".0e", (1, 2, 5)), (".0e", range(1, 10)), (".1e", _FIFTHS)):
        ticks = [digit * 10.0**power for power in range(low, high + 1, step) for digit in digits]
        yield form, [tick for tick in ticks if least <= tick <= most]


def whole(values: Sequence[float]) -> alt.Axis:
    """An axis of whole numbers, all of them where there are few."""
    low, high = (int(min(values)), int(max(values))) if values else (0, 0)
    return alt.Axis(values=list(range(low, high + 1)), format="d") if high - low <= 12 else alt.Axis(tickMinStep=1)


def words(base: Any) -> Any:
    """An invisible point at each value of a chart, whose description is what the row says in `said`."""
    return base.mark_point(size=40, opacity=0, filled=True).encode(description="said:N")


def finished(chart: Any, width: int, height: int) -> Chart:
    """A chart as large as asked, in the manner of all of them."""
    chart = chart.properties(width=width, height=height, background="white")
    chart = chart.configure_axis(gridColor="#e8e8e8", labelFontSize=11, titleFontSize=12).configure_view(stroke=None)
    return safe(chart)


def legend(names: Sequence[str], width: int) -> alt.Legend:
    """The legend: above the plot, in as many columns as fit: a letter takes about 6 pixels."""
    columns = max(1, width // (30 + 6 * max(map(len, names), default=1)))
    return alt.Legend(
        orient="top", labelLimit=400, symbolStrokeWidth=3, symbolType="stroke", symbolOpacity=1, columns=columns
    )


def hues(count: int) -> list[str]:
    """So many colours, the same again where there are more than can be told apart."""
    return [COLOURS[number % len(COLOURS)] for number in range(count)]


def _shades(count: int) -> list[str]:
    """From a light blue to a dark one."""
    light, dark = (0xB3, 0xD4, 0xEA), (0x00, 0x2B, 0x4D)
    steps = [number / max(count - 1, 1) for number in range(count)]
    return ["#" + "".join(f"{round(a + (b - a) * t):02x}" for a, b in zip(light, dark, strict=True)) for t in steps]


def _rows(curves: Sequence[tuple[str, Sequence[Any]]], quantity: str, kind: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for name, records in curves:
        drawn: set[int] = set()
        for record in records:
            value = getattr(record, quantity)
            if value is None or (quantity not in _LINEAR and value <= 0):
                continue  # a logarithmic axis knows no zero; a gap shows that there is none
            # Of two longest paths the line follows one.
            along = record.longest_path and record.depth not in drawn
            if along:
                drawn.add(record.depth)
            low, high = getattr(record, f"{quantity}_quartiles", None) or (None, None)
            rows.append(
                {
                    "net": name,
                    "kind": kind,
                    "layer": record.name,
                    "depth": record.depth,
                    "longest_path": along,
                    "value": value,
                    "low": low or None,
                    "high": high or None,
                }
            )
    return rows


def slopes(points: Sequence[tuple[str, int, float | None]], width: int = 560, height: int = 260) -> Chart:
    """The slope of the activation gradient against depth, a line for each name: points are (name, depth, slope).

    Returns:
        An `altair` chart; `save` writes it to a file.
    """
    rows = [{"net": name, "depth": depth, "slope": slope} for name, depth, slope in points if slope is not None]
    names = list(dict.fromkeys(name for name, _, _ in points))
    base = alt.Chart(alt.Data(values=rows)).encode(
        alt.X("depth:Q", title="depth of the network", scale=alt.Scale(zero=False)),
        alt.Y("slope:Q", title="slope of the activation gradient (decades per layer)"),
        alt.Color(
            "net:N",
            title=None,
            sort=names,
            scale=alt.Scale(domain=names, range=hues(len(names))),
            legend=legend(names, width),
        ),
        tooltip=[alt.Tooltip("net:N"), alt.Tooltip("depth:Q"), alt.Tooltip("slope:Q", format="+.3f")],
    )
    level = (
        alt.Chart(alt.Data(values=[{"level": 0}])).mark_rule(color="#999", strokeDash=[3, 3]).encode(alt.Y("level:Q"))
    )
    chart = level + base.mark_line(strokeWidth=2, point=alt.OverlayMarkDef(size=40))
    return finished(chart, width, height)


def save(chart: Chart, path: Path) -> None:
    """Write a chart as .svg, .png, .html or .json; nothing is fetched from the network.

    An .html file holds all that it needs.
    """
    if path.suffix.lower() == ".png":
        chart.save(str(path), scale_factor=2)
    else:
        chart.save(str(path))
