"""TensorFlow's own functions, called on symbolic tensors while a layer's `call` is traced.

TensorFlow takes no symbolic tensor of Keras's, and asks whoever registered whether he knows what to do. A function that
Keras has as well is Keras's from there on; any other one becomes an operation of the traced graph, which says what it
makes by being called, and is run by being called again.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache

from archlab.bridge._private import auto_name, backend_spec
from archlab.bridge.types import Config, Function, Tensor, Untyped

_traces: ContextVar[bool] = ContextVar("traces", default=False)

# By the names of TensorFlow's functions, among them those that its tensors' operators call.
_AS_IN_KERAS = {
    "abs": "abs", "add": "add", "argmax": "argmax", "argmin": "argmin", "cast": "cast", "ceil": "ceil", "cos": "cos",
    "convert_to_tensor": "convert_to_tensor", "divide": "divide", "elu": "elu", "equal": "equal", "erf": "erf",
    "exp": "exp", "expand_dims": "expand_dims", "floor": "floor", "gelu": "gelu", "greater": "greater",
    "greater_equal": "greater_equal", "less": "less", "less_equal": "less_equal", "log": "log", "log1p": "log1p",
    "logical_and": "logical_and", "logical_not": "logical_not", "logical_or": "logical_or", "matmul": "matmul",
    "maximum": "maximum", "minimum": "minimum", "mul": "multiply", "multiply": "multiply", "neg": "negative",
    "negative": "negative", "not_equal": "not_equal", "pow": "power", "real_div": "true_divide",
    "reduce_max": "max", "reduce_mean": "mean", "reduce_min": "min", "reduce_sum": "sum", "relu": "relu",
    "relu6": "relu6", "reshape": "reshape", "rsqrt": "rsqrt", "selu": "selu", "sigmoid": "sigmoid", "sign": "sign",
    "sin": "sin", "softplus": "softplus", "softsign": "softsign", "sqrt": "sqrt", "square": "square",
    "sub": "subtract", "subtract": "subtract", "swish": "silu", "tan": "tan", "tanh": "tanh",
    "tensor_equals": "equal", "tensor_not_equals": "not_equal", "truediv": "true_divide",
}  # fmt: skip
_OPERANDS = {"a", "b", "features", "input", "input_tensor", "tensor", "value", "x", "y"}
"""Names of TensorFlow's for arguments that Keras takes in the same order."""
_NAMED_ALIKE = {"axis", "dtype", "keepdims", "shape"}


def _plain(name: str) -> str:
    """A name without what TensorFlow adds to it from version to version: `gather_v2`, `_add_dispatch`."""
    return re.sub(r"(_v2)?((_with)?_dispatch)?$", "", name).lstrip("_")


@contextmanager
def recorded() -> Generator[None]:
    """Let TensorFlow's functions be called on symbolic tensors in here, if Keras runs on TensorFlow."""
    import keras

    if keras.backend.backend() == "tensorflow":
        _register()
    token = _traces.set(True)
    try:
        yield
    finally:
        _traces.reset(token)


@cache
def _register() -> None:
    # Nothing takes a dispatcher back: outside of a trace it leaves everything as it is.
    import keras
    import tensorflow as tf

    base: type = tf.__internal__.dispatch.GlobalOpDispatcher

    def handle(self: object, op: Function, args: tuple[Untyped, ...], kwargs: Config) -> Tensor:
        symbols = [each for each in keras.tree.flatten((args, kwargs)) if isinstance(each, keras.KerasTensor)]
        if not (symbols and _traces.get()):
            return base.NOT_SUPPORTED
        kwargs = {name: value for name, value in kwargs.items() if name != "name" and value is not None}
        name = _plain(str(getattr(op, "__name__", type(op).__name__)))
        operands = [value for key, value in kwargs.items() if key in _OPERANDS]
        named = {key: value for key, value in kwargs.items() if key in _NAMED_ALIKE}
        if name in _AS_IN_KERAS and len(operands) + len(named) == len(kwargs):
            return getattr(keras.ops, _AS_IN_KERAS[name])(*args, *operands, **named)
        return _operation()(op, name)(*args, **kwargs)

    type("SymbolicDispatcher", (base,), {"handle": handle})().register()


def is_of_tensorflow(operation: object) -> bool:
    """Whether an operation stands for a function of TensorFlow's."""
    return _operation.cache_info().currsize > 0 and isinstance(operation, _operation())


@cache
def _operation() -> type:
    import keras

    class OfTensorFlow(keras.Operation):
        def __init__(self, function: Function, function_name: str) -> None:
            super().__init__(name=auto_name(function_name))
            self.function = function
            self.function_name = function_name

        def call(self, *args: Untyped, **kwargs: Untyped) -> Tensor:
            return self.function(*args, **kwargs)

        def compute_output_spec(self, *args: Untyped, **kwargs: Untyped) -> Tensor:
            return backend_spec(self.function, *args, **kwargs)

    return OfTensorFlow
