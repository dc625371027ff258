"""The pyramid and the receptive field, measured on the picture itself."""

from __future__ import annotations

import base64
import re
import xml.etree.ElementTree as ET

import pytest
import vl_convert

from archlab import Conv, Dense, Flatten, Input, analyze, load, render
from archlab.errors import UnknownNameError, UsageError
from archlab.rendering._maps import feature_maps, field_of

SVG = "{http://www.w3.org/2000/svg}"
PIXEL = vl_convert.svg_to_png('<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>')


def _points(polygon: ET.Element) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in (pair.split(",") for pair in polygon.get("points", "").split())]


def _maps(svg: str) -> list[list[list[tuple[float, float]]]]:
    """The faces of each map that is drawn, in order."""
    groups = [group for group in ET.fromstring(svg).iter(f"{SVG}g") if (group.get("id") or "").startswith("m")]
    return [[_points(each) for each in group.iter(f"{SVG}polygon")] for group in groups]


def test_maps_shrink_as_filters_grow() -> None:
    shapes = [each.size for each in feature_maps(load("residual").graph)]
    assert shapes == [
        (180, 180, 3), (176, 176, 32), (88, 88, 32), (44, 44, 64), (22, 22, 128), (11, 11, 256), (6, 6, 512),
        (1, 1, 512), (1, 1, 1),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["residual", "resnet50", "vgg16", "mobilenet_v2", "xception"])
def test_maps_are_drawn_to_scale(name: str) -> None:
    graph = load(name).graph
    maps = [each for each in feature_maps(graph) if not each.is_vector]
    faces = _maps(render(name, view="pyramid").svg)
    heights = [front[3][1] - front[0][1] for front, *_ in faces]
    lengths = [front[1][0] - front[0][0] for front, *_ in faces]
    for each, height, length in zip(maps, heights, lengths, strict=False):
        if each.height > 0.02 * maps[0].height:
            assert height / heights[0] == pytest.approx(each.height / maps[0].height, rel=0.02)
        if length > 2.5:
            assert length / lengths[len(maps) - 1] == pytest.approx(each.channels / maps[-1].channels, rel=0.02)


def test_a_long_vector_is_broken() -> None:
    drawing = render(Input(32, 32, 3) >> Conv(8) >> Flatten() >> Dense(2), view="pyramid")
    lengths = [front[1][0] - front[0][0] for front, *_ in _maps(drawing.svg)]
    assert lengths[1] == lengths[2] > lengths[3]
    assert [group for group in ET.fromstring(drawing.svg).iter(f"{SVG}g") if len(list(group.iter(f"{SVG}line"))) == 3]


@pytest.mark.parametrize("name", ["baseline", "residual", "keras:VGG16"])
def test_the_field_is_where_the_analysis_says(name: str) -> None:
    graph = load(name).graph
    found = analyze(graph).receptive_field
    field = field_of(graph, found)
    row = found.last
    assert row is not None and row.size is not None
    assert field.size == row.size and field.name == found.at
    # The first unit's field begins at `start`; the central one's as many strides further.
    assert row.start and row.stride
    assert field.box[0] == (row.start[0] or 0) + field.unit[0] * row.stride[0]


def test_fields_are_drawn_to_scale() -> None:
    root = ET.fromstring(render("residual", view="receptive-field").svg)
    drawn = {}
    for group in root.iter(f"{SVG}g"):
        words = group.findtext(f"{SVG}title") or ""
        points = _points(next(group.iter(f"{SVG}polygon")))
        drawn[int(re.findall(r"(\d+) × \d+ px", words)[0])] = points[1][0] - points[0][0]
    assert list(drawn) == [5, 11, 23, 47, 95, 191]
    assert all(width / drawn[191] == pytest.approx(size / 191, abs=0.001) for size, width in drawn.items())


def test_a_photo_is_laid_on_the_input(tmp_path) -> None:
    (tmp_path / "p.png").write_bytes(PIXEL)
    for view in ("pyramid", "receptive-field"):
        drawing = render("residual", view=view, image=tmp_path / "p.png")
        (image,) = ET.fromstring(drawing.svg).iter(f"{SVG}image")
        assert base64.b64decode((image.get("href") or "").partition(",")[2]) == PIXEL
        assert drawing.png().startswith(b"\x89PNG")


def test_what_has_no_place_cannot_be_shown() -> None:
    with pytest.raises(UsageError, match="its units have no place in the image; the last that have are those of"):
        render("residual", view="receptive-field", layer="dense")
    with pytest.raises(UnknownNameError, match="no node named 'convs': did you mean conv"):
        render("residual", view="pyramid", layer="convs")
    with pytest.raises(UsageError, match="input has sizes that are not known: give the input's, as in 224x224"):
        render("residual", view="pyramid", input=(None, None))
    with pytest.raises(UsageError, match="no layer has units with a place"):
        render(Input(8) >> Dense(2), view="receptive-field")


@pytest.mark.parametrize("view", ["pyramid", "receptive-field"])
def test_the_same_picture_twice(view) -> None:
    assert render("residual", view=view).svg == render("residual", view=view).svg


@pytest.mark.slow
def test_a_stage_is_one_map_though_its_blocks_grow_wider() -> None:
    """Huang et al. 2017, table 1: the maps of DenseNet-121 after its dense blocks."""
    found = {each.label: each.size for each in feature_maps(load("keras:DenseNet121").graph)}
    stages = [(56, 56, 256), (28, 28, 512), (14, 14, 1024), (7, 7, 1024)]
    assert [found[f"stage{n}"] for n in (1, 2, 3, 4)] == stages


@pytest.mark.parametrize("name", ["residual", "resnet50", "mobilenet_v2", "xception"])
def test_names_are_whole_and_stand_apart(name: str) -> None:
    root = ET.fromstring(render(name, view="pyramid").svg)
    names = [t for t in root.iter(f"{SVG}text") if t.get("font-weight") == "bold"]
    assert not any((each.text or "").endswith("…") for each in names)
    placed = [(float(t.get("x", 0)), float(t.get("y", 0)), 6.2 * len(t.text or "")) for t in names]
    for number, (x, y, wide) in enumerate(placed):
        for other, below, width in placed[number + 1 :]:
            assert y != below or abs(x - other) >= (wide + width) / 2
