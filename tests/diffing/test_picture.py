"""Pictures of differences: every layer in one box, marks as in the rows, what leads where."""

from __future__ import annotations

import networkx as nx
from hypothesis import given, settings

from archlab import Part, Residual, diff, load
from archlab.rendering import GraphDrawing
from tests.diffing.test_properties import PAIRS


@settings(max_examples=120)
@given(PAIRS)
def test_every_layer_is_in_one_box_and_arrows_lead_forward(pair: tuple[Part, Part]) -> None:
    found = diff(*pair)
    picture = found.picture()
    boxes = [box for box in picture.boxes if box.id != "about"]
    assert sorted(row for box in boxes for row in box.members) == list(range(len(found)))
    assert len({box.id for box in picture.boxes}) == len(picture.boxes)
    for box in boxes:
        marks = {found.rows[row].mark for row in box.members}
        assert len(marks) == 1
        edited = any(found.rows[row].edited for row in box.members)
        assert box.mark == ("kept" if marks == {"changed"} and not edited else marks.pop())
    arrows = nx.DiGraph((edge.tail, edge.head) for edge in picture.edges)
    assert nx.is_directed_acyclic_graph(arrows)
    if len(boxes) > 1:
        assert set(arrows) == {box.id for box in boxes}


def test_colours_are_never_the_only_sign() -> None:
    tree = load("residual").tree
    assert tree is not None
    found = diff(tree, tree.without(Residual))
    drawing = found.render()
    assert isinstance(drawing, GraphDrawing)
    for box in drawing.picture.boxes:
        if box.mark == "removed":
            assert f"− {box.title}" in drawing.svg
    # Between layers that are in both, an arrow that is in one alone says which.
    marks = {box.id: box.mark for box in drawing.picture.boxes}
    between = [edge for edge in drawing.picture.edges if marks[edge.tail] == marks[edge.head] == "kept"]
    assert [edge.label for edge in between] == ["+"] * 5
    assert "41 the same" in drawing.picture.caption and "10 removed" in drawing.svg


def test_what_is_the_same_and_blocks_that_are_alike_are_one_box_each() -> None:
    picture = diff("resnet50", "resnet152").picture()
    assert [box.title for box in picture.boxes if box.mark == "added"] == [
        "stage2/block5 … block8",
        "stage3/block7 … block36",
    ]
    assert len(picture.boxes) == 6


def test_a_changed_layer_says_what_changed() -> None:
    picture = diff("baseline", "residual").picture()
    box = next(box for box in picture.boxes if box.path == "conv")
    assert box.title == "Conv 5 × 5, 32"
    assert box.lines == ("kernel 3 → 5", "bias on → off", "activation relu → none", "+1.50 k params")
