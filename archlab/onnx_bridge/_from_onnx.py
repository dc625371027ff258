from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from math import prod
from typing import NamedTuple

import onnx

from archlab.errors import ArchlabError, ShapeError, SourceError, UsageError
from archlab.functions import (
    B,
    C,
    Parameter,
    Roles,
    S,
    Standing,
    graph_shape,
    image,
    sequence,
    weights_of,
)
from archlab.graph import Graph, Node, Shape
from archlab.onnx_bridge._calls import Met, operation
from archlab.onnx_bridge._file import Declared, Model, Operator, Stored, dtype_of
from archlab.onnx_bridge._fold import folded
from archlab.onnx_bridge._names import Names, Place, place_of
from archlab.onnx_bridge._patterns import Whole, wholes
from archlab.onnx_bridge._shapes import SHAPES, Asked
from archlab.onnx_bridge._value import UnknownSizeError, Value, complete
from archlab.onnx_bridge.types import Array, Proto
from archlab.ops import Detached, Fixed, Input, Kept, Op, Opaque, Weight
from archlab.units import BYTES_PER_ELEMENT

_MOST_ELEMENTS = 10**18
_ANONYMOUS = re.compile(r"val_\d+|onnx::\w+_\d+|/.*Constant.*")
"""Names that exporters give to numbers in a formula."""


class _Written(NamedTuple):
    """What will be a node."""

    place: Place
    op: Op
    reads: tuple[int, ...]
    shape: Shape
    dtype: str
    parameters: tuple[Value, ...]
    kept: Kept | None


def from_onnx(model: Model, reference: str, input: Sequence[int | None] | None = None, name: str = "") -> Graph:
    """The graph of an ONNX model. Nothing is computed but the sizes, and no weights are read.

    The graph has the channels last and no batch, as all graphs have. An operator without a rule is *unknown*, by name.

    Args:
        model: as `read_file` has read it.
        reference: what messages call it.
        input: the shape of what it takes, without the batch, for sizes that the file leaves free or to change them:
            (224, 224), (3, 224, 224) or (224, 224, 3).
        name: of the graph; that in the file by default.

    Raises:
        UsageError: a size is free and `input` does not say it, or `input` has other axes than the file.
        ShapeError: an operator refuses the shapes that it meets.
        SourceError: the file has no input or no output that depends on one.
    """
    if not model.inputs:
        raise SourceError(f"{reference} has no input")
    reader = _Reader(model, reference)
    try:
        reader.read(input)
        outputs = reader.outputs()
    except ShapeError as error:
        raise error.within(reference) from None
    return reader.graph(outputs, name or model.name or reference)


