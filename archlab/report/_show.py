"""One architecture layer by layer, and the list of the zoo, as reports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from archlab.analysis.static import Analysis, analyze
from archlab.analysis.static.outline import groups
from archlab.graph import format_shape
from archlab.report._parts import Align, Prose, Report, Table
from archlab.sources import Architecture, load
from archlab.units import format_bytes, format_count, format_exact, format_sides
from archlab.zoo import Entry

By = Literal["layer", "block", "stage"]


Records = tuple[dict[str, object], ...]
_RIGHT: tuple[Align, ...] = ("right",)


def layers_report(architecture: Architecture, analysis: Analysis, by: By = "layer") -> tuple[Report, Records]:
    """An architecture with its numbers, a row a layer, block or stage; and the rows as plain data."""
    lines = [f"{architecture.name}: {architecture.paper}" if architecture.paper else architecture.name]
    table = _by_layer(analysis) if by == "layer" else _by_group(analysis, by)
    return Report((Prose("", tuple(lines)), table)), table.records


def _by_layer(analysis: Analysis) -> Table:
    graph = analysis.graph
    rows: list[tuple[str, ...]] = []
    records: list[dict[str, Any]] = []
    for i, node in enumerate(graph):
        weights, ops = analysis.params.layers[i], analysis.compute.layers[i]
        bytes_, field = analysis.memory.layers[i], analysis.receptive_field.layers[i]
        size = "–" if field.size is None else format_sides(field.size)
        if field.state.name == "UNKNOWN":
            size = f"≥ {size}" if field.size else "unknown"
        if field.whole:
            size = "whole image" if field.size is None else f"{size} *"
        rows.append(
            (
                node.name,
                node.op.title,
                format_shape(node.shape),
                _cell(format_exact, weights.total, weights.state.name),
                _cell(format_count, ops.macs, ops.state.name),
                size,
                _cell(format_count, ops.flops, ops.state.name),
                _cell(format_bytes, bytes_.kept, bytes_.state.name),
            )
        )
        records.append(
            {
                "name": node.name,
                "op": node.op.title,
                "output": "x".join("?" if n is None else str(n) for n in node.shape),
                "params": None if weights.state.name == "UNKNOWN" else weights.total,
                "trainable": None if weights.state.name == "UNKNOWN" else weights.trainable,
                "params_state": weights.state.name.lower(),
                "macs": ops.macs,
                "flops": ops.flops,
                "training_flops": ops.training_flops,
                "compute_state": ops.state.name.lower(),
                "output_bytes": bytes_.output,
                "kept_bytes": bytes_.kept,
                "live_bytes": bytes_.live,
                "memory_state": bytes_.state.name.lower(),
                "receptive_field": None if field.size is None else "x".join(map(str, field.size)),
                "receptive_field_state": field.state.name.lower(),
            }
        )
    rows.append(_total(analysis, 3))
    columns = ("layer", "kind", "output", "parameters", "MACs", "sees (px)", "FLOPs", "kept")
    align: tuple[Align, ...] = ("left", "left", "left", *_RIGHT * 5)
    return Table("", columns, tuple(rows), align, tuple(records), essential=2, totals=1)


def _cell(write: Any, value: Any, state: str) -> str:
    """Deliberately nothing is a dash; without a rule is 'unknown'; without a size is a question mark."""
    if state == "UNKNOWN":
        return "unknown"
    if state == "UNSIZED" and value is None:
        return "?"
    return "–" if not value else write(value)


def _total(analysis: Analysis, names: int) -> tuple[str, ...]:
    lower = "≥ " if analysis.unknown else ""
    field = analysis.receptive_field.last
    size = "–" if field is None or field.size is None else format_sides(field.size)
    sized = analysis.compute.macs is not None
    return (
        "total",
        *[""] * (names - 1),
        lower + format_exact(analysis.params.total),
        lower + format_count(analysis.compute.macs) if sized else "?",
        size,
        lower + format_count(analysis.compute.flops) if sized else "?",
        lower + format_bytes(analysis.memory.activations_training) if sized else "?",
    )


def _by_group(analysis: Analysis, by: By) -> Table:
    weights: Mapping[str, Any] = getattr(analysis.params, f"{by}s")
    ops: Mapping[str, Any] = getattr(analysis.compute, f"{by}s")
    bytes_: Mapping[str, Any] = getattr(analysis.memory, f"{by}s")
    rows: list[tuple[str, ...]] = []
    records: list[dict[str, Any]] = []
    for name, members in groups(analysis.graph, by).items():
        last = members[-1]
        field = analysis.receptive_field.layers[last]
        size = "–" if field.size is None else format_sides(field.size)
        lower = "≥ " if max(weights[name].state, ops[name].state).name == "UNKNOWN" else ""
        unsized = ops[name].state.name == "UNSIZED"
        rows.append(
            (
                name,
                str(len(members)),
                format_shape(analysis.graph.nodes[last].shape),
                lower + format_exact(weights[name].total),
                "?" if unsized else lower + format_count(ops[name].macs),
                size,
                "?" if unsized else lower + format_count(ops[name].flops),
                "?" if unsized else lower + format_bytes(bytes_[name].kept),
            )
        )
        records.append(
            {
                "name": name,
                "layers": len(members),
                "output": "x".join("?" if n is None else str(n) for n in analysis.graph.nodes[last].shape),
                "params": weights[name].total,
                "trainable": weights[name].trainable,
                "macs": None if unsized else ops[name].macs,
                "flops": None if unsized else ops[name].flops,
                "kept_bytes": None if unsized else bytes_[name].kept,
                "state": max(weights[name].state, ops[name].state).name.lower(),
            }
        )
    rows.append(_total(analysis, 3))
    columns = (by, "layers", "output", "parameters", "MACs", "sees (px)", "FLOPs", "kept")
    align: tuple[Align, ...] = ("left", "right", "left", *_RIGHT * 5)
    return Table("", columns, tuple(rows), align, tuple(records), essential=1, totals=1)


def zoo_report(entries: Mapping[str, Entry]) -> tuple[Report, Records]:
    """Every architecture of the zoo with its size and its paper; and the rows as plain data."""
    rows: list[tuple[str, ...]] = []
    records: list[dict[str, Any]] = []
    for name, entry in entries.items():
        found = analyze(load(name).graph)
        arguments = [f"{key}={parameter.default}" for key, parameter in entry.arguments.items()]
        rows.append(
            (name, str(found.depth), format_count(found.params.total), format_count(found.compute.macs), entry.summary)
        )
        records.append(
            {
                "name": name,
                "depth": found.depth,
                "params": found.params.total,
                "macs": found.compute.macs,
                "summary": entry.summary,
                "arguments": " ".join(arguments),
                "paper": entry.paper,
            }
        )
    columns = ("name", "depth", "parameters", "MACs", "what it is")
    table = Table("", columns, tuple(rows), ("left", "right", "right", "right", "left"), tuple(records), fold=True)
    return Report((table,)), table.records
