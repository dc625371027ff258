"""Mending what was found, as far as rules say how."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from archlab.errors import DesignError
from archlab.graph import Graph, Part
from archlab.lint._context import Context
from archlab.lint._finding import Finding, Severity, at_least, read_severity
from archlab.lint._lint import Choice, compile_options, context_and_tree, findings_of
from archlab.lint._mend import Edits, mended_graph, mended_tree
from archlab.lint._registry import all_rules
from archlab.lint._rule import Rule
from archlab.lint._task import Task, read_task
from archlab.sources import Reference

_MOST = 200
"""Changes that are made one after the other, at most."""


@dataclass(frozen=True)
class Fixed:
    """An architecture before and after.

    Attributes:
        name: it is shown by.
        before: its graph as it was.
        after: its graph as it is mended.
        tree: its tree of parts as it is mended; None where it had none.
        lines: the changes, one a line.
        mended: the findings that are no more.
        left: those that are left.
    """

    name: str
    before: Graph
    after: Graph
    tree: Part | None
    lines: tuple[str, ...]
    mended: tuple[Finding, ...]
    left: tuple[Finding, ...]

    @property
    def changed(self) -> bool:
        """Whether anything is."""
        return bool(self.mended)


def fix(
    architecture: Reference | Callable[[], object],
    loss: object = None,
    task: str | Task | None = None,
    *,
    select: Iterable[str] = (),
    ignore: Iterable[str] = (),
    severity: Severity = "warning",
) -> Fixed:
    """Mend an architecture as far as rules say how; see `lint` for the arguments.

    A change is made where it adds up, removes the finding, and brings no other that is as grave.

    >>> from archlab import BatchNorm, Conv, Input
    >>> found = fix(Input(8, 8, 3) >> Conv(4, bias=True) >> BatchNorm())
    >>> found.lines, found.tree
    (('conv: Conv(4, bias=True) → Conv(4, bias=False)',), Input(8, 8, 3) >> Conv(4, bias=False) >> BatchNorm())
    """
    context, tree = context_and_tree(architecture, compile_options(loss), read_task(task))
    rules = all_rules().selected(select, ignore)
    return fixed(replace(context, least=read_severity(severity)), tree, rules)


def fixed(
    context: Context,
    tree: Part | None,
    rules: Sequence[Rule],
    choice: Choice | None = None,
) -> Fixed:
    """Mend an architecture of which the context and the tree of parts are known."""
    before, lines, mended = context.graph, list[str](), list[Finding]()
    refused: set[tuple[str, str]] = set()
    found = findings_of(context, rules, choice)
    for _ in range(_MOST):
        each = next((each for each in found if each.edits and _key(each) not in refused), None)
        if each is None or each.edits is None or context.broken is not None:
            break
        # A part that stands in several places is changed in all of them: what else the rule found is asked for first.
        edits = Edits.together([other.edits for other in found if other.code == each.code and other.edits])
        made = _mended(context, tree, edits) or _mended(context, tree, each.edits)
        if made is None:
            refused.add(_key(each))
            continue
        now, new_tree = made
        later = findings_of(now, rules, choice)
        if not _better(found, later, each):
            refused.add(_key(each))
            continue
        gone = {_key(other) for other in found} - {_key(other) for other in later}
        done = [other for other in found if other.code == each.code and _key(other) in gone and other.edits]
        lines += [line for other in done if other.edits for line in other.edits.lines(context.graph)]
        mended += done
        context, tree, found = now, new_tree, later
    graph = context.graph
    after = Graph(graph.nodes, graph.outputs, f"{context.name}, mended") if mended else graph
    named = Graph(before.nodes, before.outputs, context.name)
    return Fixed(context.name, named, after, tree, tuple(lines), tuple(mended), tuple(found))


def _key(found: Finding) -> tuple[str, str]:
    return found.code, found.where


def _mended(context: Context, tree: Part | None, edits: Edits) -> tuple[Context, Part | None] | None:
    """The architecture with the changes; None where they cannot be made, or it does not add up with them."""
    try:
        if tree is None:
            return replace(context, graph=mended_graph(context.graph, edits)), None
        made = mended_tree(tree, edits)
        return None if made is None else (replace(context, graph=made.to_graph(context.name)), made)
    except DesignError:
        return None


def _better(before: Sequence[Finding], after: Sequence[Finding], mended: Finding) -> bool:
    """Whether the finding is gone, and nothing has come that is as grave."""
    was, counts = _counts(before), _counts(after)
    if _key(mended) in {_key(each) for each in after} and counts.get(mended.code, 0) >= was[mended.code]:
        return False
    more = {code for code, count in counts.items() if count > was.get(code, 0)}
    return not any(each.code in more and at_least(each.severity, mended.severity) for each in after)


def _counts(found: Iterable[Finding]) -> Mapping[str, int]:
    counts: dict[str, int] = {}
    for each in found:
        counts[each.code] = counts.get(each.code, 0) + 1
    return counts
