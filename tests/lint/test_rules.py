"""Every rule fires on what it should and spares what it should; its page and its codes are as the docs have them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from archlab.lint import GROUPS, own_rules
from archlab.testing import check_rule
from tests.lint.examples import EXAMPLES

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Keras's own use of NumPy
KINDS = json.loads((Path(__file__).parent / "kinds.json").read_text(encoding="utf-8"))
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
