"""Every static command on an ONNX file, without TensorFlow; and on a network as PyTorch exports it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

onnx = pytest.importorskip("onnx", reason="ONNX is not installed: pip install 'archlab[onnx]'")

from archlab import analyze, load  # noqa: E402
from tests.cli.conftest import archlab as archlab  # noqa: E402
from tests.onnx_bridge import files  # noqa: E402

PARAMS = 3 * 8 * 9 + 4 * 8 + 8 * 8 * 9 + 8 + 8 * 5 + 5
MACS = 32 * 32 * (3 * 8 * 9 + 8 * 8 * 9) + 40


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A file of the size that it is read for."""
    proto = files.small()
    for place, size in zip(proto.graph.input[0].type.tensor_type.shape.dim, (1, 3, 32, 32), strict=True):
        place.dim_value = size
    file = tmp_path_factory.mktemp("onnx") / "net.onnx"
    onnx.save(proto, str(file))
    return str(file)


def test_show_compare_and_diff(archlab: Any, path: str) -> None:
    shown = json.loads(archlab("show", path, "--format", "json").out)
    assert (shown["params"]["total"], shown["macs"]) == (PARAMS, MACS)
    compared = json.loads(archlab("compare", path, path, "--static", "--format", "json").out)
    assert [each["params"]["total"] for each in compared["architectures"]] == [PARAMS, PARAMS]
    code, out, _ = archlab("diff", path, path)
    assert code == 0 and "No difference" in out


def test_lint_check_and_forecast(archlab: Any, path: str) -> None:
    code, out, _ = archlab("lint", path, "--format", "json")
    assert code in (0, 1)
    assert json.loads(out)["architectures"] == ["net"]
    assert archlab("check", path, "--max-params", str(PARAMS)).code == 0
    assert archlab("check", path, "--max-params", str(PARAMS - 1)).code == 1
    (forecast,) = json.loads(archlab("forecast", path, "--format", "json").out)["architectures"]
    assert forecast["reference"] == path and {"sgd", "adam"} <= {*forecast["forecast"]}
    assert archlab("explain", path).code == 0


@pytest.mark.parametrize("view", [(), ("--level", "layer"), ("--level", "stage"), ("--view", "pyramid")])
def test_render(archlab: Any, path: str, tmp_path: Path, view: tuple[str, ...]) -> None:
    picture = tmp_path / "net.svg"
    assert archlab("render", path, *view, "-o", str(picture)).code == 0
    assert picture.read_text(encoding="utf-8").lstrip().startswith("<")


def test_a_report(archlab: Any, path: str, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    assert archlab("compare", path, path, "--static", "--output", str(page)).code == 0
    assert f"{PARAMS:,}" in page.read_text(encoding="utf-8")


def test_memory_and_time(archlab: Any, path: str) -> None:
    for command in ("memory", "latency"):
        code, out, _ = archlab(command, path)
        assert (code, "net" in out) == (0, True)


def test_code_of_keras(archlab: Any, path: str) -> None:
    code, out, _ = archlab("export", path, "--format", "python")
    assert code == 0
    keras = pytest.importorskip("keras")
    scope: dict[str, Any] = {}
    exec(compile(out, "net.py", "exec"), scope)
    model = next(value for value in scope.values() if isinstance(value, keras.Model))
    assert model.count_params() == PARAMS
    assert model.output_shape == (None, 5)


def test_yaml_is_refused_in_one_line(archlab: Any, path: str) -> None:
    code, _, err = archlab("export", path, "--format", "yaml")
    assert code == 2
    assert err.count("\n") == 1 and "export it as python" in err


@pytest.mark.slow
@pytest.mark.parametrize("name", ["squeezenet1_1", "resnet18"])
def test_what_pytorch_exports_is_what_pytorch_has(name: str, tmp_path: Path) -> None:
    """The same MACs as the module; the parameters without those of batch normalization, which are folded."""
    pytest.importorskip("archlab.torch_bridge")  # before PyTorch: it may come behind TensorFlow
    torch = pytest.importorskip("torch")
    models = pytest.importorskip("torchvision.models")
    pytest.importorskip("onnxscript", reason="PyTorch exports by onnxscript")
    module = models.get_model(name, weights=None).eval()
    with torch.no_grad():
        for each in module.parameters():
            each.uniform_(0.1, 0.2)  # the exporter leaves out biases that are zero
    file = tmp_path / f"{name}.onnx"
    torch.onnx.export(module, (torch.zeros(1, 3, 224, 224),), str(file), dynamo=True, verbose=False)
    ours, theirs = load(str(file)), load(f"torchvision:{name}")
    assert analyze(ours).compute.macs == analyze(theirs).compute.macs
    norms = [each for each in module.modules() if isinstance(each, torch.nn.BatchNorm2d)]
    folded = sum(each.num_features for each in norms)
    # Scale and offset go, and each convolution before them gets a bias.
    assert analyze(ours).params.total == analyze(theirs).params.total - folded
    assert not analyze(ours).unknown


def test_no_command_has_loaded_a_framework(path: str) -> None:
    code = (
        "import sys; from archlab import analyze, lint, render, export; "
        f"analyze({path!r}); list(lint({path!r})); render({path!r}); "
        "print(sorted({'tensorflow', 'torch', 'keras'} & {*sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
