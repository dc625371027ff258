"""What an ONNX file says of its model, as plain data: nothing of it is run, and no weights are read."""

from __future__ import annotations

import mmap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
from onnx import numpy_helper

from archlab.errors import SourceError
from archlab.files import check_regular, reason_of
from archlab.onnx_bridge._wire import SMALL, MalformedError, without_weights
from archlab.onnx_bridge.types import Array, Attribute, Proto

# The largest of timm's models takes 3 MB; as Python objects they grow about 20-fold.
_MOST_BYTES = 32 * 2**20
_MOST_NODES = 100_000
_OLDEST = 7
"""The operators' version since which operands are stretched as NumPy does."""
_LARGEST_SIZE = 2**40


class Stored(NamedTuple):
    """A tensor that the file holds: its shape and type, and its values if they are few."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    values: Array | None


class Declared(NamedTuple):
    """What the file says of a tensor that is computed: sizes of None are free, and so is the whole shape if None."""

    name: str
    shape: tuple[int | None, ...] | None
    dtype: str


@dataclass(frozen=True, slots=True)
class Operator:
    """A node of the file's graph."""

    name: str
    kind: str
    """As ONNX names it: `Conv`."""
    domain: str
    inputs: tuple[str, ...]
    """Names; empty where an optional one is not given."""
    outputs: tuple[str, ...]
    attributes: Mapping[str, Attribute]
    modules: tuple[str, ...]
    """The modules that it stands in, from the outermost, where the exporter has written them down."""
    noted: bool
    """Whether it has."""
    proto: Proto


@dataclass(frozen=True, slots=True)
class Model:
    """A model as its file has it."""

    name: str
    version: int
    """Of ONNX's own operators."""
    inputs: tuple[Declared, ...]
    outputs: tuple[str, ...]
    stored: Mapping[str, Stored]
    declared: Mapping[str, Declared]
    operators: tuple[Operator, ...]
    constants: Mapping[str, Array]
    """The single numbers that operators make of nothing."""


def read_file(path: Path, reference: str) -> Model:
    """The model in a file.

    Raises:
        SourceError: it is no ONNX file, damaged, too large, too deep, or of operators older than version 7.
    """
    try:
        check_regular(path)
        with path.open("rb") as file:
            if not path.stat().st_size:
                raise SourceError(f"{reference} is empty")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                short = without_weights(data, _MOST_BYTES)
    except MalformedError as error:
        raise SourceError(f"{reference}: {error}") from None
    except OSError as error:
        raise SourceError(f"{reference} cannot be read, {reason_of(error)}") from None
    return read_model(_parsed(short, reference), reference)


def read_proto(proto: Proto, reference: str) -> Model:
    """A model that is in memory, `onnx.ModelProto`."""
    try:
        short = without_weights(proto.SerializeToString(), _MOST_BYTES)
    except MalformedError as error:
        raise SourceError(f"{reference}: {error}") from None
    except Exception as error:  # what protocol buffers raise differs from version to version
        raise SourceError(f"{reference} cannot be written as bytes: {_first_line(error)}") from None
    return read_model(_parsed(short, reference), reference)


def _parsed(data: bytes, reference: str) -> Proto:
    proto = onnx.ModelProto()
    try:
        proto.ParseFromString(data)
    except Exception as error:  # the same
        raise SourceError(f"{reference} is not an ONNX file, or it is damaged: {_first_line(error)}") from None
    if not proto.HasField("graph") or not (proto.graph.node or proto.graph.output):
        raise SourceError(f"{reference} is not an ONNX file: it holds no graph")
    return proto


def read_model(proto: Proto, reference: str) -> Model:
    """A parsed model as plain data, checked.

    Raises:
        SourceError: names that are taken twice, sizes below 0, operators that are too old.
    """
    graph = proto.graph
    version = next((each.version for each in proto.opset_import if each.domain in ("", "ai.onnx")), None)
    if version is None:
        version = 1 if proto.ir_version < 3 else onnx.defs.onnx_opset_version()
    if version < _OLDEST:
        raise SourceError(
            f"{reference} uses version {version} of ONNX's operators, the oldest that is read is {_OLDEST}: "
            "onnx.version_converter.convert_version(model, 13) makes it newer"
        )
    if len(graph.node) > _MOST_NODES:
        raise SourceError(f"{reference} has {len(graph.node):,} operators, at most {_MOST_NODES:,} are read")
    stored: dict[str, Stored] = {}
    for tensor in (*graph.initializer, *[each.values for each in graph.sparse_initializer]):
        name = str(tensor.name)
        if name in stored:
            raise SourceError(f"{reference}: two tensors are named {name!r}")
        stored[name] = tensor_of(tensor, reference)
    for sparse in graph.sparse_initializer:
        name = str(sparse.values.name)
        shape = _sizes(sparse.dims, name, reference)
        stored[name] = Stored(name, shape, stored[name].dtype, None)
    inputs = tuple([_declared(each, reference) for each in graph.input if each.name not in stored])
    known = [_declared(each, reference) for each in (*graph.value_info, *graph.output)]
    operators = tuple([_operator(each, place, reference) for place, each in enumerate(graph.node)])
    _check_names(inputs, stored, operators, reference)
    return Model(
        str(graph.name), int(version), inputs, tuple([str(each.name) for each in graph.output]), stored,
        {each.name: each for each in known}, operators, _numbers(operators),
    )  # fmt: skip


