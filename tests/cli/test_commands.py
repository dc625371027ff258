"""What the commands say: goldens with invariants, JSON by its schema, every format with the same numbers."""

from __future__ import annotations

import csv
import io
import json
import platform
import re
from importlib.metadata import version
from pathlib import Path

import pytest

from archlab import compare, load
from archlab.bridge import load_keras
from archlab.zoo import entries
from tests.goldens import golden

PAGE = "<!doctype html>"
LAYER_FIELDS = {"name", "depth", "weight_gradient_norm", "activation_gradient_rms", "weight_norm", "ratio"}


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("compare.txt", ["compare", "baseline", "residual", "--static"]),
        ("compare.md", ["compare", "baseline", "residual", "--static", "--format", "markdown"]),
        ("compare.csv", ["compare", "baseline", "residual", "--static", "--format", "csv"]),
        ("compare.json", ["compare", "baseline", "residual", "--static", "--format", "json"]),
        ("show-stages.txt", ["show", "residual", "--by", "stage"]),
        ("show-layers.csv", ["show", "baseline", "--format", "csv"]),
        ("unsized.txt", ["compare", "residual", "--static", "--input", "?x?"]),
    ],
)
def test_goldens(archlab, name: str, arguments: list[str]) -> None:
    code, out, err = archlab(*arguments)
    assert (code, err) == (0, "")
    golden(name, out)


def test_columns_of_the_layers_add_up_to_the_totals(archlab) -> None:
    rows = list(csv.DictReader(io.StringIO(archlab("show", "residual", "--format", "csv").out)))
    analysis = compare("residual", static=True)[0].analysis
    assert sum(int(row["params"]) for row in rows) == analysis.params.total
    assert sum(int(row["macs"] or 0) for row in rows) == analysis.compute.macs
    assert sum(int(row["flops"] or 0) for row in rows) == analysis.compute.flops
    assert sum(int(row["kept_bytes"]) for row in rows) == analysis.memory.saved_activations
    assert max(int(row["live_bytes"]) for row in rows) == analysis.memory.peak_inference


def check_architecture(data: dict, measured: bool) -> None:
    """The schema that later versions only add to."""
    assert {"name", "reference", "input", "depth", "params", "macs", "flops", "memory", "receptive_field", "unknown",
            "gradient_flow"} <= set(data)  # fmt: skip
    assert {"total", "trainable", "non_trainable", "bytes"} <= set(data["params"])
    assert {"weights", "saved_activations", "peak_inference"} <= set(data["memory"])
    assert {"size", "stride", "start", "coverage", "misaligned"} <= set(data["receptive_field"])
    if not measured:
        assert data["gradient_flow"] is None
        return
    flow = data["gradient_flow"]
    assert {"data", "seeds", "layers", "slope", "verdict"} <= set(flow)
    assert all(set(layer) >= LAYER_FIELDS for layer in flow["layers"])


def test_json_of_a_static_comparison(archlab) -> None:
    data = json.loads(archlab("compare", "baseline", "residual", "--static", "--format", "json").out)
    assert data["schema"] == 2
    first, second = data["architectures"]
    for architecture in (first, second):
        check_architecture(architecture, measured=False)
    assert (first["input"], first["depth"], first["params"]["total"], first["macs"]) == (
        [180, 180, 3],
        6,
        991_041,
        415_288_960,
    )
    assert second["params"] == {"total": 721_857, "trainable": 718_849, "non_trainable": 3_008, "bytes": 4 * 721_857}
    field = second["receptive_field"]
    assert (field["size"], field["stride"], field["start"]) == ([191, 191], [32, 32], [-78, -78])
    assert [merge["name"] for merge in field["misaligned"]] == [f"stage{n}/block1/add" for n in (1, 2, 3, 4)]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Keras's own use of NumPy
def test_a_measured_comparison_in_every_format(archlab, tmp_path: Path) -> None:
    output = tmp_path / "comparison.json"
    arguments = ["compare", "baseline", "residual", "--input", "96x96", "--seeds", "2"]
    code, out, err = archlab(*arguments, "--output", output)
    assert (code, out, err) == (0, "", f"written to {output}\n")
    data = json.loads(output.read_text())
    for architecture in data["architectures"]:
        check_architecture(architecture, measured=True)
        assert architecture["gradient_flow"]["seeds"] == [0, 1]
    code, out, err = archlab(*arguments)
    assert (code, err) == (0, "")
    assert "Activation gradient by depth" in out and "Kernel gradient by depth" in out and "▁" in out
    slopes = [f"{a['gradient_flow']['slope']:+.2f}".replace("-", "−") for a in data["architectures"]]
    assert all(slope in out for slope in slopes)
    code, out, err = archlab(*arguments, "--format", "markdown", "--sort", "slope")
    assert code == 0 and "```text" in out and out.index("residual") < out.index("baseline")
    rows = list(csv.DictReader(io.StringIO(archlab(*arguments, "--format", "csv").out)))
    assert [row["gradient_flow.verdict"] for row in rows] == ["stable", "stable"]


