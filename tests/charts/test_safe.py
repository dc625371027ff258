"""Names that are markup: in saved pages and in notebooks they are text, and nothing is fetched."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from archlab import Conv, Dense, GlobalAvgPool, Input, gradient_flow

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Keras's own use of NumPy
HOSTILE = "</script><script>document.title = 'pwned'</script><img src=x onerror=\"document.title='pwned'\">&amp;"


@pytest.fixture(scope="module")
def chart():
    flow = gradient_flow(Input(16, 16, 3) >> Conv(4) >> Conv(4) >> GlobalAvgPool() >> Dense(1), seeds=1)
    layers = tuple(replace(layer, name=f"{HOSTILE}{number}") for number, layer in enumerate(flow.layers))
    return replace(flow, layers=layers).plot()


def test_a_saved_page_and_a_notebooks_view_hold_names_as_text(chart, tmp_path: Path) -> None:
    chart.save(tmp_path / "chart.html")
    bundle = chart._repr_mimebundle_()
    shown = (bundle[0] if isinstance(bundle, tuple) else bundle)["text/html"]
    for page in ((tmp_path / "chart.html").read_text(encoding="utf-8"), shown):
        assert "pwned" in page and "<script>document.title" not in page and "<img src=x" not in page
    assert not re.search(r"<script[^>]+src=", (tmp_path / "chart.html").read_text(encoding="utf-8"))
    chart.save(tmp_path / "chart.json")
    assert HOSTILE in json.dumps(json.loads((tmp_path / "chart.json").read_text(encoding="utf-8"))).replace('\\"', '"')


def test_a_control_character_is_written_out(tmp_path: Path) -> None:
    from types import SimpleNamespace

    from archlab.charts import by_depth, save

    row = SimpleNamespace(name="a\x07b", depth=1, longest_path=True, kernel=True, activation_gradient_rms=1.0)
    save(by_depth([("net \x07\x1b[31m", [row, row])]), tmp_path / "chart.svg")
    assert "net \\x07\\x1b[31m" in (tmp_path / "chart.svg").read_text(encoding="utf-8")
