"""Gradient flow as plain data, out and in: what a file holds, and what is made of one that holds something else."""

from __future__ import annotations

import json
from math import isnan, nan
from pathlib import Path
from typing import Any

import pytest

from archlab import GradientFlow, read_run
from archlab.analysis._flow import BlockFlow, LayerFlow, WeightFlow
from archlab.analysis._trend import trend
from archlab.errors import SourceError


def flow(losses: tuple[float, ...] = (0.5,), name: str = "ours") -> GradientFlow:
    weight = WeightFlow("kernel", 0.1, 2.0)
    layers = tuple(
        LayerFlow(f"conv{depth}", depth, True, True, 0.1, 10.0**depth, 0.1, 2.0, 0.05, None, (0.1, 0.2), (weight,))
        for depth in (1, 2, 3)
    )
    block = BlockFlow("block1", 1, ("conv1",), 0.1, 10.0, 0.1, 2.0, 0.05, None, None, 1.0, 0.0, (0.5, 1.5))
    fitted = trend([1, 2, 3], [1, 1, 1], [[layer.activation_gradient_rms for layer in layers]])
    return GradientFlow("given", "mse", 8, "float32", (0,), losses, layers, fitted, ("conv3",), (block,), name=name)


def test_there_and_back() -> None:
    found = flow()
    data = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert GradientFlow.from_dict(data) == found
    assert (found.slope, found.verdict, found.curve) == (1.0, "stable", found.layers)
    assert list(data)[:3] == ["name", "data", "loss"] and data["slope"] == 1.0 and "trend" not in data


def test_files_of_other_versions_are_read() -> None:
    data = flow().to_dict() | {"later": 1}
    del data["blocks"]
    found = GradientFlow.from_dict(data)
    assert found.blocks == () and found.layers == flow().layers


def test_a_loss_that_is_no_number_is_none_in_a_file_and_nan_again() -> None:
    data = flow((0.5, nan)).to_dict()
    assert data["losses"] == [0.5, None]
    assert isnan(GradientFlow.from_dict(data).losses[1])


@pytest.mark.parametrize(
    "data",
    [
        {},
        {**flow().to_dict(), "losses": []},
        {"layers": [1], "losses": []},
        {"layers": "conv", "losses": []},
        {"losses": 3},
    ],
)
def test_what_is_no_gradient_flow_says_so(tmp_path: Path, data: dict[str, Any]) -> None:
    (tmp_path / "flow.json").write_text(json.dumps(data))
    with pytest.raises(SourceError, match=r"flow.json holds no gradient flow"):
        GradientFlow.load(tmp_path / "flow.json")
    (tmp_path / "run.jsonl").write_text(json.dumps({"step": 0, "epoch": 0, **data}))
    with pytest.raises(SourceError, match=r"run.jsonl:1: this is no record of gradient flow"):
        read_run(tmp_path / "run.jsonl")


def test_curves_of_one_name_are_drawn_apart() -> None:
    chart: Any = flow().plot(flow(), flow(name=""), flow(name="theirs")).to_dict()
    assert chart["layer"][0]["encoding"]["color"]["scale"]["domain"] == ["ours", "ours (2)", "net", "theirs"]
