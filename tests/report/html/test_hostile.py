"""Names that mean harm, in layers, architectures, files and commands: shown, never run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any

import pytest

from archlab import compare
from archlab.graph import Graph, Scope, Shape
from archlab.ops import Op
from archlab.report import Prose, Report, Table
from archlab.report.html import to_html
from archlab.sources import load
from archlab.text import printable
from tests.report.html.conftest import watched

pytestmark = pytest.mark.xdist_group("browser")

NAMES = (
    "</script><script>window.hit=1</script>",
    "<img src=x onerror=window.hit=1>",
    "\"onmouseover='window.hit=1' x=\"",
    "</style><style>*{display:none}</style>",
    "</template></svg></title><b>bold</b>",
    "&lt;&amp;&#60;",
    "back\\slash\\u003c and 'quotes' \"too\"",
    "{{ 7 * 7 }} {% raw %}",
    "javascript:window.hit=1",
    "🐱 \u202e reversed",
    "<!-- ]]> -->",
    "${window.hit=1}`",
    "v1.23456, 2.34567e-8",
)


@dataclass(frozen=True, repr=False)
class Mystery(Op, abstract=True):
    def output(self, *inputs: Shape) -> Shape:
        return inputs[0]


Mystery.__name__ = NAMES[0]


def hostile() -> Graph:
    """The lecture's residual net with all its layers, blocks and stages renamed, and a layer without a rule."""
    graph = load("residual").graph

    def renamed(scope: Scope | None) -> Scope | None:
        if scope is None:
            return None
        name = f"{NAMES[len(scope.path) % len(NAMES)]} {scope.path}"
        return Scope(name, scope.kind, renamed(scope.parent))

    nodes = [
        replace(node, name=f"{NAMES[place % len(NAMES)]} {place}", layer=f"{NAMES[place % len(NAMES)]} {place}",
                scope=renamed(node.scope))
        for place, node in enumerate(graph)
    ]  # fmt: skip
    nodes[4] = replace(nodes[4], op=Mystery())
    return Graph(tuple(nodes), graph.outputs, "net")


@pytest.fixture(scope="module")
def report() -> str:
    nets: dict[str, Any] = dict.fromkeys(NAMES[:4], "baseline")
    return compare(nets | {NAMES[4]: hostile()}, static=True).to_html(command=f"archlab compare {' '.join(NAMES)}")


def test_names_are_shown_as_they_are_and_nothing_of_them_runs(opened, report: str) -> None:
    page = opened(report)
    assert page.evaluate("window.hit") is None
    assert page.locator("h2").all_text_contents()[3:-1] == list(NAMES[:5])
    layers = page.locator(".net").last.locator("table").last.locator("tbody th").all_text_contents()
    assert layers == [printable(node.name) for node in hostile()]
    assert f"archlab compare {printable(' '.join(NAMES))}" in page.locator("#provenance + .origin").inner_text()
    for name in NAMES:
        assert page.locator("main").inner_text().count(name) > 1 or name.startswith("🐱")


def test_names_in_charts_are_words_of_theirs(opened, report: str) -> None:
    page = opened(report)
    said = page.locator("#chart-memory [data-said]").evaluate_all("all => all.map(each => each.dataset.said)")
    assert f"{NAMES[4]}, {NAMES[5]} 5" in "\n".join(said)
    chart = page.locator("#chart-memory .chart")
    chart.focus()
    for key in ("End", "ArrowLeft"):
        page.keyboard.press(key)
    assert page.locator("#status").text_content().startswith(NAMES[4])
    page.locator("th button").evaluate_all("all => all.forEach(each => each.click())")
    assert page.evaluate("window.hit") is None


class Elements(HTMLParser):
    """Every element's name and every attribute's."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.scripts = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes.update(name for name, _ in attrs)
        self.scripts += tag == "script"


def test_a_page_holds_no_element_and_no_attribute_that_a_friendly_one_does_not(report: str) -> None:
    friendly = Elements(compare("baseline", "residual", static=True).to_html())
    found = Elements(report)
    assert found.names <= friendly.names and found.scripts == 1
    assert found.attributes <= friendly.attributes
    assert not {name for name in found.attributes if name.startswith("on") or name in ("style", "srcdoc")}


def test_a_plain_report_escapes_titles_columns_and_cells(opened) -> None:
    table = Table(NAMES[0], ("", NAMES[1]), ((NAMES[2], NAMES[3]), (NAMES[4], NAMES[5])))
    page = opened(to_html(Report((table, Prose(NAMES[6], NAMES))), NAMES[0], command=NAMES[1]))
    assert page.evaluate("window.hit") is None
    assert page.title() == NAMES[0]
    assert page.locator("h1").text_content() == NAMES[0]
    assert page.locator("tbody th").all_text_contents() == [NAMES[2], NAMES[4]]
    assert page.locator("p").all_text_contents()[1 : 1 + len(NAMES)] == [*map(printable, NAMES)]


@pytest.mark.parametrize("name", ["<b>&\"'.html", "a#b?c%20d.html", "猫 🐱.html"])
def test_a_file_may_be_called_what_it_likes(opened, name: str) -> None:
    page = opened(compare("baseline", static=True).to_html(command=f"archlab compare baseline -o {name}"), name)
    assert name in page.locator("#provenance + .origin").inner_text()


def test_the_policy_would_stop_what_escaping_missed(browser, report: str, tmp_path) -> None:
    slipped = report.replace("<h1>", "<script>window.hit = 1</script><img src=x onerror='window.hit = 1'><h1>", 1)
    (tmp_path / "report.html").write_text(slipped, encoding="utf-8")
    page = browser.new_page()
    page.goto((tmp_path / "report.html").as_uri())
    page.wait_for_selector("html[data-ready]")
    assert page.evaluate("window.hit") is None
    page.close()


def test_no_name_runs_in_a_saved_chart(browser, tmp_path) -> None:
    from archlab.charts import by_depth, save

    layers = [SimpleNamespace(name=name, depth=depth, longest_path=True, kernel=True, activation_gradient_rms=1.0)
              for depth, name in enumerate(NAMES, 1)]  # fmt: skip
    save(by_depth([(name, layers) for name in NAMES]), tmp_path / "chart.html")
    page = browser.new_page()
    complaints = watched(page)
    page.goto((tmp_path / "chart.html").as_uri())
    page.wait_for_selector("canvas, svg")
    assert page.evaluate("window.hit") is None
    assert not [each for each in complaints if "asked for" in each]
    page.close()
