"""Gradient flow as reports: of one architecture, of a sweep over several, of a training run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archlab.analysis import PredictedFlow, Sweep
from archlab.analysis._flow import BlockFlow, GradientFlow, LayerFlow
from archlab.analysis.recorded import GradientRun, Record
from archlab.lint import odd_layers
from archlab.report._cells import exact, share, slope, small
from archlab.report._compare import ACTIVATION_GRADIENT
from archlab.report._parts import Align, Cell, Chart, Curve, Prose, Report, Table
from archlab.units import format_slope, format_small

# (column, the field)
_VALUES = (
    ("activation gradient", "activation_gradient_rms"),
    ("kernel gradient", "kernel_gradient_norm"),
    ("weight norm", "weight_norm"),
    ("ratio", "ratio"),
    ("activation", "activation_rms"),
)
_STEPS = 12


def flow_report(flow: GradientFlow, by: str = "layer", most: int | None = None) -> Report:
    """One architecture, a row for each layer or block.

    Args:
        flow: its gradients.
        by: 'layer' or 'block'.
        most: how many rows are shown; all by default.
    """
    rows: Sequence[LayerFlow | BlockFlow] = flow.layers if by == "layer" else flow.blocks
    columns = (by, "depth", *[title for title, _ in _VALUES], "mean", *(("dead",) if by == "layer" else ()))
    cells = [
        (
            row.name,
            exact(row.depth),
            *[_value(getattr(row, name)) for _, name in _VALUES],
            _mean(row),
            *((_dead(row),) if isinstance(row, LayerFlow) else ()),
        )
        for row in rows[:most]
    ]
    more = (f"… and {len(rows) - len(cells)} more rows.",) if len(cells) < len(rows) else ()
    records = tuple(row.row() if isinstance(row, LayerFlow) else row.to_dict() for row in rows)
    right: tuple[Align, ...] = ("right",)
    align: tuple[Align, ...] = ("left", *(right * (len(columns) - 1)))
    table = Table("", columns, tuple(cells), align, _flat(records), essential=3)
    return Report(
        (_curves([(flow.name or "signal", flow)]), table, Prose("", (*more, *odd_layers(flow), measured_on(flow))))
    )


def predicted_report(flow: PredictedFlow, most: int | None = None) -> Report:
    """Predicted gradients of one architecture, a row for each layer."""
    rows = [
        (layer.name, exact(layer.depth), _value(layer.activation_gradient_rms), _value(layer.kernel_gradient_norm))
        for layer in flow.layers[:most]
    ]
    columns = ("layer", "depth", "activation gradient", "kernel gradient")
    table = Table("", columns, rows, ("left", "right", "right", "right"), [layer.row() for layer in flow.layers])
    more = (f"… and {len(flow.layers) - len(rows)} more layers.",) if len(rows) < len(flow.layers) else ()
    doubts = "" if flow.reliable else f" Unreliable, because {'; '.join(flow.why)}."
    said = f"Slope {format_slope(flow.slope, 3)} decades per layer: {flow.verdict}, as predicted.{doubts}"
    return Report((table, Prose("", (*more, said))))


def _value(value: float | None) -> Cell:
    text = "–" if value is None else ("−" if value < 0 else "") + format_small(abs(value))
    return Cell(text, value)


def _mean(row: LayerFlow | BlockFlow) -> Cell:
    # What normalization leaves of the mean is rounding.
    value, size = row.activation_mean, row.activation_rms
    return Cell("0", 0.0) if value is not None and size and abs(value) < 1e-5 * size else _value(value)


def _dead(layer: LayerFlow) -> Cell:
    return share(layer.dead_share)


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
    batches = f"{flow.batches} batches of " if flow.batches > 1 else ""
    mode = "" if flow.training else ", layers as at inference"
    return (
        f"Slope {format_slope(flow.slope, 3)} decades per layer: {flow.verdict}. Measured on {flow.data}, "
        f"{batches}{flow.batch} samples, {flow.loss}, {flow.weights}{mode}."
    )


def _curves(flows: Sequence[tuple[str, GradientFlow]]) -> Chart:
    curves: list[Curve] = []
    for name, flow in flows:
        values = [layer.activation_gradient_rms for layer in flow.curve]
        ends = (format_small(values[0]), format_small(values[-1])) if values else ("–", "–")
        curves.append(Curve(name, tuple(values), (*ends, format_slope(flow.slope, 3), flow.verdict)))
    return Chart(
        ACTIVATION_GRADIENT,
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
        ("", "slope", "verdict", "first layer", "last layer", "change (decades)", "by feature map"),
        tuple(
            (
                variant.name,
                slope(variant.flow.slope, 3),
                variant.flow.verdict,
                *[_value(value) for value in _ends(variant.flow)],
                slope(variant.flow.trend.decades),
                slope(variant.flow.trend.sharing),
            )
            for variant in sweep
        ),
        ("left", "right", "left", "right", "right", "right", "right"),
        records,
        essential=2,
    )
    by_depth = any(variant.depth is not None for variant in sweep)
    # Curves of very different lengths say little side by side; their slopes do.
    lines = [f"{name}: {line}" for name, flow in flows for line in odd_layers(flow)]
    sources = list(dict.fromkeys(measured_on(flow).split(". ", 1)[1] for _, flow in flows))
    prose = Prose("", (*lines, *sources))
    return Report((table, prose) if by_depth else (_curves(flows), table, prose))


def _ends(flow: GradientFlow) -> tuple[float | None, float | None]:
    values = [layer.activation_gradient_rms for layer in flow.curve]
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
        "first_activation_gradient_rms": first,
        "last_activation_gradient_rms": last,
        "precision": flow.precision,
    }


def run_report(run: GradientRun) -> Report:
    """A training run: the activation gradient by depth at some of its steps, and what became of it."""
    some = run.some(_STEPS)

    def row(record: Record) -> tuple[Cell | str, ...]:
        flow = record.flow
        return (
            exact(record.step),
            exact(record.epoch + 1),
            small(flow.losses[0]),
            slope(flow.slope, 3),
            flow.verdict,
            *[_value(value) for value in _ends(flow)],
        )

    table = Table(
        "",
        ("step", "epoch", "loss", "slope", "verdict", "first layer", "last layer"),
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
    line = f"{run.name}: {shown}, measured on {flow.data}, {flow.batch} samples, {flow.loss}."
    return Report((chart, table, Prose("", (line,))))
