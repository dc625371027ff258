"""Findings in what has been analysed and measured: those that comparisons, reports and notebooks show."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from archlab.analysis import Result
from archlab.lint._finding import Finding
from archlab.lint._lint import context_of_result, findings_of
from archlab.lint._registry import all_rules
from archlab.lint._rule import Rule


def findings(results: Sequence[Result]) -> tuple[Finding, ...]:
    """Errors, warnings, and what says how numbers are to be read, in several architectures, in their order."""
    rules = all_rules().selected()
    return tuple(finding for result in results for finding in _told(result, rules))


def structure_findings(result: Result) -> list[Finding]:
    """The same but for signals and gradients, which are predicted or measured."""
    return _told(result, [rule for rule in all_rules().selected() if not rule.of_gradients])


def _told(result: Result, rules: Iterable[Rule]) -> list[Finding]:
    context = context_of_result(result)
    return [
        finding
        for rule in rules
        for finding in findings_of(context, [rule])
        if finding.severity != "info" or rule.reads_numbers
    ]
