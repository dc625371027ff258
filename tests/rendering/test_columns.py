"""Pictures cut into columns: every box is there once, in the order of the graph, and the sheet has the aspect asked."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from archlab import load, render
from archlab.errors import UsageError
from archlab.rendering import GraphDrawing

SVG = "{http://www.w3.org/2000/svg}"


def size(svg: str) -> tuple[float, float]:
    width, height = re.findall(r'(?:width|height)="([\d.]+)pt"', svg[:400])[:2]
    return float(width), float(height)


def places(svg: str, direction: str) -> list[tuple[float, float, float, float]]:
    """Left, top, right and bottom of every box, in the order of the graph, on the whole sheet."""
    found: dict[str, tuple[float, float, float, float]] = {}

    def walk(element: ET.Element, dx: float, dy: float) -> None:
        move = re.search(r"translate\((-?[\d.]+)[ ,]+(-?[\d.]+)\)", element.get("transform", ""))
        if move:
            dx, dy = dx + float(move[1]), dy + float(move[2])
        if element.tag == f"{SVG}g" and "node" in element.get("class", "") and "box" in element.get("class", ""):
            points = re.findall(r"(-?[\d.]+),(-?[\d.]+)", " ".join(p.get("d", "") for p in element.iter(f"{SVG}path")))
            xs, ys = [float(x) + dx for x, _ in points], [float(y) + dy for _, y in points]
            found[element.get("id", "")] = min(xs), min(ys), max(xs), max(ys)
        for child in element:
            walk(child, dx, dy)

    walk(ET.fromstring(svg), 0.0, 0.0)
    return [found[each] for each in sorted(found, key=lambda id_: int(id_[1:]))]


@pytest.mark.parametrize("direction", ["down", "right"])
@pytest.mark.parametrize("aspect", ["16:9", "4:3", "1:2"])
def test_a_sheet_has_the_aspect_that_is_asked_for(direction, aspect: str) -> None:
    drawing = render("resnet50", direction=direction, aspect=aspect)
    assert isinstance(drawing, GraphDrawing)
    width, height = size(drawing.svg)
    wide, high = map(int, aspect.split(":"))
    assert width / height == pytest.approx(wide / high, rel=0.01)
    boxes = places(drawing.svg, direction)
    assert len(boxes) == len(drawing.picture.boxes)
    assert all(0 <= left < right <= width and 0 <= top < bottom <= height for left, top, right, bottom in boxes)
    for number, one in enumerate(boxes):
        for other in boxes[number + 1 :]:
            apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
            assert apart, "no box lies on another"


def test_a_long_graph_fills_a_page_and_none_leaves_it_whole() -> None:
    page, whole = render("resnet50", "layer"), render("resnet50", "layer", aspect="none")
    width, height = size(page.svg)
    assert 0.5 < width / height < 1, "about that of a page of paper"
    assert size(whole.svg)[1] > 5000 > height
    assert page.svg.count('class="arrow turn"') == 2
    ids = re.findall(r' id="([^"]+)"', page.svg)
    assert len(set(ids)) == len(ids)
    assert ET.fromstring(page.svg).findtext(f"{SVG}title") == "resnet50"
    assert "(continued)" in page.svg
    assert page.png().startswith(b"\x89PNG") and page.pdf().startswith(b"%PDF")


def test_short_graphs_and_dot_are_as_they_were() -> None:
    assert 'class="arrow turn"' not in render("baseline").svg
    drawing = render("resnet50", "layer")
    assert isinstance(drawing, GraphDrawing)
    assert drawing.dot.count("subgraph cluster_stage") == 4
    right = render("residual", direction="right")
    assert isinstance(right, GraphDrawing)
    assert "rankdir=LR" in right.dot and right.mermaid.startswith("flowchart LR")


def test_the_way_through_the_layers_is_one_straight_line() -> None:
    """Every box that all ways lead through has the same middle, in networks with projections and with gates."""
    for reference in ("residual", "resnet50", "mobilenet_v2"):
        drawing = render(reference, aspect="none")
        assert isinstance(drawing, GraphDrawing)
        flows = {(e.tail, e.head) for e in drawing.picture.edges if e.kind == "flow"}
        order = [box.id for box in drawing.picture.boxes]
        middles = dict(
            zip(order, [(left + right) / 2 for left, _, right, _ in places(drawing.svg, "down")], strict=True)
        )
        at = order[0]
        line = [at]
        while following := [head for tail, head in flows if tail == at]:
            at = min(following, key=order.index)
            line.append(at)
        assert len(line) > 10
        assert max(middles[each] for each in line) - min(middles[each] for each in line) < 2, reference


def test_wrong_aspects_and_directions() -> None:
    for aspect in ("16", "16:0", "0:9", "1:100", "wide"):
        with pytest.raises(UsageError, match=r"write width:height such as 16:9, between 1:20 and 20:1, or none"):
            render("residual", aspect=aspect)
    with pytest.raises(UsageError, match="direction 'rigth': did you mean right"):
        render("residual", direction="rigth")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="aspect '16:9': is for the view graph, not for pyramid"):
        render("residual", view="pyramid", aspect="16:9")


def test_layers_of_a_box_stand_in_their_order() -> None:
    drawing = render("residual")
    assert isinstance(drawing, GraphDrawing)
    block = next(box for box in drawing.picture.boxes if box.title == "block1")
    graph = load("residual").graph
    titles = [node.op.title for node in graph if node.name.startswith("stage1/block1/") and "shortcut" not in node.name]
    assert titles[:7] == ["BatchNorm", "ReLU", "SeparableConv"] * 2 + ["MaxPool"]
    assert block.lines[:2] == ("BatchNorm, ReLU, SeparableConv 3 × 3, 32  (× 2)", "MaxPool 3 × 3, stride 2")


@pytest.mark.slow
def test_stages_are_written_as_papers_write_them() -> None:
    """Huang et al. 2017, table 1, and He et al. 2016, table 1."""
    for reference, lines in {
        "keras:DenseNet121": [
            "6 × (1 × 1 → 3 × 3)", "12 × (1 × 1 → 3 × 3)", "24 × (1 × 1 → 3 × 3)", "16 × (1 × 1 → 3 × 3)",
        ],
        "resnet50": [f"{count} × (1 × 1 → 3 × 3 → 1 × 1)" for count in (3, 4, 6, 3)],
    }.items():  # fmt: skip
        drawing = render(reference, "stage")
        assert isinstance(drawing, GraphDrawing)
        stages = [box for box in drawing.picture.boxes if box.kind == "stage"]
        assert [next(line for line in box.lines if " × (" in line) for box in stages] == lines


@pytest.mark.slow
def test_gates_are_drawn_as_gates() -> None:
    drawing = render("keras:MobileNetV3Small", input=(224, 224))
    assert isinstance(drawing, GraphDrawing)
    boxes = [box for box in drawing.picture.boxes if box.kind == "block"]
    gated = [line for box in boxes for line in box.lines if line.startswith("squeeze-and-excite gate, ")]
    # Howard et al. 2019, table 2: nine of the eleven blocks; equal ones are drawn once. A quarter of the expansion.
    assert gated == [f"squeeze-and-excite gate, {n}" for n in (8, 24, 64, 32, 40, 72, 144)]
    assert not any(label.startswith("1 × 1 × ") for label in (edge.label for edge in drawing.picture.edges))
    layers = render("keras:MobileNetV3Small", "layer", input=(224, 224))
    assert isinstance(layers, GraphDrawing)
    assert layers.dot.count("subgraph cluster_gate") == 7
