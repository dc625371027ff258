"""Files as they come: those that ONNX ships, and those that are damaged."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

onnx = pytest.importorskip("onnx", reason="ONNX is not installed: pip install 'archlab[onnx]'")

from archlab import analyze, forecast, load  # noqa: E402
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


def _conv(shape: Sequence[int] = (1, 3, 32, 32), sizes: Sequence[int] = (8, 3, 3, 3), **attributes: Any) -> Any:
    """A convolution whose weight says these sizes and holds no values."""
    proto = files.model([onnx.helper.make_node("Conv", ["x", "w"], ["y"], "conv", **attributes)], shape)
    proto.graph.initializer.append(onnx.TensorProto(name="w", dims=sizes, data_type=files.FLOAT))
    return proto


def _outside() -> Any:
    proto = _conv()
    weight = proto.graph.initializer[0]
    weight.data_location = onnx.TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="../../../etc/passwd")
    return proto


def _filled(kind: str, *sizes: int) -> Any:
    value = onnx.helper.make_tensor("value", onnx.TensorProto.INT64, [len(sizes)], sizes)
    nodes = [
        onnx.helper.make_node("Constant", [], ["s"], value=value),
        onnx.helper.make_node(kind, ["s"] if kind == "ConstantOfShape" else ["x", "s"], ["y"]),
    ]
    return files.model(nodes, (1, 3, 32, 32))


@pytest.mark.parametrize(
    ("proto", "said"),
    [
        (_conv(sizes=(2**60, 2**60, 3, 3)), "the tensor 'w' has a size of 1,152,921,504,606,846,976"),
        (_conv(sizes=(-8, 3, 3, 3)), "the tensor 'w' has a size of -8"),
        (_conv(shape=(1, 3, 2**62, 2**62)), "the tensor 'x' has a size of 4,611,686,018,427,387,904"),
        (_conv(shape=(1, 3)), r"conv: Conv: \(1, 3\) with weights of"),
        (_conv(kernel_shape=[10**9] * 2), "a window of 1000000000 on 32 positions"),
        (_conv(dilations=[10**15, 1]), "a window of 2000000000000001 on 32 positions"),
        (_conv(pads=[10**12] * 4), "conv: Conv: an output of"),
        (_conv(pads=[-20] * 4), "a window of 3 on -8 positions"),
        (_conv(strides=[0, 0]), "must be at least 1"),
        (_conv(group=0), "groups=0"),
        (_conv(group=7), "groups=7"),
        (_filled("Expand", 1, 3, 10**9, 10**9), "do not fit together"),
        (_filled("ConstantOfShape", 10**6, 10**6), "no output of it depends on its input"),
    ],
)
def test_sizes_that_are_claimed_take_no_memory(proto: Any, said: str, tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(proto.SerializeToString())
    tracemalloc.start()
    try:
        with pytest.raises(ArchlabError, match=said) as found:
            analyze(str(path))
        assert tracemalloc.get_traced_memory()[1] < 50e6
    finally:
        tracemalloc.stop()
    assert "\n" not in str(found.value)


def test_external_data_is_never_opened(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(_outside().SerializeToString())
    assert analyze(str(path)).params.total == 8 * 3 * 3 * 3


def test_a_tensor_that_nothing_reads_is_no_layer_on_the_way() -> None:
    found = forecast(
        files.model([onnx.helper.make_node("Relu", ["x"], ["y"])], (1, 3, 8, 8), {"w": files.weight(8, 3, 3, 3)})
    )
    assert found.sgd.outcome == "unknown" and "no layer has a kernel" in found.why
