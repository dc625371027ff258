from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from archlab.errors import DesignError
from archlab.graph import Part
from archlab.lint import (
    Context,
    Finding,
    Rule,
    compile_options,
    context_and_tree,
    findings_of,
    mended_graph,
    mended_tree,
    own_rules,
    read_task,
)
from archlab.sources import Reference

Example: TypeAlias = "Reference | Callable[[], object] | tuple[Reference | Callable[[], object], Mapping[str, Any]]"
"""An architecture, or a function that makes one; or a pair of it and what is told besides, as `lint` takes it."""


def check_rule(rule: Rule | str, fires: Iterable[Example], spares: Iterable[Example]) -> None:
    """Check a rule of lint on examples, as every rule of archlab is checked.

    A finding of an example that it fires on has a sentence and a place that stands in the graph. Where it holds a
    change, that adds up, removes the finding and changes nothing but the layers that it names.

    Args:
        rule: the rule; or the code of one of archlab's.
        fires: examples in which it must find something.
        spares: examples in which it must not.

    Raises:
        AssertionError: an example is not as it should be; says which and why.

    >>> from archlab import BatchNorm, Conv, Input
    >>> net = Input(8, 8, 3) >> Conv(4, bias=True)
    >>> check_rule("A302", fires=[net >> BatchNorm()], spares=[net])
    """
    rule = own_rules().named(rule) if isinstance(rule, str) else rule
    assert rule.manual, f"{rule.code} has no page: give it one, the docstring of its file"
    assert rule.source, f"{rule.code} does not say what it rests on"
    count = 0
    for number, example in enumerate(fires):
        context, tree = _context(example)
        found = findings_of(context, [rule])
        assert found, f"{rule.code} does not fire on example {number}, {context.name}"
        for each in found:
            _check_finding(rule, context, each, f"{rule.code}, example {number}")
            if each.edits:
                count += 1
                _check_mended(rule, context, each, f"{rule.code}, example {number}")
                if tree is not None:
                    _check_tree(context, tree, each, f"{rule.code}, example {number}")
    assert not rule.fixes or count, f"{rule.code} says that it fixes, and no example shows it"
    assert rule.fixes or not count, f"{rule.code} fixes, and does not say so"
    for number, example in enumerate(spares):
        context, _ = _context(example)
        found = findings_of(context, [rule])
        assert not found, (
            f"{rule.code} fires on example {number}, {context.name}, that it should spare: {found[0].message}"
        )


def _context(example: Example) -> tuple[Context, Part | None]:
    architecture, told = example if isinstance(example, tuple) else (example, {})
    options = compile_options(
        told.get("loss"), told.get("metrics", ()), told.get("optimizer", ""), told.get("learning_rate")
    )
    return context_and_tree(architecture, options, read_task(told.get("task")), told.get("input_range"))


def _check_finding(rule: Rule, context: Context, found: Finding, where: str) -> None:
    assert found.message.strip() and "\n" not in found.message, f"{where}: its message is no line"
    names = {node.name for node in context.nodes} | ({context.broken.layer} if context.broken else set())
    unknown = [layer for layer in found.layers if layer not in names]
    assert not unknown, f"{where}: no layer is named {unknown[0]}"
    again = findings_of(context, [rule])
    assert found in again, f"{where}: asked again it finds something else"


def _check_mended(rule: Rule, context: Context, found: Finding, where: str) -> None:
    from dataclasses import replace

    assert found.edits is not None
    try:
        after = mended_graph(context.graph, found.edits)
    except DesignError as error:
        raise AssertionError(f"{where}: mended it does not add up: {error}") from None
    left = findings_of(replace(context, graph=after), [rule])
    same = [each for each in left if each.layers[:1] == found.layers[:1]]
    assert not same, f"{where}: mended it is still found: {same[:1]}"
    named = {*found.edits.ops, *found.edits.after}
    before = {node.name: node.op for node in context.graph}
    for node in after:
        if node.name not in named and node.name in before:
            assert node.op == before[node.name], f"{where}: the change touches {node.name}"
    gone = set(before) - {node.name for node in after}
    assert gone <= named, f"{where}: the change takes {sorted(gone - named)[:1]} away"
    behind = [node for node in after if node.name not in before]
    assert len(behind) == len(found.edits.after), f"{where}: the change brings other layers"


def _check_tree(context: Context, tree: Part, found: Finding, where: str) -> None:
    """The tree that is mended makes the graph that is."""
    assert found.edits is not None
    made = mended_tree(tree, found.edits)
    if made is None:
        return  # a part stands for layers of which some are to stay
    ops = [node.op for node in made.to_graph()]
    assert ops == [node.op for node in mended_graph(context.graph, found.edits)], f"{where}: the tree is another"
