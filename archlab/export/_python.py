from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from archlab.bridge import for_keras
from archlab.export._fold import Item, Loop, Scaled, arguments, columns, cost, fold
from archlab.export._statements import MAIN, Program, Statement, import_of, programs
from archlab.sources import Reference, load
from archlab.text import printable

WIDTH = 100
_INDENT = "    "

# Keras's layers take these first arguments by position.
_FIRST = {
    "Activation": ("activation",),
    "Conv": ("filters", "kernel_size"),
    "ConvTranspose": ("filters", "kernel_size"),
    "SeparableConv": ("filters", "kernel_size"),
    "DepthwiseConv": ("kernel_size",),
    "Dense": ("units",),
    "Embedding": ("input_dim", "output_dim"),
    "LSTM": ("units",),
    "GRU": ("units",),
    "MaxPooling": ("pool_size",),
    "AveragePooling": ("pool_size",),
    "ZeroPadding": ("padding",),
    "Cropping": ("cropping",),
    "UpSampling": ("size",),
    "Reshape": ("target_shape",),
    "Permute": ("dims",),
    "Rescaling": ("scale",),
    "Resizing": ("height", "width"),
    "RandomCrop": ("height", "width"),
    "RandomFlip": ("mode",),
    "RandomRotation": ("factor",),
    "RandomContrast": ("factor",),
    "RandomBrightness": ("factor",),
    "RandomZoom": ("height_factor",),
    "RandomTranslation": ("height_factor", "width_factor"),
    "GaussianNoise": ("stddev",),
    "Dropout": ("rate",),
    "SpatialDropout": ("rate",),
    "AlphaDropout": ("rate",),
    "GaussianDropout": ("rate",),
}

# What Keras takes an argument to be unless told, wherever a layer has it; a layer's own stand below.
_DEFAULTS: dict[str, object] = {
    "strides": 1,
    "padding": "valid",
    "dilation_rate": 1,
    "groups": 1,
    "depth_multiplier": 1,
    "output_padding": None,
    "use_bias": True,
    "activation": None,
    "kernel_initializer": "glorot_uniform",
    "depthwise_initializer": "glorot_uniform",
    "pointwise_initializer": "glorot_uniform",
    "gamma_initializer": "ones",
    "beta_initializer": "zeros",
    "momentum": 0.99,
    "epsilon": 0.001,
    "center": True,
    "scale": True,
    "keepdims": False,
    "axis": -1,
    "offset": 0.0,
    "max_value": None,
    "threshold": 0.0,
    "shared_axes": None,
    "return_sequences": False,
    "dtype": "float32",
}
_OWN_DEFAULTS: dict[str, dict[str, object]] = {
    "MaxPooling": {"strides": None},
    "AveragePooling": {"strides": None},
    "ReLU": {"negative_slope": 0.0},
    "ELU": {"alpha": 1.0},
    "GroupNormalization": {"groups": 32},
    "LSTM": {"activation": "tanh", "recurrent_activation": "sigmoid"},
    "GRU": {"activation": "tanh", "recurrent_activation": "sigmoid"},
    "SimpleRNN": {"activation": "tanh"},
    "UpSampling": {"interpolation": "nearest"},
    "Resizing": {"interpolation": "bilinear"},
}

_MERGES = ("Add", "Average", "Concatenate", "Maximum", "Minimum", "Multiply", "Subtract")