class _Reader:
    """Goes through the operators in order."""

    def __init__(self, model: Model, reference: str) -> None:
        self._model = model
        self._reference = reference
        self._written: list[_Written] = []
        self._values: dict[str, Value] = {}
        self._standing: dict[int, Standing] = {}
        self._batch = 1
        self._read: set[str] = set()

    # What comes in.

    def read(self, input: Sequence[int | None] | None) -> None:
        """Write down every operator that depends on what comes in."""
        for stored in self._model.stored.values():
            self._values[stored.name] = _stored(stored)
        for place, declared in enumerate(self._model.inputs):
            self._input(declared, input if place == 0 else None)
        pieces = wholes(self._model)
        within = {id(part) for whole in pieces.values() for part in whole.parts[1:]}
        for operator in self._model.operators:
            self._read.update(operator.inputs)
            if id(operator) in pieces:
                self._whole(operator, pieces[id(operator)])
            elif id(operator) not in within:
                self._operator(operator)

    def _input(self, declared: Declared, given: Sequence[int | None] | None) -> None:
        last = self._channels_last(declared)
        shape = self._input_shape(declared, given, last)
        rank = len(shape)
        if declared.shape and declared.shape[0] and rank > 1:
            self._batch = max(self._batch, declared.shape[0])
        axes = {len(self._values[each.inputs[1]].shape or ()) - 2 for each in self._model.operators
                if each.kind == "Conv" and len(each.inputs) > 1 and each.inputs[1] in self._values}  # fmt: skip
        whole = declared.dtype.startswith(("int", "uint")) and not axes
        if whole:
            roles: Roles = (B, *(S,) * (rank - 1))
        elif last:
            roles = (B, *(S,) * (rank - 2), C)
        else:
            roles = image(rank) if rank > 3 or (rank == 3 and 1 in axes) else sequence(rank)
        value = Value(declared.name, shape, declared.dtype)
        self._values[declared.name] = value
        dtype = declared.dtype if declared.dtype in BYTES_PER_ELEMENT else "float32"
        place = Place((), _last(declared.name) or "input")
        self._write(place, Input.of(graph_shape(shape, roles), dtype), (), value, roles, (), Kept())

    def _channels_last(self, declared: Declared) -> bool:
        """Whether the first thing that happens to an image is that its channels are brought to the front."""
        names, rank = {declared.name}, len(declared.shape or ())
        for operator in self._model.operators:
            if not names.intersection(operator.inputs) or rank < 4:
                continue
            if operator.kind == "Transpose":
                return operator.attributes.get("perm") == (0, rank - 1, *range(1, rank - 1))
            if operator.kind not in ("Sub", "Mul", "Add", "Div", "Cast", "Identity", "Pad"):
                return False
            names.update(operator.outputs)
        return False

    def _input_shape(self, declared: Declared, given: Sequence[int | None] | None, last: bool) -> tuple[int, ...]:
        known = declared.shape
        title = f"{self._reference}: its input {declared.name!r}"
        if given is None:
            if known is None:
                raise UsageError(f"{title} has no shape in the file: give it, input=(3, 224, 224)")
            if None in known[1:] or (len(known) == 1 and known[0] is None):
                sizes = "×".join("?" if size is None else str(size) for size in known[1:])
                raise UsageError(f"{title} is of {sizes}: give its size, --input 224x224 (in Python input=(224, 224))")
            return tuple([1 if not place and len(known) > 1 else size or 1 for place, size in enumerate(known)])
        if any(not isinstance(n, int) or isinstance(n, bool) or n < 1 for n in given):
            raise UsageError(f"{title}: input is a tuple of whole numbers of at least 1, got {tuple(given)}")
        shape = [size for size in given if size is not None]
        if known is None:
            return (1, *shape)
        channels = known[-1 if last else 1] if len(known) > 1 else None
        if len(shape) == 2 and len(known) == 4:
            shape = [*shape, channels or 3] if last else [channels or 3, *shape]
        if len(shape) == len(known) - 1 > 1 and channels is not None:
            at, other = (-1, 0) if last else (0, -1)
            if shape[at] != channels and shape[other] == channels:
                shape = [*shape[1:], shape[0]] if last else [shape[-1], *shape[:-1]]
            if shape[at] != channels:
                raise UsageError(f"{title} has {channels} channels, got input={tuple(given)}")
        if len(shape) != len(known) - 1:
            raise UsageError(f"{title} has {len(known) - 1} axes without the batch, got input={tuple(given)}")
        return (1, *shape)

    # Operators.

    def _whole(self, operator: Operator, whole: Whole) -> None:
        for part in whole.parts[1:]:
            self._read.update(part.inputs)
        together = replace(operator, kind=whole.kind, inputs=whole.inputs, outputs=(whole.output,), attributes={})
        if whole.kind != "MatMul":
            # An activation is named after its last piece, which stands beside what it is read by.
            together = replace(together, name=whole.parts[-1].name, modules=whole.parts[-1].modules)
        self._operator(together)

    def _operator(self, operator: Operator) -> None:
        inputs = [self._values[name] if name else None for name in operator.inputs]
        inputs += [self._values[name] for name in _captured(operator) if name in self._values]
        coming = [each for each in inputs if each is not None and id(each) in self._standing]
        values = folded(operator, inputs)
        if values is not None or not coming:
            self._constant(operator, inputs, values, bool(coming))
            return
        asked = Asked(operator, tuple(inputs), self._model.version, self._batch)
        shapes, why = self._shapes(asked)
        made = [
            Value(name, shape, self._dtype(operator, name, inputs))
            for name, shape in zip(operator.outputs, shapes, strict=True)
        ]
        parts = len(made) if operator.kind == "Split" else 1
        for part in range(parts):
            if made[part].name:
                self._answer(Met(asked, self._standing, made[part], part), coming, why)
        first = self._standing.get(id(made[0])) if made else None
        for value in made:
            if value.name:
                self._values[value.name] = value
                if first is not None and id(value) not in self._standing:
                    # Indices, masks, a second statistic.
                    rank = value.dim()
                    self._standing[id(value)] = Standing(
                        first.position, first.roles if len(first.roles) == rank else (S,) * rank
                    )

    def _answer(self, met: Met, coming: Sequence[Value], why: str) -> None:
        """Write down what an operator is."""
        operator, value = met.asked.operator, met.made
        parameters: dict[int, Value] = {}
        place = place_of(
            operator, [each.name for name in operator.inputs if name for each in self._values[name].parameters]
        )
        if not complete(value.shape) or not all(complete(each.shape) for each in met.all()):
            reads = tuple([self._standing[id(each)].position for each in coming])
            came = tuple([self._written[position].shape for position in reads])
            for each in met.all():
                parameters.update({id(p): p for p in each.parameters if id(each) not in self._standing})
            roles = image(value.dim())
            shape = _partial(value.shape, roles)
            op = Opaque(operator.kind, came, shape, None, why or "the shape of what comes in is not known")
            self._write(place, op, reads, value, roles, tuple(parameters.values()), None, shape)
            return
        answer = operation(met)
        if answer.op is None:
            self._standing[id(value)] = Standing(self._standing[id(coming[0])].position, answer.roles)
            return
        for each in met.taken.values():
            parameters.update({id(p): p for p in each.parameters})
        read = [self._standing[id(each)].position for each in met.read]
        self._write(place, answer.op, tuple(read), value, answer.roles, tuple(parameters.values()), answer.kept)

    def _shapes(self, asked: Asked) -> tuple[list[tuple[int | None, ...] | None], str]:
        """The shape of each output, and why one is not known."""
        operator, why = asked.operator, ""
        rule = SHAPES.get(operator.kind) if not operator.domain else None
        declared = [self._model.declared.get(name) for name in operator.outputs]
        if rule is not None:
            try:
                found = list(rule(asked))[: len(operator.outputs)]
                for shape in found:
                    if prod(shape) > _MOST_ELEMENTS or min(shape, default=0) < 0:
                        raise ShapeError(f"{operator.kind}: an output of {shape}")
                return [*found, *[None] * (len(operator.outputs) - len(found))], ""
            except UnknownSizeError as error:
                why = str(error)
            except ShapeError as error:
                raise error.at(operator.name) from None
            except (IndexError, KeyError, TypeError, ValueError, ZeroDivisionError, OverflowError) as error:
                raise ShapeError(f"{operator.kind}: its arguments do not fit its input: {error}").at(
                    operator.name
                ) from None
        inferred = _inferred(asked, self._model) if rule is None else {}
        shapes: list[tuple[int | None, ...] | None] = []
        for name, said in zip(operator.outputs, declared, strict=True):
            found = inferred.get(name)
            if not complete(found) and said is not None and said.shape is not None:
                found = tuple([1 if size is None and not axis else size for axis, size in enumerate(said.shape)])
            shapes.append(found)
        return shapes, why

    def _constant(
        self, operator: Operator, inputs: Sequence[Value | None], values: Array | None, measured: bool
    ) -> None:
        """A tensor that depends on nothing that comes in."""
        asked = Asked(operator, tuple(inputs), self._model.version)
        parameters: dict[int, Value] = {}
        if not measured:
            for each in inputs:
                parameters.update({id(p): p for p in (each.parameters if each is not None else ())})
        shapes: Sequence[tuple[int | None, ...] | None] = [None]
        tensor = operator.attributes.get("value")
        if values is not None:
            shapes = [tuple(values.shape)]
        elif operator.kind == "Constant":
            shapes = [tuple(map(int, tensor.dims)) if tensor is not None and hasattr(tensor, "dims") else None]
        else:
            with suppress(ShapeError):
                shapes = self._shapes(asked)[0]
        for name, shape in zip(operator.outputs, [*shapes, *[None] * len(operator.outputs)], strict=False):
            value = Value(name, shape, self._dtype(operator, name, inputs), values, tuple(parameters.values()))  # pyright: ignore[reportArgumentType]
            if operator.kind in ("ConstantOfShape", "Constant") and _counts(value.dtype, shape):
                # It stands where a weight does: so files are written whose weights are left out.
                value.parameters = (value,)
            self._values[name] = value

    def _dtype(self, operator: Operator, name: str, inputs: Sequence[Value | None]) -> str:
        declared = self._model.declared.get(name)
        if declared is not None and declared.dtype != "unknown":
            return declared.dtype
        kind = operator.kind
        if kind in ("Shape", "Size", "ArgMax", "ArgMin", "NonZero"):
            return "int64"
        if kind in ("Equal", "Greater", "Less", "GreaterOrEqual", "LessOrEqual", "Not", "And", "Or", "Xor", "IsNaN"):
            return "bool"
        if kind in ("Cast", "Constant", "ConstantOfShape"):
            tensor = operator.attributes.get("value")
            given = operator.attributes.get("to") if kind == "Cast" else getattr(tensor, "data_type", None)
            return dtype_of(given) if given is not None else "float32"
        first = next((each for each in inputs[1 if kind == "Where" else 0 :] if each is not None), None)
        return first.dtype if first is not None else "float32"

    def _write(
        self, place: Place, op: Op, reads: tuple[int, ...], value: Value, roles: Roles, parameters: tuple[Value, ...],
        kept: Kept | None, shape: Shape | None = None,
    ) -> None:  # fmt: skip
        found = graph_shape(value.sizes, roles) if shape is None else shape
        dtype = value.dtype if value.dtype in BYTES_PER_ELEMENT else "float32"
        self._written.append(_Written(place, op, reads, found, dtype, parameters, kept))
        self._standing[id(value)] = Standing(len(self._written) - 1, roles)

    # The whole.

    def outputs(self) -> list[int]:
        """The nodes that make what goes out."""
        positions: list[int] = []
        depends = False
        for name in self._model.outputs:
            value = self._values.get(name)
            if value is None:
                raise SourceError(f"{self._reference}: nothing makes its output {name!r}")
            depends = depends or id(value) in self._standing
            if id(value) not in self._standing:
                shape = tuple(value.shape or ())
                roles: Roles = (*(S,) * (len(shape) - 1), C)[-len(shape) :] if shape else ()
                made = _partial(shape, roles)
                op = Fixed("constant", (self._written[0].shape,), made)
                self._write(Place((), "constant"), op, (0,), value, roles, value.parameters, Kept(), made)
            position = self._standing[id(value)].position
            if position not in positions:
                positions.append(position)
        if not depends:
            raise SourceError(f"{self._reference}: no output of it depends on its input")
        return positions

    def graph(self, outputs: list[int], title: str) -> Graph:
        """What has been written down, as a graph."""
        names = Names([written.place for written in self._written])
        counted: set[int] = set()
        layers: dict[tuple[int, ...], int] = {}
        nodes: list[Node] = []
        for written in self._written:
            name, scope = names.of(written.place)
            inputs = tuple([nodes[source].shape for source in written.reads])
            key, weights = tuple([id(each) for each in written.parameters]), ()
            if key:
                parameters = [_parameter(each, id(each) in counted) for each in written.parameters]
                weights = weights_of(written.op, inputs, parameters)
                counted.update(key)
            first = layers.setdefault(key, len(nodes)) if key else len(nodes)
            shared = first < len(nodes) and nodes[first].op == written.op
            layer = nodes[first].name if shared else name
            nodes.append(
                Node(name, written.op, written.reads, written.shape, scope, layer, written.dtype, weights,
                     kept=written.kept)
            )  # fmt: skip
        for stored in self._model.stored.values():
            value = self._values[stored.name]
            if stored.name not in self._read and value.parameters and stored.name not in self._model.outputs:
                nodes.append(_unread(value, names))
        return Graph(tuple(nodes), tuple(outputs), title)


