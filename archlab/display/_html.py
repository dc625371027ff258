"""What objects show in a notebook: architectures their graph and numbers, results tables, comparisons a chart."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from html import escape
from typing import TYPE_CHECKING, Any

from tabulate import tabulate

from archlab.analysis import (
    Analysis,
    Explanation,
    Forecast,
    GradientFlow,
    GradientRun,
    Layers,
    PathLengths,
    PredictedFlow,
    Result,
    Sweep,
    analyze,
)
from archlab.analysis.ablation import Ablation
from archlab.analysis.cost import Latency, TrainingMemory
from archlab.analysis.fitting import Fit
from archlab.charts import by_depth, embedded
from archlab.comparison import Comparison
from archlab.diffing import GraphDiff
from archlab.errors import ArchlabError
from archlab.graph import Graph, Part
from archlab.lint import Finding, Findings
from archlab.rendering import draw
from archlab.report import Prose, Report, Table, analysis_report, layers_table
from archlab.report.ablation import ablation_report
from archlab.report.explanation import explanation_report
from archlab.report.fitting import fit_report
from archlab.report.forecast import forecast_report
from archlab.report.gradients import flow_report, predicted_report
from archlab.report.latency import latency_report
from archlab.report.lint import lint_report
from archlab.report.memory import memory_report
from archlab.sources import Architecture

if TYPE_CHECKING:
    from archlab.experiments import Results
    from archlab.training import Run

__all__ = ["bundle", "to_html"]


def bundle(shown: object) -> dict[str, str]:
    """An object by media type, the way notebooks ask for it."""
    text = str(shown)
    try:
        return {"text/html": to_html(shown), "text/plain": text}
    except ArchlabError:
        # A block that waits for its width, an architecture that does not add up: its text is what there is to show.
        return {"text/plain": text}


def to_html(shown: object) -> str:
    """An object as a piece of HTML that needs nothing from elsewhere.

    Raises:
        TypeError: there is nothing to show of such an object.
        DesignError: the architecture does not add up.

    >>> from archlab import load
    >>> "721,857" in to_html(load("residual"))
    True
    """
    for kind in type(shown).__mro__:
        view = _views().get(kind)
        if view is not None:
            return view(shown)
    raise TypeError(f"there is nothing to show of a {type(shown).__name__}")


def _part(part: Part) -> str:
    return _graph(part.to_graph())


def _architecture(architecture: Architecture) -> str:
    paper = f"<p>{escape(architecture.paper)}</p>\n" if architecture.paper else ""
    return paper + _graph(architecture.graph, architecture.name)


def _graph(graph: Graph, name: str = "") -> str:
    picture = f'<div style="max-width: 100%; overflow: auto">{draw(graph, name=name).svg}</div>'
    return f"{picture}\n{_numbers(analyze(graph))}"


def _numbers(analysis: Analysis) -> str:
    return _report(analysis_report(analysis))


def _analysis(analysis: Analysis) -> str:
    return f"{_numbers(analysis)}\n{_layers(analysis.layers)}"


def _layers(layers: Layers) -> str:
    return _report(Report((layers_table(layers.subject),)))


def _flow(flow: GradientFlow) -> str:
    said = f"activation gradient by depth: {flow.name or 'the model'}"
    return f"{embedded(flow.plot(), said)}\n{_report(Report(flow_report(flow).parts[1:]))}"


def _comparison(found: Comparison) -> str:
    curves = [(result.name, result.gradient_flow.curve) for result in found if result.gradient_flow]
    predicted = [(result.name, result.gradient_flow_predicted.curve) for result in found]
    chart = by_depth(curves, predicted=predicted)
    said = "activation gradient by depth: " + ", ".join(result.name for result in found)
    return f"{embedded(chart, said)}\n{_report(found.report())}"


def _difference(found: GraphDiff) -> str:
    return f'<div style="max-width: 100%; overflow: auto">{found.render().svg}</div>'


def _predicted(found: PredictedFlow) -> str:
    said = "predicted activation gradient by depth"
    return f"{embedded(found.plot(), said)}\n{_report(Report(predicted_report(found).parts[1:]))}"


def _path_lengths(found: PathLengths) -> str:
    said = f"{found.name or 'paths'}: {found.total:,} paths of mean length {found.mean:.1f}"
    rows = [(str(length), f"{count:,}", f"{found.share(length):.3g}") for length, count in found.counts]
    columns = ("length", "paths", "share")
    return f"<p>{escape(said)}</p>\n{tabulate(rows, columns, tablefmt='html', disable_numparse=True)}"


def _sweep(found: Sweep) -> str:
    curves = [(variant.name, variant.flow.curve) for variant in found]
    return embedded(by_depth(curves), "activation gradient by depth: " + ", ".join(name for name, _ in curves))


def _run(found: GradientRun) -> str:
    return embedded(found.plot(), "gradients of a training run, step by step")


def _results(found: Results) -> str:
    from archlab.report.experiment import experiment_report

    return _report(experiment_report(found))


def _training_run(run: Run) -> str:
    from archlab.report.training import run_report

    return _report(run_report(run))


def _report(report: Report) -> str:
    return "\n".join(_pieces(report))


def _pieces(report: Report) -> Iterator[str]:
    for part in report.parts:
        if isinstance(part, Table):
            title = f"<p><b>{escape(part.title)}</b></p>\n" if part.title else ""
            columns = {
                "tablefmt": "html",
                "colalign": part.align or None,
                "disable_numparse": True,
                "preserve_whitespace": True,
            }
            yield title + tabulate([_nested(row) for row in part.texts], part.columns, **columns)
        elif isinstance(part, Prose):
            yield "".join(f"<p>{escape(line)}</p>" for line in (part.title, *part.lines) if line)


def _nested(row: Sequence[str]) -> tuple[str, ...]:
    """A row whose first cell keeps its indent, which HTML would take away: it says what the value is a part of."""
    first, *others = row
    name = first.lstrip(" ")
    return ("\u2003" * ((len(first) - len(name) + 1) // 2) + name.rstrip(), *[each.strip() for each in others])


@cache
def _views() -> Mapping[type, Callable[[Any], str]]:
    """Every kind of object that has a view."""
    from archlab.experiments import Results
    from archlab.training import Run

    return {
        Part: _part,
        Graph: _graph,
        Architecture: _architecture,
        Ablation: lambda found: _report(ablation_report(found)),
        Analysis: _analysis,
        Latency: lambda found: _report(latency_report([found])),
        Layers: _layers,
        GradientFlow: _flow,
        PredictedFlow: _predicted,
        Explanation: lambda found: _report(explanation_report(found)),
        Finding: lambda found: _report(lint_report([found], [found.architecture])),
        Findings: lambda found: _report(lint_report(found, found.names)),
        Fit: lambda found: _report(fit_report(found)),
        Forecast: lambda found: _report(forecast_report(["architecture"], [found])),
        PathLengths: _path_lengths,
        TrainingMemory: lambda found: _report(memory_report([found.graph.name or "architecture"], [found])),
        GradientRun: _run,
        Comparison: _comparison,
        GraphDiff: _difference,
        Result: lambda result: _architecture(result.architecture),
        Sweep: _sweep,
        Run: _training_run,
        Results: _results,
        Report: _report,
    }
