"""Pages in a browser: tables sort, charts say their values, graphs move and unfold; nobody is shut out."""

from __future__ import annotations

import csv
import re
from typing import Any

import pytest

from archlab import compare
from archlab.report import layers_report
from archlab.report.html import to_html
from archlab.sources import load
from tests.browsers import violations, watched

pytestmark = pytest.mark.xdist_group("browser")

NETS = ("baseline", "residual")


@pytest.fixture(scope="session")
def report() -> str:
    return compare(*NETS, static=True).to_html()


def test_a_page_that_asks_for_something_or_breaks_is_found_out(browser, report: str, tmp_path) -> None:
    # Without the policy, which would have stopped both before they were tried.
    broken = report.replace("Content-Security-Policy", "nothing").replace(
        "<h1>", "<img src='http://127.0.0.1:9/x.png'><script>missing()</script><h1>"
    )
    (tmp_path / "report.html").write_text(broken, encoding="utf-8")
    page = browser.new_page()
    complaints = watched(page)
    page.goto((tmp_path / "report.html").as_uri())
    page.close()
    assert "asked for http://127.0.0.1:9/x.png" in complaints
    assert any(each.startswith("error: ") and "missing" in each for each in complaints)


def column(page: Any, table: str, number: int) -> list[str]:
    return page.locator(f"{table} tbody tr").evaluate_all(
        "(rows, number) => rows.map(row => row.cells[number].textContent)", number
    )


def head(page: Any, table: str, name: str) -> tuple[Any, int]:
    heads = page.locator(f"{table} thead th")
    place = heads.all_inner_texts().index(name)
    return heads.nth(place), place


def test_it_opens_from_a_file_with_all_its_parts(opened, report: str) -> None:
    page = opened(report)
    assert page.title() == "baseline and residual · archlab"
    assert page.locator("h2").all_inner_texts() == ["Summary", "Findings", "Charts", *NETS, "Provenance"]
    for link in page.locator("nav a, .values a").all():
        assert page.locator(link.get_attribute("href")).count() == 1
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(("name", "analysis"), [("parameters", "params"), ("FLOPs", "compute")])
def test_numbers_sort_as_numbers_by_click_and_by_key(opened, report: str, name: str, analysis: str) -> None:
    page = opened(report)
    table = "#layers-residual table"
    found = compare("residual", static=True)[0].analysis
    rows = found.params.layers if analysis == "params" else found.compute.layers
    sizes = {row.name: row.total if analysis == "params" else row.flops for row in rows}
    before = column(page, table, 0)
    cell, _ = head(page, table, name)
    assert cell.get_attribute("aria-sort") == "none"

    cell.locator("button").click()
    assert cell.get_attribute("aria-sort") == "ascending"
    # Equals keep their order: the sort is stable.
    assert column(page, table, 0) == sorted(before, key=lambda layer: sizes[layer])

    cell.locator("button").focus()
    page.keyboard.press("Enter")
    assert cell.get_attribute("aria-sort") == "descending"
    assert [sizes[layer] for layer in column(page, table, 0)] == sorted(sizes.values(), reverse=True)
    page.keyboard.press("Space")
    assert cell.get_attribute("aria-sort") == "ascending"
    assert page.locator(f"{table} tfoot th").inner_text() == "total"
    assert page.locator(f"{table} [aria-sort]:not([aria-sort=none])").count() == 1


def test_names_sort_as_a_reader_counts_and_what_has_no_number_stands_last(opened, report: str) -> None:
    page = opened(report)
    table = "#layers-baseline table"
    cell, _ = head(page, table, "layer")
    cell.locator("button").click()
    names = column(page, table, 0)
    assert names.index("conv_2") < names.index("conv_5") < names.index("max_pool")
    cell, place = head(page, table, "stride (px)")
    for _ in range(2):
        cell.locator("button").click()
        numbers = [text for text in column(page, table, place) if text != "–"]
        assert column(page, table, place)[len(numbers) :] == ["–"] * (len(names) - len(numbers))
    assert list(map(int, numbers)) == sorted(map(int, numbers), reverse=True)


def test_charts_draw_and_say_their_values(opened, report: str) -> None:
    page = opened(report)
    charts = page.locator(".chart")
    assert charts.count() == 7 + len(NETS)
    for chart in charts.all():
        assert chart.locator("path[d], line").count() > 10
        assert chart.get_attribute("aria-label")
    chart = page.locator("#chart-signal .chart")
    values = chart.locator("[data-said]")
    assert values.count() == 5 + 16
    values.nth(2).hover(force=True)
    assert chart.locator(".tip").is_visible()
    assert chart.locator(".tip").inner_text().startswith("baseline, conv_3: ")

    chart.focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    assert page.locator("#status").inner_text().startswith("baseline, conv_2: ")
    page.keyboard.press("Escape")
    assert not chart.locator(".tip").is_visible()


def test_dark_mode_turns_page_and_drawings_dark(opened, report: str) -> None:
    def lightness(page: Any, selector: str, what: str) -> float:
        text = page.locator(selector).first.evaluate(f"each => getComputedStyle(each).{what}")
        return sum(map(float, text[text.index("(") + 1 : -1].split(",")[:3])) / 3

    light, dark = opened(report), opened(report, scheme="dark")
    assert lightness(light, "body", "backgroundColor") > 240 > 40 > lightness(dark, "body", "backgroundColor")
    for selector in ("h1", "td"):
        assert lightness(light, selector, "color") < 100 < 180 < lightness(dark, selector, "color")
    label = "#chart-field text"
    assert lightness(light, label, "fill") < 100 < 180 < lightness(dark, label, "fill")


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 400)])
def test_nobody_is_shut_out(opened, report: str, scheme: str, width: int) -> None:
    assert violations(opened(report, scheme=scheme, width=width)) == []


