"""What Keras has serialized, as expressions of Python."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from functools import reduce
from typing import Any

from archlab.bridge import load_any_keras
from archlab.errors import ArgumentError

_ANY_LAYER = {"trainable": True, "dtype": "float32"}
"""What a layer is told that is an argument itself, such as an activation with a slope, unless it is told otherwise."""


@dataclass(frozen=True)
class Expression:
    """A piece of code that makes a value."""

    code: str

    def __repr__(self) -> str:
        return self.code


def expression(value: Any) -> Any:
    """A serialized value as one whose `repr` is the code that makes it.

    Raises:
        ArgumentError: it is an object of a class that no public module of Keras has, or of a quantized model.

    >>> expression({"module": "keras.regularizers", "class_name": "L2", "config": {"l2": 0.1}})
    keras.regularizers.L2(l2=0.1)
    >>> expression([1, None, "valid"])
    [1, None, 'valid']
    """
    if isinstance(value, dict) and "class_name" in value:
        return _object(value)
    if isinstance(value, dict):
        return {key: expression(each) for key, each in value.items()}
    if isinstance(value, list):
        return [expression(each) for each in value]
    if isinstance(value, tuple):
        return tuple([expression(each) for each in value])
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise ArgumentError(f"{type(value).__name__} has no expression")


def _object(described: dict[str, Any]) -> Any:
    module, name, config = described.get("module") or "", described["class_name"], described.get("config") or {}
    if name == "DTypePolicy":
        return config["name"]
    if name == "__numpy__":
        return expression(config["value"])
    parts = module.split(".")
    if parts[0] != "keras" or "src" in parts or described.get("registered_name"):
        raise ArgumentError(f"{name} is no object of Keras's own")
    if "Quantiz" in name:
        raise ArgumentError("the layer is quantized, which is done to a model that has its weights")
    kind = reduce(getattr, (*parts[1:], name), load_any_keras())
    defaults = {key: each.default for key, each in inspect.signature(kind).parameters.items()} | _ANY_LAYER
    given = {key: expression(each) for key, each in config.items() if key != "name"}
    told = [f"{key}={each!r}" for key, each in given.items() if key not in defaults or defaults[key] != each]
    return Expression(f"{module}.{name}({', '.join(told)})")
