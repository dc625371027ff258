"""Curves by depth, as Vega-Lite draws them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from archlab import Conv, Dense, GlobalAvgPool, Input, Parallel, predict_gradient_flow
from archlab.charts import by_depth


def curve(quartiles: bool) -> list[Any]:
    return [
        SimpleNamespace(
            name=f"conv_{depth}",
            depth=depth,
            longest_path=True,
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


def test_a_projection_is_a_point_beside_the_line() -> None:
    drawn = predict_gradient_flow("residual").plot().to_dict()
    _, line, beside = drawn["layer"]
    assert (line["transform"], line["mark"]["type"]) == ([{"filter": "datum.longest_path"}], "line")
    assert (beside["transform"], beside["mark"]["type"]) == ([{"filter": "!datum.longest_path"}], "point")
    rows = drawn["data"]["values"]
    depths = [row["depth"] for row in rows if row["longest_path"]]
    assert depths == list(range(1, 12))
    apart = [row["layer"] for row in rows if not row["longest_path"]]
    assert apart == [f"stage{stage}/block1/shortcut" for stage in range(1, 6)]
    assert drawn["title"]["text"] == "Activation gradient by depth" and "diamonds" in drawn["title"]["subtitle"]


def test_of_two_longest_paths_the_line_follows_one() -> None:
    fork = Input(8, 8, 4) >> Parallel(Conv(4), Conv(4)) >> Conv(4) >> GlobalAvgPool() >> Dense(1)
    rows = predict_gradient_flow(fork).plot().to_dict()["data"]["values"]
    assert [(row["depth"], row["longest_path"]) for row in rows] == [(1, True), (1, False), (2, True)]


@pytest.mark.parametrize("span", [(0.9, 1.8), (0.01, 0.3), (1e-12, 1.0)])
def test_the_vertical_axis_has_labels_that_can_be_read(span: tuple[float, float]) -> None:
    records = [
        SimpleNamespace(name=f"conv_{n}", depth=n, longest_path=True, activation_gradient_rms=value)
        for n, value in enumerate(span)
    ]
    axis = by_depth([("net", records)]).to_dict()["encoding"]["y"]["axis"]
    assert 3 <= len(axis["values"]) <= 10
    assert all(span[0] <= value <= span[1] for value in axis["values"])


def test_a_legend_with_long_names_does_not_run_out_of_the_picture() -> None:
    names = [f"plain:depth=50,width=16,normalization=none,conv=ordinary,initializer=he_{n}" for n in range(3)]
    (columns,) = {
        layer["encoding"]["color"]["legend"]["columns"]
        for layer in by_depth([(name, curve(True)) for name in names]).to_dict()["layer"]
    }
    assert columns == 1
