"""Findings: what is remarked on, how gravely, and that every remark of the text is among them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from archlab import Input, compare, lint
from archlab.analysis import Result
from archlab.analysis._flow import GradientFlow
from archlab.lint import SEVERITIES, findings
from archlab.report import Prose, comparison_report
from tests.report.test_render import MYSTERIOUS


def rules(*nets: object, input: tuple[int | None, int | None] | None = None) -> list[tuple[str, str]]:
    found = findings(compare(*nets, static=True, input=input).results)  # pyright: ignore[reportArgumentType]
    assert {each.severity for each in found} <= set(SEVERITIES)
    return [(each.rule, each.severity) for each in found]


def test_what_the_graph_says() -> None:
    assert rules("baseline") == []
    assert rules("residual") == [("misaligned-merge", "info")]
    assert rules(MYSTERIOUS) == [("unknown-layer", "warning"), ("unreliable-prediction", "info")]
    assert ("unknown-input-size", "info") in rules("mobilenet_v2", input=(None, None))


def test_layers_of_one_unknown_kind_are_one_finding() -> None:
    (odd,) = [part for part in MYSTERIOUS.walk() if type(part).__name__ == "Mystery"]
    found = findings(compare(Input(8, 8, 3) >> odd * 5, static=True).results)
    (unknown,) = [each for each in found if each.rule == "unknown-layer"]
    assert len(unknown.layers) == 5
    assert "and 4 more layers of this kind have no rule" in unknown.message


def test_a_gradient_that_vanishes_is_an_error_where_neither_optimizer_trains() -> None:
    deep = "plain:depth=50,width=16,normalization=none,conv=ordinary"
    assert ("vanishing-gradient", "error") in rules(deep)
    assert "exploding-gradient" not in dict(rules("plain:depth=50")), "Adam trains it, by the forecast"


def test_layers_are_named_where_they_are_known() -> None:
    (found,) = findings(compare("residual", static=True).results)
    assert found.layers == tuple(f"stage{number}/block1/add" for number in range(1, 5))
    assert all(layer in found.message for layer in found.layers)


def test_the_findings_of_the_text_are_findings() -> None:
    results = compare("residual", MYSTERIOUS, static=True).results
    (lines,) = [
        part.lines for part in comparison_report(results).parts if isinstance(part, Prose) and part.title == "Findings"
    ]
    assert set(lines) <= {f"{found.architecture}: {found.code} {found.message}" for found in findings(results)}


@pytest.fixture(scope="module")
def measured() -> Result:
    (result,) = compare("baseline", seeds=1, input=(96, 96)).results
    return result


@pytest.mark.parametrize(
    ("verdict", "rule"), [("vanishing", "vanishing-gradient"), ("exploding", "exploding-gradient"), ("stable", None)]
)
def test_what_was_measured_goes_before_what_was_predicted(measured: Result, verdict: str, rule: str | None) -> None:
    flow = measured.gradient_flow
    assert isinstance(flow, GradientFlow)
    told = replace(measured, gradient_flow=replace(flow, trend=replace(flow.trend, verdict=verdict)))
    found = [each for each in findings((told,)) if "gradient" in each.rule]
    assert [(each.rule, each.severity) for each in found] == ([(rule, "error")] if rule else [])


def test_findings_print_themselves() -> None:
    found = lint("vgg16")
    assert str(found).startswith("vgg16\n  C501 [*] warning: dense, behind flatten")
    assert str(found[:1][0]).startswith("Finding(code='C501'")
    assert "C501" in found._repr_mimebundle_()["text/html"] and "C501" in found[0]._repr_mimebundle_()["text/html"]
    assert str(lint("residual")) == "No findings in 1 architecture."
