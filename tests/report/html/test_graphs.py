"""Graphs in a page: they pan, zoom and unfold, by mouse and by keyboard; what looks the same is kept once."""

from __future__ import annotations

import re
from typing import Any

import pytest

from archlab import compare
from archlab.report.html._graphs import Shelf
from archlab.sources import load

pytestmark = pytest.mark.xdist_group("browser")


@pytest.fixture(scope="module")
def report() -> str:
    return compare("resnet50", static=True).to_html()


class Viewer:
    """The graph of the page's only architecture."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.view = page.locator(".view")
        self.view.scroll_into_view_if_needed()

    def box(self, path: str) -> Any:
        return self.page.locator(f'.view [data-inside][data-path="{path}"]')

    @property
    def moved(self) -> tuple[float, float, float]:
        x, y, scale = re.findall(r"-?\d[\d.e-]*", self.page.locator(".canvas > g").get_attribute("transform"))
        return float(x), float(y), float(scale)

    @property
    def titles(self) -> list[str]:
        return self.page.locator(".panel > text").all_text_contents()


@pytest.fixture
def graph(opened, report: str) -> Viewer:
    return Viewer(opened(report))


def test_it_is_whole_to_begin_with(graph: Viewer) -> None:
    assert [graph.box(f"stage{number}").count() for number in range(1, 6)] == [1, 1, 1, 1, 0]
    assert graph.page.locator(".view [tabindex='0']").count() == 4
    frame = graph.view.bounding_box()
    for box in graph.page.locator(".view .box").all():
        place = box.bounding_box()
        assert frame["x"] <= place["x"] and place["x"] + place["width"] <= frame["x"] + frame["width"]
        assert frame["y"] <= place["y"] and place["y"] + place["height"] <= frame["y"] + frame["height"]


@pytest.mark.parametrize("by", ["click", "Enter", "Space"])
def test_a_stage_unfolds_into_its_blocks_and_a_block_into_its_layers(graph: Viewer, by: str) -> None:
    def activate(path: str) -> None:
        graph.box(path).click() if by == "click" else graph.box(path).press(by)

    stage = graph.box("stage3")
    assert stage.get_attribute("role") == "button" and stage.get_attribute("aria-expanded") == "false"
    activate("stage3")
    assert stage.get_attribute("aria-expanded") == "true"
    assert graph.titles == ["stage3"]
    activate("block1")
    assert graph.titles == ["stage3", "stage3/block1"]
    inside = graph.page.locator(".panel").nth(2)
    names = {node.name for node in load("resnet50").graph if node.name.startswith("stage3/block1/")}
    shown = {title.split(",")[0] for title in inside.locator(".box:not(.outside) > title").all_text_contents()}
    assert shown == {name.removeprefix("stage3/block1/") for name in names}
    # Another stage takes their place; the same again folds.
    activate("stage1")
    assert graph.titles == ["stage1"] and stage.get_attribute("aria-expanded") == "false"
    activate("stage1")
    assert graph.titles == []


def test_escape_folds_and_leads_back(graph: Viewer) -> None:
    graph.box("stage2").press("Enter")
    graph.box("block1").press("Enter")
    graph.page.keyboard.press("Escape")
    assert graph.titles == ["stage2"]
    graph.page.keyboard.press("Escape")
    assert graph.titles == []
    assert graph.page.evaluate("document.activeElement.dataset.path") == "stage2"


def test_it_zooms_by_button_key_and_wheel(graph: Viewer) -> None:
    start = graph.moved
    graph.page.get_by_role("button", name="Zoom in").click()
    assert graph.moved[2] == pytest.approx(1.25 * start[2])
    graph.view.press("-")
    assert graph.moved == pytest.approx(start)
    graph.view.press("+")
    graph.view.press("0")
    assert graph.moved == pytest.approx(start)
    frame = graph.view.bounding_box()
    x, y = 120, 80
    graph.page.mouse.move(frame["x"] + x, frame["y"] + y)
    before = graph.moved
    graph.page.mouse.wheel(0, -100)
    assert graph.moved == before, "a wheel alone scrolls the page"
    graph.page.evaluate("scrollTo(0, 0)")
    graph.view.scroll_into_view_if_needed()
    frame = graph.view.bounding_box()
    graph.page.mouse.move(frame["x"] + x, frame["y"] + y)
    graph.page.keyboard.down("Control")
    graph.page.mouse.wheel(0, -100)
    graph.page.keyboard.up("Control")
    graph.page.wait_for_function("scale => document.querySelector('div.graph').dataset.scale > scale", arg=before[2])
    left, top, scale = graph.moved
    # What was under the pointer still is.
    assert ((x - 1 - left) / scale, (y - 1 - top) / scale) == pytest.approx(
        ((x - 1 - before[0]) / before[2], (y - 1 - before[1]) / before[2]), abs=1.5
    )


def test_it_pans_by_dragging_and_by_arrows(graph: Viewer) -> None:
    x, y, scale = graph.moved
    place = graph.box("stage2").bounding_box()
    mouse = graph.page.mouse
    mouse.move(place["x"] + 30, place["y"] + 20)
    mouse.down()
    mouse.move(place["x"] + 90, place["y"] + 60, steps=5)
    mouse.up()
    assert graph.moved == pytest.approx((x + 60, y + 40, scale))
    assert graph.titles == [], "a drag that begins on a box does not unfold it"
    graph.view.press("ArrowRight")
    graph.view.press("ArrowUp")
    assert graph.moved == pytest.approx((x, y + 100, scale))
    graph.page.get_by_role("button", name="Fit").click()
    assert graph.moved == pytest.approx((x, y, scale))
    # A click after a drag is a click again.
    graph.box("stage2").click()
    assert graph.titles == ["stage2"]


def test_levels_of_detail(graph: Viewer) -> None:
    buttons = graph.page.get_by_role("group", name="Level of detail of resnet50").get_by_role("button")
    assert buttons.all_inner_texts() == ["Stages", "Blocks", "Layers"]
    counts = []
    for button in buttons.all():
        button.click()
        pressed = [each.get_attribute("aria-pressed") for each in buttons.all()]
        assert pressed.count("true") == 1 and button.get_attribute("aria-pressed") == "true"
        counts.append(graph.page.locator(".view .box").count())
    assert counts == sorted(set(counts))


def test_what_looks_the_same_is_kept_once() -> None:
    shelf = Shelf()
    first = shelf.view(load("resnet50").graph, "one")
    kept = dict(shelf.drawn)
    assert shelf.view(load("resnet50").graph, "two") == first
    assert shelf.drawn == kept
    # Blocks that differ in their numbers alone share nothing; blocks that repeat are one drawing.
    assert len(set(kept.values())) == len(kept)
    sections = {node.scope.path for node in load("resnet50").graph if node.scope}
    assert len(kept) < len(sections) + 3 + 4


def test_nothing_unfolds_into_what_is_not_there() -> None:
    shelf = Shelf()
    for name in ("baseline", "residual", "mobilenet_v2", "xception", "plain:depth=50,width=16"):
        shelf.view(load(name).graph, name)
    for svg in shelf.drawn.values():
        assert set(re.findall(r'data-inside="([^"]*)"', svg)) <= set(shelf.drawn)
