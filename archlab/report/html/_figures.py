"""The charts of a comparison: what is drawn of each analysis, and what it says in a sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from csv import DictWriter
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING, Any, cast

from markupsafe import Markup

from archlab.analysis import QUANTITIES, Result, Value
from archlab.analysis.cost import Latency
from archlab.analysis.static import depths
from archlab.charts import WHOLE, Part, Place, Trained, by_depth, by_stage, growth, timeline, trade_off
from archlab.report._csv import in_csv
from archlab.report.html import _svg
from archlab.report.html._outlook import timed
from archlab.report.html._page import slug
from archlab.report.latency import roofline_chart
from archlab.units import BYTES, format_bytes, format_sides

if TYPE_CHECKING:
    from archlab.experiments import Results

WIDTH, HEIGHT = 380, 220


@dataclass(frozen=True)
class Figure:
    """A chart with its title and what it says; `name` is its anchor."""

    name: str
    title: str
    says: str
    svg: Markup
    csv: Markup
    table: str = "layers"
    """Where its numbers stand as a table: an anchor's beginning, or '' for the summary."""


def figures(results: Sequence[Result], training: Results | None = None) -> list[Figure]:
    """Every chart that there is something to draw in."""
    return [
        *_gradients(results),
        *_growth(results),
        *_timeline(results),
        *_costs(results),
        *_rooflines(results),
        *(_trade_offs(results, training) if training else ()),
    ]


def _drawn(chart: Any) -> tuple[Markup, Markup]:
    """The drawing of a chart, and its values as CSV."""
    import vl_convert

    # Larger letters than in a file of its own: on a narrow screen the drawing shrinks.
    chart = chart.configure_axis(
        gridColor="#e8e8e8", labelFontSize=12, titleFontSize=13, titleFontWeight="normal", titlePadding=12
    )
    made = chart.configure_legend(labelFontSize=12, columnPadding=22, rowPadding=4).to_dict()
    return _svg.chart(vl_convert.vegalite_to_svg(made)), _csv(made)


def _csv(spec: Mapping[str, Any]) -> Markup:
    """The values of a chart: those of its layers with the most."""
    found = list(_values(spec))
    rows = max(found, key=len, default=[])
    columns = list(dict.fromkeys(key for row in rows for key in row))
    text = StringIO()
    writer = DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({key: in_csv(value) if isinstance(value, str) else value for key, value in row.items()})
    # Names have no control characters in them by now; the ends of lines are to stay.
    return Markup.escape(text.getvalue())


def _values(spec: object) -> Iterator[list[dict[str, Any]]]:
    if isinstance(spec, dict):
        data = cast("dict[str, Any]", spec)
        values = data.get("values")
        if isinstance(values, list) and values and isinstance(values[0], dict):
            yield cast("list[dict[str, Any]]", values)
        for each in data.values():
            yield from _values(each)
    elif isinstance(spec, list):
        for each in cast("list[Any]", spec):
            yield from _values(each)


def _gradients(results: Sequence[Result]) -> Iterator[Figure]:
    flows = {result.name: result.gradient_flow for result in results}
    # All names, so that each has its colour in every chart, measured or not.
    measured = [(r.name, r.gradient_flow.curve if r.gradient_flow else []) for r in results if any(flows.values())]
    predicted = [(result.name, result.gradient_flow_predicted.curve) for result in results]
    band = ", with the quartiles of the seeds as a band" if any(f and len(f.seeds) > 1 for f in flows.values()) else ""
    how = f"Measured{band}, and dashed as predicted: " if measured else "As predicted: "
    quantities = (
        ("signal", "activation_gradient_rms", "Activation gradient by depth",
         "the RMS of ∂loss/∂output of each layer. A curve that falls to the left vanishes on its way back."),
        ("kernel", "kernel_gradient_norm", "Kernel gradient by depth",
         "the norm of ∂loss/∂kernel of each layer: how large a step it takes."),
    )  # fmt: skip
    for name, quantity, title, says in quantities:
        known = [getattr(layer, quantity) for _, curve in (*measured, *predicted) for layer in curve]
        if any(known):
            chart = by_depth(measured, quantity, predicted, named=True, width=WIDTH, height=HEIGHT)
            beside = any(not layer.longest_path for _, curve in (*measured, *predicted) for layer in curve)
            diamonds = " Diamonds are layers beside the longest path, such as projection shortcuts." if beside else ""
            yield Figure(name, title, how + says + diamonds, *_drawn(chart))


def _growth(results: Sequence[Result]) -> Iterator[Figure]:
    places: list[Place] = []
    images: list[int] = []
    for result in results:
        field = result.analysis.receptive_field
        images += [size for size in (field.input or ())[:-1] if size is not None]
        widest: dict[int, Place] = {}
        for row, depth in zip(field.layers, depths(result.analysis.graph), strict=True):
            if row.size is None:
                continue
            said = f"{result.name}, {row.name}: {format_sides(row.size)} pixels (depth {depth})"
            if depth not in widest or max(row.size) > widest[depth].y:
                widest[depth] = Place(result.name, depth, max(row.size), said)
        places += widest.values()
    if places:
        says = "How many pixels of the image a unit sees, at each depth the widest. Above the dashed line it is all."
        chart = growth(places, images, width=WIDTH, height=HEIGHT)
        yield Figure("field", "Receptive field by depth", says, *_drawn(chart))


