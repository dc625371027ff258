"""Every operator's shape is that of ONNX's reference evaluator; convolutions count what they multiply."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

onnx = pytest.importorskip("onnx", reason="ONNX is not installed: pip install 'archlab[onnx]'")
from onnx import helper, numpy_helper  # noqa: E402
from onnx.reference import ReferenceEvaluator  # noqa: E402

from archlab import analyze  # noqa: E402
from archlab.errors import ShapeError  # noqa: E402
from archlab.onnx_bridge import read_proto  # noqa: E402
from archlab.onnx_bridge._from_onnx import _Reader  # noqa: E402
from tests.onnx_bridge import files  # noqa: E402


def _shapes(proto: Any) -> dict[str, Any]:
    """The shape of every tensor as we follow it."""
    reader = _Reader(read_proto(proto, "net"), "net")
    reader.read(None)
    return {name: value.shape for name, value in reader._values.items()}


def _held_to_reference(proto: Any, shape: tuple[int, ...], dtype: Any = np.float32) -> None:
    """Every output has the shape that the reference evaluator computes."""
    x = np.random.default_rng(0).normal(size=shape).astype(dtype)
    names = [each.name for each in proto.graph.output]
    made = ReferenceEvaluator(proto).run(None, {"x": x})
    found = _shapes(proto)
    for name, value in zip(names, made, strict=True):
        assert found[name] == np.asarray(value).shape, name
    graph = analyze(proto).graph
    # In the graph as many elements come out as there are.
    assert np.prod([size or 0 for size in graph.nodes[graph.outputs[0]].shape]) == np.asarray(made[0]).size


def _i(*values: int) -> Any:
    return np.array(values, dtype=np.int64)


X = (1, 6, 8, 10)
ONE: list[Any] = [
    ("Relu", {}, {}), ("Sigmoid", {}, {}), ("LeakyRelu", {}, {"alpha": 0.1}), ("Elu", {}, {}), ("HardSigmoid", {}, {}),
    ("HardSwish", {}, {}), ("Softmax", {}, {"axis": 1}), ("LogSoftmax", {}, {"axis": -1}), ("Erf", {}, {}),
    ("Clip", {"low": np.float32(0), "high": np.float32(6)}, {}), ("PRelu", {"slope": files.weight(6, 1, 1)}, {}),
    ("Add", {"w": files.weight(6, 1, 1)}, {}), ("Mul", {"w": np.float32(2)}, {}), ("Div", {"w": np.float32(2)}, {}),
    ("Pow", {"w": np.float32(2)}, {}), ("Reshape", {"s": _i(0, -1, 4)}, {}), ("Reshape", {"s": _i(1, 2, 3, 8, 10)}, {}),
    ("Flatten", {}, {"axis": 1}), ("Flatten", {}, {"axis": 2}), ("Unsqueeze", {"a": _i(2, 4)}, {}),
    ("Transpose", {}, {"perm": [0, 2, 3, 1]}), ("Transpose", {}, {"perm": [0, 1, 3, 2]}),
    ("Slice", {"b": _i(1), "e": _i(7), "a": _i(2), "s": _i(2)}, {}),
    ("Slice", {"b": _i(-1), "e": _i(-(2**40)), "a": _i(3), "s": _i(-1)}, {}),
    ("Slice", {"b": _i(0, 1), "e": _i(2**60, -1)}, {}),
    ("Gather", {"i": np.int64(2)}, {"axis": 1}), ("Gather", {"i": _i(0, 2, 4)}, {"axis": 1}),
    ("Gather", {"i": np.array([[0, 1], [2, 3]])}, {"axis": 2}),
    ("Expand", {"s": _i(1, 6, 1, 1)}, {}), ("Tile", {"n": _i(1, 2, 1, 1)}, {}),
    ("Pad", {"p": _i(0, 0, 1, 2, 0, 0, 3, 4)}, {}), ("Pad", {"p": _i(0, 0, 1, 1, 0, 0, 1, 1)}, {"mode": "reflect"}),
    ("Pad", {"p": _i(1, 2), "": None, "axes": _i(3)}, {}),
    ("Resize", {"": None, "s": np.array([1, 1, 2, 2], np.float32)}, {}),
    ("Resize", {"": None, "s": np.array([1, 1, 1.5, 0.5], np.float32)}, {"mode": "linear"}),
    ("Resize", {"": None, " ": None, "z": _i(1, 6, 16, 30)}, {"mode": "cubic"}),
    ("DepthToSpace", {}, {"blocksize": 1}), ("SpaceToDepth", {}, {"blocksize": 2}),
    ("ReduceMean", {"a": _i(2, 3)}, {"keepdims": 0}), ("ReduceMean", {"a": _i(-1, -2)}, {}),
    ("ReduceSum", {"a": _i(1)}, {}), ("ReduceMax", {}, {"keepdims": 1}), ("ReduceL2", {"a": _i(1)}, {}),
    ("ArgMax", {}, {"axis": 1, "keepdims": 0}), ("GlobalAveragePool", {}, {}), ("GlobalMaxPool", {}, {}),
    ("LRN", {}, {"size": 3}), ("InstanceNormalization", {"s": files.weight(6), "b": files.weight(6)}, {}),
    ("LayerNormalization", {"s": files.weight(10), "b": files.weight(10)}, {"axis": -1}),
    ("GroupNormalization", {"s": files.weight(6), "b": files.weight(6)}, {"num_groups": 3}),
    ("BatchNormalization", {"s": files.weight(6), "b": files.weight(6), "m": files.weight(6),
     "v": files.weight(6) ** 2}, {}),
    ("MatMul", {"w": files.weight(10, 4)}, {}), ("Einsum", {"w": files.weight(6, 5)}, {"equation": "nchw,ck->nkhw"}),
    ("Einsum", {"w": files.weight(10, 5)}, {"equation": "...w,wk->...k"}), ("Cast", {}, {"to": 10}),
    ("CumSum", {"a": np.int64(1)}, {}), ("Trilu", {}, {}), ("Softplus", {}, {}), ("Gelu", {}, {}), ("Mish", {}, {}),
    ("Dropout", {}, {}), ("Identity", {}, {}), ("Equal", {"w": np.float32(2)}, {}), ("Sqrt", {}, {}), ("Not", {}, {}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "more", "attributes"), ONE, ids=[f"{each[0]}-{n}" for n, each in enumerate(ONE)])
def test_one_operator(kind: str, more: dict[str, Any], attributes: dict[str, Any]) -> None:
    names = [name.strip() for name in more]
    first = helper.make_node("Greater", ["x", "zero"], ["t"]) if kind == "Not" else None
    nodes = [*([first] if first else []), helper.make_node(kind, ["t" if first else "x", *names], ["y"], **attributes)]
    weights = {name: value for name, value in more.items() if value is not None} | {"zero": np.float32(0)}
    _held_to_reference(files.model(nodes, X, weights), X)


@given(st.data())
def test_convolutions(data: st.DataObject) -> None:
    axes = data.draw(st.integers(1, 3))
    groups = data.draw(st.sampled_from([1, 2, 4]))
    size = [data.draw(st.integers(1, 12)) for _ in range(axes)]
    kernel = [data.draw(st.integers(1, 4)) for _ in range(axes)]
    mode = data.draw(st.sampled_from(["NOTSET", "NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"]))
    strides = [data.draw(st.integers(1, 3)) for _ in range(axes)]
    dilations = [data.draw(st.integers(1, 3)) if max(strides) == 1 and mode == "NOTSET" else 1 for _ in range(axes)]
    pads = [data.draw(st.integers(0, 2)) for _ in range(2 * axes)]
    attributes: dict[str, Any] = {"strides": strides, "dilations": dilations, "group": groups, "kernel_shape": kernel}
    attributes |= {"pads": pads} if mode == "NOTSET" else {"auto_pad": mode}
    shape = (1, 4, *size)
    proto = files.model(
        [helper.make_node("Conv", ["x", "w"], ["y"], **attributes)], shape, {"w": files.weight(8, 4 // groups, *kernel)}
    )
    try:
        found = _shapes(proto)["y"]
    except ShapeError:
        padded = [n + pads[i] + pads[axes + i] if mode == "NOTSET" else n for i, n in enumerate(size)]
        assert any((k - 1) * d + 1 > n for k, d, n in zip(kernel, dilations, padded, strict=True))
        return
    inferred = onnx.shape_inference.infer_shapes(proto, strict_mode=True).graph.output[0].type.tensor_type.shape
    assert list(found) == [dim.dim_value for dim in inferred.dim]
    analysis = analyze(proto)
    assert not analysis.unknown
    # Each number that comes out is a sum over the window and the channels of its group.
    assert analysis.compute.macs == np.prod(found) * np.prod(kernel) * 4 // groups


@given(st.data())
def test_pooling(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["MaxPool", "AveragePool"]))
    size = [data.draw(st.integers(2, 12)) for _ in range(2)]
    kernel = [data.draw(st.integers(1, 4)) for _ in range(2)]
    strides = [data.draw(st.integers(1, 3)) for _ in range(2)]
    pads = [data.draw(st.integers(0, k - 1)) for _ in range(2) for k in kernel]
    ceil = data.draw(st.integers(0, 1))
    # Of windows that would begin in the padding behind, versions of ONNX differ.
    assume(not ceil or not any(pads))
    assume(all(s <= k for s, k in zip(strides, kernel, strict=True)))
    assume(all(k <= n for k, n in zip(kernel, size, strict=True)))
    node = helper.make_node(kind, ["x"], ["y"], kernel_shape=kernel, strides=strides, pads=pads, ceil_mode=ceil)
    proto = files.model([node], (1, 3, *size))
    inferred = onnx.shape_inference.infer_shapes(proto, strict_mode=True).graph.output[0].type.tensor_type.shape
    assert list(_shapes(proto)["y"]) == [dim.dim_value for dim in inferred.dim]
    assert not analyze(proto).unknown


@given(st.data())
def test_transposed_convolutions(data: st.DataObject) -> None:
    stride, kernel = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 4))
    pads = [data.draw(st.integers(0, (kernel - 1) // 2)) for _ in range(4)]
    extra = data.draw(st.integers(0, stride - 1))
    node = helper.make_node("ConvTranspose", ["x", "w"], ["y"], strides=[stride] * 2, pads=pads,
                            output_padding=[extra] * 2)  # fmt: skip
    proto = files.model([node], (1, 3, 5, 6), {"w": files.weight(3, 4, kernel, kernel)})
    inferred = onnx.shape_inference.infer_shapes(proto, strict_mode=True).graph.output[0].type.tensor_type.shape
    assert list(_shapes(proto)["y"]) == [dim.dim_value for dim in inferred.dim]
    analysis = analyze(proto)
    # Those whose padding the layer has no form for are unknown, by name, and nothing else is.
    assert not analysis.unknown or any(pads)


def test_several_inputs_and_outputs() -> None:
    nodes = [
        helper.make_node("Split", ["x", "parts"], ["a", "b"], axis=1),
        helper.make_node("Concat", ["b", "a", "b"], ["c"], axis=1),
        helper.make_node("Conv", ["b", "w"], ["d"], pads=[1, 1, 1, 1]),
        helper.make_node("Sum", ["d", "b", "b"], ["e"]),
        helper.make_node("Max", ["e", "b"], ["f"]),
        helper.make_node("Where", ["mask", "f", "zero"], ["g"]),
        helper.make_node("TopK", ["g", "k"], ["y", "z"], axis=1),
    ]
    weights = {
        "parts": _i(2, 4), "w": files.weight(4, 4, 3, 3), "mask": np.ones((8, 10), bool), "zero": np.float32(0),
        "k": _i(3),
    }  # fmt: skip
    _held_to_reference(files.model(nodes, X, weights, ["c", "y", "z"]), X)


def test_a_chain_of_shapes_is_worked_out() -> None:
    """As PyTorch's exporter writes `x.view(x.size(0), -1, x.size(2) // 2)`."""
    nodes = [
        helper.make_node("Shape", ["x"], ["s"]),
        helper.make_node("Gather", ["s", "zero"], ["n"], axis=0),
        helper.make_node("Gather", ["s", "two"], ["h"], axis=0),
        helper.make_node("Constant", [], ["half"], value_int=2),
        helper.make_node("Div", ["h", "half"], ["d"]),
        helper.make_node("Unsqueeze", ["n", "first"], ["n1"]),
        helper.make_node("Unsqueeze", ["d", "first"], ["d1"]),
        helper.make_node("Concat", ["n1", "rest", "d1"], ["to"], axis=0),
        helper.make_node("Cast", ["to"], ["to64"], to=7),
        helper.make_node("Reshape", ["x", "to64"], ["y"]),
    ]
    weights = {"zero": np.int64(0), "two": np.int64(2), "first": _i(0), "rest": _i(-1)}
    proto = files.model(nodes, X, weights)
    _held_to_reference(proto, X)
    assert len(analyze(proto).graph) == 2


