"""Forecasts as reports: whether each architecture trains, and what stands in the way."""

from __future__ import annotations

from collections.abc import Sequence

from archlab.analysis import Forecast
from archlab.report._parts import Cell, Prose, Report, Table

_SMALL_PRINT = (
    "A forecast says whether a few dozen images can be learned in a few hundred steps, not how accurate the network "
    "will be. 'Trains' means that nothing was found that keeps it from training."
)


def forecast_report(names: Sequence[str], forecasts: Sequence[Forecast]) -> Report:
    """A column for each architecture, then what stands in the way of each."""
    rows = [
        ("SGD", *[Cell(each.sgd.told, each.sgd.probability) for each in forecasts]),
        ("Adam", *[Cell(each.adam.told, each.adam.probability) for each in forecasts]),
    ]
    records = [
        {
            "name": name,
            "sgd": found.sgd.outcome,
            "sgd_probability": found.sgd.probability,
            "adam": found.adam.outcome,
            "adam_probability": found.adam.probability,
            "cause": found.causes[0].quantity if found.causes else None,
            "remedy": found.causes[0].remedy if found.causes else None,
        }
        for name, found in zip(names, forecasts, strict=True)
    ]
    lines = [f"{name}: {line}" for name, found in zip(names, forecasts, strict=True) for line in reasons(found)]
    parts = [Table("", ("", *names), rows, ("left", *["right" for _ in names]), records, stack=True)]
    why = [Prose("What stands in the way", tuple(lines), {f"{name}:": "name" for name in names})] if lines else []
    return Report((*parts, *why, Prose("", (_SMALL_PRINT,))))


def reasons(found: Forecast, most: int = 3) -> list[str]:
    """What stands in the way, the gravest first, with what mends it; and what makes the forecast uncertain."""
    lines = [_reason(each.sentence, each.optimizers) for each in found.causes[:most]]
    if len(found.causes) > most:
        lines.append(
            f"And {len(found.causes) - most} more: {', '.join(each.quantity for each in found.causes[most:])}."
        )
    lines += [f"Remedy: {remedy}." for remedy in dict.fromkeys(each.remedy for each in found.causes)]
    if found.why:
        more = f"; and {len(found.why) - 3} more" if len(found.why) > 3 else ""
        said = "Unknown" if found.sgd.outcome == "unknown" else "Uncertain"
        lines.append(f"{said}, because {'; '.join(found.why[:3])}{more}.")
    return lines


def _reason(sentence: str, optimizers: Sequence[str]) -> str:
    of = "" if len(optimizers) > 1 else " (SGD)" if "sgd" in optimizers else " (Adam)"
    return f"{sentence.removesuffix('.')}{of}."
