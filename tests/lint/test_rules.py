"""Every rule fires on what it should and spares what it should; its page and its codes are as the docs have them."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archlab import Conv, Dense, GlobalAvgPool, Input, MaxPool, Part, ReLU, SeparableConv, lint
from archlab.lint import GROUPS, own_rules
from archlab.lint.rules.kernel_beyond_map import used_taps
from archlab.sources import names
from archlab.testing import check_rule
from tests.lint.examples import EXAMPLES

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Keras's own use of NumPy
KINDS = json.loads((Path(__file__).parent / "kinds.json").read_text(encoding="utf-8"))
DOCS = Path(__file__).parents[2] / "docs"
# They report what was measured, which takes a model: `test_findings` has them.
MEASURED = {"N704", "N705"}


def test_every_rule_has_examples() -> None:
    assert set(EXAMPLES) == set(own_rules())
    assert {code for code, examples in EXAMPLES.items() if not examples.fires} == MEASURED
    assert all(examples.spares for examples in EXAMPLES.values())
    assert len(own_rules()) >= 30


@pytest.mark.parametrize("code", sorted(EXAMPLES))
def test_a_rule_fires_and_spares(code: str) -> None:
    if code in MEASURED:
        check_rule(own_rules()[code], (), EXAMPLES[code].spares)
    else:
        check_rule(code, *EXAMPLES[code])


@settings(max_examples=200)
@given(st.integers(1, 9), st.integers(1, 12), st.integers(1, 5), st.integers(1, 4))
def test_the_taps_of_a_kernel_that_fall_on_a_map(size: int, kernel: int, stride: int, dilation: int) -> None:
    out = -(-size // stride)
    # The definition: TensorFlow's padding 'same', and every position of the window.
    before = max((out - 1) * stride + (kernel - 1) * dilation + 1 - size, 0) // 2
    padded = [0] * before + [1] * size + [0] * ((kernel - 1) * dilation + stride * out)
    seen = [any(padded[place * stride + tap * dilation] for place in range(out)) for tap in range(kernel)]
    assert used_taps(size, out, kernel, stride, dilation) == sum(seen)


@pytest.mark.parametrize("part", [Conv(4, 10**7), SeparableConv(4, 10**9), Conv(4, dilation=10**9), MaxPool(10**9)])
def test_a_window_of_any_size_is_judged(part: Part) -> None:
    assert len(lint(Input(32, 32, 3) >> part >> ReLU() >> GlobalAvgPool() >> Dense(2))) < 10


@pytest.mark.parametrize("code", sorted(own_rules()))
def test_a_page_says_why_and_what_else(code: str) -> None:
    rule = own_rules()[code]
    assert rule.code[0] in GROUPS
    assert rule.summary.endswith(".")
    assert rule.manual.startswith(rule.manual.split("\n")[0])
    assert re.search(r"\*\*(Why|Taste|Instead)\.\*\*", rule.manual)
    assert rule.on != rule.code.startswith("T") or code in ("C503", "C504")


def test_kinds_name_rules() -> None:
    codes = {code for codes in KINDS.values() for code in codes or ()}
    assert codes <= set(own_rules())


def pages() -> ModuleType:
    """The script that writes the pages of lint."""
    spec = importlib.util.spec_from_file_location("lint_pages", DOCS / "lint.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pages_are_those_of_the_rules() -> None:
    script = pages()
    assert script.RULES.read_text(encoding="utf-8") == script.rules_page(), "run python docs/lint.py"
    assert script.FINDINGS.read_text(encoding="utf-8") == script.findings_page(), "run python docs/lint.py"


def test_published_networks_have_one_finding_at_most_on_average() -> None:
    data = json.loads(pages().RESULTS.read_text(encoding="utf-8"))["findings"]
    graver = {name: [row for row in rows if row["severity"] != "info"] for name, rows in data.items()}
    assert len(graver) >= 50 and sum(map(len, graver.values())) <= len(graver)
    assert {code for rows in graver.values() for code in {row["code"] for row in rows}} == set(pages().DEFENCES)
    # What is written down of the zoo is what is found now; the others take minutes.
    for name in names():
        assert [each.message for each in lint(name)] == [row["message"] for row in graver[name]], (
            "run docs/lint.py --run"
        )
