"""What is worth a second look in an architecture: every finding of a report comes from here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from archlab.analysis import Result
from archlab.analysis.static.receptive_field import Misaligned
from archlab.lint._verdict import odd_layers, verdict_sentence
from archlab.units import format_sides, format_slope

Severity: TypeAlias = Literal["error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")
"""The gravest first."""
_RULES = {"vanishing": "vanishing gradient", "exploding": "exploding gradient"}


@dataclass(frozen=True)
class Finding:
    """One thing that was found.

    Attributes:
        rule: what was looked for, in a word or two.
        severity: an error keeps a network from training; a warning casts doubt on it or on a number; an info explains.
        architecture: the name it is shown by.
        message: in a sentence.
        layers: where, by name.
    """

    rule: str
    severity: Severity
    architecture: str
    message: str
    layers: tuple[str, ...] = ()


def findings(results: Sequence[Result]) -> tuple[Finding, ...]:
    """Everything found in several architectures, in their order."""
    looks = (*STRUCTURE_RULES, gradient_findings)
    return tuple(finding for result in results for look in looks for finding in look(result))


def structure_findings(result: Result) -> list[Finding]:
    """What the graph alone says."""
    return [finding for look in STRUCTURE_RULES for finding in look(result)]


def misaligned_merges(result: Result) -> Iterable[Finding]:
    """Branches that merge with receptive fields centred on different pixels."""
    merges = result.analysis.receptive_field.misaligned
    if merges:
        places = ", ".join(f"{merge.name} ({_apart(merge)})" for merge in merges[:4])
        more = f" and {len(merges) - 4} more" if len(merges) > 4 else ""
        message = f"branches merge with misaligned receptive fields: {places}{more}."
        yield Finding("misaligned merge", "warning", result.name, message, tuple(merge.name for merge in merges))


def gates(result: Result) -> Iterable[Finding]:
    """Paths over the whole feature map, which the receptive field leaves out."""
    names = result.analysis.receptive_field.gates
    if names:
        message = (
            "the receptive field leaves out paths over the whole feature map (gates, normalization), the first at "
            f"{names[0]}; through them every later unit depends on the whole input."
        )
        yield Finding("gate", "info", result.name, message, tuple(names))


def unknown_layers(result: Result) -> Iterable[Finding]:
    """Layers that an analysis has no rule for."""
    kinds: dict[tuple[str, str, str], list[str]] = {}
    for unknown in result.analysis.unknown:
        missing = ", ".join(unknown["missing"]).replace("_", " ")
        kinds.setdefault((unknown["op"], missing, unknown["why"]), []).append(unknown["name"])
    for (kind, missing, why), names in kinds.items():
        more = f" and {len(names) - 1} more layers of this kind have" if len(names) > 1 else " has"
        because = f" ({why})" if why else ""
        message = f"{names[0]} ({kind}){more} no rule for {missing}{because}: values marked ≥ are lower bounds."
        yield Finding("unknown layer", "warning", result.name, message, tuple(names))


def unsized_layers(result: Result) -> Iterable[Finding]:
    """Layers whose cost depends on the input size."""
    names = result.analysis.compute.unsized
    if names:
        message = f"{len(names)} layers depend on the input size: give --input."
        yield Finding("unknown input size", "info", result.name, message, tuple(names))


STRUCTURE_RULES: list[Callable[[Result], Iterable[Finding]]] = [
    misaligned_merges,
    gates,
    unknown_layers,
    unsized_layers,
]
"""What is looked for in the graph alone, in the order of a report."""


def gradient_findings(result: Result) -> list[Finding]:
    """What the gradients say: a verdict that is not 'stable', layers that are not like the others, doubts."""
    found: list[Finding] = []
    flow, predicted = result.gradient_flow, result.gradient_flow_predicted
    if result.not_measured:
        message = f"gradients are not measured: {result.not_measured}."
        found.append(Finding("not measured", "warning", result.name, message))
    if flow is not None:
        if flow.verdict in _RULES:
            found.append(Finding(_RULES[flow.verdict], "error", result.name, verdict_sentence(result), flow.not_finite))
        found += [Finding("odd layer", "info", result.name, line) for line in odd_layers(flow)]
    elif predicted.verdict in _RULES:
        slope = format_slope(predicted.slope or 0.0)
        message = f"{predicted.verdict} as predicted: the activation gradient's slope is {slope} decades per layer."
        severity: Severity = "error" if predicted.reliable else "warning"
        found.append(Finding(_RULES[predicted.verdict], severity, result.name, message))
    if predicted.why:
        more = f"; and {len(predicted.why) - 3} more" if len(predicted.why) > 3 else ""
        message = f"unreliable prediction of its gradients, because {'; '.join(predicted.why[:3])}{more}."
        found.append(Finding("unreliable prediction", "info", result.name, message))
    return found


def _apart(merge: Misaligned) -> str:
    if merge.offset is None:
        return "strides " + " and ".join(format_sides(each) for each in merge.strides)
    return f"{max(merge.offset)} px"
