"""ONNX models that tests share, made with ONNX's own helper."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT = TensorProto.FLOAT


def model(
    nodes: Sequence[Any],
    shape: Sequence[int | str | None],
    weights: dict[str, Any] | None = None,
    outputs: Sequence[str] = ("y",),
    opset: int = 21,
    kind: int = FLOAT,
    functions: Sequence[Any] = (),
) -> Any:
    """A model of these nodes, of one input `x` of that shape."""
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", kind, shape)],
        [helper.make_tensor_value_info(name, FLOAT, None) for name in outputs],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in (weights or {}).items()],
    )
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("com.acme", 1)]
    return helper.make_model(graph, opset_imports=opsets, functions=functions, ir_version=10)


def weight(*shape: int) -> Any:
    """A weight of that shape."""
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def small() -> Any:
    """A convolution, batch normalization, a residual connection and a head."""
    nodes = [
        helper.make_node("Conv", ["x", "stem.weight"], ["a"], "/stem/Conv", pads=[1, 1, 1, 1]),
        helper.make_node("BatchNormalization", ["a", "g", "b", "m", "v"], ["c"], "/norm/BatchNormalization"),
        helper.make_node("Relu", ["c"], ["d"], "/act/Relu"),
        helper.make_node("Conv", ["d", "blocks.0.conv.weight", "blocks.0.conv.bias"], ["e"],
                         "/blocks/blocks.0/conv/Conv", pads=[1, 1, 1, 1]),
        helper.make_node("Add", ["e", "d"], ["f"], "/blocks/blocks.0/Add"),
        helper.make_node("GlobalAveragePool", ["f"], ["h"], "/pool/GlobalAveragePool"),
        helper.make_node("Flatten", ["h"], ["i"], "/Flatten"),
        helper.make_node("Gemm", ["i", "fc.weight", "fc.bias"], ["y"], "/fc/Gemm", transB=1),
    ]  # fmt: skip
    weights = {
        "stem.weight": weight(8, 3, 3, 3), "g": weight(8), "b": weight(8), "m": weight(8), "v": weight(8) ** 2,
        "blocks.0.conv.weight": weight(8, 8, 3, 3), "blocks.0.conv.bias": weight(8),
        "fc.weight": weight(5, 8), "fc.bias": weight(5),
    }  # fmt: skip
    return model(nodes, ["N", 3, 32, 32], weights)


def bytes_of(proto: Any) -> bytes:
    """As they stand in a file."""
    assert isinstance(proto, onnx.ModelProto)
    return proto.SerializeToString()
