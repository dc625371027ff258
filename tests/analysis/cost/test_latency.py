"""Predicted times, from a device whose rates are written here: nothing depends on the machine that runs the tests."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import archlab
from archlab import Add, BatchNorm, Conv, Dense, DepthwiseConv, Flatten, Input, Parallel, ReLU, SeparableConv
from archlab.analysis.cost import SHIPPED, Device, Rate, device
from archlab.analysis.cost._device import Whole, kinds
from archlab.analysis.cost._points import networks
from archlab.analysis.cost._work import FEATURES, Work, jobs
from archlab.analysis.measured.calibration import fitted, fitted_together
from archlab.errors import DesignError, SourceError, UnknownNameError, UsageError

# One microsecond to start an operation, one second for 10¹² MACs, nothing for data.
RATES = (1e-6, 1e-12, 0.0, 0.0, 0.0, 0.0, 0.0)
ARITHMETIC = Device(
    "arithmetic",
    calibrated=True,
    rates=tuple(Rate(kind, training, "float32", 1, RATES) for kind in kinds() for training in (False, True)),
)


def test_a_time_by_hand() -> None:
    net = Input(32, 32, 16) >> Conv(64, bias=True) >> ReLU() >> BatchNorm() >> Flatten() >> Dense(10)
    found = archlab.latency(net, 4, device=ARITHMETIC)
    macs = [4 * 32 * 32 * 9 * 16 * 64, 4 * 32 * 32 * 64 * 10]
    # The ReLU is part of the convolution, and flattening moves nothing: three operations start.
    assert found.inference == pytest.approx(3e-6 + sum(macs) * 1e-12)
    assert found["relu"].fused == "conv" and found["relu"].inference == 0
    assert found["conv"].bound == "compute" and found["batch_norm"].bound == "overhead"


def test_an_activation_is_fused_only_where_nobody_else_reads_and_a_bias_is_added() -> None:
    def fused(part: archlab.Part) -> list[str]:
        return [job.fused for job in jobs(part.to_graph(), False) if job.fused]

    entry = Input(8, 8, 4)
    assert fused(entry >> Conv(8, bias=True) >> ReLU()) == ["conv"]
    assert fused(entry >> Conv(8, bias=False) >> ReLU()) == []
    assert fused(entry >> Conv(8) >> BatchNorm() >> ReLU()) == []
    assert fused(entry >> Conv(8, bias=True) >> Parallel(ReLU(), ReLU(), merge=Add())) == []


def test_the_work_of_every_layer_is_what_is_counted() -> None:
    for name in ("baseline", "residual", "mobilenet_v2", "resnet50", "xception"):
        graph = archlab.load(name).graph
        counted = archlab.analyze(graph).compute.macs
        assert sum(work.macs for job in jobs(graph, False) for work in job.work) == counted


def test_a_separable_convolution_is_a_depthwise_and_a_pointwise_one() -> None:
    one = Input(16, 16, 8) >> SeparableConv(32, 3, bias=False)
    two = Input(16, 16, 8) >> DepthwiseConv(3, bias=False) >> Conv(32, 1, bias=False)
    works = [[work for job in jobs(net.to_graph(), False) for work in job.work] for net in (one, two)]
    assert [work._replace(flops=0) for work in works[0]] == [work._replace(flops=0) for work in works[1]]


def test_a_roofline_by_hand() -> None:
    # A T4 does 8.1 TFLOP/s and moves 320 GB/s: 25 FLOPs a byte make the ridge.
    found = archlab.latency(Input(56, 56, 256) >> Conv(256, bias=False), device="t4")
    macs = 56 * 56 * 9 * 256 * 256
    assert found.layers[1].bound == "compute"
    assert found.layers[1].inference == pytest.approx(8e-6 + 2 * macs / 8.1e12)
    moved = archlab.latency(Input(224, 224, 64) >> BatchNorm(), device="t4")
    assert moved.layers[1].bound == "memory"
    assert moved.layers[1].inference == pytest.approx(8e-6 + 4 * (2 * 224 * 224 * 64 + 4 * 64) / 320e9)


def test_stages_and_bounds_add_up() -> None:
    found = archlab.latency("residual", device="raspberry-pi-4")
    layers = found.inference - found.device.call
    assert sum(found.by("stage").values()) == pytest.approx(layers)
    assert sum(found.bounds.values()) == pytest.approx(layers)
    assert found.training_step > 2 * found.inference


def test_rates_are_found_again() -> None:
    rng = np.random.default_rng(0)
    rates = np.array([2e-5, 1e-11, 2e-11, 1e-10, 0, 5e-11, 1e-10])
    scale = np.array([1, 1e8, 1e6, 1e6, 1e6, 1e6, 1e5])
    features = rng.random((60, len(FEATURES))) * scale
    features[:, 0] = 1
    rows = [{"kind": "dense", "training": False, "features": list(x), "seconds": float(x @ rates)} for x in features]
    (found,) = fitted(rows, "float32", 1)
    assert np.array(found.seconds) == pytest.approx(rates, rel=1e-6, abs=1e-16)


def test_what_layers_take_more_in_networks_is_found_again() -> None:
    machine = replace(ARITHMETIC, wholes=())
    true = [Whole(training, "float32", 1, 1.3, 8e-6, 5e-11, 2e-11) for training in (False, True)]
    full = replace(machine, wholes=tuple(true))
    rows: list[dict[str, Any]] = []
    for number, part in enumerate(networks()):
        for batch in (1, 8):
            made = archlab.latency(part, batch, device=full)
            for training, seconds in ((False, made.inference), (True, made.training_step)):
                rows.append({"network": number, "batch": batch, "training": training, "seconds": seconds})
    found = fitted_together(machine, "float32", 1, rows)
    for ours, theirs in zip(found, true, strict=True):
        assert ours.training == theirs.training and ours.median_error == pytest.approx(0, abs=1e-3)
        for name in ("factor", "operation", "weight", "moved"):
            assert getattr(ours, name) == pytest.approx(getattr(theirs, name), rel=0.02), name


def test_a_layer_takes_what_it_takes_in_a_network() -> None:
    work = Work("convolution", 10**6, 10**5, 10**4, 10**3, 10**6)
    alone = sum(ARITHMETIC.seconds(work, 2, training=False, precision="float32", threads=1).values())
    device = replace(ARITHMETIC, wholes=(Whole(False, "float32", 1, 2.0, 1e-3, 1e-6, 1e-7),))
    found = device.seconds(work, 2, training=False, precision="float32", threads=1)
    assert sum(found.values()) == pytest.approx(2 * alone + 1e-3 + 1e-6 * 4 * 10**3 + 1e-7 * 8 * 10**4)
    # Of a training step nothing was measured.
    assert device.seconds(work, 2, training=True, precision="float32", threads=1) == ARITHMETIC.seconds(
        work, 2, training=True, precision="float32", threads=1
    )


def test_a_device_is_read_back(tmp_path: Path) -> None:
    ARITHMETIC.save(tmp_path / "device.json")
    assert device(tmp_path / "device.json") == ARITHMETIC
    found = archlab.latency("baseline", device=tmp_path / "device.json")
    assert found.inference == archlab.latency("baseline", device=ARITHMETIC).inference


def test_json_has_the_documented_keys() -> None:
    data = archlab.latency("baseline", 2, device="cpu").to_dict()
    assert data["batch"] == 2 and data["threads"] == 1
    assert set(data["inference_ms"]) >= {"predicted", "measured"} and data["inference_ms"]["measured"] is None
    assert set(data["layers"][0]) >= {"name", "predicted_ms", "bound"}
    json.dumps(data)


def test_what_makes_no_sense_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="no device 't5': did you mean t4"):
        archlab.latency("baseline", device="t5")
    with pytest.raises(UsageError, match="batch=0: at least 1"):
        archlab.latency("baseline", 0, device="cpu")
    with pytest.raises(UsageError, match="precision='int8'"):
        archlab.latency("baseline", precision="int8", device="cpu")
    with pytest.raises(UsageError, match="arithmetic was calibrated in float32 only"):
        archlab.latency("baseline", precision="bfloat16", device=ARITHMETIC)
    with pytest.raises(DesignError, match="known input size"):
        archlab.latency(Input(None, None, 3) >> Conv(8), device="cpu")
    broken = tmp_path / "broken.json"
    Device("nothing").save(broken)
    with pytest.raises(SourceError, match="needs a peak and a bandwidth above 0"):
        archlab.latency("baseline", device=broken)


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_shipped_devices_name_their_source(name: str) -> None:
    assert SHIPPED[name].source and not SHIPPED[name].calibrated
    assert archlab.latency("residual", device=name).inference > 0


@pytest.mark.slow
def test_it_measures() -> None:
    found = archlab.latency(Input(32, 32, 3) >> Conv(8) >> Flatten() >> Dense(2), device=ARITHMETIC, measure=True)
    for timing in (found.measured_inference, found.measured_training_step):
        assert timing is not None and 0 < timing.low <= timing.median <= timing.high and timing.runs >= 4
