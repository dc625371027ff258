"""Objects as short tables, for Python's prompt and for `print`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

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
)
from archlab.analysis.ablation import Ablation
from archlab.analysis.cost import Latency, TrainingMemory
from archlab.analysis.fitting import Fit
from archlab.comparison import Comparison
from archlab.diffing import GraphDiff
from archlab.lint import Finding, Findings
from archlab.report import Prose, Report, Table, analysis_report, comparison_report, layers_table, to_text
from archlab.report.ablation import ablation_report
from archlab.report.explanation import explanation_report
from archlab.report.fitting import fit_report
from archlab.report.forecast import forecast_report
from archlab.report.gradients import flow_report, predicted_report, run_report, sweep_report
from archlab.report.latency import latency_report
from archlab.report.lint import lint_report
from archlab.report.memory import memory_report

ROWS = 12
"""Rows of layers that an object shows of itself; a report has them all."""


def text(shown: object) -> str:
    """An object as a short table.

    Raises:
        TypeError: there is nothing to show of such an object.

    >>> from archlab import analyze
    >>> print(text(analyze("baseline").layers).splitlines()[-1].strip())
    … and 1 more layers
    """
    for kind in type(shown).__mro__:
        report = _reports().get(kind)
        if report is not None:
            return to_text(report(shown))
    raise TypeError(f"there is nothing to show of a {type(shown).__name__}")


@cache
def _reports() -> Mapping[type, Callable[[Any], Report]]:
    return {
        Ablation: ablation_report,
        Analysis: analysis_report,
        Comparison: lambda comparison: comparison.report(),
        Explanation: explanation_report,
        Finding: lambda found: lint_report([found], [found.architecture]),
        Findings: lambda found: lint_report(found, found.names),
        Fit: fit_report,
        Forecast: lambda found: forecast_report(["architecture"], [found]),
        GradientFlow: lambda flow: flow_report(flow, most=ROWS),
        GradientRun: run_report,
        GraphDiff: lambda diff: diff.report(),
        Latency: lambda found: latency_report([found]),
        Layers: _layers,
        PathLengths: _path_lengths,
        PredictedFlow: lambda flow: predicted_report(flow, ROWS),
        Result: lambda result: comparison_report([result]),
        Sweep: sweep_report,
        TrainingMemory: lambda found: memory_report([found.graph.name or "architecture"], [found]),
    }


def _layers(layers: Layers) -> Report:
    table = layers_table(layers.subject)
    rows = table.rows[: -table.totals]
    shown = Table("", table.columns, rows[:ROWS], table.align)
    more = Prose("", (f"… and {len(rows) - ROWS} more layers",))
    return Report((shown, more) if len(rows) > ROWS else (shown,))


def _path_lengths(found: PathLengths) -> Report:
    said = f"{found.name or 'paths'}: {found.total:,} paths of mean length {found.mean:.1f}"
    return Report((Prose("", (f"{said}, from {found.shortest} to {found.longest} {found.by}",)),))
