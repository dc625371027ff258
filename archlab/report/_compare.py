"""A comparison as a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from archlab.analysis import QUANTITIES, Analysis, Quantity, Result, State, Value
from archlab.analysis.quantities import Counted, Subject
from archlab.lint import structure_findings, verdict_sentence
from archlab.report._cells import cell, ranked
from archlab.report._parts import Cell, Chart, Curve, Part, Prose, Report, Table
from archlab.report._settings import settings
from archlab.report._style import Mark
from archlab.report.forecast import reasons
from archlab.units import format_slope, format_small

ACTIVATION_GRADIENT = "Activation gradient by depth: RMS of ∂loss/∂output; slope in decades per layer"


def comparison_report(results: Sequence[Result]) -> Report:
    """The whole comparison: the static parts, and the gradients where they have been measured."""
    return Report((*counted_parts(results), *(gradient_parts if _measured(results) else predicted_parts)(results)))


def _measured(results: Sequence[Result]) -> bool:
    return any(result.gradient_flow or result.not_measured for result in results)


def summary_parts(results: Sequence[Result]) -> tuple[Part, ...]:
    """The whole comparison but for the findings, where those are listed apart."""
    gradients = (gradient_parts if _measured(results) else predicted_parts)(results)
    return (*filter(None, (_numbers(results), _differences(results))), *gradients)


def static_parts(results: Sequence[Result]) -> tuple[Part, ...]:
    """Everything that is known before anything is built: counted, and predicted."""
    return (*counted_parts(results), *predicted_parts(results))


def counted_parts(results: Sequence[Result]) -> tuple[Part, ...]:
    """What is counted: numbers, differences, findings."""
    return tuple(filter(None, (_numbers(results), _differences(results), _findings(results))))


def analysis_report(analysis: Analysis) -> Report:
    """What is counted of one architecture."""
    return Report((whole_table([Counted(analysis)], [analysis.graph.name or "architecture"]),))


def _numbers(results: Sequence[Result]) -> Table:
    records = tuple(flat(result.to_dict()) for result in results)
    return whole_table(results, [result.name for result in results], records)


def whole_table(
    subjects: Sequence[Subject], names: Sequence[str], records: Sequence[Mapping[str, object]] = ()
) -> Table:
    """A row for each quantity, a column for each architecture."""
    values = {
        quantity: [quantity.whole(subject) for subject in subjects]
        for quantity in QUANTITIES.at("compare")
        if quantity.whole
    }
    # A row of zeros about what could be wrong says nothing.
    shown = {
        quantity: found
        for quantity, found in values.items()
        if quantity.worth_a_row or any(value.number != 0 for value in found)
    }
    labels = {quantity.label for quantity in shown}
    rows: list[list[Cell | str]] = []
    for quantity, found in shown.items():
        cells = [cell(value, quantity.unit, brief=False) for value in found]
        rows.append([_label(quantity, labels), *ranked(cells, quantity.better)])
    return Table(
        "",
        ("", *names),
        rows,
        ("left", *["right" for _ in names]),
        records,
        stack=True,
        hints={quantity.label: quantity.explanation for quantity in shown},
    )


def _label(quantity: Quantity, labels: set[str]) -> str:
    """What a row is called: below its parent its short name, set in."""
    return f"  {quantity.short}" if quantity.parent in labels else quantity.label


def flat(data: dict[str, object], prefix: str = "") -> dict[str, object]:
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


def change(ours: Value, theirs: Value) -> str | None:
    """By how much a value differs from another; None where that cannot be said."""
    was, now = ours.rank, theirs.rank
    if not was or now is None or State.LOWER_BOUND in (ours.state, theirs.state):
        return None
    if was == now:
        return "the same"
    if now >= 10 * was or was >= 10 * now:
        return f"{now / was:,.0f}×" if now > was else f"1/{was / now:,.0f}" if now else "−100 %"
    return f"{now / was - 1:+.1%}".replace("-", "−").replace("%", " %")


def _differences(results: Sequence[Result]) -> Prose | None:
    first, *others = results
    lines: list[str] = []
    marks: dict[str, Mark] = {"Layers:": "dim", "Settings:": "dim", f"against {first.name}:": ""}
    for other in others:
        marks[other.name] = "name"
        changes = {
            quantity.label: change(quantity.whole(first), quantity.whole(other))
            for quantity in QUANTITIES.of_wholes()
            if quantity.differs and quantity.whole
        }
        said = [f"{what} {by}" for what, by in changes.items() if by]
        marks |= {by: _direction(by) for by in changes.values() if by}
        lines.append(f"{other.name} against {first.name}: {', '.join(said)}." if said else f"{other.name}:")
        ours, theirs = first.layer_counts, other.layer_counts
        kinds = [kind for kind in dict.fromkeys([*ours, *theirs]) if ours.get(kind, 0) != theirs.get(kind, 0)]
        if kinds:
            counts = [f"{kind} {ours.get(kind, 0)} → {theirs.get(kind, 0)}" for kind in kinds]
            lines.append(f"Layers: {', '.join(counts)}.")
        else:
            lines.append("Layers: the same kinds in the same numbers.")
        if differs := list(settings(first.analysis.graph, other.analysis.graph)):
            lines.append(f"Settings: {'; '.join(differs)}.")
    return Prose("What differs", tuple(lines), marks) if lines else None


def _direction(change: str) -> Mark:
    """Of what is counted there, less is better."""
    return "" if change == "the same" else "good" if change.startswith(("−", "1/")) else "worst"


def _findings(results: Sequence[Result]) -> Prose | None:
    lines = [
        f"{found.architecture}: {found.code} {found.message}"
        for result in results
        for found in structure_findings(result)
    ]
    return Prose("Findings", tuple(lines), names_of(results)) if lines else None


def names_of(results: Sequence[Result]) -> dict[str, Mark]:
    """Every architecture's name where it opens a line, and what is said of whether it trains."""
    said: dict[str, Mark] = {"trains": "good", "slow or not at all": "warn", "fails": "bad", "Remedy:": "name"}
    for result in results:
        said[f"{result.name}:"] = "name"
    return said


