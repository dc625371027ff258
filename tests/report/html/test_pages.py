"""What pages hold: the same numbers as the analyses, the same bytes for the same input, nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from archlab import Conv, Dense, GlobalAvgPool, Input, compare
from archlab.analysis import QUANTITIES
from archlab.analysis.quantities import Counted
from archlab.analysis.static.outline import groups
from archlab.report.html._figures import figures
from archlab.report.html._layers import layers, stages
from archlab.report.html._page import slug
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
    cells = {column.title: [row[place].number for row in table.rows] for place, column in enumerate(table.columns)}
    analysis = result.analysis
    assert cells["parameters"] == [row.total for row in analysis.params.layers]
    assert cells["MACs"] == [row.macs for row in analysis.compute.layers]
    assert cells["FLOPs"] == [row.flops for row in analysis.compute.layers]
    assert cells["output (bytes)"] == [row.output for row in analysis.memory.layers]
    assert cells["live activations"] == [row.live for row in analysis.memory.layers]
    assert max(size for size in cells["receptive field (px)"] if size and size != float("inf")) == 191
    predicted = {layer.name: layer.activation_gradient_rms for layer in result.gradient_flow_predicted.layers}
    names = [row[0].text for row in table.rows]
    assert cells["activation gradient, predicted"] == [predicted.get(name) for name in names]
    assert "activation gradient" not in cells, "nothing was measured"


def test_what_was_measured_stands_beside_what_was_predicted() -> None:
    net = Input(16, 16, 3) >> Conv(4) >> Conv(4) >> GlobalAvgPool() >> Dense(1)
    (result,) = compare({"net": net}, seeds=2).results
    table = layers(result)
    place = [column.title for column in table.columns].index("activation gradient")
    measured = {row[0].text: row[place].number for row in table.rows if row[place].number is not None}
    assert measured == {layer.name: layer.activation_gradient_rms for layer in result.gradient_flow.layers}
    page = compare({"net": net, "odd": MYSTERIOUS}, seeds=1).to_html()
    assert "not measured, because" in page and "(measured, depth 1)" in page and "(predicted, depth 1)" in page


@pytest.mark.parametrize("name", ["baseline", "residual", "mobilenet_v2", "xception"])
def test_stages_make_up_the_whole(name: str) -> None:
    analysis = compare(name, static=True)[0].analysis
    parts = groups(analysis.graph, "stage")
    assert sorted(place for members in parts.values() for place in members) == list(range(len(analysis.graph)))
    totals = {
        "params": analysis.params.total,
        "macs": analysis.compute.macs,
        "saved_activations": analysis.memory.saved_activations,
        "peak_activations": analysis.memory.peak_inference,
    }
    for quantity, total in totals.items():
        values = [value.number or 0 for value in QUANTITIES[quantity].groups(Counted(analysis), "stage").values()]
        assert (max if quantity == "peak_activations" else sum)(values) == total


def test_what_depends_on_the_size_and_what_has_no_rule_is_told_apart() -> None:
    sizeless = compare("mobilenet_v2", static=True, input=(None, None))
    macs = [row[4].text for row in layers(sizeless[0]).rows]
    assert macs.count("?") > 100 and "unknown" not in macs
    assert "depends on the input size" in sizeless.to_html()
    odd = compare({"odd": MYSTERIOUS}, static=True)[0]
    cells = dict(zip([column.title for column in layers(odd).columns], layers(odd).rows[2], strict=True))
    assert [cells[title].text for title in ("parameters", "MACs", "FLOPs")] == ["unknown"] * 3
    assert stages(odd) is None
    assert "≥ 112" in [cell.text for cell in layers(odd).totals[0]]


@pytest.mark.parametrize("net", [Input(10) >> Dense(3), Input(8, 8, 3), Input(64, 3) >> Conv(4)], ids=repr)
def test_nets_without_images_or_weights_have_pages(net: Any) -> None:
    page = compare({"net": net}, static=True).to_html()
    assert page.count('<figure id="chart-') <= 8 and "<h2 id=" in page


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
    assert said == ["baseline: 0.900 (0.85 to 0.93), 991,041 parameters"]
    assert "accuracy-macs" in drawn
    assert not [figure for figure in figures(found.results) if figure.name.startswith("accuracy")]


def test_cells_hold_the_exact_number_that_they_are_sorted_by() -> None:
    result = compare("residual", static=True)[0]
    table = layers(result)
    place = [column.title for column in table.columns].index("parameters")
    assert [row[place].number for row in table.rows] == [row.total for row in result.analysis.params.layers]
    page = compare("residual", static=True).to_html()
    assert 'data-v="721857">721,857<' in page and 'data-v="383028992">383 M<' in page


def test_anchors_are_unlike_and_plain() -> None:
    anchors = [slug(name) for name in NAMES]
    assert len(set(anchors)) == len(NAMES)
    assert all(re.fullmatch(r"[A-Za-z0-9-]+", anchor) for anchor in anchors)
