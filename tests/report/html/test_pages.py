"""What pages hold: the same numbers as the analyses, the same bytes for the same input, nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archlab import Conv, Dense, GlobalAvgPool, Input, compare
from archlab.report.html._figures import figures
from archlab.report.html._grid import number
from archlab.report.html._layers import layers, stages
from archlab.report.html._page import slug
from archlab.report.html._stages import stages_of
from archlab.units import format_bytes, format_count, format_exact, format_small
from tests.report.html.test_hostile import NAMES
from tests.report.test_render import MYSTERIOUS

WHEN = datetime(2024, 5, 17, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def found() -> Any:
    return compare("baseline", "residual", static=True)


def test_the_same_input_gives_the_same_bytes_and_not_too_many(found: Any) -> None:
    page = found.to_html(when=WHEN)
    assert compare("baseline", "residual", static=True).to_html(when=WHEN) == page
    assert "2024-05-17 12:00:00+00:00" in page
    assert len(page.encode()) < 3_000_000


def test_nothing_comes_from_elsewhere(found: Any) -> None:
    page = found.to_html()
    assert set(re.findall(r"\w+://[^\s\"'<]*", page)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"<(link|script|img|iframe|object|embed|base)\s+[^>]*(src|href|data)=", page)
    assert set(re.findall(r'href="(.)', page)) == {"#"}


def test_the_policy_names_what_the_page_holds(found: Any) -> None:
    page = found.to_html()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy and policy[1].startswith("default-src &#39;none&#39;") and "unsafe" not in policy[1]
    for element in ("style", "script"):
        (text,) = re.findall(rf"<{element}>(.*?)</{element}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{element}-src &#39;sha256-{digest}&#39;" in policy[1]


def test_the_table_of_layers_has_the_numbers_of_the_analyses(found: Any) -> None:
    result = found["residual"]
    table = layers(result)
    cells = {column.title: [row[place].value for row in table.rows] for place, column in enumerate(table.columns)}
    analysis = result.analysis
    assert cells["parameters"] == [row.total for row in analysis.params.layers]
    assert cells["MACs"] == [row.macs for row in analysis.compute.layers]
    assert cells["FLOPs"] == [row.flops for row in analysis.compute.layers]
    assert cells["activation"] == [row.output for row in analysis.memory.layers]
    assert cells["alive"] == [row.live for row in analysis.memory.layers]
    assert max(size for size in cells["sees"] if size and size != float("inf")) == 191
    predicted = {layer.name: layer.output_gradient_rms for layer in result.gradient_flow_predicted.layers}
    names = [row[0].text for row in table.rows]
    assert cells["error signal, predicted"] == [predicted.get(name) for name in names]
    assert "error signal" not in cells, "nothing was measured"


def test_what_was_measured_stands_beside_what_was_predicted() -> None:
    net = Input(16, 16, 3) >> Conv(4) >> Conv(4) >> GlobalAvgPool() >> Dense(1)
    (result,) = compare({"net": net}, seeds=2).results
    table = layers(result)
    place = [column.title for column in table.columns].index("error signal")
    measured = {row[0].text: row[place].value for row in table.rows if row[place].value is not None}
    assert measured == {layer.name: layer.output_gradient_rms for layer in result.gradient_flow.layers}
    page = compare({"net": net, "odd": MYSTERIOUS}, seeds=1).to_html()
    assert "could not be measured" in page and "(measured, depth 1)" in page and "(predicted, depth 1)" in page


@pytest.mark.parametrize("name", ["baseline", "residual", "mobilenet_v2", "xception"])
def test_stages_make_up_the_whole(name: str) -> None:
    analysis = compare(name, static=True)[0].analysis
    parts = stages_of(analysis)
    assert sorted(place for stage in parts for place in stage.members) == list(range(len(analysis.graph)))
    assert sum(stage.params for stage in parts) == analysis.params.total
    assert sum(stage.macs or 0 for stage in parts) == analysis.compute.macs
    assert sum(stage.kept or 0 for stage in parts) == analysis.memory.activations_training
    assert max(stage.live or 0 for stage in parts) == analysis.memory.peak_inference


def test_what_needs_a_size_and_what_has_no_rule_is_told_apart() -> None:
    sizeless = compare("mobilenet_v2", static=True, input=(None, None))
    macs = [row[4].text for row in layers(sizeless[0]).rows]
    assert macs.count("?") > 100 and "unknown" not in macs
    assert "needs a size" in sizeless.to_html()
    odd = compare({"odd": MYSTERIOUS}, static=True)[0]
    assert [cell.text for cell in layers(odd).rows[2][3:6]] == ["unknown"] * 3
    assert stages(odd) is None
    assert "≥ 112" in [cell.text for cell in layers(odd).totals[0]]


@pytest.mark.parametrize("net", [Input(10) >> Dense(3), Input(8, 8, 3), Input(64, 3) >> Conv(4)], ids=repr)
def test_nets_without_images_or_weights_have_pages(net: Any) -> None:
    page = compare({"net": net}, static=True).to_html()
    assert page.count('<figure id="chart-') <= 7 and "<h2 id=" in page


def test_accuracies_are_drawn_against_what_they_cost(found: Any) -> None:
    class Interval(SimpleNamespace):
        def __str__(self) -> str:
            return f"{self.low} to {self.high}"

    groups = (
        SimpleNamespace(architecture="baseline", mean=0.9, interval=Interval(low=0.85, high=0.93)),
        SimpleNamespace(architecture="residual", mean=None, interval=None),
    )
    drawn = {figure.name: figure for figure in figures(found.results, SimpleNamespace(groups=groups))}  # pyright: ignore[reportArgumentType]
    said = re.findall('data-said="([^"]*)"', drawn["accuracy-params"].svg)
    assert said == ["baseline: 0.900 (0.85 to 0.93), 991 k parameters"]
    assert "accuracy-macs" in drawn
    assert not [figure for figure in figures(found.results) if figure.name.startswith("accuracy")]


# A browser's numbers are exact up to 2**53.
@given(st.integers(0, 2**53))
def test_numbers_are_read_as_they_are_written(value: int) -> None:
    assert number(format_exact(value)) == value
    assert number(format_count(value)) == pytest.approx(value, rel=6e-3)
    assert number(f"≥ {format_bytes(value)}") == pytest.approx(value, rel=6e-3)


@given(st.floats(1e-12, 1e12))
def test_small_numbers_are_read_as_they_are_written(value: float) -> None:
    assert number(format_small(value)) == pytest.approx(value, rel=0.06)


def test_words_are_no_numbers() -> None:
    assert [number(text) for text in ("unknown", "?", "–", "", "whole image", "needs a size")] == [None] * 6
    assert number("2:03:04") == 7384 and number("43.3 %") == 43.3 and number("180 × 180 × 3") == 180


def test_anchors_are_unlike_and_plain() -> None:
    anchors = [slug(name) for name in NAMES]
    assert len(set(anchors)) == len(NAMES)
    assert all(re.fullmatch(r"[A-Za-z0-9-]+", anchor) for anchor in anchors)
