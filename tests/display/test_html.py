"""What objects show in a notebook; and the tutorial that is one."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

import archlab
from archlab import Conv, Dense, GlobalAvgPool, Input, ReLU, Residual, compare, load
from archlab.charts import by_depth
from archlab.display import _html, to_html
from archlab.display._html import _views

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial.ipynb"
HOSTILE = '"><script>alert(1)</script> & 😀'


def test_every_public_class_of_results_shows_itself() -> None:
    shown = []
    for name in archlab.__all__:
        value = getattr(archlab, name)
        if isinstance(value, type) and not issubclass(value, Exception) and name not in ("Node",):
            shows = hasattr(value, "_repr_html_") or bool(set(value.__mro__) & set(_views()))
            assert shows and (hasattr(value, "_repr_html_") or hasattr(value, "_repr_mimebundle_")), name
            shown.append(name)
    assert {"Part", "Graph", "Architecture", "Comparison", "GradientFlow", "Sweep"} <= set(shown)


def test_every_view_is_of_a_class_that_asks_for_one() -> None:
    for kind in _views():
        assert hasattr(kind, "_repr_mimebundle_"), kind


def _whole(html: str) -> ET.Element:
    """The HTML as XML, which it is written to be but for the tags that never close."""
    return ET.fromstring(f"<div>{html.replace('&#160;', ' ')}</div>".replace("<br>", "<br/>"))


def test_an_architecture_shows_its_graph_and_numbers() -> None:
    html = load("residual")._repr_mimebundle_()["text/html"]
    root = _whole(html)
    assert next(root.iter("{http://www.w3.org/2000/svg}svg")) is not None
    assert "721,857" in html and "191 × 191 (100 %)" in html
    tree = load("residual").tree
    assert tree is not None and "721,857" in tree._repr_mimebundle_()["text/html"]
    assert "721,857" in load("residual").graph._repr_mimebundle_()["text/html"]


def test_a_part_that_is_no_architecture_yet_is_text() -> None:
    assert Conv(3)._repr_mimebundle_() == {"text/plain": "Conv(3)"}
    assert "text/html" not in Residual(Conv(8) >> ReLU())._repr_mimebundle_()
    with pytest.raises(TypeError, match="nothing to show of a int"):
        to_html(3)


def test_a_comparison_shows_its_chart_and_its_table() -> None:
    html = archlab.compare("baseline", "residual", static=True)._repr_mimebundle_()["text/html"]
    assert '<img alt="activation gradient by depth: baseline, residual"' in html and "991,041" in html


def test_a_value_that_is_part_of_another_stands_further_in() -> None:
    page = to_html(compare("baseline", "residual", static=True))
    cells = {cell.strip(" ") for cell in re.findall(r"<td>([^<]*)</td>", page)}
    assert {"parameters", "\u2003trainable", "FLOPs", "\u2003of a training step", "\u2003Adam"} <= cells


def test_a_static_comparison_draws_what_the_slope_is_fitted_to(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []

    def draw(curves, quantity="activation_gradient_rms", predicted=(), **options):
        drawn.extend((*curves, *predicted))
        return by_depth(curves, quantity, predicted, **options)

    monkeypatch.setattr(_html, "by_depth", draw)
    found = compare("baseline", "residual", static=True)
    to_html(found)
    assert drawn == [(each.name, each.gradient_flow_predicted.curve) for each in found]


def test_results_show_tables() -> None:
    net = Input(16, 16, 3) >> Residual(Conv(8) * 2) * 3 >> GlobalAvgPool() >> Dense(1)
    assert "separable" not in (html := archlab.analyze(net)._repr_mimebundle_()["text/html"]) and "block3/add" in html
    assert "8 paths" in archlab.path_lengths(net)._repr_mimebundle_()["text/html"]
    assert "decades per layer" in archlab.predict_gradient_flow(net)._repr_mimebundle_()["text/html"]


def test_names_that_mean_harm_are_shown() -> None:
    net = Input(16, 16, 3) >> Conv(8) >> GlobalAvgPool() >> Dense(1)
    found = archlab.compare({HOSTILE: net, "b": net}, static=True)
    for html in (found._repr_mimebundle_()["text/html"], to_html(archlab.Architecture(HOSTILE, "", net))):
        assert "<script" not in html and "&lt;script&gt;" in html


@pytest.mark.slow
def test_the_tutorial_runs(tmp_path) -> None:
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(TUTORIAL, as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells), "it is kept without its outputs"
    done = NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [kind for cell in done.cells for output in cell.get("outputs", ()) for kind in output.get("data", ())]
    assert shown.count("text/html") >= 6
    assert not [output for cell in done.cells for output in cell.get("outputs", ()) if output.get("name") == "stderr"]
