"""Findings and budgets as reports, as SARIF, and as annotations of GitHub."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from archlab.lint import SEVERITIES, Finding, Place, Rule, Severity
from archlab.lint.budgets import Verdict
from archlab.report._parts import Cell, Part, Prose, Report, Table
from archlab.report._style import Mark
from archlab.text import one_line
from archlab.units import format_share

Places = Mapping[str, Place]
"""By architecture, the file that it stands in."""
_LEVELS: Mapping[Severity, str] = {"error": "error", "warning": "warning", "info": "note"}
_MARKS: Mapping[str, Mark] = {"error:": "bad", "warning:": "warn", "info:": "dim", "Instead:": "name"}
_SARIF = "https://json.schemastore.org/sarif-2.1.0.json"


def lint_report(found: Sequence[Finding], names: Sequence[str]) -> Report:
    """A part for each architecture, the gravest first, and a line that counts."""
    parts: list[Part] = []
    for name in names:
        lines = [line for each in found if each.architecture == name for line in _lines(each)]
        if lines:
            parts.append(Prose(name, tuple(lines), {**_MARKS, **{each.code: "name" for each in found}}))
    return Report((*parts, Prose("", (_count(found, names),))))


def _lines(found: Finding) -> list[str]:
    mark = " [*]" if found.fixable else ""
    remedy = f" Instead: {found.remedy}." if found.remedy else ""
    return [f"{found.code}{mark} {found.severity}: {found.message.rstrip('.')}.{remedy}"]


def _count(found: Sequence[Finding], names: Sequence[str]) -> str:
    looked = f"{len(names)} architecture{'s' if len(names) != 1 else ''}"
    if not found:
        return f"No findings in {looked}."
    counts = Counter(each.severity for each in found)
    kinds = ", ".join(
        f"{counts[severity]} {severity}{'s' if counts[severity] != 1 and severity != 'info' else ''}"
        for severity in SEVERITIES
        if counts[severity]
    )
    fixable = sum(each.fixable for each in found)
    mends = f" [*] --fix mends {fixable}." if fixable else ""
    return f"{len(found)} finding{'s' if len(found) != 1 else ''} in {looked}: {kinds}.{mends}"


def lint_table(found: Sequence[Finding], names: Sequence[str]) -> Report:
    """All findings as one table, for markdown and CSV."""
    return Report((_records(found), Prose("", (_count(found, names),))))


def _records(found: Sequence[Finding]) -> Table:
    columns = ("code", "rule", "severity", "architecture", "where", "finding", "instead")
    rows = [
        (each.code, each.rule, each.severity, each.architecture, each.where, each.message, each.remedy)
        for each in found
    ]
    return Table("", columns, rows, records=[each.to_dict() for each in found], essential=2, fold=True)


def check_report(verdicts: Sequence[Verdict]) -> Report:
    """A row for each limit, and the layers that take most of what is beyond one."""
    rows = [
        (each.name, each.label, Cell(each.value), each.limit, "kept" if each.kept else "broken") for each in verdicts
    ]
    columns = ("architecture", "quantity", "value", "limit", "")
    records = [each.to_dict() for each in verdicts]
    parts: list[Part] = [Table("", columns, rows, ("left", "left", "right", "right", "left"), records, essential=3)]
    lines = [f"{each.name}: {each.message}{_spent(each)}" for each in verdicts if not each.kept]
    broken = sum(not each.kept for each in verdicts)
    if lines:
        parts.append(Prose("Beyond the limits", tuple(lines)))
    said = f"{broken} of {len(verdicts)} limits broken." if broken else f"All {len(verdicts)} limits kept."
    return Report((*parts, Prose("", (said,))) if verdicts else (Prose("", ("No limits.",)),))


def _spent(verdict: Verdict) -> str:
    told = [
        f"{each.layer} {each.text}" + ("" if each.share is None else f" ({format_share(each.share, 0)})")
        for each in verdict.layers
    ]
    return f" Most in {', '.join(told)}." if told else ""


def sarif(found: Sequence[Finding], rules: Sequence[Rule], places: Places, version: str) -> dict[str, object]:
    """Findings as SARIF 2.1.0, which GitHub and editors read.

    Args:
        found: the findings.
        rules: all rules that were asked.
        places: where the architectures stand.
        version: of archlab.
    """
    numbers = {rule.code: number for number, rule in enumerate(rules)}
    return {
        "$schema": _SARIF,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "archlab",
                        "version": version,
                        "informationUri": "https://pypi.org/project/archlab/",
                        "rules": [_descriptor(rule) for rule in rules],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": [_result(each, numbers, places) for each in found],
            }
        ],
    }


def _descriptor(rule: Rule) -> dict[str, object]:
    return {
        "id": rule.code,
        "name": rule.name,
        "shortDescription": {"text": rule.summary or rule.name},
        "fullDescription": {"text": rule.manual or rule.name},
        "help": {
            "text": f"Source: {rule.source}" if rule.source else rule.name,
            "markdown": rule.manual or rule.name,
        },
        "defaultConfiguration": {"level": _LEVELS[rule.severity], "enabled": rule.on},
        "properties": {"tags": [rule.group]},
    }


def _result(found: Finding, numbers: Mapping[str, int], places: Places) -> dict[str, object]:
    location: dict[str, object] = {}
    place = places.get(found.architecture, Place())
    file, line = place.file, place.line_of(found.where)
    if file:
        uri = file.replace("\\", "/")
        location["physicalLocation"] = {"artifactLocation": {"uri": uri}, "region": {"startLine": line or 1}}
    named = [
        {
            "name": layer.rpartition("/")[2] or layer,
            "fullyQualifiedName": f"{found.architecture}/{layer}",
            "kind": "module",
        }
        for layer in found.layers
    ]
    location["logicalLocations"] = named or [{"name": found.architecture, "kind": "module"}]
    remedy = f" Instead: {found.remedy}." if found.remedy else ""
    result: dict[str, object] = {
        "ruleId": found.code,
        "level": _LEVELS[found.severity],
        "message": {"text": one_line(f"{found.architecture}: {found.message}{remedy}")},
        "locations": [location],
        "partialFingerprints": {"archlab/v1": f"{found.code}:{found.architecture}:{found.where}"},
        "properties": {"layers": list(found.layers), "value": found.value, "source": found.source},
    }
    if found.code in numbers:
        result["ruleIndex"] = numbers[found.code]
    return result


def github(found: Sequence[Finding], places: Places) -> str:
    """Findings as annotations of GitHub's workflows, a line each."""
    kinds: Mapping[Severity, str] = {"error": "error", "warning": "warning", "info": "notice"}
    return "\n".join(
        _annotation(
            kinds[each.severity],
            places.get(each.architecture, Place()),
            each.where,
            f"{each.code} {each.rule}",
            f"{each.architecture}: {each.message}" + (f" Instead: {each.remedy}." if each.remedy else ""),
        )
        for each in found
    )


def github_limits(verdicts: Sequence[Verdict], places: Places) -> str:
    """Broken limits as annotations of GitHub's workflows, a line each."""
    return "\n".join(
        _annotation(
            "error", places.get(each.name, Place()), "", each.label, f"{each.name}: {each.message}{_spent(each)}"
        )
        for each in verdicts
        if not each.kept
    )


def _annotation(kind: str, place: Place, layer: str, title: str, message: str) -> str:
    file, line = place.file, place.line_of(layer)
    where = [f"file={_property(file)}"] if file else []
    where += [f"line={line}"] if file and line else []
    properties = ",".join([*where, f"title={_property(title)}"])
    return f"::{kind} {properties}::{_escaped(one_line(message))}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")