@pytest.mark.slow
def test_standard_output_holds_the_json_and_nothing_else(process) -> None:
    code, out, err = process("compare", "baseline", "--input", "64x64x3", "--input", "96x96", "--format", "json")
    assert code == 0
    check_architecture(json.loads(out)["architectures"][0], measured=True)
    # Nor a word of TensorFlow's on the other side.
    assert err == ""


def test_sorting(archlab) -> None:
    names = ["vgg16", "residual", "mobilenet_v2"]
    data = json.loads(archlab("compare", *names, "--static", "--sort", "params", "--format", "json").out)
    assert [a["name"] for a in data["architectures"]] == ["residual", "mobilenet_v2", "vgg16"]
    data = json.loads(archlab("compare", *names, "--static", "--sort", "depth", "--format", "json").out)
    assert [a["depth"] for a in data["architectures"]] == [12, 16, 53]


def test_failing_on_findings(archlab) -> None:
    assert archlab("compare", "residual", "--static", "--fail-on", "misaligned").code == 1
    assert archlab("compare", "baseline", "--static", "--fail-on", "misaligned,unknown").code == 0


def test_the_format_follows_the_suffix(archlab, tmp_path: Path) -> None:
    for suffix, start in ((".json", "{"), (".md", "|"), (".csv", "name,"), (".txt", "    "), (".html", PAGE)):
        output = tmp_path / f"comparison{suffix}"
        assert archlab("compare", "baseline", "--static", "--output", output).code == 0
        assert output.read_text(encoding="utf-8").startswith(start)
        assert output.stat().st_mode & 0o044


@pytest.mark.parametrize(
    "arguments",
    [
        ["list"],
        ["show", "residual"],
        ["show", "residual", "--by", "stage"],
        ["compare", "baseline", "residual", "--static"],
        ["gradients", "baseline", "--seeds", "1"],
        ["data", "show", "shapes:train=4,validation=2,test=2,size=16"],
    ],
    ids=" ".join,
)
def test_every_report_is_a_page_when_asked_for_one(archlab, tmp_path: Path, arguments: list[str]) -> None:
    output = tmp_path / "report.html"
    assert archlab(*arguments, "--output", output).err.endswith(f"written to {output}\n")
    page = output.read_text(encoding="utf-8")
    assert page.startswith(PAGE) and page.count("<table") > 0
    assert "://" not in page.replace("http://www.w3.org/2000/svg", "")
    words = " ".join(arguments)
    assert f"<dd>archlab {words} --output {output}</dd>" in page
    assert archlab(*arguments, "--format", "html").out.startswith(PAGE)


def test_a_page_says_what_it_was_made_with(archlab, tmp_path: Path) -> None:
    page = archlab("compare", "baseline", "--static", "--input", "96x96", "--format", "html").out
    origin = dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", page))
    assert origin["command"] == "archlab compare baseline --static --input 96x96 --format html"
    assert origin["input"] == "96 × 96"
    assert origin["archlab"] == version("archlab") and origin["python"].startswith(platform.python_version())
    measured = dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", archlab("compare", "baseline", "-f", "html").out))
    assert measured["seeds"] == "0, 1, 2" and "8 samples" in measured["gradients measured on"]
    assert measured["tensorflow"] == version("tensorflow") and measured["keras"] == version("keras")


def test_list_names_every_architecture(archlab) -> None:
    data = json.loads(archlab("list", "--format", "json").out)
    assert [entry["name"] for entry in data["architectures"]] == list(entries())
    assert all(entry["params"] > 0 and entry["paper"] for entry in data["architectures"])


def test_the_same_comparison_in_python() -> None:
    found = compare("baseline", load("residual"), static=True)
    assert len(found) == 2
    assert found["residual"].analysis.params.total == 721_857
    assert "721,857" in str(found)
    twice = compare("baseline", "baseline", static=True)
    assert [result.name for result in twice] == ["baseline", "baseline (2)"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Keras's own use of NumPy
def test_a_saved_model_with_a_lambda_needs_leave(archlab, tmp_path: Path) -> None:
    _, keras = load_keras()  # not imported by its name: TensorFlow's remarks would be taken for the command's
    x = keras.Input((6, 8), name="x")
    y = keras.layers.Lambda(lambda t: t * 2, name="twice")(x)
    keras.Model(x, keras.layers.Dense(2)(y)).save(tmp_path / "net.keras")
    for command in (["show"], ["compare", "--static", "baseline"], ["gradients", "--loss", "mse"]):
        code, out, err = archlab(*command, tmp_path / "net.keras")
        assert (code, out) == (2, "")
        assert err.startswith(f"archlab: {tmp_path / 'net.keras'}: the layer 'twice' is a lambda, whose code would run")
        code, out, err = archlab(*command, tmp_path / "net.keras", "--allow-lambda")
        assert (code, err) == (0, "")
        assert command[0] != "show" or "twice/multiply" in out