def _stored(stored: Stored) -> Value:
    value = Value(stored.name, stored.shape, stored.dtype, stored.values)
    single = stored.values is not None and stored.values.size == 1
    if _counts(stored.dtype, stored.shape) and not (single and _ANONYMOUS.fullmatch(stored.name)):
        value.parameters = (value,)
    return value


def _counts(dtype: str, shape: tuple[int | None, ...] | None) -> bool:
    """Whether a stored tensor is a parameter: real numbers along an axis, or weights rounded to eight bits."""
    if not shape:
        return False
    return dtype in ("float32", "float16", "bfloat16", "float64") or (dtype in ("int8", "uint8") and len(shape) > 1)


def _parameter(value: Value, shared: bool) -> Parameter:
    name = _last(value.name)
    plain = name if name.isidentifier() and not name.startswith("onnx") else ""
    return Parameter(plain, value.sizes, value.dtype if value.dtype in BYTES_PER_ELEMENT else "float32", True, shared)


def _unread(value: Value, names: Names) -> Node:
    """A node beside the graph for a parameter that nothing reads."""
    name = names.free(value.name.replace(".", "/") or "parameter")
    role = "kernel" if value.dim() > 1 else "bias"
    weight = Weight(_last(value.name), value.sizes, prod(value.sizes), role, True, value.dtype)
    return Node(name, Detached("Parameter"), (), (0,), None, name, value.dtype, (weight,))


