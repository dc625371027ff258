"""What a rule finds, and all that was found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, overload

from archlab.errors import UsageError, did_you_mean
from archlab.lint._mend import Edits
from archlab.shown import Printed, Shown
from archlab.text import one_line

Severity: TypeAlias = Literal["error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")
"""The gravest first."""


def at_least(severity: Severity, limit: Severity) -> bool:
    """Whether a severity is as grave as a limit.

    >>> at_least("error", "warning"), at_least("info", "warning")
    (True, False)
    """
    return SEVERITIES.index(severity) <= SEVERITIES.index(limit)


def read_severity(text: str) -> Severity:
    """A severity as it is typed.

    Raises:
        UsageError: it is none.
    """
    for severity in SEVERITIES:
        if severity == text:
            return severity
    raise UsageError(f"the severity {text!r} is not known: {did_you_mean(text, SEVERITIES)}")


@dataclass(frozen=True)
class Finding(Shown):
    """One thing that a rule found in an architecture.

    Attributes:
        code: of the rule, such as 'A302'.
        rule: its name, such as 'bias-before-batchnorm'.
        severity: an error keeps a network from training or from saying anything; a warning wastes what is named or
            casts doubt on it; an info explains.
        architecture: the name it is shown by.
        message: what is found, in a sentence, with the number that makes it matter.
        remedy: what to do, in a sentence; '' where nothing is to be done.
        layers: where, by name; the first is the place.
        value: the number, in the unit of the rule's page; None where the finding is a proof.
        source: what the rule rests on.
        edits: the change that mends it, where there is one.
    """

    code: str
    rule: str
    severity: Severity
    architecture: str
    message: str
    remedy: str = ""
    layers: tuple[str, ...] = ()
    value: float | None = None
    source: str = ""
    edits: Edits | None = field(default=None, repr=False, compare=False)

    @property
    def where(self) -> str:
        """The first of its layers, whose path names the block that it stands in; '' for the whole network."""
        return self.layers[0] if self.layers else ""

    @property
    def fixable(self) -> bool:
        """Whether `--fix` mends it."""
        return self.edits is not None

    def to_dict(self) -> dict[str, object]:
        """As plain data."""
        return {
            "code": self.code,
            "rule": self.rule,
            "severity": self.severity,
            "architecture": self.architecture,
            "where": self.where,
            "layers": list(self.layers),
            "message": one_line(self.message),
            "remedy": one_line(self.remedy),
            "value": self.value,
            "source": self.source,
            "fixable": self.fixable,
        }


@dataclass(frozen=True, repr=False)
class Findings(Printed, Sequence[Finding]):
    """All that was found in an architecture, the gravest first; it is a sequence of findings.

    >>> from archlab import Conv, BatchNorm, Input, lint
    >>> found = lint(Input(32, 32, 3) >> Conv(16, bias=True) >> BatchNorm())
    >>> [each.code for each in found], found[0].where
    (['A302'], 'conv')
    """

    found: tuple[Finding, ...] = ()
    names: tuple[str, ...] = ()
    """The architectures that were looked at."""

    @overload
    def __getitem__(self, key: int) -> Finding: ...
    @overload
    def __getitem__(self, key: slice) -> Sequence[Finding]: ...
    def __getitem__(self, key: int | slice) -> Finding | Sequence[Finding]:
        return self.found[key]

    def __len__(self) -> int:
        return len(self.found)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.found)

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes, each once."""
        return tuple(dict.fromkeys(each.code for each in self.found))

    def to_dict(self) -> list[dict[str, object]]:
        """As plain data."""
        return [each.to_dict() for each in self.found]

    @classmethod
    def of(cls, found: Iterable[Finding], names: Iterable[str]) -> Findings:
        """The gravest first; else in the order they were found in."""
        return cls(tuple(sorted(found, key=lambda each: SEVERITIES.index(each.severity))), tuple(names))
