"""Explanations as reports: the terms that a change is made of, and what each part of an architecture changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from archlab.analysis import Explanation, Forecast, GradientFlow, PredictedFlow, Term
from archlab.report._cells import exact, slope
from archlab.report._parts import Align, Cell, Part, Prose, Report, Table


@dataclass(frozen=True)
class Variant:
    """An architecture with a part taken away: what is predicted of it, forecast and, if it was, measured."""

    name: str
    predicted: PredictedFlow
    forecast: Forecast
    measured: GradientFlow | None = None


def explanation_report(found: Explanation, variants: Sequence[Variant] = ()) -> Report:
    """The terms of the gradient and of the activation, then the variants."""
    parts: list[Part] = [
        _terms(
            f"Activation gradient at {found.first} over that at {found.last}", found.gradient, found.gradient_decades
        ),
        _terms(f"What {found.last} reads over what {found.first} reads", found.activation, found.activation_decades),
    ]
    if variants:
        parts.append(_variants(variants))
    said = "Root mean squares along the deepest path, in decades (log10), as predicted: the terms add up."
    return Report((*parts, Prose("", (said,))))


def _terms(title: str, terms: Sequence[Term], total: float) -> Table:
    rows: list[tuple[Cell | str, ...]] = [
        (term.name, slope(term.decades), exact(term.layers), term.formula, term.example, term.source) for term in terms
    ]
    rows.append(("all", slope(total), "", "", "", ""))
    align: tuple[Align, ...] = ("left", "right", "right", "left", "left", "left")
    columns = ("term", "decades", "layers", "factor of a layer", "for example", "source")
    return Table(title, columns, rows, align, [term.to_dict() for term in terms], essential=3, totals=1)


def _variants(variants: Sequence[Variant]) -> Table:
    measured = any(each.measured for each in variants)
    rows = [
        (
            each.name,
            slope(each.predicted.slope, 3),
            each.predicted.verdict,
            *((slope(each.measured.slope, 3) if each.measured else Cell("–"),) if measured else ()),
            each.forecast.sgd.told,
            each.forecast.adam.told,
        )
        for each in variants
    ]
    columns = ("", "slope, predicted", "verdict", *(("slope, measured",) if measured else ()), "SGD", "Adam")
    records = [
        {
            "name": each.name,
            "slope_predicted": each.predicted.slope,
            "verdict": each.predicted.verdict,
            "slope_measured": each.measured.slope if each.measured else None,
            "sgd": each.forecast.sgd.outcome,
            "adam": each.forecast.adam.outcome,
        }
        for each in variants
    ]
    align: tuple[Align, ...] = ("left", "right", "left", *(("right",) if measured else ()), "left", "left")
    return Table("What each part changes (slope in decades per layer)", columns, rows, align, records)