def predicted_parts(results: Sequence[Result]) -> tuple[Part, ...]:
    """The predicted gradients: a curve for each architecture, and where it is unreliable."""
    curves = [curve for result in results if (curve := _predicted(result, result.name)) is not None]
    lines: list[str] = []
    will_it = Prose("Will it train?", tuple(_forecast_lines(results)), names_of(results))
    for result in results:
        why = result.gradient_flow_predicted.why
        if why:
            more = f"; and {len(why) - 3} more" if len(why) > 3 else ""
            lines.append(f"{result.name}: unreliable prediction (?), because {'; '.join(why[:3])}{more}.")
    batch = results[0].gradient_flow_predicted.batch
    lines.append(f"Predicted by mean-field theory for a synthetic batch of {batch}; no model is built.")
    if not curves:
        return (will_it,)
    chart = Chart(f"{ACTIVATION_GRADIENT} (predicted)", _COLUMNS, tuple(curves))
    return (chart, Prose("", tuple(lines), names_of(results)), will_it)


def _forecast_lines(results: Sequence[Result]) -> list[str]:
    """Whether each trains, as forecast, and what stands in the way."""
    lines: list[str] = []
    for result in results:
        found = result.forecast
        lines.append(f"{result.name}: {found.sgd.told_with('SGD')}, {found.adam.told_with('Adam')}.")
        lines += [f"{result.name}: {line}" for line in reasons(found, 2)]
    return lines


_COLUMNS = ("first", "last", "slope", "verdict")


def _predicted(result: Result, name: str) -> Curve | None:
    """The predicted curve; its verdict with a question mark where it is unreliable."""
    flow = result.gradient_flow_predicted
    values = [layer.activation_gradient_rms for layer in flow.curve]
    if not any(values):
        return None
    return _curve(name, values, format_slope(flow.slope), flow.verdict + ("" if flow.reliable else " ?"))


def gradient_parts(results: Sequence[Result]) -> tuple[Part, ...]:
    """The measured gradients: curves for each architecture, and what they say."""
    signals: list[Curve] = []
    weights: list[Curve] = []
    lines = _forecast_lines(results)
    sources: dict[str, list[str]] = {}
    for result in results:
        flow = result.gradient_flow
        if flow is None:
            if result.not_measured:
                lines.append(f"{result.name}: not measured, because {result.not_measured}.")
            continue
        values = [layer.activation_gradient_rms for layer in flow.curve]
        signals.append(_curve(result.name, values, format_slope(flow.slope), flow.verdict))
        weights.append(_curve(result.name, [layer.kernel_gradient_norm for layer in flow.curve]))
        predicted = _predicted(result, "  predicted")
        if predicted is not None:
            signals.append(predicted)
            expected = [layer.kernel_gradient_norm for layer in result.gradient_flow_predicted.curve]
            weights.append(_curve("  predicted", expected))
        lines.append(f"{result.name}: {verdict_sentence(result)}")
        source = f"{flow.data}, {flow.batch} samples, {flow.loss}, {flow.weights}"
        sources.setdefault(source, []).append(result.name)
    measured = [source if len(sources) == 1 else f"{source} ({', '.join(names)})" for source, names in sources.items()]
    sentences = (*lines, *([f"Measured on {'; '.join(measured)}."] if measured else []))
    if not signals:
        return (Prose("Will it train?", sentences, names_of(results)),)
    return (
        Chart(
            ACTIVATION_GRADIENT,
            _COLUMNS,
            tuple(signals),
        ),
        Chart(
            "Kernel gradient by depth: norm of ∂loss/∂kernel",
            ("first", "last"),
            tuple(weights),
        ),
        Prose("Will it train?", sentences, names_of(results)),
    )


def _curve(name: str, values: list[float | None], *notes: str) -> Curve:
    ends = (format_small(values[0]), format_small(values[-1])) if values else ("–", "–")
    return Curve(name, tuple(values), (*ends, *notes))
