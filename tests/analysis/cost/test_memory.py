"""The memory of a training step: against counts by hand, against invariants, and against real processes."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import archlab
from archlab import BatchNorm, Conv, Dense, Flatten, Input, ReLU, TrainingMemory
from archlab.analysis.cost import OPTIMIZERS
from archlab.errors import DesignError, UsageError

KIB = 1024


def chain() -> archlab.Part:
    return Input(64, 64, 8) >> Conv(16, bias=False) >> ReLU() >> Conv(16, bias=False) >> Flatten() >> Dense(1)


def test_a_chain_by_hand() -> None:
    # A map of 64 × 64 × 16 has 256 KiB in float32; the image has half of it.
    found = archlab.memory(chain(), batch=1, optimizer="sgd")
    weights = 4 * (9 * 8 * 16 + 9 * 16 * 16 + 64 * 64 * 16 + 1)
    dense = 4 * 64 * 64 * 16
    # The dense layer's gradient and its new weight stand beside both maps: that of the ReLU took the convolution's.
    assert found.parts["weights"] == weights
    assert found.parts["input"] == 128 * KIB
    assert found.parts["saved activations"] == 2 * 256 * KIB
    assert found.parts["weight gradients"] == 2 * dense
    assert (found.peak_at.phase, found.peak_at.layer) == ("backward", "dense")


def test_slots_are_those_of_the_optimizer() -> None:
    trainable = archlab.analyze("residual").params.trainable
    for name, slots in {"sgd": 0, "momentum": 1, "rmsprop": 1, "adam": 2, "adamw": 2}.items():
        assert archlab.memory("residual", 4, name).parts.get("optimizer slots", 0) == 4 * slots * trainable


@pytest.mark.parametrize("reference", ["baseline", "residual", "mobilenet_v2", "nas201"])
@pytest.mark.parametrize("optimizer", sorted(OPTIMIZERS))
def test_parts_add_up_to_the_peak(reference: str, optimizer: str) -> None:
    for precision in ("float32", "bfloat16"):
        found = archlab.memory(reference, 8, optimizer, precision)
        assert sum(found.parts.values()) == found.peak
        assert found.peak == max(moment.resident for moment in found.timeline)
        assert all(moment.bytes <= moment.resident for moment in found.timeline)


def test_no_less_than_weights_slots_and_what_is_saved() -> None:
    counted = archlab.analyze("residual")
    found = archlab.memory("residual", 16, "adam")
    assert counted.memory.saved_activations is not None
    assert found.peak > counted.memory.weights + 16 * counted.memory.saved_activations


@pytest.mark.parametrize("reference", ["baseline", "residual", "mobilenet_v1"])
@pytest.mark.parametrize("limit", [2**28, 2**31, 10**10])
def test_the_largest_batch_fits_and_the_next_does_not(reference: str, limit: int) -> None:
    found = archlab.memory(reference, optimizer="adam")
    batch = found.largest_batch(limit)
    assert archlab.memory(reference, batch, "adam").peak <= limit
    assert archlab.memory(reference, batch + 1, "adam").peak > limit


def test_nothing_fits_where_the_weights_do_not() -> None:
    assert archlab.memory("vgg16").largest_batch(2**20) == 0


def test_recomputation_keeps_what_enters_the_blocks() -> None:
    deep = archlab.load("residual:depth=50")
    plain, again = (archlab.memory(deep, 16, recompute=each) for each in (False, True))
    assert again.peak < plain.peak
    assert any(moment.phase == "recompute" for moment in again.timeline)
    assert {moment.layer for moment in again.timeline if moment.phase == "forward"} == {
        moment.layer for moment in plain.timeline if moment.phase == "forward"
    }


def test_half_precision_keeps_normalization_in_float32() -> None:
    # Keras normalizes in float32: a map before it costs what it costs in float32, one before a convolution the half.
    net = Input(64, 64, 32) >> Conv(32) >> BatchNorm() >> ReLU() >> Conv(32) >> Flatten() >> Dense(16)
    whole = 4 * 64 * 64 * 32
    parts = [archlab.memory(net, 4, "sgd", precision).parts for precision in ("float32", "bfloat16")]
    assert [each["saved activations"] // 4 for each in parts] == [3 * whole, 2 * whole]


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(UsageError, match="did you mean adam or adamw"):
        archlab.memory("residual", optimizer="adan")
    with pytest.raises(UsageError, match="precision='float23': did you mean float32"):
        archlab.memory("residual", precision="float23")
    with pytest.raises(UsageError, match="batch=0: at least 1 is needed"):
        archlab.memory("residual", 0)
    with pytest.raises(UsageError, match="bytes above 0"):
        archlab.memory("residual").largest_batch(0)
    with pytest.raises(DesignError, match="known input size"):
        archlab.memory(Input(None, None, 3) >> Conv(8) >> ReLU())


def test_it_shows_itself() -> None:
    found = archlab.memory("baseline", 8)
    assert isinstance(found, TrainingMemory)
    assert str(found).startswith("Memory of a training step (batch 8, adamw, float32)")
    assert found.to_dict()["peak"] == found.peak


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float32", pytest.param("bfloat16", marks=pytest.mark.exhaustive)])
def test_against_the_high_water_mark_of_a_process(precision: str) -> None:
    command = [sys.executable, "-m", "tests.benchmarks.memory", "--child", "mobilenet_v1", "128", "16", precision]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    measured = json.loads(out.splitlines()[-1])["bytes"]
    predicted = archlab.memory(archlab.load("mobilenet_v1", (128, 128, 3)), 16, "adamw", precision).peak
    # Two runs of one case differ by up to a tenth.
    assert 0.8 * measured < predicted < 1.25 * measured
