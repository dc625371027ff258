"""Pictures of graphs: every layer is in one box, every way through the graph is an arrow, whatever the graph."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from itertools import chain

import networkx as nx
import pytest
from hypothesis import HealthCheck, given, settings

from archlab import (
    Add,
    Conv,
    Dense,
    GlobalAvgPool,
    Graph,
    Input,
    Multiply,
    ReLU,
    Residual,
    analyze,
    load,
    predict_gradient_flow,
)
from archlab.errors import UnknownNameError, UsageError
from archlab.graph import Node, Scope
from archlab.rendering import LEVELS, Box, Cluster, GraphDrawing, Picture, colors, draw
from archlab.sources import names
from archlab.units import format_count
from tests.goldens import golden
from tests.strategies import architectures

SVG = "{http://www.w3.org/2000/svg}"


def clusters(parts) -> list[Cluster]:
    return [each for part in parts if isinstance(part, Cluster) for each in (part, *clusters(part.parts))]


def drawn(svg: str) -> set[str]:
    """The boxes that are in an SVG, which has to be well-formed."""
    return {group.get("id", "") for group in ET.fromstring(svg).iter(f"{SVG}g") if "node" in group.get("class", "")}


def check(picture: Picture, graph: Graph) -> None:
    members = sorted(chain.from_iterable(box.members for box in picture.boxes))
    assert members == list(range(len(graph))), "every layer in one box"
    ids = [box.id for box in picture.boxes] + [cluster.id for cluster in clusters(picture.parts)]
    assert len(set(ids)) == len(ids)
    known = {box.id for box in picture.boxes}
    assert all(edge.tail in known and edge.head in known for edge in picture.edges)
    arrows = nx.MultiDiGraph((edge.tail, edge.head) for edge in picture.edges if edge.tail != edge.head)
    arrows.add_nodes_from(known)
    assert nx.is_directed_acyclic_graph(arrows)
    box_of = {position: box.id for box in picture.boxes for position in box.members}
    assert nx.has_path(arrows, box_of[graph.inputs[0]], box_of[graph.outputs[-1]])
    assert all(arrows.in_degree(box.id) for box in picture.boxes if box.kind != "input"), "every box is read into"


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=100)  # each is laid out six times
@given(architectures())
def test_every_layer_is_in_one_box_and_reached(net) -> None:
    graph = net.to_graph()
    for level in LEVELS:
        drawing = draw(graph, level)
        check(drawing.picture, graph)
        assert drawn(drawing.svg) == {box.id for box in drawing.picture.boxes}
        assert draw(graph, level).svg == drawing.svg, "the same picture twice"


def check_levels(graph: Graph, name: str) -> None:
    for level in LEVELS:
        drawing = draw(graph, level, name=name)
        check(drawing.picture, graph)
        assert drawn(drawing.svg) == {box.id for box in drawing.picture.boxes}, (name, level)


@pytest.mark.parametrize("name", names())
def test_every_architecture_of_the_zoo(name: str) -> None:
    check_levels(load(name).graph, name)


# One of each family; the others are the same code with other numbers, and take minutes to build: they are drawn by
# `python -m tests.benchmarks.drawing`.
FAMILIES = ("ConvNeXtTiny", "DenseNet121", "InceptionV3", "MobileNetV3Small", "ResNet50")
OTHERS = (
    "EfficientNetB0", "EfficientNetV2B0", "MobileNet", "MobileNetV2", "NASNetMobile", "ResNet50V2", "VGG16", "Xception",
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", [*FAMILIES, *[pytest.param(n, marks=pytest.mark.exhaustive) for n in OTHERS]])
def test_models_of_keras_applications(name: str) -> None:
    """Among them MobileNetV3Small, which `plot_model` cannot draw (keras issue 19717)."""
    check_levels(load(f"keras:{name}").graph, name)


@pytest.mark.parametrize("name", ["baseline", "residual"])
@pytest.mark.parametrize("level", LEVELS)
def test_goldens(name: str, level) -> None:
    golden(f"{name}-{level}.dot", draw(load(name).graph, level, name=name).dot)


def test_golden_mermaid() -> None:
    golden("residual-block.mmd", draw(load("residual").graph, name="residual").mermaid)


def test_figures_on_boxes_are_those_of_the_analyses() -> None:
    graph = load("resnet50").graph
    found = analyze(graph)
    for level in LEVELS:
        parameters = sum(
            sum(found.params.layers[position].total for position in box.members)
            for box in draw(graph, level).picture.boxes
        )
        assert parameters == found.params.total
    stage = next(box for box in draw(graph, "stage").picture.boxes if box.title == "stage2")
    parameters, macs = found.params.stages["stage2"].total, found.compute.stages["stage2"].macs
    assert stage.lines[-2:] == (
        f"{format_count(parameters)} parameters · {format_count(macs)} MACs",
        "receptive field 99 px",
    )


def test_equal_blocks_are_drawn_once_though_shortcuts_cross_them() -> None:
    picture = draw(load("resnet152").graph).picture
    assert [cluster.times for cluster in clusters(picture.parts) if cluster.kind == "repeat"] == [2, 7, 35, 2]
    titles = [box.title for box in picture.boxes]
    assert "block2 – block36  × 35" in titles
    shortcuts = [edge for edge in picture.edges if edge.kind == "shortcut"]
    # Four projections of two arrows each, four identities.
    assert len(shortcuts) == 12


def test_a_shortcut_within_a_box_is_no_arrow_of_its_own() -> None:
    arrows = [(edge.tail, edge.head) for edge in draw(load("residual").graph, "stage").picture.edges]
    assert len(arrows) == len(set(arrows)) == 7


def test_blocks_that_grow_wider_by_concatenation_are_equal() -> None:
    picture = draw(load("keras:DenseNet121").graph).picture
    assert [cluster.times for cluster in clusters(picture.parts) if cluster.kind == "repeat"] == [6, 12, 24, 16]


def test_blocks_that_differ_are_drawn_apart() -> None:
    net = Input(16, 16, 8) >> Residual(Conv(8)) >> Residual(Conv(8)) >> Residual(Conv(8, kernel=5)) >> Residual(Conv(8))
    picture = draw((net >> GlobalAvgPool() >> Dense(2)).to_graph()).picture
    assert [cluster.times for cluster in clusters(picture.parts) if cluster.kind == "repeat"] == [2]


def test_a_way_past_other_blocks_is_dotted_and_a_shortcut_dashed() -> None:
    blocks = [Scope(f"block{i}", "block") for i in range(3)]
    nodes = [
        Node("in", Input(16, 16, 8), (), (16, 16, 8)),
        Node("a", Conv(8), (0,), (16, 16, 8), blocks[0]),
        Node("b", Conv(8, kernel=5), (1,), (16, 16, 8), blocks[1]),
        Node("c", Conv(8), (2,), (16, 16, 8), blocks[2]),
        Node("both", Multiply(), (3, 1), (16, 16, 8), blocks[2]),
    ]
    kinds = {(edge.tail, edge.head): edge.kind for edge in draw(Graph(tuple(nodes), (4,))).picture.edges}
    assert kinds == {("n0", "n1"): "flow", ("n1", "n2"): "flow", ("n2", "n3"): "flow", ("n1", "n3"): "skip"}
    nodes[4] = replace(nodes[4], op=Add(), inputs=(3, 2))
    kinds = {(edge.tail, edge.head): edge.kind for edge in draw(Graph(tuple(nodes), (4,))).picture.edges}
    assert kinds[("n2", "n4")] == "shortcut" and kinds[("n3", "n4")] == "flow"


def test_shapes_stand_where_they_change() -> None:
    labels = [edge.label for edge in draw(load("residual").graph).picture.edges if edge.label]
    assert labels == [f"{n} × {n} × {c}" for n, c in ((176, 32), (88, 32), (44, 64), (22, 128), (11, 256), (6, 512))]


@pytest.mark.parametrize(
    "color", [each for each in colors() if each not in ("kind", "activation-gradient", "kernel-gradient")]
)
def test_colours_by_a_quantity_have_a_legend_and_an_order(color: str) -> None:
    graph = load("residual").graph
    picture = draw(graph, "block", color).picture
    values = [box.value for box in picture.boxes if box.value is not None]
    assert picture.scale and all(0 <= value <= 1 for value in values) and max(values) == 1
    assert "legend" in drawn(draw(graph, "block", color).svg)


def test_colours_by_parameters_are_in_the_order_of_parameters() -> None:
    graph = load("vgg16").graph
    rows = analyze(graph).params.layers
    boxes = [box for box in draw(graph, "layer", "params").picture.boxes if box.value is not None]
    ordered = sorted(boxes, key=lambda box: box.value or 0)
    sizes = [sum(rows[position].total for position in box.members) for box in ordered]
    assert sizes == sorted(sizes) and len(sizes) == 16


def test_gradients_that_were_measured_take_the_place_of_predicted_ones() -> None:
    graph = load("residual:depth=4,width=8", (32, 32)).graph
    flow = predict_gradient_flow(graph)
    picture = draw(graph, color="gradient", flow=flow).picture
    assert picture.scale and picture.scale.title == "activation gradient, measured"


def test_a_part_alone_shows_what_comes_in() -> None:
    graph = load("residual").graph
    picture = draw(graph, "layer", only="stage2/block1").picture
    assert [box.path for box in picture.boxes if box.kind == "outside"] == ["stage1/block1/add"]
    assert len(picture.boxes) == 10 and picture.title.endswith("stage2/block1")
    with pytest.raises(UnknownNameError, match="no stage or block named 'stage6': did you mean stage5"):
        draw(graph, only="stage6")


def test_what_there_is_not_is_refused_with_the_closest_there_is() -> None:
    graph = load("residual").graph
    for wrong, message in (
        ({"level": "blok"}, "level 'blok': did you mean block?"),
        ({"color": "parms"}, "color 'parms': did you mean params?"),
        ({"engine": "dot"}, "engine 'dot': choose from pip, system"),
    ):
        with pytest.raises(UsageError, match=re.escape(message)):
            draw(graph, **wrong)


HOSTILE = '<b>&"\\N\\l</b> </script><script>alert(1)</script> 😀 日本 %s {}|\x00\x1b[31m]]> -->'


def test_names_that_mean_harm_are_shown() -> None:
    nodes = (
        Node("x", Input(8, 8, 3), (), (8, 8, 3)),
        Node(HOSTILE, Conv(4), (0,), (8, 8, 4), None, HOSTILE),
        Node("y" * 500, ReLU(), (1,), (8, 8, 4), None, "y"),
    )
    drawing = draw(Graph(nodes, (2,), HOSTILE), "layer", name=HOSTILE)
    root = ET.fromstring(drawing.svg)
    assert not [each for each in root.iter() if each.tag.endswith("script") or "on" in each.tag[:2].lower()]
    shown = [title.text or "" for title in root.iter(f"{SVG}title")]
    kept = HOSTILE.replace("\x00", r"\x00").replace("\x1b", r"\x1b")
    assert shown[0] == kept and any(text.startswith(kept) for text in shown[1:])
    assert "<script" not in drawing.mermaid and "\x1b" not in drawing.dot
    assert len(drawing.mermaid.splitlines()) == len(draw(Graph(nodes[:1], (0,)), "layer").mermaid.splitlines()) + 6


def test_a_box_of_many_branches_stays_readable() -> None:
    boxes = draw(load("keras:InceptionV3").graph).picture.boxes
    assert all(len(box.lines) <= 8 for box in boxes)
    assert all(isinstance(box, Box) for box in boxes) and isinstance(draw(load("residual").graph), GraphDrawing)
