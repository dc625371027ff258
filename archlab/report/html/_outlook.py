"""What a page says beyond counting: the times of each architecture, and what its gradient is made of."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from archlab.analysis import Result, explain
from archlab.analysis.cost import Latency, latency
from archlab.errors import ArchlabError
from archlab.lint import verdict_sentence
from archlab.report._parts import Part, Prose, Table
from archlab.report.explanation import explanation_report
from archlab.report.latency import latency_report


def verdict(result: Result) -> str:
    """How its gradients do, as measured; as predicted where nothing was."""
    if result.gradient_flow is not None:
        return verdict_sentence(result)
    found = result.gradient_flow_predicted
    return f"predicted gradients are {found.verdict}."


def outlook_parts(results: Sequence[Result]) -> list[Part]:
    """The predicted times, a column for each architecture that they can be made of."""
    parts: list[Part] = []
    told: list[str] = []
    times: list[Latency] = []
    for result in results:
        made = timed(result)
        if isinstance(made, Latency):
            times.append(made)
        else:
            told.append(f"{result.name}: {made}")
    if times:
        whole, *_, said = latency_report(times).parts
        parts += [whole, said]
    return [*parts, *([Prose("", tuple(told))] if told else [])]


def timed(result: Result) -> Latency | str:
    """Its times on this machine, or why there are none."""
    try:
        found = latency(result.architecture)
    except ArchlabError as error:
        return f"no times: {error}"
    return found if found.inference else "no times: nothing in it is counted"


def parts_of(result: Result) -> list[Part]:
    """By stage the time of an architecture, and the terms of its gradient."""
    parts: list[Part] = []
    made = timed(result)
    if isinstance(made, Latency):
        parts += [part for part in latency_report([made]).parts[1:] if isinstance(part, Table)]
    # Where nothing leads from a first layer to a last there is nothing to explain.
    with suppress(ArchlabError):
        parts += explanation_report(explain(result.architecture)).parts
    return parts
