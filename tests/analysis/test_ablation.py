"""Ablation: variants against architectures that are written without the pattern, and contributions that add up."""

from __future__ import annotations

import pytest

import archlab
from archlab import BatchNorm, Block, Conv, Dense, GlobalAvgPool, Input, MaxPool, Pyramid, ReLU, Residual
from archlab.analysis.ablation import MEASURES, halved, one_block_fewer, without_stages
from archlab.errors import UsageError


@pytest.fixture(scope="module")
def lecture() -> archlab.Ablation:
    return archlab.ablate("residual", device="cpu", per_stage=True)


def test_variants_are_the_architectures_written_without(lecture: archlab.Ablation) -> None:
    by_name = {each.name: each.values for each in lecture.variants}
    written = {
        "without residual connections": "plain",
        "without separable convolutions": "residual:conv=ordinary",
        "without residual connections and separable convolutions": "plain:conv=ordinary",
        "half the width": "residual:width=16",
    }
    for name, reference in written.items():
        counted = archlab.analyze(reference)
        assert by_name[name]["params"] == counted.params.total
        assert by_name[name]["macs"] == counted.compute.macs
        assert by_name[name]["saved_activations"] == counted.memory.saved_activations


def test_contributions_add_up(lecture: archlab.Ablation) -> None:
    assert set(lecture.contributions) == set(MEASURES)
    for measure, parts in lecture.contributions.items():
        whole = lecture.difference(measure)
        assert sum(parts.values()) == pytest.approx(whole, rel=1e-9, abs=1e-9)


def test_two_patterns_by_hand() -> None:
    net = Input(16, 16, 8) >> Block(Residual(Conv(8) >> BatchNorm() >> ReLU())) >> GlobalAvgPool() >> Dense(2)
    found = archlab.ablate(net, device="cpu")
    assert found.patterns == ("residual connections", "normalization")
    values = {each.removed: each.values["flops"] for each in found.variants if each.removed is not None}
    a, b = found.patterns
    full, no_a, no_b, bare = (values[each] or 0 for each in ((), (a,), (b,), (a, b)))
    assert found.contributions["flops"][a] == pytest.approx(((full - no_a) + (no_b - bare)) / 2)
    assert found.contributions["flops"][b] == pytest.approx(((full - no_b) + (no_a - bare)) / 2)


def test_a_pattern_that_changes_nothing_contributes_nothing(lecture: archlab.Ablation) -> None:
    assert lecture.contributions["macs"]["normalization"] == 0


def test_transforms() -> None:
    net = Input(32, 32, 3) >> Pyramid(Conv() >> MaxPool(), widths=(8, 16), repeats=(1, 2)) >> Dense(10)
    assert halved(net) == Input(32, 32, 3) >> Pyramid(Conv() >> MaxPool(), widths=(4, 8), repeats=(1, 2)) >> Dense(10)
    fewer = one_block_fewer(net)
    assert fewer == Input(32, 32, 3) >> Pyramid(Conv() >> MaxPool(), widths=(8, 16), repeats=(1, 1)) >> Dense(10)
    assert one_block_fewer(Input(8, 8, 3) >> Conv(4)) is None
    left = dict(without_stages(net))
    assert list(left) == ["stage1", "stage2"]
    assert left["stage1"] == Input(32, 32, 3) >> Pyramid(Conv() >> MaxPool(), widths=(16,), repeats=(2,)) >> Dense(10)


def test_blocks_of_a_graph_are_bypassed() -> None:
    block = Block(Conv(8) >> ReLU())
    net = Input(16, 16, 8) >> block >> block >> GlobalAvgPool() >> Dense(2)
    found = archlab.ablate(net.to_graph("net"), device="cpu")
    names = [each.name for each in found.variants[1:]]
    assert names == ["without block1", "without block2"]
    once = archlab.analyze(Input(16, 16, 8) >> block >> GlobalAvgPool() >> Dense(2))
    assert all(each.values["params"] == once.params.total for each in found.variants[1:])
    assert found.contributions == {}


def test_nothing_to_take_away_is_said() -> None:
    with pytest.raises(UsageError, match="nothing to take away"):
        archlab.ablate((Input(8, 8, 3) >> Conv(4)).to_graph("net"), device="cpu")


@pytest.mark.slow
def test_measured_gradients() -> None:
    net = Input(16, 16, 3) >> Block(Residual(Conv(8) >> BatchNorm() >> ReLU())) >> GlobalAvgPool() >> Dense(2)
    found = archlab.ablate(net, device="cpu", measured=True)
    assert all(each.measured is not None for each in found.variants)
