"""Differences as text: any width, signs that say all, nothing left out."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings

from archlab import BatchNorm, Block, Conv, GraphDiff, Input, Part, ReLU, Residual, diff
from archlab.report import Line, Listing, to_csv, to_markdown, to_text
from tests.diffing.test_properties import PAIRS
from tests.report.test_render import MYSTERIOUS

LISTED = re.compile(r"^([+−~·])   \S", re.MULTILINE)


@pytest.fixture(scope="module")
def lecture() -> GraphDiff:
    return diff("baseline", "residual")


@pytest.mark.parametrize("width", [120, 80, 60, 40])
def test_no_line_is_wider_than_the_terminal(lecture: GraphDiff, width: int) -> None:
    for all in (False, True):
        assert max(map(len, to_text(lecture.report(all), width).splitlines())) <= width


@pytest.mark.parametrize("width", [None, 80, 40])
def test_a_narrow_terminal_says_what_a_wide_one_does(lecture: GraphDiff, width: int | None) -> None:
    said = " ".join(re.sub(r"^[+−~·]?\s*", "", line) for line in to_text(lecture.report(), width).splitlines())
    for fact in ("kernel 3 → 5, bias on → off, activation relu → none", "−13,824", "8 → 19", "40 added (+)"):
        assert fact in " ".join(said.split())


@settings(max_examples=120)
@given(PAIRS)
def test_every_layer_that_differs_has_a_line_with_its_sign(pair: tuple[Part, Part]) -> None:
    found = diff(*pair)
    signs = LISTED.findall(to_text(found.report(all=True)))
    following = len(found.changed) - len(found.edited)
    assert [signs.count(sign) for sign in "+−~·"] == [
        len(found.added), len(found.removed), len(found.edited), following
    ]  # fmt: skip
    assert to_csv(found.report(all=True)).count("\n") == len(found) + 1
    assert found.identical or str(found)


def test_edits_and_what_follows_from_them_are_told_apart() -> None:
    narrow, wide = (Input(8, 8, 3) >> Conv(filters) >> BatchNorm() >> ReLU() for filters in (8, 16))
    found = diff(narrow, wide)
    text = str(found)
    assert re.search(r"^~   conv +\+216 .*\n~ +filters 8 → 16$", text, re.MULTILINE)
    assert re.search(r"^·   2 layers that only meet other shapes +\+32\b", text, re.MULTILINE)
    whole = to_text(found.report(all=True))
    assert "·       because of what comes in: channels in 8 → 16" in whole


def test_ascii_for_terminals_that_show_no_more(lecture: GraphDiff) -> None:
    assert to_text(lecture.report(), 80, ascii=True).isascii()


def test_markdown_is_a_block_that_is_coloured_by_sign(lecture: GraphDiff) -> None:
    block = to_markdown(lecture.report()).split("```diff\n")[1].split("\n```")[0]
    signs = {line[0] for line in block.splitlines() if line[0] in "+-~·"}
    assert signs == set("+-~·")
    assert sum(line.startswith("-   ") for line in block.splitlines()) == 2


def test_names_that_changed_are_no_difference_but_are_told() -> None:
    block = Residual(Conv(8) >> ReLU())
    found = diff(Input(8, 8, 8) >> Block(block, "one"), Input(8, 8, 8) >> Block(block, "other"))
    assert str(found).endswith("No difference: 4 layers the same, 3 of them under other names.")


def test_layers_without_a_rule_are_named() -> None:
    text = str(diff(MYSTERIOUS, MYSTERIOUS.replace(Conv(4), Conv(8))))
    assert "Without a rule: mystery. Totals marked ≥ are lower bounds." in text and "≥ 112" in text


def test_a_listing_without_numbers_or_with_long_words_still_stands() -> None:
    part = Listing("", ("n",), (Line("stage"), Line("a" * 50, "added", ("5",), ("b " * 40,)), Line("c", "same")))
    text = to_text((part,), 20)
    assert text.splitlines()[0] == "stage" and "a" * 50 in text and "n 5" in text