def test_older_files_say_by_attributes_what_newer_read() -> None:
    nodes = [
        helper.make_node("Slice", ["x"], ["a"], axes=[2], starts=[1], ends=[5]),
        helper.make_node("Unsqueeze", ["a"], ["b"], axes=[2]),
        helper.make_node("Squeeze", ["b"], ["c"], axes=[2]),
        helper.make_node("Pad", ["c"], ["d"], pads=[0, 0, 1, 1, 0, 0, 1, 1]),
        helper.make_node("Clip", ["d"], ["e"], min=0.0, max=6.0),
        helper.make_node("Upsample", ["e", "f"], ["g"]),
        helper.make_node("ReduceMean", ["g"], ["y"], axes=[2, 3], keepdims=0),
    ]
    proto = files.model(nodes, X, {"f": np.array([1, 1, 2, 2], np.float32)}, opset=9)
    assert _shapes(proto)["g"] == (1, 6, 12, 24)
    assert [node.op.title for node in analyze(proto).graph][1:] == [
        "__getitem__", "unsqueeze", "squeeze", "ZeroPad", "ReLU", "Upsample", "GlobalAvgPool"
    ]  # fmt: skip


def test_layers_in_pieces_are_one() -> None:
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["a"]),
        helper.make_node("Add", ["bias", "a"], ["b"]),
        helper.make_node("Sigmoid", ["b"], ["c"]),
        helper.make_node("Mul", ["b", "c"], ["d"]),
        helper.make_node("Div", ["d", "root"], ["e"]),
        helper.make_node("Erf", ["e"], ["f"]),
        helper.make_node("Add", ["f", "one"], ["g"]),
        helper.make_node("Mul", ["d", "g"], ["h"]),
        helper.make_node("Mul", ["h", "half"], ["y"]),
    ]
    weights = {
        "w": files.weight(10, 4), "bias": files.weight(4), "root": np.float32(2**0.5), "one": np.float32(1),
        "half": np.float32(0.5),
    }  # fmt: skip
    analysis = analyze(files.model(nodes, (1, 7, 10), weights))
    assert [repr(node.op) for node in analysis.graph][1:] == [
        "Dense(4)", "Activation('silu')", "Activation('gelu')"
    ]  # fmt: skip
    assert analysis.params.total == 44


def test_numbers_are_no_parameters() -> None:
    nodes = [helper.make_node("Mul", ["x", "two"], ["a"]), helper.make_node("Add", ["a", "scale"], ["y"])]
    analysis = analyze(files.model(nodes, X, {"two": np.float32(2), "scale": files.weight(6, 1, 1)}))
    assert analysis.params.total == 6


def test_the_values_of_a_tensor_are_those_of_the_file() -> None:
    tensor = numpy_helper.from_array(np.arange(6, dtype=np.int32).reshape(2, 3), "t")
    from archlab.onnx_bridge._file import tensor_of

    found = tensor_of(tensor, "net")
    assert found.shape == (2, 3)
    assert found.values is not None
    assert np.array_equal(found.values, np.arange(6).reshape(2, 3))
