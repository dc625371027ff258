"""Gradient flow as reports: of one architecture, of a sweep over several, of a training run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archlab.analysis._flow import BlockFlow, GradientFlow, LayerFlow
from archlab.analysis.recorded import GradientRun, Record
from archlab.report._parts import Align, Chart, Curve, Prose, Report, Table
from archlab.report._verdict import said_of_layers
from archlab.sweeps import Sweep
from archlab.units import format_exact, format_share, format_slope, format_small

# (column, the figure)
_FIGURES = (
    ("error signal", "output_gradient_rms"),
    ("kernel gradient", "kernel_gradient_norm"),
    ("weight norm", "weight_norm"),
    ("ratio", "ratio"),
    ("activation", "activation_rms"),
)
_STEPS = 12


def flow_report(flow: GradientFlow, by: str = "layer") -> Report:
    """One architecture, a row for each layer or block."""
    rows: Sequence[LayerFlow | BlockFlow] = flow.layers if by == "layer" else flow.blocks
    columns = (by, "depth", *[title for title, _ in _FIGURES], "mean", *(("dead",) if by == "layer" else ()))
    cells = [
        (
            row.name,
            str(row.depth),
            *[_figure(getattr(row, figure)) for _, figure in _FIGURES],
            _mean(row),
            *((_dead(row),) if isinstance(row, LayerFlow) else ()),
        )
        for row in rows
    ]
    records = tuple({key: value for key, value in row.to_dict().items() if key != "weights"} for row in rows)
    right: tuple[Align, ...] = ("right",)
    align: tuple[Align, ...] = ("left", *(right * (len(columns) - 1)))
    table = Table("", columns, tuple(cells), align, _flat(records), essential=3)
    return Report(
        (_curves([(flow.name or "signal", flow)]), table, Prose("", (*said_of_layers(flow), measured_on(flow))))
    )


def _figure(value: float | None) -> str:
    return "–" if value is None else ("−" if value < 0 else "") + format_small(abs(value))


def _mean(row: LayerFlow | BlockFlow) -> str:
    # What normalization leaves of the mean is rounding.
    value, size = row.activation_mean, row.activation_rms
    return "0" if value is not None and size and abs(value) < 1e-5 * size else _figure(value)


def _dead(layer: LayerFlow) -> str:
    return "–" if layer.dead_share is None else format_share(layer.dead_share, 0)


def _flat(records: Sequence[dict[str, Any]]) -> tuple[dict[str, object], ...]:
    """Quartiles as two columns, lists as words."""
    found: list[dict[str, object]] = []
    for record in records:
        flat: dict[str, object] = {}
        for key, value in record.items():
            if key.endswith("_quartiles"):
                low, high = value or (None, None)
                flat |= {f"{key[:-10]}_low": low, f"{key[:-10]}_high": high}
            else:
                flat[key] = " ".join(map(str, value)) if isinstance(value, list) else value
        found.append(flat)
    return tuple(found)


def measured_on(flow: GradientFlow) -> str:
    """How the figures were taken, in a sentence."""
    if flow.seeds:
        state = f"median of {len(flow.seeds)} initializations" if len(flow.seeds) > 1 else "one initialization"
    else:
        state = "the weights as they are"
    batches = f"{flow.batches} batches of " if flow.batches > 1 else ""
    mode = "" if flow.training else ", layers as at inference"
    return (
        f"Slope {format_slope(flow.slope, 3)} decades per layer: {flow.verdict}. Measured on {flow.data}, "
        f"{batches}{flow.batch} examples, {flow.loss}, {state}{mode}."
    )


def _curves(flows: Sequence[tuple[str, GradientFlow]]) -> Chart:
    curves: list[Curve] = []
    for name, flow in flows:
        values = [layer.output_gradient_rms for layer in flow.curve]
        ends = (format_small(values[0]), format_small(values[-1])) if values else ("–", "–")
        curves.append(Curve(name, tuple(values), (*ends, format_slope(flow.slope, 3), flow.verdict)))
    return Chart(
        "Error signal by depth: RMS of the loss's gradient at each layer's output; its slope in decades per layer",
        ("first", "last", "slope", "verdict"),
        tuple(curves),
    )


def sweep_report(sweep: Sweep) -> Report:
    """Several architectures, or one at several depths and under several initializers."""
    flows = [(variant.name, variant.flow) for variant in sweep]
    records = tuple(
        {"name": variant.name, "reference": variant.base, "depth": variant.depth, "initializer": variant.initializer}
        | _summary(variant.flow)
        for variant in sweep
    )
    table = Table(
        "",
        ("", "slope", "verdict", "first signal", "last signal", "decades", "by sharing"),
        tuple(
            (
                variant.name,
                format_slope(variant.flow.slope, 3),
                variant.flow.verdict,
                *[_figure(value) for value in _ends(variant.flow)],
                format_slope(variant.flow.trend.decades, 2),
                format_slope(variant.flow.trend.sharing, 2),
            )
            for variant in sweep
        ),
        ("left", "right", "left", "right", "right", "right", "right"),
        records,
        essential=2,
    )
    by_depth = any(variant.depth is not None for variant in sweep)
    # Curves of very different lengths say little side by side; their slopes do.
    lines = [f"{name}: {line}" for name, flow in flows for line in said_of_layers(flow)]
    sources = list(dict.fromkeys(measured_on(flow).split(". ", 1)[1] for _, flow in flows))
    prose = Prose("", (*lines, *sources))
    return Report((table, prose) if by_depth else (_curves(flows), table, prose))


def _ends(flow: GradientFlow) -> tuple[float | None, float | None]:
    values = [layer.output_gradient_rms for layer in flow.curve]
    return (values[0], values[-1]) if values else (None, None)


def _summary(flow: GradientFlow) -> dict[str, object]:
    first, last = _ends(flow)
    return {
        "layers": len(flow.curve),
        "slope": flow.slope,
        "decades": flow.trend.decades,
        "sharing": flow.trend.sharing,
        "verdict": flow.verdict,
        "silent": flow.trend.silent,
        "first_output_gradient_rms": first,
        "last_output_gradient_rms": last,
        "precision": flow.precision,
    }


def run_report(run: GradientRun) -> Report:
    """A training run: the error signal by depth at some of its steps, and what became of it."""
    some = run.some(_STEPS)

    def row(record: Record) -> tuple[str, ...]:
        flow = record.flow
        return (
            format_exact(record.step),
            str(record.epoch + 1),
            format_small(flow.losses[0]),
            format_slope(flow.slope, 3),
            flow.verdict,
            *[_figure(value) for value in _ends(flow)],
        )

    table = Table(
        "",
        ("step", "epoch", "loss", "slope", "verdict", "first signal", "last signal"),
        tuple(map(row, some)),
        ("right", "right", "right", "right", "left", "right", "right"),
        tuple(
            {"step": record.step, "epoch": record.epoch, "loss": record.flow.to_dict()["losses"][0]}
            | _summary(record.flow)
            for record in run.records
        ),
        essential=3,
    )
    chart = _curves([(f"step {record.step:,}", record.flow) for record in some])
    flow = run.records[-1].flow
    shown = f"{len(some)} of {len(run.records)} records" if len(some) < len(run.records) else f"{len(some)} records"
    line = f"{run.name}: {shown}, measured on {flow.data}, {flow.batch} examples, {flow.loss}."
    return Report((chart, table, Prose("", (line,))))
