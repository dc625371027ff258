"""Sizes and booleans are read by one rule."""

from __future__ import annotations

import pytest

from archlab.errors import UsageError
from archlab.experiments import input_shape
from archlab.parsing import read_bool, read_size
from archlab.sources import load
from archlab.training import recipe


def test_sizes() -> None:
    assert read_size("96x96x3", "--input") == (96, 96, 3)
    assert read_size(" 96 × 128 ", "--input") == (96, 128)
    assert read_size("?x?x3", "--input") == (None, None, 3)
    assert input_shape(96) == input_shape("96") == input_shape([96, 96]) == (96, 96)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("96", "--input 96: write sizes such as 96x96 or 96x96x3: a square of 96 pixels is 96x96"),
        ("big", "--input big: write sizes such as 96x96 or 96x96x3"),
        ("0", "--input 0: write sizes such as 96x96 or 96x96x3"),
        ("0x9", "--input 0x9: every size must be at least 1, as in 96x96x3"),
        ("-1x9", "--input -1x9: write sizes such as 96x96 or 96x96x3"),
    ],
)
def test_what_is_no_size(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_size(text, "--input")
    assert str(caught.value) == message


@pytest.mark.parametrize("asked", ["?x96", "1x2x3x4"])
def test_training_needs_a_height_and_a_width(asked: str) -> None:
    with pytest.raises(UsageError, match="training needs a height and a width"):
        input_shape(asked)


@pytest.mark.parametrize(("text", "value"), [("ON", True), ("yes", True), ("off", False), ("0", False)])
def test_booleans_are_the_same_everywhere(text: str, value: bool) -> None:
    assert read_bool(text) is value
    assert recipe("lecture").with_settings({"flip": text}).flip is value
    assert load(f"residual:augmentation={text}").graph.nodes == load(f"residual:augmentation={value}").graph.nodes
    assert read_bool("perhaps") is None