def to_python(
    architecture: Reference, name: str = "", paper: str = "", *, input: Sequence[int | None] | None = None
) -> str:
    """The architecture as Keras code in the functional style, as a person would write it: loops for what repeats.

    Run, it makes `model`, whose weights have the shapes and the order of those of `to_keras`.

    Args:
        architecture: whatever names one: a part, a graph, a live Keras model, or a reference such as 'residual'.
        name: of the model; the architecture's own by default.
        paper: where it comes from, for the docstring; the architecture's own by default.
        input: another input shape; of a PyTorch module, which does not say it, the shape that it takes: (3, 224, 224).

    Raises:
        UnknownNameError: the reference names nothing.
        DesignError: it does not add up, or an operation has no layer in Keras.

    >>> from archlab import BatchNorm, Conv, Dense, GlobalAvgPool, Input, Pyramid, ReLU, Residual
    >>> block = Residual(BatchNorm() >> ReLU() >> Conv(stride=2, bias=False))
    >>> net = Input(32, 32, 3) >> Pyramid(block, widths=(16, 32, 64)) >> GlobalAvgPool() >> Dense(1)
    >>> print(to_python(net).partition("for ")[2].partition("\\n\\n")[0])
    filters in (16, 32, 64):
        residual = x
        x = layers.BatchNormalization()(x)
        x = layers.ReLU()(x)
        x = layers.Conv2D(filters, 3, strides=2, padding="same", use_bias=False)(x)
        residual = layers.Conv2D(filters, 1, strides=2, padding="same", use_bias=False)(residual)
        x = layers.add([x, residual])
    """
    found = load(architecture, input)
    graph = for_keras(found.graph)
    folded = [(written, fold(written.statements)) for written in programs(graph)]
    written, items = min(folded, key=lambda pair: cost(pair[1]))
    return "\n".join(_lines(written, items, name or found.name, paper or found.paper)) + "\n"


def _docstring(text: str) -> str:
    """A literal of the text: whatever stands in it, nothing of it can end the literal, and none of it runs."""
    escaped = text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    if escaped.endswith('"'):
        escaped = f'{escaped[:-1]}\\"'
    lines = [printable(line) for line in escaped.split("\n")]
    return '"""' + "\n".join(lines) + '"""'


def _lines(written: Program, items: Sequence[Item], name: str, paper: str) -> Iterator[str]:
    yield _docstring(f"{name}\n\n{paper}\n" if paper else name)
    yield ""
    yield "import keras"
    yield "from keras import layers"
    kinds = {*(s.kind for s in written.statements if s.kind), *(kind for _, kind, _ in written.shared)}
    imported = {(module, name) for module, _, name in (kind.rpartition(".") for kind in kinds) if module}
    described = [*(s.arguments for s in written.statements), *(each for _, _, each in written.shared)]
    imported |= {found for each in described for v in each.values() if callable(v) and (found := import_of(v))}
    for module, name_there in sorted(imported):
        yield f"from {module} import {name_there}"
    yield ""
    for variable, described in written.inputs:
        yield f"{variable} = keras.Input({_call('Input', described)})"
    for variable, kind, described in written.shared:
        yield f"{variable} = {_constructor(kind)}({_call(kind, described)})"
    reserved = {s.target for s in written.statements} | {n for s in written.statements for n in s.inputs}
    before: Item | None = None
    for item in items:
        if _apart(before, item):
            yield ""
        yield from _items([item], arguments(item), "", reserved)
        before = item
    yield ""
    starts = _listed([variable for variable, _ in written.inputs])
    yield f"model = keras.Model({starts}, {_listed(written.outputs)}, name={_quoted(_identifier(name))})"


def _apart(before: Item | None, item: Item) -> bool:
    """Whether a line of air stands between two items: around loops, and where parts of the architecture meet."""
    if isinstance(before, Statement) and before.kind is None and before.target != MAIN:
        return False
    scopes = [each.scopes[:1] if isinstance(each, Statement) else ("a loop",) for each in (before, item) if each]
    return isinstance(item, Loop) or (before is not None and scopes[0] != scopes[1])


def _listed(variables: Sequence[str]) -> str:
    return variables[0] if len(variables) == 1 else f"[{', '.join(variables)}]"


def _identifier(name: str) -> str:
    cleaned = "".join(letter if letter.isalnum() else "_" for letter in name).strip("_")
    return cleaned or "model"


def _items(items: Sequence[Item], values: Sequence[object], indent: str, taken: set[str]) -> Iterator[str]:
    """The lines of a body; `values` are its arguments, or what they are in terms of the variables around."""
    rest = list(values)
    for item in items:
        count = len(arguments(item))
        mine, rest = rest[:count], rest[count:]
        if isinstance(item, Loop):
            yield from _loop(item, mine, indent, taken)
        else:
            yield from _statement(item, mine, indent)


