"""Mending: what is found is found no more, nothing else changes, and done again there is nothing left to do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archlab import BatchNorm, Conv, Dense, Dropout, Flatten, GlobalAvgPool, Input, MaxPool, Part, ReLU, Softmax, diff
from archlab.lint import Edits, Fixed, fix, lint, mended_graph, mended_tree
from tests.strategies import architectures

NET = Input(32, 32, 3) >> (Conv(16, bias=True) >> BatchNorm() >> ReLU() >> ReLU()) * 2 >> GlobalAvgPool() >> Dense(4)


def test_a_repeated_block_is_mended_once() -> None:
    found = fix(NET)
    unit = Conv(16, bias=False) >> BatchNorm() >> ReLU()
    assert found.tree == Input(32, 32, 3) >> unit * 2 >> GlobalAvgPool() >> Dense(4)
    assert {each.code for each in found.mended} == {"A302", "A303"} and not found.left
    assert not lint(found.tree)


def test_the_same_part_in_two_places_is_told_apart() -> None:
    relu = ReLU()
    tree = Input(8, 8, 3) >> Conv(4) >> relu >> relu >> GlobalAvgPool() >> Dense(2)
    assert fix(tree).tree == Input(8, 8, 3) >> Conv(4) >> ReLU() >> GlobalAvgPool() >> Dense(2)


def test_what_some_repetitions_are_to_keep_is_left() -> None:
    # Only the last repetition is to change, and they are one part.
    tree = Input(8, 8, 3) >> (Conv(4) >> ReLU()) * 2
    assert mended_tree(tree, Edits({"conv_2": Conv(4, activation="relu")})) is None


def test_only_named_layers_change() -> None:
    before = NET.to_graph()
    after = mended_graph(
        before, Edits({"conv": Conv(16, bias=False), "relu_2": None}, {"global_avg_pool": Dropout(0.5)})
    )
    found = diff(before, after)
    changed = {row.name for row in found if row.mark != "kept"}
    assert changed == {"conv", "relu_2", "global_avg_pool_dropout"}


def test_a_keras_model_is_mended_as_a_graph() -> None:
    import keras

    layers = [keras.layers.Conv2D(8, 3, name="conv"), keras.layers.BatchNormalization(), keras.layers.Flatten(),
              keras.layers.Dense(1, "softmax", name="head")]  # fmt: skip
    model = keras.Sequential([keras.Input((16, 16, 3)), *layers])
    found = fix(model)
    assert found.tree is None and found.after["head"].op.activation == "sigmoid" and not found.after["conv"].op.bias
    assert any(line.startswith("head: Dense") for line in found.lines)


def test_a_change_that_would_bring_another_finding_is_not_made() -> None:
    # With global pooling in place of Flatten, nothing nonlinear stands between the convolution and the dense layers.
    tree = Input(64, 64, 3) >> Conv(64, activation="relu") >> Flatten() >> Dense(256, activation="relu") >> Dense(2)
    found = fix(tree)
    assert {each.code for each in found.left} <= {each.code for each in lint(tree)}


def test_an_error_may_leave_a_warning_that_is_mended_next() -> None:
    found = fix(Input(8) >> Dense(1, activation="softmax"), loss="mse")
    assert [each.code for each in found.mended] == ["H101", "H105"] and found.tree == Input(8) >> Dense(1)


@st.composite
def faulty(draw: st.DrawFn) -> Part:
    """A random architecture with faults put in."""
    net = draw(architectures(4))
    shape = net.to_graph().nodes[-1].shape
    if len(shape) < 2:
        return net >> Dense(3, activation="softmax") >> Softmax()
    return draw(st.sampled_from([
        net >> Dropout(0.8) >> GlobalAvgPool() >> Dense(2),
        net >> ReLU() >> ReLU() >> GlobalAvgPool() >> Dense(2),
        net >> Dropout(0.2) >> BatchNorm() >> GlobalAvgPool() >> Dense(1, activation="softmax"),
        net >> ReLU() >> MaxPool(1) >> Flatten() >> Dense(4) >> Dense(2),
    ]))  # fmt: skip


@given(faulty())
def test_mending_is_idempotent_and_brings_nothing(net: Part) -> None:
    before = lint(net)
    once = fix(net)
    counts = {code: sum(each.code == code for each in once.left) for code in {each.code for each in once.left}}
    assert all(count <= sum(each.code == code for each in before) for code, count in counts.items())
    assert once.tree is not None
    again: Fixed = fix(once.tree)
    assert not again.changed and again.tree == once.tree


@pytest.mark.parametrize("name", ["vgg16", "resnet50", "resnet101"])
def test_the_zoo_is_mended_whole(name: str) -> None:
    found = fix(name)
    assert found.mended and not found.left and found.tree is not None
    assert not lint(found.tree)
