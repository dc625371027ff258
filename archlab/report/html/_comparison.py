"""A comparison as a page: what the text says, and what only pictures and long tables can show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from archlab.analysis import Result
from archlab.lint import SEVERITIES, findings, verdict_sentence
from archlab.report._compare import summary_parts
from archlab.report._parts import Cell
from archlab.report._provenance import provenance
from archlab.report.html._figures import figures
from archlab.report.html._graphs import Shelf, View
from archlab.report.html._grid import Column, Grid
from archlab.report.html._layers import anchor, layers, stages
from archlab.report.html._outlook import outlook_parts, parts_of, verdict
from archlab.report.html._page import page, slug
from archlab.report.html._sections import Section, sections
from archlab.report.training import training_parts

if TYPE_CHECKING:
    from archlab.experiments import Results


@dataclass(frozen=True)
class Net:
    """One architecture's part of the page."""

    name: str
    anchor: str
    says: str
    graph: View
    stages: Grid | None
    layers: Grid
    sections: list[Section]
    """What its times and its gradients are made of."""


def comparison_to_html(
    results: Sequence[Result],
    training: Results | None = None,
    *,
    target: float | None = None,
    input: Sequence[int | None] | None = None,
    command: str | None = None,
    when: datetime | None = None,
) -> str:
    """Write a comparison as one page that opens from a file and needs nothing else.

    Args:
        results: what is compared, in the order it is shown.
        training: what came of training them.
        target: the validation accuracy that times of training are given to.
        input: the input that all of them were given, where it is not their own.
        command: what the comparison was made by; Python where there was none.
        when: it was made; now, by default.
    """
    parts = [*summary_parts(results), *outlook_parts(results)]
    parts += training_parts(training, target) if training else ()
    drawn = figures(results, training)
    shelf = Shelf()
    anchors = {result.name: slug(result.name) for result in results}
    nets = [
        Net(
            result.name,
            anchors[result.name],
            _about(result),
            shelf.view(result.analysis.graph, result.name),
            stages(result),
            layers(result),
            sections(parts_of(result), ""),
        )
        for result in results
    ]
    origin = provenance(results, input, training, command, when)
    return page(
        "comparison.html",
        title=_listed([result.name for result in results]),
        lead=_lead(results, training),
        summary=sections(parts, "The numbers side by side"),
        findings=_findings(results),
        verdicts=[(result.name, anchors[result.name], verdict(result)) for result in results],
        figures=drawn,
        architectures=nets,
        drawings=shelf.folded,
        extra=shelf.style,
        provenance=origin,
        archlab=dict(origin)["archlab"],
    )


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _lead(results: Sequence[Result], training: Results | None) -> str:
    """What the report rests on."""
    counted = "Counted from the graph"
    measured = any(result.gradient_flow for result in results)
    how = (
        f"{counted}, gradients measured on the Keras model"
        if measured
        else f"{counted}, gradients predicted by mean-field theory"
    )
    if training:
        how += ", accuracies from training"
    return f"{how}."


def _about(result: Result) -> str:
    """What an architecture is and whether it will train, as far as that is known."""
    verdict = f"{result.name}: {verdict_sentence(result)}" if result.gradient_flow else ""
    paper = f"{result.architecture.paper.rstrip('.')}." if result.architecture.paper else ""
    return " ".join(filter(None, (paper, verdict)))


def _findings(results: Sequence[Result]) -> Grid:
    listed = sorted(findings(results), key=lambda found: SEVERITIES.index(found.severity))
    rows = tuple(
        (
            Cell(f"{each.code} {each.rule}"),
            Cell(each.severity, SEVERITIES.index(each.severity)),
            Cell(each.architecture),
            Cell(each.where),
            Cell(each.message),
        )
        for each in listed
    )
    marks = tuple(("", each.severity, "", "", "what") for each in listed)
    columns = (Column("finding"), Column("severity"), Column("architecture"), Column("where"), Column("what"))
    named = {result.name: {node.name for node in result.analysis.graph} for result in results}
    links = tuple(
        anchor(each.architecture, each.where)
        if each.where in named.get(each.architecture, ())
        else f"net-{slug(each.architecture)}"
        if each.architecture in named
        else ""
        for each in listed
    )
    return Grid("Findings", columns, rows, marks=marks, sortable=len(rows) > 1, links=links)
