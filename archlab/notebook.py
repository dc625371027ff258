"""What objects show in a notebook: architectures their graph and figures, results tables, comparisons a chart."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from html import escape
from typing import Any

from tabulate import tabulate

from archlab.analysis.static import Analysis, analyze
from archlab.charts import by_depth, embedded
from archlab.errors import ArchlabError
from archlab.graph import Graph
from archlab.rendering import draw
from archlab.report import Prose, Report, Table
from archlab.units import format_bytes, format_count, format_exact

__all__ = ["bundle", "to_html"]


def bundle(shown: Any) -> dict[str, str]:
    """An object by media type, the way notebooks ask for it."""
    text = str(shown)
    try:
        return {"text/html": to_html(shown), "text/plain": text}
    except ArchlabError:
        # A block that waits for its width, an architecture that does not add up: its text is what there is to show.
        return {"text/plain": text}


def to_html(shown: Any) -> str:
    """An object as a piece of HTML that needs nothing from elsewhere.

    Raises:
        TypeError: there is nothing to show of such an object.
        DesignError: the architecture does not add up.

    >>> from archlab import load
    >>> "721,857" in to_html(load("residual"))
    True
    """
    for kind in type(shown).__mro__:
        view = _VIEWS.get(f"{kind.__module__}.{kind.__qualname__}")
        if view is not None:
            return view(shown)
    raise TypeError(f"there is nothing to show of a {type(shown).__name__}")


def _part(part: Any) -> str:
    return _graph(part.to_graph())


def _architecture(architecture: Any) -> str:
    paper = f"<p>{escape(architecture.paper)}</p>\n" if architecture.paper else ""
    return paper + _graph(architecture.graph, architecture.name)


def _graph(graph: Graph, name: str = "") -> str:
    picture = f'<div style="max-width: 100%; overflow: auto">{draw(graph, name=name).svg}</div>'
    return f"{picture}\n{_figures(analyze(graph))}"


def _figures(analysis: Analysis) -> str:
    lower = "≥ " if analysis.unknown else ""
    field = analysis.receptive_field.last
    rows = [
        ("parameters", f"{lower}{format_exact(analysis.params.total)}"),
        ("trainable", f"{lower}{format_exact(analysis.params.trainable)}"),
        ("MACs", f"{lower}{format_count(analysis.compute.macs)}"),
        ("FLOPs", f"{lower}{format_count(analysis.compute.flops)}"),
        ("kept for the backward pass", f"{lower}{format_bytes(analysis.memory.activations_training)}"),
        ("depth", str(analysis.depth)),
        ("sees", "–" if field is None or field.size is None else " × ".join(map(str, field.size)) + " px"),
    ]
    return tabulate(rows, tablefmt="html", disable_numparse=True)


def _analysis(analysis: Analysis) -> str:
    from archlab.report import layers_report
    from archlab.sources import Architecture

    shown = Architecture(analysis.graph.name or "architecture", "", None, "", analysis.graph)
    return f"{_figures(analysis)}\n{_report(layers_report(shown, analysis)[0])}"


def _comparison(found: Any) -> str:
    curves = [(result.name, result.gradient_flow.layers) for result in found if result.gradient_flow]
    predicted = [(result.name, result.gradient_flow_predicted.layers) for result in found]
    chart = by_depth(curves, predicted=predicted)
    said = "error signal by depth: " + ", ".join(result.name for result in found)
    return f"{embedded(chart, said)}\n{_report(found.report())}"


def _difference(found: Any) -> str:
    return f'<div style="max-width: 100%; overflow: auto">{found.render().svg}</div>'


def _predicted(found: Any) -> str:
    slope = "–" if found.slope is None else f"{found.slope:+.3f} decades per layer"
    doubts = "" if found.reliable else f"; not reliable: {'; '.join(found.why)}"
    said = f"predicted: {slope}, {found.verdict}{doubts}"
    return f"<p>{escape(said)}</p>\n{embedded(by_depth([], predicted=[('predicted', found.layers)]), said)}"


def _path_lengths(found: Any) -> str:
    said = f"{found.name or 'paths'}: {found.total:,} paths of mean length {found.mean:.1f}"
    rows = [(str(length), f"{count:,}", f"{found.share(length):.3g}") for length, count in found.counts]
    columns = ("length", "paths", "share")
    return f"<p>{escape(said)}</p>\n{tabulate(rows, columns, tablefmt='html', disable_numparse=True)}"


def _sweep(found: Any) -> str:
    curves = [(variant.name, variant.flow.layers) for variant in found]
    return embedded(by_depth(curves), "error signal by depth: " + ", ".join(name for name, _ in curves))


def _run(found: Any) -> str:
    return embedded(found.plot(), "gradients of a training run, step by step")


def _results(found: Any) -> str:
    from archlab.report.experiment import experiment_report

    return _report(experiment_report(found))


def _training_run(run: Any) -> str:
    from archlab.report.training import run_report

    return _report(run_report(run))


def _report(report: Report) -> str:
    return "\n".join(_pieces(report))


def _pieces(report: Report) -> Iterator[str]:
    for part in report.parts:
        if isinstance(part, Table):
            title = f"<p><b>{escape(part.title)}</b></p>\n" if part.title else ""
            columns = {"tablefmt": "html", "colalign": part.align or None, "disable_numparse": True}
            yield title + tabulate(part.rows, part.columns, **columns)
        elif isinstance(part, Prose):
            yield "".join(f"<p>{escape(line)}</p>" for line in (part.title, *part.lines) if line)


_VIEWS: Mapping[str, Callable[[Any], str]] = {
    "archlab.algebra.Part": _part,
    "archlab.graph._graph.Graph": _graph,
    "archlab.sources._architecture.Architecture": _architecture,
    "archlab.analysis.static._analysis.Analysis": _analysis,
    "archlab.analysis.static.signal.PredictedFlow": _predicted,
    "archlab.analysis.static.path_lengths.PathLengths": _path_lengths,
    "archlab.analysis.recorded.GradientRun": _run,
    "archlab.comparison.Comparison": _comparison,
    "archlab.diffing._diff.GraphDiff": _difference,
    "archlab.result.Result": lambda result: _architecture(result.architecture),
    "archlab.sweeps.Sweep": _sweep,
    "archlab.training._run.Run": _training_run,
    "archlab.training.experiments._results.Results": _results,
    "archlab.report._parts.Report": _report,
}
"""By the name of the class, so that nothing is loaded but what made the object."""