def _numbers(operators: Sequence[Operator]) -> Mapping[str, Array]:
    found: dict[str, Array] = {}
    for each in operators:
        value = each.attributes.get("value") if each.kind == "Constant" else None
        if value is not None and isinstance(value, onnx.TensorProto) and prod(value.dims) == 1:
            values = tensor_of(value, each.name).values
            if values is not None:
                found[each.outputs[0]] = values
    return found


def _check_names(
    inputs: Sequence[Declared], stored: Mapping[str, Stored], operators: Sequence[Operator], reference: str
) -> None:
    """Every tensor is made once, and before it is read."""
    made = {each.name for each in inputs} | stored.keys()
    if len({each.name for each in inputs}) < len(inputs):
        raise SourceError(f"{reference}: two inputs have the same name")
    for operator in operators:
        for name in operator.inputs:
            if name and name not in made:
                later = any(name in each.outputs for each in operators)
                why = "which is made only after it, as in a circle" if later else "which nothing makes"
                raise SourceError(f"{reference}: {operator.name} reads {name!r}, {why}")
        for name in operator.outputs:
            if name and name in made:
                raise SourceError(f"{reference}: two tensors are named {name!r}")
            made.add(name)


def tensor_of(tensor: Proto, reference: str) -> Stored:
    """A tensor of the file without its values, unless they are few and of numbers."""
    name = str(tensor.name)
    shape = _sizes(tensor.dims, name, reference)
    dtype = dtype_of(tensor.data_type)
    values = None
    held = len(tensor.raw_data) + 8 * (len(tensor.int64_data) + len(tensor.int32_data) + len(tensor.float_data))
    if tensor.data_location != onnx.TensorProto.EXTERNAL and held <= 2 * SMALL and prod(shape) <= SMALL:
        try:
            values = np.asarray(numpy_helper.to_array(tensor))
        except Exception:  # values that are not there, or fewer than the shape says: it is known without them
            values = None
    if values is not None and values.shape != shape:
        values = None
    return Stored(name, shape, dtype, values)


def _sizes(dims: Sequence[int], name: str, reference: str) -> tuple[int, ...]:
    sizes = tuple([int(size) for size in dims])
    for size in sizes:
        if size < 0 or size > _LARGEST_SIZE:
            raise SourceError(f"{reference}: the tensor {name!r} has a size of {size:,}")
    return sizes


def _declared(info: Proto, reference: str) -> Declared:
    name = str(info.name)
    if not info.type.HasField("tensor_type"):
        return Declared(name, None, "unknown")
    kind = info.type.tensor_type
    if not kind.HasField("shape"):
        return Declared(name, None, dtype_of(kind.elem_type))
    sizes: list[int | None] = []
    for size in kind.shape.dim:
        value = int(size.dim_value) if size.HasField("dim_value") else None
        if value is not None and (value < -1 or value > _LARGEST_SIZE):
            raise SourceError(f"{reference}: the tensor {name!r} has a size of {value:,}")
        sizes.append(value if value is None or value > 0 else None)  # 0 and −1 stand for a size that is free
    return Declared(name, tuple(sizes), dtype_of(kind.elem_type))


def dtype_of(number: int) -> str:
    """The name of a type of elements."""
    found = _NAMES.get(number)
    if found is None:
        try:
            found = str(onnx.TensorProto.DataType.Name(number)).lower()
        except ValueError:
            found = "unknown"
    return found


_NAMES: Mapping[int, str] = {
    1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64", 8: "string", 9: "bool",
    10: "float16", 11: "float64", 12: "uint32", 13: "uint64", 16: "bfloat16",
}  # fmt: skip


def _operator(node: Proto, place: int, reference: str) -> Operator:
    kind = str(node.op_type)
    name = str(node.name) or f"{kind}_{place}"
    attributes: dict[str, Attribute] = {}
    for attribute in node.attribute:
        attributes[str(attribute.name)] = _value(attribute)
    return Operator(
        name, kind, "" if node.domain == "ai.onnx" else str(node.domain), tuple([str(each) for each in node.input]),
        tuple([str(each) for each in node.output]), attributes, _modules(node),
        any(each.key == _SCOPES for each in node.metadata_props), node,
    )  # fmt: skip


def _value(attribute: Proto) -> Attribute:
    kinds = onnx.AttributeProto
    if attribute.type == kinds.INT:
        return int(attribute.i)
    if attribute.type == kinds.FLOAT:
        return float(attribute.f)
    if attribute.type == kinds.STRING:
        return attribute.s.decode("utf-8", "replace")
    if attribute.type == kinds.INTS:
        return tuple(map(int, attribute.ints))
    if attribute.type == kinds.FLOATS:
        return tuple(map(float, attribute.floats))
    if attribute.type == kinds.STRINGS:
        return tuple([each.decode("utf-8", "replace") for each in attribute.strings])
    if attribute.type in (kinds.TENSOR, kinds.SPARSE_TENSOR):
        return attribute.t if attribute.type == kinds.TENSOR else attribute.sparse_tensor
    if attribute.type in (kinds.GRAPH, kinds.GRAPHS):
        return [attribute.g] if attribute.type == kinds.GRAPH else list(attribute.graphs)
    return None


_SCOPES = "pkg.torch.onnx.name_scopes"


def _modules(node: Proto) -> tuple[str, ...]:
    """The modules that PyTorch's exporter notes, each by its full name: `['', 'layer1', 'layer1.0', 'conv2d']`."""
    for entry in node.metadata_props:
        if entry.key == _SCOPES and len(entry.value) < SMALL:
            text = str(entry.value).strip()
            names = [each.strip().strip("'\"") for each in text.strip("[]").split(",")]
            return tuple([each for each in names[:-1] if each])
    return ()


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__
