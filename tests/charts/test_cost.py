"""Charts of costs by place: in order, whole, and each value in words."""

from __future__ import annotations

from typing import Any

import pytest

from archlab.charts import Part, Place, Trained, by_stage, growth, timeline, trade_off
from archlab.charts._cost import WHOLE, ordered


def places(*nets: str) -> list[Place]:
    return [Place(net, x, x * x, f"{net} at {x}") for net in nets for x in range(4)]


def layers(chart: Any) -> list[dict[str, Any]]:
    drawn = chart.to_dict()
    return drawn.get("layer", [drawn])


def rows(layer: dict[str, Any], chart: Any) -> list[dict[str, Any]]:
    return (layer.get("data") or chart.to_dict()["data"])["values"]


@pytest.mark.parametrize("chart", [growth(places("a", "b"), [7]), timeline(places("a", "b"), "MiB")])
def test_every_place_has_a_mark_that_says_what_it_is(chart: Any) -> None:
    (marks,) = [layer for layer in layers(chart) if layer["mark"]["type"] == "point"]
    assert marks["encoding"]["description"]["field"] == "said"
    assert [row["said"] for row in rows(marks, chart)] == [place.said for place in places("a", "b")]


def test_an_image_is_a_line_that_says_its_size() -> None:
    chart = growth(places("a"), [7, 5, 7])
    (rule,) = [layer for layer in layers(chart) if layer["mark"]["type"] == "rule"]
    assert [(row["y"], row["label"]) for row in rows(rule, chart)] == [(5, "image: 5 pixels"), (7, "image: 7 pixels")]
    assert all(layer["mark"]["type"] != "rule" for layer in layers(growth(places("a"))))


def test_pieces_of_a_bar_follow_one_another_and_make_up_the_whole() -> None:
    parts = [Part("a", "s1", 3, ""), Part("a", "s2", 4, ""), Part("b", "s2", 5, ""), Part("c", WHOLE, 6, "")]
    chart = by_stage(parts, "")
    found = [(row["net"], row["start"], row["end"]) for row in chart.to_dict()["data"]["values"]]
    assert found == [("a", 0, 3), ("a", 3, 7), ("b", 0, 5), ("c", 0, 6)]
    scale = chart.to_dict()["encoding"]["color"]["scale"]
    assert len(set(scale["range"])) == len(scale["domain"]) == 3


@pytest.mark.parametrize(
    ("lists", "order"),
    [
        ([["stem", "s1", "head"], ["stem", "s1", "s2", "head"]], ["stem", "s1", "s2", "head"]),
        ([["s1", "s2"], ["stem", "s1", "s3"]], ["stem", "s1", "s3", "s2"]),
        ([["x"], ["y"]], ["y", "x"]),
        ([], []),
    ],
)
def test_stages_of_several_nets_keep_the_order_they_have_in_each(lists: list[list[str]], order: list[str]) -> None:
    found = ordered(lists)
    assert found == order
    for names in lists:
        assert [name for name in found if name in names] == names


def test_an_accuracy_without_an_interval_has_no_line() -> None:
    chart = trade_off([Trained("a", 1, 0.9, (0.8, 0.95), "a"), Trained("b", 2, 0.7, None, "b")], "parameters")
    rule, point = layers(chart)
    assert rule["transform"] == [{"filter": "isValid(datum.low)"}]
    assert [row["low"] for row in rows(point, chart)] == [0.8, None]
