"""Findings: what is remarked on, how gravely, and that every remark of the text is among them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from archlab import compare
from archlab.analysis._flow import GradientFlow
from archlab.report import Prose, comparison_report
from archlab.report._findings import LEVELS, findings
from archlab.result import Result
from tests.report.test_render import MYSTERIOUS


def rules(*nets: object, input: tuple[int | None, int | None] | None = None) -> list[tuple[str, str]]:
    found = findings(compare(*nets, static=True, input=input).results)  # pyright: ignore[reportArgumentType]
    assert {each.level for each in found} <= set(LEVELS)
    return [(each.rule, each.level) for each in found]


def test_what_the_graph_says() -> None:
    assert rules("baseline") == []
    assert rules("residual") == [("misaligned merge", "warning")]
    assert rules(MYSTERIOUS) == [("unknown layer", "warning"), ("unreliable prediction", "note")]
    assert ("unknown size", "note") in rules("mobilenet_v2", input=(None, None))


def test_a_gradient_that_theory_is_sure_vanishes_is_a_problem() -> None:
    deep = "plain:depth=50,width=16,normalization=none,conv=ordinary"
    assert ("vanishing gradient", "problem") in rules(deep)
    assert ("exploding gradient", "warning") in rules("plain:depth=50"), "theory itself doubts this one"


def test_layers_are_named_where_they_are_known() -> None:
    (found,) = findings(compare("residual", static=True).results)
    assert found.layers == tuple(f"stage{number}/block1/add" for number in range(1, 5))
    assert all(layer in found.message for layer in found.layers)


def test_every_remark_of_the_text_is_a_finding() -> None:
    results = compare("residual", MYSTERIOUS, static=True).results
    (remarks,) = [
        part.lines for part in comparison_report(results).parts if isinstance(part, Prose) and part.title == "Remarks"
    ]
    assert set(remarks) <= {f"{found.architecture}: {found.message}" for found in findings(results)}


@pytest.fixture(scope="module")
def measured() -> Result:
    (result,) = compare("baseline", seeds=1, input=(96, 96)).results
    return result


@pytest.mark.parametrize(
    ("verdict", "rule"), [("vanishes", "vanishing gradient"), ("explodes", "exploding gradient"), ("level", None)]
)
def test_what_was_measured_goes_before_what_was_predicted(measured: Result, verdict: str, rule: str | None) -> None:
    flow = measured.gradient_flow
    assert isinstance(flow, GradientFlow)
    told = replace(measured, gradient_flow=replace(flow, trend=replace(flow.trend, verdict=verdict)))
    found = [each for each in findings((told,)) if "gradient" in each.rule]
    assert [(each.rule, each.level) for each in found] == ([(rule, "problem")] if rule else [])
