"""One architecture in tables: a row for each layer, a row for each stage."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from archlab.analysis.static import Analysis
from archlab.analysis.static._facts import State
from archlab.graph import Shape, elements, is_known
from archlab.report.html._grid import Cell, Column, Grid
from archlab.report.html._stages import stages_of
from archlab.result import Result
from archlab.units import format_bytes, format_count, format_exact, format_sides, format_sizes, format_small

_COUNTED = (
    Column("parameters", True),
    Column("MACs", True, "multiply–accumulates for one example"),
    Column("FLOPs", True, "floating-point operations of a forward pass"),
)
_LAYER = (
    Column("layer"),
    Column("kind"),
    Column("output", True, "its shape; sorted by its number of values"),
    *_COUNTED,
    Column("activation", True, "bytes of its output, for one example"),
    Column("alive", True, "bytes of all activations alive while it runs, at inference"),
    Column("sees", True, "receptive field in pixels; a star: through a gate also the whole image"),
    Column("stride", True, "pixels of the image between neighbouring units"),
)
_MEASURED = (
    Column("error signal", True, "RMS of the loss's gradient with respect to its output, measured"),
    Column("kernel gradient", True, "norm of the loss's gradient with respect to its kernels, measured"),
)
_PREDICTED = (
    Column("error signal, predicted", True, "the same as theory expects it"),
    Column("kernel gradient, predicted", True, "the same as theory expects it"),
)


def layers(result: Result) -> Grid:
    """Every layer with what is counted, and with its gradients where there are any."""
    analysis, flow = result.analysis, result.gradient_flow
    measured = {layer.name: layer for layer in flow.layers} if flow else {}
    predicted = {layer.name: layer for layer in result.gradient_flow_predicted.layers}
    rows: list[tuple[Cell, ...]] = []
    for place, node in enumerate(analysis.graph):
        gradients = [(measured, node)] if flow else []
        gradients.append((predicted, node))
        rows.append(
            (
                Cell(node.name),
                Cell(node.op.title),
                shape(node.shape),
                *_counts(analysis, place),
                *_field(analysis, place),
                *[cell for known, _ in gradients for cell in _gradient(known.get(node.name))],
            )
        )
    columns = (*_LAYER, *(_MEASURED if flow else ()), *_PREDICTED)
    return Grid(f"Layers of {result.name}", columns, tuple(rows), (_total(analysis, len(columns)),), tall=True)


def stages(result: Result) -> Grid | None:
    """What each stage costs; None where the architecture has no stages."""
    found = stages_of(result.analysis)
    if len(found) < 2:
        return None
    rows: list[tuple[Cell, ...]] = []
    for stage in found:
        state = State.UNKNOWN if stage.unknown else State.COUNTED
        rows.append(
            (
                Cell(stage.name),
                Cell(format_exact(len(stage.members)), len(stage.members)),
                shape(result.analysis.graph.nodes[stage.members[-1]].shape),
                cell(format_exact, stage.params, state),
                cell(format_count, stage.macs, state),
                cell(format_count, stage.flops, state),
                cell(format_bytes, stage.kept, state),
                cell(format_bytes, stage.live, State.COUNTED),
            )
        )
    columns = (
        Column("stage"),
        Column("layers", True),
        Column("output", True, "of its last layer"),
        *_COUNTED,
        Column("kept", True, "bytes that the backward pass needs, for one example"),
        Column("alive", True, "bytes of all activations alive, at most, at inference"),
    )
    return Grid(f"Stages of {result.name}", columns, tuple(rows))


def shape(sizes: Shape) -> Cell:
    """A shape, sorted by how many values it holds."""
    return Cell(format_sizes(sizes), elements(sizes) if is_known(sizes) else None)


def cell(write: Callable[[Any], str], value: float | None, state: State) -> Cell:
    """A number: deliberately nothing is a dash, without a rule 'unknown', without a size a question mark."""
    if state is State.UNKNOWN:
        return Cell(f"≥ {write(value)}", value) if value else Cell("unknown")
    if value is None:
        return Cell("?")
    return Cell(write(value), value) if value else Cell("–", 0)


def _counts(analysis: Analysis, place: int) -> tuple[Cell, ...]:
    weights, ops, bytes_ = analysis.params.layers[place], analysis.compute.layers[place], analysis.memory.layers[place]
    return (
        cell(format_exact, weights.total, weights.state),
        cell(format_count, ops.macs, ops.state),
        cell(format_count, ops.flops, ops.state),
        # What it holds is known wherever its shape is, even of a layer without a rule.
        cell(format_bytes, bytes_.output, State.COUNTED),
        cell(format_bytes, bytes_.live, State.COUNTED),
    )


def _field(analysis: Analysis, place: int) -> tuple[Cell, Cell]:
    row = analysis.receptive_field.layers[place]
    if row.size is None or row.stride is None:
        return Cell("whole image", float("inf")) if row.whole else Cell("–"), Cell("–")
    size = ("≥ " if row.state is State.UNKNOWN else "") + format_sides(row.size) + (" *" if row.whole else "")
    return Cell(size, max(row.size)), Cell(format_sides(row.stride), float(max(row.stride)))


def _gradient(layer: Any) -> tuple[Cell, Cell]:
    if layer is None:
        return Cell("–"), Cell("–")
    signal, kernel = layer.output_gradient_rms, layer.kernel_gradient_norm
    return Cell(format_small(signal), signal), Cell(format_small(kernel), kernel)


def _total(analysis: Analysis, columns: int) -> tuple[Cell, ...]:
    lower = "≥ " if analysis.unknown else ""
    ops, bytes_ = analysis.compute, analysis.memory

    def sized(write: Callable[[Any], str], value: float | None) -> Cell:
        return Cell("?" if value is None else lower + write(value))

    cells = (
        Cell("total"),
        Cell(""),
        Cell(""),
        Cell(lower + format_exact(analysis.params.total)),
        sized(format_count, ops.macs),
        sized(format_count, ops.flops),
        Cell(""),
        sized(format_bytes, bytes_.peak_inference),
    )
    return (*cells, *[Cell("")] * (columns - len(cells)))
