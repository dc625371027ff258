"""Times as a report: of the whole, by stage and by layer, and what bounds them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from archlab.analysis import analyze
from archlab.analysis.cost import Device, Latency, Timing
from archlab.analysis.static.outline import groups
from archlab.report._cells import count, share
from archlab.report._parts import Align, Cell, Part, Prose, Report, Table
from archlab.units import format_time

if TYPE_CHECKING:
    from archlab.charts import Chart

_BOUNDS = {"overhead": "starting operations", "compute": "arithmetic", "memory": "moving data"}


def latency_report(found: Sequence[Latency], by: str = "stage") -> Report:
    """A column for each architecture, then the time of each stage, block or layer.

    Args:
        found: of each architecture, all on one device.
        by: 'stage', 'block' or 'layer'.
    """
    parts: list[Part] = [_wholes(found)]
    parts += [_layers(each) if by == "layer" else _groups(each, by) for each in found]
    return Report((*parts, Prose("", tuple(_lines(found)))))


def seconds(number: float | None, lower: bool = False) -> Cell:
    """A time with its unit, of any size."""
    return Cell(("≥ " if lower else "") + format_time(number), number)


def _wholes(found: Sequence[Latency]) -> Table:
    names = [each.architecture.name for each in found]
    rows: list[tuple[Cell | str, ...]] = []
    for label, predicted, measured in (
        ("inference", lambda each: each.inference, lambda each: each.measured_inference),
        ("training step", lambda each: each.training_step, lambda each: each.measured_training_step),
    ):
        rows.append((f"{label}, predicted", *[seconds(predicted(each), bool(each.unknown)) for each in found]))
        if any(measured(each) for each in found):
            rows.append((f"{label}, measured", *[_measured(measured(each)) for each in found]))
    for bound, words in _BOUNDS.items():
        rows.append((f"bound by {words}", *[share(each.bounds[bound] / each.inference) for each in found]))
    first = found[0]
    threads = f"{first.threads} thread{'s' if first.threads > 1 else ''}"
    title = f"Time on {first.device.name} (batch {first.batch}, {threads}, {first.precision})"
    records = [
        {
            "name": each.architecture.name,
            "batch": each.batch,
            "threads": each.threads,
            "inference_ms": 1000 * each.inference,
            "inference_measured_ms": each.measured_inference and 1000 * each.measured_inference.median,
            "training_step_ms": 1000 * each.training_step,
            "training_step_measured_ms": each.measured_training_step and 1000 * each.measured_training_step.median,
            **{f"bound_by_{bound}": each.bounds[bound] / each.inference for bound in _BOUNDS},
        }
        for each in found
    ]
    align: tuple[Align, ...] = ("left", *["right" for _ in names])
    return Table(title, ("", *names), rows, align, records, stack=True)


def _measured(timing: Timing | None) -> Cell:
    if timing is None:
        return Cell("–")
    return Cell(f"{format_time(timing.median)} ({format_time(timing.low)}–{format_time(timing.high)})", timing.median)


def _groups(found: Latency, by: str) -> Table:
    graph = found.architecture.graph
    macs = [row.macs or 0 for row in analyze(graph).compute.layers]
    total, arithmetic = found.inference - found.device.call, max(sum(macs), 1)
    rows: list[tuple[Cell | str, ...]] = []
    records: list[Mapping[str, object]] = []
    for name, members in groups(graph, by).items():
        inside = [found.layers[each] for each in members]
        time = sum(each.inference or 0.0 for each in inside)
        step = sum(each.training_step or 0.0 for each in inside)
        spent = {bound: sum(each.inference or 0.0 for each in inside if each.bound == bound) for bound in _BOUNDS}
        bound = max(spent, key=lambda each: spent[each]) if time else ""
        counted = sum(macs[each] for each in members)
        rows.append(
            (name, seconds(time), share(time / total if total else 0.0), count(counted), share(counted / arithmetic),
             seconds(step), bound)
        )  # fmt: skip
        records.append(
            {"architecture": found.architecture.name, by: name, "inference_ms": 1000 * time,
             "training_step_ms": 1000 * step, "macs": counted, "bound": bound}
        )  # fmt: skip
    columns = (by, "inference", "of all", "MACs", "of all", "training step", "bound by")
    align: tuple[Align, ...] = ("left", "right", "right", "right", "right", "right", "left")
    return Table(f"{found.architecture.name} by {by}", columns, rows, align, records, essential=3)


def _layers(found: Latency) -> Table:
    rows: list[tuple[Cell | str, ...]] = []
    records: list[Mapping[str, object]] = []
    for layer in found.layers:
        if layer.inference is None:
            rows.append((layer.name, "unknown", "", "unknown", ""))
        else:
            bound = f"fused into {layer.fused}" if layer.fused else layer.bound
            intensity = Cell(f"{layer.intensity:.1f}" if layer.intensity else "–", layer.intensity)
            rows.append((layer.name, seconds(layer.inference), intensity, seconds(layer.training_step), bound))
        records.append({"architecture": found.architecture.name, **layer._asdict()})
    columns = ("layer", "inference", "FLOPs/byte", "training step", "bound by")
    align: tuple[Align, ...] = ("left", "right", "right", "right", "left")
    return Table(f"{found.architecture.name} by layer", columns, rows, align, records, essential=2)


def _lines(found: Sequence[Latency]) -> list[str]:
    lines: list[str] = []
    device = found[0].device
    if not device.calibrated:
        lines.append(
            f"{device.name} ({device.processor}) is a profile written by hand, not calibrated: it ranks better than it "
            "times. `archlab calibrate` measures this machine."
        )
    for each in found:
        if each.unknown:
            lines.append(
                f"{each.architecture.name}: a lower bound: {len(each.unknown)} layers without a rule, such as "
                f"{each.unknown[0]}."
            )
        for what, predicted, measured in (
            ("inference", each.inference, each.measured_inference),
            ("training step", each.training_step, each.measured_training_step),
        ):
            if measured:
                lines.append(
                    f"{each.architecture.name}: {what} predicted {predicted / measured.median:.2f}× of what was "
                    f"measured in {measured.runs} runs."
                )
    return lines


def roofline_chart(found: Latency) -> Chart:
    """The roofline of an architecture, an `altair` chart; its roof is that of the fastest layers."""
    from archlab.charts import Dot, roofline  # Altair takes half a second to load

    graph = found.architecture.graph
    stage_of = {place: stage for stage, members in groups(graph, "stage").items() for place in members}
    dots: list[Dot] = []
    for place, layer in enumerate(found.layers):
        if layer.inference and layer.flops:
            said = f"{layer.name}: {format_time(layer.inference)}, bound by {layer.bound}"
            dots.append(Dot(stage_of[place], layer.intensity, layer.flops / layer.inference, said))
    return roofline(dots, *found.device.roof(found.precision, found.threads))


def device_report(device: Device) -> Report:
    """What was measured: by kind of operation the speed, and how well the rates fit."""
    rows: list[tuple[Cell | str, ...]] = []
    for rate in device.rates:
        launch, mac, _, moved, *_ = rate.seconds
        rows.append(
            (rate.kind, "training step" if rate.training else "inference", rate.precision, str(rate.threads),
             seconds(launch), _speed(2 / mac if mac else None, "GFLOP/s"), _speed(1 / moved if moved else None, "GB/s"),
             share(rate.median_error))
        )  # fmt: skip
    columns = ("operation", "pass", "precision", "threads", "start", "arithmetic", "data", "median error")
    align: tuple[Align, ...] = ("left", "left", "left", "right", "right", "right", "right", "right")
    records = [each.to_dict() for each in device.rates]
    table = Table(f"{device.name}: {device.processor}", columns, rows, align, records, essential=2)
    said = f"{device.measured} timed operations; {', '.join(f'{k} {v}' for k, v in device.versions.items())}."
    return Report((table, Prose("", (said,))))


def _speed(number: float | None, unit: str) -> Cell:
    return Cell("–" if number is None else f"{number / 1e9:.3g} {unit}", number)
