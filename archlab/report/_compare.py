"""A comparison as a report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from archlab.analysis.static import Analysis
from archlab.report._findings import structure_findings
from archlab.report._parts import Chart, Curve, Part, Prose, Report, Table
from archlab.report._verdict import verdict_sentence
from archlab.result import Result
from archlab.units import (
    format_bytes,
    format_count,
    format_exact,
    format_share,
    format_sides,
    format_sizes,
    format_slope,
    format_small,
)


def comparison_report(results: Sequence[Result]) -> Report:
    """The whole comparison: the static parts, and the gradients where they have been measured."""
    return Report((*counted_parts(results), *(gradient_parts if _measured(results) else predicted_parts)(results)))


def _measured(results: Sequence[Result]) -> bool:
    return any(result.gradient_flow or result.not_measured for result in results)


def summary_parts(results: Sequence[Result]) -> tuple[Part, ...]:
    """The whole comparison but for the remarks, which are findings where those are listed."""
    gradients = (gradient_parts if _measured(results) else predicted_parts)(results)
    return (*filter(None, (_numbers(results), _differences(results))), *gradients)


def static_parts(results: Sequence[Result]) -> tuple[Part, ...]:
    """Everything that is known before anything is built: counted, and predicted."""
    return (*counted_parts(results), *predicted_parts(results))


def counted_parts(results: Sequence[Result]) -> tuple[Part, ...]:
    """What is counted: numbers, differences, remarks."""
    return tuple(filter(None, (_numbers(results), _differences(results), _remarks(results))))


def _bounded(text: str, lower: bool) -> str:
    return f"≥ {text}" if lower else text


def _sized(write: Callable[[Any], str], value: Any, lower: Iterable[str] = ()) -> str:
    """A number that may depend on an unknown size, or be a lower bound."""
    return "needs a size" if value is None else _bounded(write(value), bool(tuple(lower)))


def _field(analysis: Analysis) -> tuple[str, str, str, str]:
    field = analysis.receptive_field
    row = field.last
    if row is None or row.size is None or row.stride is None or row.coverage is None or row.start is None:
        return "–", "–", "–", "–"
    shares = [share for share in row.coverage if share is not None]
    covered = f" ({format_share(min(shares), 0)})" if shares else ""
    size = _bounded(format_sizes(row.size), bool(field.unknown)) + covered
    stride = format_sides(row.stride)
    start = ", ".join(
        "needs a size" if first is None else str(first).replace("-", "−") for first in dict.fromkeys(row.start)
    )
    sized = field.input is not None and None not in field.input[:-1]
    return size, stride, start, field.covering or ("none" if sized else "needs a size")


# (label, what one architecture's cell says)
_ROWS: tuple[tuple[str, Callable[[Analysis], str]], ...] = (
    ("input", lambda a: format_sizes(a.graph.nodes[a.graph.inputs[0]].shape)),
    ("depth (weighted layers)", lambda a: str(a.depth)),
    ("parameters", lambda a: _bounded(format_exact(a.params.total), bool(a.params.unknown))),
    ("  trainable", lambda a: _bounded(format_exact(a.params.trainable), bool(a.params.unknown))),
    ("MACs", lambda a: _sized(format_count, a.compute.macs, a.compute.unknown)),
    ("FLOPs", lambda a: _sized(format_count, a.compute.flops, a.compute.unknown)),
    ("  of a training step", lambda a: _sized(format_count, a.compute.training_flops, a.compute.unknown)),
    ("memory: weights", lambda a: _bounded(format_bytes(a.memory.weights), bool(a.params.unknown))),
    ("  kept for backward", lambda a: _sized(format_bytes, a.memory.activations_training, a.memory.unknown)),
    ("  peak at inference", lambda a: _sized(format_bytes, a.memory.peak_inference)),
    ("receptive field", lambda a: _field(a)[0]),
    ("  stride", lambda a: _field(a)[1]),
    ("  starts at pixel", lambda a: _field(a)[2]),
    ("  spans the image from", lambda a: _field(a)[3]),
    ("misaligned merges", lambda a: _merges(a)),
    ("layers without a rule", lambda a: str(len(a.unknown))),
)


def _numbers(results: Sequence[Result]) -> Table:
    rows = [(label, *[cell(result.analysis) for result in results]) for label, cell in _ROWS]
    # A row of zeros about what could be wrong says nothing.
    rows = [
        row for row in rows if row[0] not in ("misaligned merges", "layers without a rule") or set(row[1:]) != {"0"}
    ]
    return Table(
        "",
        ("", *[result.name for result in results]),
        tuple(rows),
        ("left", *["right" for _ in results]),
        tuple(flat(result.to_dict()) for result in results),
        stack=True,
    )


def flat(data: dict[str, Any], prefix: str = "") -> dict[str, object]:
    """Nested plain data as one level, `params.total`; lists of names in one cell; tables of layers left out."""
    found: dict[str, object] = {}
    for key, value in data.items():
        name = prefix + key
        if isinstance(value, dict):
            found |= flat(value, name + ".")
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            if "name" in value[0] and key != "layers":
                found[name] = " ".join(str(item["name"]) for item in value)
        elif isinstance(value, list):
            found[name] = " ".join("?" if item is None else str(item) for item in value)
        elif key != "verdict_source":
            found[name] = value
    return found


def _change(ours: float | None, theirs: float | None) -> str | None:
    if not ours or theirs is None:
        return None
    if ours == theirs:
        return "the same"
    if theirs >= 10 * ours or ours >= 10 * theirs:
        return f"{theirs / ours:,.0f} times as many" if theirs > ours else f"{ours / theirs:,.0f} times fewer"
    return f"{theirs / ours - 1:+.1%}".replace("-", "−").replace("%", " %")


def _merges(analysis: Analysis) -> str:
    sure, open_ = len(analysis.receptive_field.misaligned), len(analysis.receptive_field.undecided)
    return str(sure) if not open_ else f"{sure}, or {sure + open_}" if sure else "needs a size"


def _differences(results: Sequence[Result]) -> Prose | None:
    first, *others = results
    lines: list[str] = []
    for other in others:
        a, b = first.analysis, other.analysis
        changes = {
            "parameters": _change(a.params.total, b.params.total),
            "MACs": _change(a.compute.macs, b.compute.macs),
            "memory kept for backward": _change(a.memory.activations_training, b.memory.activations_training),
            "peak memory": _change(a.memory.peak_inference, b.memory.peak_inference),
        }
        said = [f"{what} {change}" for what, change in changes.items() if change]
        lines.append(f"{other.name} against {first.name}: {', '.join(said)}." if said else f"{other.name}:")
        ours, theirs = first.layer_counts, other.layer_counts
        kinds = [kind for kind in dict.fromkeys([*ours, *theirs]) if ours.get(kind, 0) != theirs.get(kind, 0)]
        if kinds:
            lines.append(
                "Layers: " + ", ".join(f"{kind} {ours.get(kind, 0)} → {theirs.get(kind, 0)}" for kind in kinds) + "."
            )
        else:
            lines.append("Layers: the same kinds in the same numbers.")
    return Prose("What differs", tuple(lines)) if lines else None


def _remarks(results: Sequence[Result]) -> Prose | None:
    lines = [f"{found.architecture}: {found.message}" for result in results for found in structure_findings(result)]
    return Prose("Remarks", tuple(lines)) if lines else None


def predicted_parts(results: Sequence[Result]) -> tuple[Part, ...]:
    """The predicted gradients: a curve for each architecture, and where it cannot be relied on."""
    curves = [curve for result in results if (curve := _predicted(result, result.name)) is not None]
    lines: list[str] = []
    for result in results:
        why = result.gradient_flow_predicted.why
        if why:
            said = f"{result.name}? Not to be relied on: "
            more = f"; and {len(why) - 3} more" if len(why) > 3 else ""
            lines.append(f"{said}{'; '.join(why[:3])}{more}.")
    lines.append(
        f"By theory, for a synthetic batch of {results[0].gradient_flow_predicted.batch}; nothing was built or run."
    )
    if not curves:
        return ()
    chart = Chart(
        "Gradient by depth (predicted): error signal; its slope in decades per layer", _COLUMNS, tuple(curves)
    )
    return (chart, Prose("", tuple(lines)))


_COLUMNS = ("first", "last", "slope", "verdict")


def _predicted(result: Result, name: str) -> Curve | None:
    """The predicted curve; its verdict with a question mark where it cannot be relied on."""
    flow = result.gradient_flow_predicted
    values = [layer.output_gradient_rms for layer in flow.curve]
    if not any(values):
        return None
    return _curve(name, values, format_slope(flow.slope), flow.verdict + ("" if flow.reliable else " ?"))


def gradient_parts(results: Sequence[Result]) -> tuple[Part, ...]:
    """The measured gradients: curves for each architecture, and what they say."""
    signals: list[Curve] = []
    weights: list[Curve] = []
    lines: list[str] = []
    sources: dict[str, list[str]] = {}
    for result in results:
        flow = result.gradient_flow
        if flow is None:
            if result.not_measured:
                lines.append(f"{result.name} could not be measured: {result.not_measured}.")
            continue
        values = [layer.output_gradient_rms for layer in flow.curve]
        signals.append(_curve(result.name, values, format_slope(flow.slope), flow.verdict))
        weights.append(_curve(result.name, [layer.kernel_gradient_norm for layer in flow.curve]))
        predicted = _predicted(result, "  predicted")
        if predicted is not None:
            signals.append(predicted)
            expected = [layer.kernel_gradient_norm for layer in result.gradient_flow_predicted.curve]
            weights.append(_curve("  predicted", expected))
        lines.append(f"{result.name} {verdict_sentence(result)}")
        many = f"median of {len(flow.seeds)} initializations" if len(flow.seeds) > 1 else "one initialization"
        source = f"{flow.data}, {flow.batch} examples, {flow.loss}, {many}"
        sources.setdefault(source, []).append(result.name)
    measured = [source if len(sources) == 1 else f"{source} ({', '.join(names)})" for source, names in sources.items()]
    sentences = (*lines, *([f"Measured on {'; '.join(measured)}."] if measured else []))
    if not signals:
        return (Prose("Will it train?", sentences),)
    return (
        Chart(
            "Error signal by depth: RMS of the loss's gradient at each layer's output; its slope in decades per layer",
            _COLUMNS,
            tuple(signals),
        ),
        Chart(
            "Kernel gradient by depth: norm of the loss's gradient with respect to each layer's kernels",
            ("first", "last"),
            tuple(weights),
        ),
        Prose("Will it train?", sentences),
    )


def _curve(name: str, values: list[float | None], *notes: str) -> Curve:
    ends = (format_small(values[0]), format_small(values[-1])) if values else ("–", "–")
    return Curve(name, tuple(values), (*ends, *notes))
