"""What a rule is, and the table of all rules."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from archlab.errors import UnknownNameError, UsageError, closest, did_you_mean
from archlab.lint._context import Context
from archlab.lint._finding import Severity
from archlab.lint._mend import Edits

GROUPS: Mapping[str, str] = {
    "H": "head, loss and task",
    "S": "signal",
    "A": "architecture",
    "R": "receptive field",
    "C": "cost",
    "T": "taste",
    "N": "numbers: what archlab cannot tell",
}
"""What the letters of codes stand for."""
_CODE = re.compile(r"[A-Z]{1,4}[0-9]{3}")


@dataclass(frozen=True)
class Found:
    """What a rule yields: a finding without what is known of the rule.

    Attributes:
        message: what is found, in a sentence.
        layers: where, by name.
        remedy: what to do.
        value: the number that makes it matter.
        severity: where it is less than the rule's.
        edits: the change that mends it.
    """

    message: str
    layers: tuple[str, ...] = ()
    remedy: str = ""
    value: float | None = None
    severity: Severity | None = None
    edits: Edits | None = None


Check: TypeAlias = Callable[[Context], Iterable[Found]]


@dataclass(frozen=True)
class Rule:
    """A rule: what it is called, how grave its findings are, and the function that makes them.

    Attributes:
        code: a letter for its group and three digits.
        name: words with dashes.
        severity: of its findings; one may say that it is less grave.
        check: from what is known of an architecture to what is found. It must not change anything.
        page: its page of the documentation, the docstring of the rule's file.
        source: what it rests on: a paper, a section.
        on: whether it is asked unless told.
        partial: whether it is asked of what stands of an architecture that does not add up.
        fixes: whether its findings may hold a change that mends them.
        reads_numbers: whether it says how numbers are to be read: comparisons show it even where it is an info.
        of_gradients: whether it reads signals or gradients, which are predicted or measured.
    """

    code: str
    name: str
    severity: Severity
    check: Check
    page: str | None = ""
    source: str = ""
    on: bool = True
    partial: bool = False
    fixes: bool = False
    reads_numbers: bool = False
    of_gradients: bool = False

    def __post_init__(self) -> None:
        if not _CODE.fullmatch(self.code):
            raise UsageError(f"the code of a rule is letters and three digits, such as A302, got {self.code!r}")

    @property
    def group(self) -> str:
        """What its letter stands for."""
        return GROUPS.get(self.code.rstrip("0123456789"), "rules of one's own")

    @property
    def manual(self) -> str:
        """Its page; '' where it has none."""
        return (self.page or "").strip()

    @property
    def summary(self) -> str:
        """The first sentence of its page."""
        return " ".join(self.manual.split("\n\n")[0].split())


class Rules(Mapping[str, Rule]):
    """All rules by code, in order of their codes."""

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self._rules: dict[str, Rule] = {}
        for rule in rules:
            self.add(rule)

    def add(self, rule: Rule) -> Rule:
        """Take a rule in.

        Raises:
            UsageError: another has its code.
        """
        known = self._rules.get(rule.code)
        if known is not None and known != rule:
            raise UsageError(f"two rules have the code {rule.code}: {known.name} and {rule.name}")
        self._rules[rule.code] = rule
        self._rules = dict(sorted(self._rules.items()))
        return rule

    def remove(self, code: str) -> None:
        """Leave a rule out again."""
        del self._rules[code]

    def __getitem__(self, code: str) -> Rule:
        try:
            return self._rules[code]
        except KeyError:
            raise KeyError(f"no rule {code!r}: {did_you_mean(code, self._rules)}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._rules)

    def __len__(self) -> int:
        return len(self._rules)

    def named(self, text: str) -> Rule:
        """The rule of a code or a name.

        Raises:
            UnknownNameError: there is none.
        """
        for rule in self._rules.values():
            if text.upper() == rule.code or text == rule.name:
                return rule
        raise UnknownNameError(f"no rule {text!r}: {self._closest(text)}")

    def selected(self, select: Iterable[str] = (), ignore: Iterable[str] = ()) -> tuple[Rule, ...]:
        """The rules that are asked: those that are on, or those selected, without those ignored.

        Both are codes, beginnings of codes, names, or 'ALL'. Where both name a rule, the longer one decides.

        Raises:
            UnknownNameError: one of them names no rule.
        """
        select, ignore = tuple(select), tuple(ignore)
        for each in (*select, *ignore):
            self._check(each)
        return tuple(rule for rule in self._rules.values() if self._asked(rule, select, ignore))

    def _closest(self, text: str) -> str:
        near = closest(text, [*self._rules, *(rule.name for rule in self._rules.values())])
        return f"did you mean {' or '.join(near)}?" if near else "archlab lint --explain list names all"

    def _asked(self, rule: Rule, select: tuple[str, ...], ignore: tuple[str, ...]) -> bool:
        wanted = max((_length(rule, each) for each in select), default=0) if select else int(rule.on)
        unwanted = max((_length(rule, each) for each in ignore), default=0)
        return wanted > unwanted if select else wanted > 0 and not unwanted

    def _check(self, text: str) -> None:
        if text != "ALL" and not any(_length(rule, text) for rule in self._rules.values()):
            raise UnknownNameError(f"no rule {text!r}: {self._closest(text)}")


def _length(rule: Rule, text: str) -> int:
    """How exactly a text names a rule: 0 where it does not."""
    if text == "ALL":
        return 1
    if text == rule.name:
        return 1 + len(rule.code)
    return 1 + len(text) if text and rule.code.startswith(text.upper()) else 0
