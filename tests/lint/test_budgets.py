"""Limits: how they are read, what breaks them, what is named, and growth against a baseline."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from archlab import Conv, Dense, GlobalAvgPool, Input, compare
from archlab.errors import SourceError, UnknownNameError, UsageError
from archlab.lint.budgets import check_baseline, check_limits, limited, read_baseline, read_limit
from tests.report.test_render import MYSTERIOUS

(RESULT,) = compare("residual", static=True)


@pytest.mark.parametrize(
    ("option", "text", "number"),
    [
        ("max-params", "1M", 1e6),
        ("max-params", "1.5k", 1500),
        ("max-macs", "3e8", 3e8),
        ("max-memory", "64MiB", 64 * 2**20),
        ("max-memory", "64MB", 64e6),
        ("min-receptive-field", "100px", 100),
        ("max-depth", "50", 50),
    ],
)
def test_numbers(option: str, text: str, number: float) -> None:
    assert read_limit(option, text).number == number


@pytest.mark.parametrize("text", ["", "x", "-1", "3q", "1Mi B", "nan", "inf"])
def test_numbers_that_are_none(text: str) -> None:
    with pytest.raises(UsageError, match="expected a number"):
        read_limit("max-memory", text)


def test_names() -> None:
    with pytest.raises(UsageError, match="did you mean max-params"):
        read_limit("max-parms", "1")
    assert {"params", "macs", "receptive-field"} <= {quantity.option for quantity in limited()}


def test_what_breaks_a_limit() -> None:
    limits = [read_limit("max-params", "500k"), read_limit("min-receptive-field", "100"), read_limit("max-depth", "12")]
    broken, *kept = check_limits(RESULT, limits)
    assert not broken.kept and "44 % above the limit" in broken.message
    assert broken.layers[0].layer == "stage5/block1/separable_conv_2" and broken.layers[0].text == "266,752"
    assert all(each.kept for each in kept)


def test_a_lower_bound_keeps_no_limit_from_above() -> None:
    (result,) = compare(MYSTERIOUS, static=True)
    (found,) = check_limits(result, [read_limit("max-macs", "100G")])
    assert not found.kept and ("lower bound" in found.message or "not known" in found.message)


def test_growth_against_a_baseline(tmp_path: Path) -> None:
    path = tmp_path / "main.json"
    path.write_text(json.dumps(compare("residual", static=True).to_dict()))
    baseline = read_baseline(path)
    assert all(each.kept for each in check_baseline(RESULT, baseline, 0.0))
    (wider,) = compare("residual:width=40", static=True)
    found = {each.label: each for each in check_baseline(wider, baseline, 0.01)}
    assert found["MACs"].message.startswith("MACs +47.7 % against the baseline: 383 M → 566 M")
    assert all(each.kept for each in check_baseline(wider, baseline, 0.6))
    small = Input(8, 8, 3) >> Conv(4) >> GlobalAvgPool() >> Dense(2)
    (less,) = compare(small, static=True)
    assert all(each.kept for each in check_baseline(less, baseline, 0.0))
    with pytest.raises(UnknownNameError, match="the baseline has no 'baseline'"):
        check_baseline(compare("baseline", static=True)[0], {"a": {}, "b": {}}, 0.0)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"architectures": [3]}'])
def test_baselines_that_are_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "main.json"
    with pytest.raises(SourceError, match="no file"):
        read_baseline(path)
    path.write_text(text)
    with pytest.raises(SourceError, match=r"cannot be read|holds no comparison"):
        read_baseline(path)
