"""Models of `keras.applications`, built without weights: `keras:ResNet50`, `keras:MobileNetV2:alpha=0.5`."""

from __future__ import annotations

import ast
import inspect
from typing import Any

from archlab.errors import UnknownNameError, UsageError, did_you_mean
from archlab.parsing import read_size
from archlab.sources._architecture import Architecture
from archlab.sources._arguments import read_arguments
from archlab.sources._kind import Options

_PREFIX = "keras:"


def claims(reference: str) -> bool:
    """Whether the reference is of this kind."""
    return reference.startswith(_PREFIX)


def load(reference: str, options: Options) -> Architecture:
    """The model of that name, its weights never downloaded."""
    from archlab.bridge import from_keras, load_any_keras  # TensorFlow, which no other reference needs

    keras = load_any_keras()
    kinds = {name: kind for name, kind in vars(keras.applications).items() if inspect.isfunction(kind)}
    _, name, *_ = reference.split(":")
    folded = {kind.lower(): kind for kind in kinds}
    if name.lower() not in folded:
        raise UnknownNameError(f"no model named {name!r} in keras.applications: {did_you_mean(name, kinds)}")
    build = kinds[folded[name.lower()]]
    known = [key for key in inspect.signature(build).parameters if key != "weights"]
    arguments: dict[str, Any] = {}
    for key, text in read_arguments(reference, 2).items():
        if key not in known:
            raise UnknownNameError(f"{name} has no argument {key!r}: {did_you_mean(key, known)}")
        arguments[key] = _shape(text, reference) if key == "input_shape" else _value(text)
    try:
        model = build(weights=None, **arguments)
    except (ValueError, TypeError) as error:
        raise UsageError(f"{reference}: {error}") from None
    return Architecture(reference, reference, None, _graph=from_keras(model))


def _value(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _shape(text: str, reference: str) -> tuple[int | None, ...]:
    """An input's shape as Python writes it, or as `--input` does; with three channels where it names none."""
    found = _value(text)
    if isinstance(found, tuple | list) and all(size is None or type(size) is int for size in found):
        return tuple(found)
    shape = read_size(text, f"{reference}: input_shape")
    return shape if len(shape) != 2 else (*shape, 3)
