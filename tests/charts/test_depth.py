"""Curves by depth, as Vega-Lite draws them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from archlab.charts import by_depth


def curve(quartiles: bool) -> list[Any]:
    return [
        SimpleNamespace(
            name=f"conv_{depth}",
            depth=depth,
            activation_gradient_rms=10.0**-depth,
            activation_gradient_rms_quartiles=(0.5 * 10.0**-depth, 2 * 10.0**-depth) if quartiles else None,
        )
        for depth in (1, 2, 3)
    ]


@pytest.mark.parametrize("predicted", [False, True])
def test_the_band_is_drawn_of_what_was_measured_alone(predicted: bool) -> None:
    drawn = by_depth([("net", curve(True))], predicted=[("net", curve(False))] if predicted else ()).to_dict()
    band, line = drawn["layer"]
    assert band["mark"]["type"] == "area"
    assert band["transform"] == [{"filter": "isValid(datum.low)"}]
    assert line["mark"]["point"] is False if predicted else line["mark"]["point"]
    assert sum(row["low"] is not None for row in drawn["data"]["values"]) == 3


def test_a_legend_with_long_names_does_not_run_out_of_the_picture() -> None:
    names = [f"plain:depth=50,width=16,normalization=none,conv=ordinary,initializer=he_{n}" for n in range(3)]
    (columns,) = {
        layer["encoding"]["color"]["legend"]["columns"]
        for layer in by_depth([(name, curve(True)) for name in names]).to_dict()["layer"]
    }
    assert columns == 1