def _timeline(results: Sequence[Result]) -> Iterator[Figure]:
    peaks = [result.analysis.memory.peak_inference or 0 for result in results]
    if not any(peaks):
        return
    unit, by = BYTES.scaled(max(peaks))
    places = [
        Place(
            result.name, number, row.live / by, f"{result.name}, {row.name}: {format_bytes(row.live)} (layer {number})"
        )
        for result in results
        for number, row in enumerate(result.analysis.memory.layers, start=1)
        if row.live is not None
    ]  # fmt: skip
    tops = [
        f"{result.name} peaks at {format_bytes(memory.peak_inference)}, at {memory.peak_at}"
        for result in results
        if (memory := result.analysis.memory).peak_inference
    ]
    says = f"Live activations at inference while each layer runs, for one sample. {'; '.join(tops)}."
    chart = timeline(places, unit, width=WIDTH, height=HEIGHT)
    yield Figure("memory", "Memory over time", says, *_drawn(chart))


_BY_STAGE = ("params", "macs", "saved_activations")
_AGAINST_ACCURACY = ("params", "macs")


def _costs(results: Sequence[Result]) -> Iterator[Figure]:
    for quantity in (QUANTITIES[name] for name in _BY_STAGE):
        found: list[tuple[str, str, Value, float]] = []
        for result in results:
            stages = quantity.groups(result, "stage") or {}
            values = {name if len(stages) > 1 else WHOLE: value for name, value in stages.items() if value.rank}
            total = sum(value.rank or 0.0 for value in values.values())
            found += [(result.name, stage, value, (value.rank or 0.0) / total) for stage, value in values.items()]
        if not found:
            continue
        unit, by = quantity.unit.scaled(max(value.rank or 0.0 for _, _, value, _ in found))
        shares = [
            Part(
                net,
                stage,
                (value.rank or 0.0) / by,
                f"{net}, {stage}: {value.text(quantity.unit)} {quantity.label}, {share:.0%} of its own",
            )
            for net, stage, value, share in found
        ]
        axis = f"{quantity.label} ({unit})" if unit else quantity.label
        says = f"A bar is the architecture, its pieces are its stages from first to last. {_largest(found)}"
        title = f"{quantity.label[0].upper()}{quantity.label[1:]} by stage"
        yield Figure(f"stage-{quantity.option}", title, says, *_drawn(by_stage(shares, axis, WIDTH)), "stages")


def _largest(found: Sequence[tuple[str, str, Value, float]]) -> str:
    most: dict[str, tuple[str, float]] = {}
    for net, stage, _, share in found:
        if share > most.get(net, ("", 0.0))[1]:
            most[net] = stage, share
    said = [f"{stage} has {share:.0%} of {net}" for net, (stage, share) in most.items() if stage != WHOLE]
    return f"{'; '.join(said)}." if said else ""


def _rooflines(results: Sequence[Result]) -> Iterator[Figure]:
    for result in results:
        made = timed(result)
        if not isinstance(made, Latency) or not any(layer.inference and layer.flops for layer in made.layers):
            continue
        says = (
            f"Each layer of {result.name} on {made.device.name}: on the slope it waits for memory, below the flat roof "
            "for arithmetic (Williams et al. 2009). Both axes are logarithmic."
        )
        chart = roofline_chart(made).properties(width=WIDTH, height=HEIGHT)
        yield Figure(f"roofline-{slug(result.name)}", f"Roofline of {result.name}", says, *_drawn(chart))


def _trade_offs(results: Sequence[Result], training: Results) -> Iterator[Figure]:
    trained = {group.architecture: group for group in training.groups if group.mean is not None}
    for quantity in (QUANTITIES[name] for name in _AGAINST_ACCURACY):
        assert quantity.whole is not None
        costs = {result.name: quantity.whole(result) for result in results if result.name in trained}
        known = {net: cost for net, cost in costs.items() if cost.rank is not None}
        if not known:
            continue
        unit, by = quantity.unit.scaled(max(cost.rank or 0.0 for cost in known.values()))
        points = []
        for net, cost in known.items():
            group = trained[net]
            interval = (group.interval.low, group.interval.high) if group.interval else None
            within = f" ({group.interval})" if group.interval else ""
            said = f"{net}: {group.mean:.3f}{within}, {cost.text(quantity.unit)} {quantity.label}"
            points.append(Trained(net, (cost.rank or 0.0) / by, group.mean or 0.0, interval, said))
        says = "Test accuracy, the mean over the seeds, with its 95 % interval, against what the architecture costs."
        axis = f"{quantity.label} ({unit})" if unit else quantity.label
        chart = trade_off(points, axis, width=WIDTH, height=HEIGHT)
        yield Figure(f"accuracy-{quantity.option}", f"Accuracy against {quantity.label}", says, *_drawn(chart), "")
