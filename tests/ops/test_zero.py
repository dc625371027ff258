"""Zeros: what does not depend on the input, in every analysis and on the real model."""

from __future__ import annotations

import pytest

from archlab import (
    Add,
    BatchNorm,
    Conv,
    Dense,
    GlobalAvgPool,
    Identity,
    Input,
    Parallel,
    ReLU,
    Rescaling,
    Residual,
    Zero,
    analyze,
    forecast,
    gradient_flow,
    load,
    path_lengths,
    predict_gradient_flow,
    to_keras,
)
from archlab.testing import check_op

HEAD = GlobalAvgPool() >> Dense(3, activation="softmax")
STEM = Input(12, 12, 3) >> Conv(8)


def test_it_is_what_it_says() -> None:
    check_op(Zero())
    check_op(Zero(), input=(7,))
    assert Zero().constant and not Identity().constant


def test_it_costs_nothing_and_has_no_weights() -> None:
    found, without = analyze(STEM >> Zero() >> HEAD), analyze(STEM >> HEAD)
    assert found.params.total == without.params.total
    assert (found.compute.macs, found.compute.flops) == (without.compute.macs, without.compute.flops)


def test_nothing_of_the_image_is_seen_through_it() -> None:
    rows = {row.name: row for row in analyze(STEM >> Zero() >> Conv(8) >> HEAD).receptive_field.layers}
    assert rows["conv"].size == (3, 3)
    for name in ("zero", "conv_2", "global_avg_pool", "dense"):
        assert rows[name].size is None and not rows[name].whole
    field = analyze(STEM >> Parallel(Conv(8, kernel=5), Zero() >> Conv(8, kernel=9), merge=Add())).receptive_field
    assert field.last is not None and field.last.size == (7, 7)
    assert not field.misaligned and not field.gates
    assert field.pixels("add", (0, 0)) == ((0, 3), (0, 3))


def test_no_path_leads_through_it() -> None:
    block = Residual(Conv(8) >> Zero())
    assert path_lengths(STEM >> block >> block >> HEAD, "layers").counts == ((2, 1),)
    assert path_lengths(STEM >> Zero() >> HEAD).total == 0
    cut = Residual(Zero(), shortcut=Conv(8))
    assert path_lengths(STEM >> cut >> HEAD, "layers").counts == ((3, 1),)


def test_a_network_whose_output_is_cut_off_fails() -> None:
    found = forecast(STEM >> Zero() >> Conv(8) >> BatchNorm() >> ReLU() >> HEAD)
    assert (found.sgd.outcome, found.adam.outcome) == ("fails", "fails")
    assert "No path leads from the input to the output" in found.causes[0].sentence
    assert forecast(STEM >> Residual(Zero()) >> HEAD).causes == forecast(STEM >> HEAD).causes


def test_no_error_goes_back_as_predicted_and_as_measured() -> None:
    net = STEM >> Residual(ReLU() >> Conv(8) >> BatchNorm() >> Zero()) >> HEAD
    predicted = {layer.name: layer for layer in predict_gradient_flow(net).layers}
    measured = {layer.name: layer for layer in gradient_flow(net, seeds=1).layers}
    assert predicted["block1/conv"].activation_gradient_rms in (None, 0.0)
    assert measured["block1/conv"].activation_gradient_rms == 0.0
    for name in ("conv", "dense"):
        ours, theirs = predicted[name].activation_gradient_rms, measured[name].activation_gradient_rms
        assert ours is not None and theirs is not None and 0.5 < ours / theirs < 2


@pytest.mark.parametrize("behind", [ReLU(), BatchNorm(), Conv(8) >> BatchNorm() >> ReLU()], ids=repr)
def test_layers_of_zeros_have_numbers(behind: Conv) -> None:
    net = STEM >> Parallel(Zero() >> behind, Conv(8), merge=Add()) >> HEAD
    for layer in predict_gradient_flow(net).layers:
        assert layer.activation_gradient_rms is None or layer.activation_gradient_rms >= 0
    assert predict_gradient_flow(net).slope is not None


def test_a_model_that_multiplies_by_zero_is_read_as_it() -> None:
    assert [type(node.op) for node in load(to_keras(STEM >> Zero())).graph][-1] is Zero
    assert load(to_keras(STEM >> Rescaling(0.0, 1.0))).graph.nodes[-1].op == Rescaling(0.0, 1.0)