def _loop(loop: Loop, values: Sequence[object], indent: str, taken: set[str]) -> Iterator[str]:
    if loop.is_plain:
        turns, *inside = values
        if turns == 1:
            yield from _items(loop.body, inside, indent, taken)
            return
        yield f"{indent}for _ in range({_value(turns)}):"
        yield from _items(loop.body, inside, indent + _INDENT, taken)
        return
    variables, said = columns(loop.rows, loop.called, taken)
    rows = zip(*variables.values(), strict=True)
    table = ", ".join(_value(row if len(variables) > 1 else row[0]) for row in rows)
    head = f"{indent}for {', '.join(variables)} in "
    if len(head) + len(table) + 3 <= WIDTH:
        yield f"{head}({table}):"
    else:
        yield f"{head}("
        for row in zip(*variables.values(), strict=True):
            yield f"{indent}{_INDENT}{_value(row if len(variables) > 1 else row[0])},"
        yield f"{indent}):"
    yield from _items(loop.body, said, indent + _INDENT, taken | set(variables))


def _statement(statement: Statement, values: Sequence[object], indent: str) -> Iterator[str]:
    if statement.kind is None:
        yield f"{indent}{statement.target} = {statement.inputs[0]}"
        return
    described = dict(zip(statement.arguments, values, strict=True))
    given = _call(statement.kind, described)
    inputs = ", ".join(statement.inputs)
    if statement.layer:
        read = f"[{inputs}]" if len(statement.inputs) > 1 else inputs
        yield f"{indent}{statement.target} = {statement.layer}({read})"
        return
    if statement.kind in _MERGES:
        more = f", {given}" if given else ""
        yield f"{indent}{statement.target} = layers.{statement.kind.lower()}([{inputs}]{more})"
        return
    read = f"[{inputs}]" if len(statement.inputs) > 1 else inputs
    line = f"{indent}{statement.target} = {_constructor(statement.kind)}({given})({read})"
    if len(line) <= WIDTH:
        yield line
        return
    yield f"{indent}{statement.target} = {_constructor(statement.kind)}("
    for argument in _arguments(statement.kind, described):
        yield f"{indent}{_INDENT}{argument},"
    yield f"{indent})({read})"


def _constructor(kind: str) -> str:
    return kind.rpartition(".")[2] if "." in kind else f"layers.{kind}"


def _call(kind: str, described: Mapping[str, object]) -> str:
    return ", ".join(_arguments(kind, described))


def _arguments(kind: str, described: Mapping[str, object]) -> Iterator[str]:
    family = family_of(kind)
    defaults = _DEFAULTS | _OWN_DEFAULTS.get(family, {})
    # The scale of normalization is a switch, that of rescaling a number.
    by_position = _FIRST.get(family, ())
    for name in by_position:
        yield _value(described[name], name)
    for name, value in described.items():
        if name in by_position:
            continue
        if name in defaults and type(value) is type(defaults[name]) and value == defaults[name]:
            continue
        if name == "strides" and family in ("MaxPooling", "AveragePooling") and value == described["pool_size"]:
            continue
        yield f"{name}={_value(value, name)}"


def family_of(kind: str) -> str:
    """The layer's name without its number of axes: Conv of `Conv2D`, ConvTranspose of `Conv2DTranspose`."""
    for axes in ("1D", "2D", "3D"):
        kind = kind.replace(axes, "")
    return kind


def _value(value: object, name: str = "") -> str:
    if isinstance(value, Scaled):
        return repr(value)
    if isinstance(value, str):
        if name.endswith("_initializer") and value.startswith("{"):
            described = json.loads(value)
            given = ", ".join(f"{key}={_value(each)}" for key, each in described["config"].items())
            return f"keras.initializers.{described['class_name']}({given})"
        return _quoted(value)
    if callable(value):
        return value.__name__
    if isinstance(value, tuple):
        return f"({', '.join(map(_value, value))}{',' if len(value) == 1 else ''})"
    if isinstance(value, float) and value and abs(value) < 1 and 1 / round(1 / value) == value and len(repr(value)) > 8:
        return f"1 / {round(1 / value)}"
    return repr(value)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
