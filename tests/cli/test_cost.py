"""memory, latency, ablate, fit and scale at the command line; a device by name, so that no machine matters."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from archlab_cli.main import run

import archlab

SMALL = "residual:depth=6,width=8"


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(list(arguments)) == 0
    return capsys.readouterr().out


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(list(arguments)) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    return error


def test_memory(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = printed(capsys, "memory", SMALL, "--batch", "4", "--fit", "1GiB", "--format", "json")
    found = json.loads(out)["architectures"][0]["memory"]
    expected = archlab.memory(SMALL, 4)
    assert found["peak"] == expected.peak and found["largest_batch"] == expected.largest_batch(2**30)
    chart = tmp_path / "memory.svg"
    text = printed(capsys, "memory", SMALL, "--timeline", "--plot", str(chart))
    assert "most live bytes by stage" in text and chart.read_text().startswith("<svg")


def test_latency(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    chart = tmp_path / "roofline.svg"
    out = printed(capsys, "latency", SMALL, "--device", "t4", "--format", "json", "--plot", str(chart))
    found = json.loads(out)["architectures"][0]["latency"]
    expected = archlab.latency(SMALL, device="t4")
    assert found["inference_ms"]["predicted"] == pytest.approx(1000 * expected.inference)
    assert chart.read_text().startswith("<svg")
    for by in ("stage", "block", "layer"):
        assert f"by {by}" in printed(capsys, "latency", SMALL, "--device", "cpu", "--by", by)


def test_ablate(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    chart = tmp_path / "contributions.svg"
    out = printed(capsys, "ablate", SMALL, "--device", "cpu", "--format", "json", "--plot", str(chart))
    found = json.loads(out)["ablation"]
    values = {tuple(each["removed"]): each["params"] for each in found["variants"] if each["removed"] is not None}
    whole = values[()] - values[tuple(found["patterns"])]
    assert sum(found["contributions"]["params"].values()) == pytest.approx(whole)
    assert chart.read_text().startswith("<svg")


def test_fit_and_scale(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = printed(
        capsys, "fit", SMALL, "--max-params", "20k", "--vary", "widths", "--device", "cpu", "--no-check",
        "--format", "json", "--save", str(tmp_path),
    )  # fmt: skip
    front = json.loads(out)["fit"]["front"]
    saved = [archlab.analyze(str(path)).params.total for path in sorted(tmp_path.glob("*.yaml"))]
    assert saved == [each["params"] for each in front] and max(saved) <= 20_000
    assert "scaled" in printed(capsys, "scale", SMALL, "--macs", "2x")


def test_one_line_says_what_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    assert "--fit 8G: write bytes" in refused(capsys, "memory", SMALL, "--fit", "8G")
    assert "did you mean adam or adamw" in refused(capsys, "memory", SMALL, "--optimizer", "adan")
    assert "did you mean t4" in refused(capsys, "latency", SMALL, "--device", "t5")
    assert "did you mean stage" in refused(capsys, "latency", SMALL, "--device", "t4", "--by", "stag")
    assert "--max-time 5: write a time" in refused(capsys, "fit", SMALL, "--max-time", "5")
    assert "none of" in refused(capsys, "fit", SMALL, "--max-params", "5", "--vary", "widths", "--device", "cpu")
    assert "--macs two: expected a factor" in refused(capsys, "scale", SMALL, "--macs", "two")
    assert "give it the suffix .json" in refused(capsys, "calibrate", "--export", "device.yaml")
