"""Files as they come: those that ONNX ships, and those that are damaged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

onnx = pytest.importorskip("onnx", reason="ONNX is not installed: pip install 'archlab[onnx]'")

from archlab import analyze, load  # noqa: E402
from archlab.errors import ArchlabError, SourceError  # noqa: E402
from tests.onnx_bridge import files  # noqa: E402

LIGHT = sorted((Path(onnx.__file__).parent / "backend/test/data/light").glob("*.onnx"))


@pytest.mark.parametrize("path", LIGHT, ids=[path.stem for path in LIGHT])
def test_models_that_onnx_ships(path: Path) -> None:
    assert not analyze(str(path)).unknown


def test_counts_and_names() -> None:
    analysis = analyze(files.small(), input=(32, 32))
    assert analysis.params.total == 3 * 8 * 9 + 4 * 8 + 8 * 8 * 9 + 8 + 8 * 5 + 5
    assert analysis.params.trainable == analysis.params.total - 16
    assert analysis.compute.macs == 32 * 32 * (3 * 8 * 9 + 8 * 8 * 9) + 40
    names = [node.name for node in analysis.graph]
    assert names[1:5] == ["stem", "norm", "act", "blocks/0/conv"]


def _cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


@pytest.mark.parametrize("change", [_cut, lambda _: b"", lambda _: b"no ONNX", lambda data: data[:-3] + b"\xff" * 9])
def test_damaged_files_get_one_line(change: Any, tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(change(files.bytes_of(files.small())))
    with pytest.raises(ArchlabError) as raised:
        load(str(path))
    assert "\n" not in str(raised.value)


def test_circles_and_operators_without_a_rule(tmp_path: Path) -> None:
    node = onnx.helper.make_node
    with pytest.raises(SourceError, match="circle"):
        load(files.model([node("Add", ["x", "y"], ["a"]), node("Relu", ["a"], ["y"])], (1, 3, 4, 4)))
    analysis = analyze(files.model([node("Magic", ["x"], ["y"], domain="com.acme")], (1, 3, 4, 4)))
    assert [each["op"] for each in analysis.unknown] == ["Magic"]