def _last(name: str) -> str:
    return name.rpartition(".")[2].rpartition("/")[2]


def _partial(shape: tuple[int | None, ...] | None, roles: Roles) -> Shape:
    """A shape in the graph of which not all sizes are known."""
    if shape is None:
        return (None,)
    inside = tuple([size for size, role in zip(shape, roles, strict=True) if role == S])
    channels = [size for size, role in zip(shape, roles, strict=True) if role == C]
    known = [size for size in channels if size is not None]
    return (*inside, prod(known) if len(known) == len(channels) else None)


def _captured(operator: Operator) -> list[str]:
    """The names of tensors from outside that the graphs within an operator read."""
    found: dict[str, None] = {}
    waiting: list[Proto] = []
    for value in operator.attributes.values():
        if isinstance(value, list):
            waiting += value
    while waiting:
        graph = waiting.pop()
        for node in graph.node:
            found.update(dict.fromkeys(map(str, node.input)))
            for attribute in node.attribute:
                waiting += [attribute.g] if attribute.HasField("g") else []
                waiting += attribute.graphs
    return [name for name in found if name and name not in operator.inputs]


def _inferred(asked: Asked, model: Model) -> Mapping[str, tuple[int | None, ...]]:
    """What ONNX's own inference says of an operator that has no rule here; nothing where it does not know either."""
    operator = asked.operator
    try:
        schema = onnx.defs.get_schema(operator.kind, model.version, operator.domain)
        types = {
            name: onnx.helper.make_tensor_type_proto(_number(value.dtype), value.shape)
            for name, value in zip(operator.inputs, asked.inputs, strict=False) if name and value is not None
        }  # fmt: skip
        found = onnx.shape_inference.infer_node_outputs(schema, operator.proto, types, opset_imports=[
            onnx.helper.make_opsetid("", model.version)
        ])  # fmt: skip
    except ArchlabError:
        raise
    except Exception:  # whatever it raises, it says nothing
        return {}
    shapes: dict[str, tuple[int | None, ...]] = {}
    for name, kind in found.items():
        if kind.HasField("tensor_type") and kind.tensor_type.HasField("shape"):
            dims = kind.tensor_type.shape.dim
            shapes[name] = tuple([int(dim.dim_value) if dim.HasField("dim_value") else None for dim in dims])
    return shapes


def _number(dtype: str) -> int:
    return int(onnx.TensorProto.DataType.Value({"float32": "FLOAT", "float64": "DOUBLE"}.get(dtype, dtype.upper())))