def test_nobody_is_shut_out_of_a_plain_report(opened) -> None:
    architecture = load("residual")
    made, _ = layers_report(architecture, compare(architecture, static=True)[0].analysis)
    page = opened(to_html(made, "archlab show residual"))
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_that_test_fails_where_somebody_is(opened, report: str) -> None:
    page = opened(report)
    page.evaluate("document.querySelector('nav a').style.color = '#f4f4f4'; document.querySelector('h1').id = ''")
    page.evaluate("document.querySelector('th button').innerHTML = ''")
    assert {each.split(":")[0] for each in violations(page)} >= {"color-contrast", "button-name"}


def test_without_script_the_page_is_whole(browser, report: str, tmp_path) -> None:
    (tmp_path / "report.html").write_text(report, encoding="utf-8")
    context = browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto((tmp_path / "report.html").as_uri())
    assert page.locator("tbody tr").count() > 60
    assert page.locator(".chart svg").count() == 7 + len(NETS)
    assert page.locator("button:visible").count() == 0
    context.close()


def test_rows_are_filtered_by_every_word_and_a_link_shows_its_row(opened, report: str) -> None:
    page = opened(report)
    table = "#layers-residual"
    field = page.locator(f"label.find:has(+ {table}) input")
    field.fill("stage1 conv")
    shown = page.locator(f"{table} tbody tr:not([hidden])")
    names = [row.split("\t")[0] for row in shown.all_inner_texts()]
    everything = [node.name for node in load("residual").graph]
    assert names and set(names) < set(everything)
    assert all("stage1" in text and "conv" in text.lower() for text in shown.all_inner_texts())
    assert (
        page.locator("label.find:has(+ " + table + ") output").inner_text() == f"{len(names)} of {len(everything)} rows"
    )

    field.fill("nothing of the kind")
    assert shown.count() == 0
    link = page.locator('[aria-labelledby="findings"] tbody a').first
    row = page.locator(link.get_attribute("href"))
    link.click()
    assert row.locator("th").inner_text() == "stage1/block1/add"
    assert row.is_visible() and row.evaluate("each => each.matches(':target')")


def test_charts_are_saved_with_the_values_that_they_draw(opened, report: str, tmp_path) -> None:
    page = opened(report)
    found = {}
    for form in ("svg", "png", "csv"):
        with page.expect_download() as download:
            page.locator(f"#chart-field [data-form={form}]").click()
        assert download.value.suggested_filename == f"field.{form}"
        download.value.save_as(tmp_path / form)
        found[form] = (tmp_path / form).read_bytes()
    assert found["svg"].startswith(b"<svg") and b"var(--" not in found["svg"]
    assert found["png"].startswith(b"\x89PNG")
    rows = list(csv.DictReader(found["csv"].decode().splitlines()))
    assert {row["net"] for row in rows} == set(NETS)
    assert max(int(row["y"]) for row in rows if row["net"] == "residual") == 191


def test_the_section_in_view_is_marked_and_first_columns_stay(opened, report: str) -> None:
    page = opened(report)
    current = page.locator("nav.contents a[aria-current]")
    assert current.all_inner_texts() == ["Summary"]
    page.locator("#charts").evaluate("each => each.scrollIntoView()")
    # By a selector: a function that is polled is a string of code, which the page's policy forbids.
    page.wait_for_selector("nav.contents [aria-current]:text-is('Charts')")
    cell, scroll = page.locator("#layers-residual tbody th").first, page.locator("#layers-residual")
    before = cell.bounding_box()
    scroll.evaluate("each => { each.scrollLeft = 200 }")
    assert scroll.evaluate("each => each.scrollLeft") > 0
    assert cell.bounding_box()["x"] == pytest.approx(before["x"], abs=1)


@pytest.mark.slow
def test_four_networks_print_on_eight_pages(opened) -> None:
    page = opened(compare("baseline", "residual", "resnet50", "mobilenet_v2", static=True).to_html())
    printed = page.pdf(prefer_css_page_size=True, format="A4")
    assert 3 <= len(re.findall(rb"/Type\s*/Page\b", printed)) <= 8


def test_the_first_screen_has_verdicts_and_a_chart(opened, report: str) -> None:
    page = opened(report)
    for place in (".verdicts", "#chart-signal"):
        box = page.locator(place).bounding_box()
        assert box["y"] >= 0 and box["y"] + box["height"] < 900
    assert [text.split(":")[0] for text in page.locator(".verdicts p").all_inner_texts()] == list(NETS)
    best = page.locator('[aria-labelledby="summary"] td.best').all_inner_texts()
    assert "721,857" in best and "991,041" not in best
    titles = page.locator("h3").all_inner_texts()
    assert "Will it train?" in titles and "Roofline of residual" in titles


def test_on_a_phone_names_of_rows_are_words(opened, report: str) -> None:
    page = opened(report, width=390)
    widths = page.locator('[aria-labelledby="summary"] tbody th').evaluate_all(
        "all => all.map(each => each.getBoundingClientRect().width)"
    )
    assert widths and min(widths) >= 100 and max(widths) <= 200
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
