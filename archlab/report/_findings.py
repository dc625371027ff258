"""What is worth a second look in an architecture: every remark of a report comes from here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from archlab.report._verdict import said_of_layers, verdict_sentence
from archlab.result import Result
from archlab.units import format_sides, format_slope

Level = Literal["problem", "warning", "note"]
LEVELS: tuple[Level, ...] = ("problem", "warning", "note")
"""The gravest first."""


@dataclass(frozen=True)
class Finding:
    """One thing that was found.

    Attributes:
        rule: what was looked for, in a word or two.
        level: a problem keeps a net from training; a warning casts doubt on it or on a number; a note explains.
        architecture: the name it is shown by.
        message: in a sentence.
        layers: where, by name.
    """

    rule: str
    level: Level
    architecture: str
    message: str
    layers: tuple[str, ...] = ()


def findings(results: Sequence[Result]) -> tuple[Finding, ...]:
    """Everything found in several architectures, in their order. Whatever else looks for something is called here."""
    looks = (structure_findings, gradient_findings)
    return tuple(finding for result in results for look in looks for finding in look(result))


def structure_findings(result: Result) -> list[Finding]:
    """What the graph alone says: merges out of line, gates, layers without a rule or without a size."""
    found: list[Finding] = []
    analysis = result.analysis
    merges, gates = analysis.receptive_field.misaligned, analysis.receptive_field.gates
    if merges:
        places = ", ".join(f"{merge.name} ({_apart(merge)})" for merge in merges[:4])
        more = f" and {len(merges) - 4} more" if len(merges) > 4 else ""
        message = f"paths that merge look at different places of the image: {places}{more}."
        found.append(
            Finding("misaligned merge", "warning", result.name, message, tuple(merge.name for merge in merges))
        )
    if gates:
        message = (
            "the receptive field leaves out what is scaled or normalized by something taken over the whole map, at "
            f"{gates[0]} first; through it every later unit sees the whole image."
        )
        found.append(Finding("gate", "note", result.name, message, tuple(gates)))
    for unknown in analysis.unknown:
        missing = ", ".join(unknown["missing"]).replace("_", " ")
        message = (
            f"{unknown['name']} ({unknown['op']}) is unknown: it has no rule for {missing}. Totals marked ≥ are lower "
            "bounds."
        )
        found.append(Finding("unknown layer", "warning", result.name, message, (unknown["name"],)))
    if analysis.compute.unsized:
        names = analysis.compute.unsized
        message = f"{len(names)} layers depend on the input's size: give --input."
        found.append(Finding("unknown size", "note", result.name, message, tuple(names)))
    return found


def gradient_findings(result: Result) -> list[Finding]:
    """What the gradients say: a verdict that is not 'level', layers that are not like the others, doubts."""
    found: list[Finding] = []
    flow, predicted = result.gradient_flow, result.gradient_flow_predicted
    if result.not_measured:
        message = f"could not be measured: {result.not_measured}."
        found.append(Finding("not measured", "warning", result.name, message))
    if flow is not None:
        if flow.verdict in ("vanishes", "explodes"):
            rule = "vanishing gradient" if flow.verdict == "vanishes" else "exploding gradient"
            found.append(Finding(rule, "problem", result.name, verdict_sentence(result), flow.not_finite))
        found += [Finding("odd layer", "note", result.name, line) for line in said_of_layers(flow)]
    elif predicted.verdict in ("vanishes", "explodes"):
        rule = "vanishing gradient" if predicted.verdict == "vanishes" else "exploding gradient"
        slope = format_slope(predicted.slope or 0.0)
        message = f"{predicted.verdict} by theory: the error signal's slope is {slope} decades per layer."
        level: Level = "problem" if predicted.reliable else "warning"
        found.append(Finding(rule, level, result.name, message))
    if predicted.why:
        more = f"; and {len(predicted.why) - 3} more" if len(predicted.why) > 3 else ""
        message = f"its predicted gradients are not to be relied on: {'; '.join(predicted.why[:3])}{more}."
        found.append(Finding("unreliable prediction", "note", result.name, message))
    return found


def _apart(merge: Any) -> str:
    if merge.offset is None:
        return "strides " + " and ".join(format_sides(each) for each in merge.strides)
    return f"{max(merge.offset)} px apart"
