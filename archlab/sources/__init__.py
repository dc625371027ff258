"""What a user types, and the architecture that it names. One file a kind of reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from archlab.errors import SourceError, UsageError
from archlab.graph import Graph, Part
from archlab.sources import _keras_application, _keras_file, _onnx_file, _python, _torch_module, _yaml, _zoo
from archlab.sources._architecture import Architecture as Architecture
from archlab.sources._kind import Kind as Kind
from archlab.sources._kind import Options as Options

Reference: TypeAlias = str | Part | Graph | Architecture | Any
"""A reference as it is typed; or a part, a graph, an architecture, a Keras model or a PyTorch module, which is taken as
it is."""

# Asked in turn; the zoo, which knows the closest names, answers for whatever nobody else claims.
KINDS: list[Kind] = [_keras_file, _keras_application, _torch_module, _onnx_file, _yaml, _python]
"""One for each kind of reference."""


def load(
    reference: Reference, input: Sequence[int | None] | None = None, *, allow_lambda: bool = False
) -> Architecture:
    """The architecture that a reference names.

    Args:
        reference: a name of the zoo, with arguments if need be (`plain:depth=50,width=16`); `keras:ResNet50`;
            `torchvision:resnet50`; `timm:resnet50.a1_in1k`; `net.yaml`; `model.keras`; `model.onnx`; `file.py:function`
            or `package.module:name`, with arguments as for the zoo; or a part, a graph, an architecture, a live Keras
            model, a PyTorch module or an ONNX model, which is taken as it is.
        input: another input shape, (height, width) or (height, width, channels); of a PyTorch module, which does not
            say what it takes, the shape that it has there: (channels, height, width).
        allow_lambda: load a saved Keras model although it holds lambdas, which are code that then runs. They are
            unknown, by name.

    Raises:
        UnknownNameError: nothing has that name; names the closest.
        SourceError: a file or a module cannot be read, or holds a lambda that is not allowed.
        DesignError: the architecture does not add up.

    >>> load("residual").graph.nodes[-1].shape
    (1,)
    >>> load("plain:depth=20", input=(96, 96, 3)).name
    'plain:depth=20'
    """
    found = _found(reference, input, allow_lambda)
    return found if input is None else found.with_input(tuple(input))


_OTHER_FORMS = (".h5", ".hdf5", ".json", ".pb", ".tflite")
"""How models of Keras are kept besides: each needs Keras to be read, and some of them run code."""


def _found(reference: Reference, input: Sequence[int | None] | None, allow_lambda: bool) -> Architecture:
    if isinstance(reference, str):
        if reference.endswith(_OTHER_FORMS):
            raise SourceError(
                f"{reference}: models are read from .keras files. Load it with Keras, "
                f"keras.models.load_model({reference!r}) or keras.models.model_from_json, and save it: "
                "model.save('net.keras')"
            )
        kind = next((kind for kind in KINDS if kind.claims(reference)), _zoo)
        return kind.load(reference, Options(input, allow_lambda))
    found = _python.taken(reference, input=input)
    if found is None:
        raise UsageError(
            f"an architecture is needed: a name, a part, a graph, a Keras model or a PyTorch module, got {reference!r}"
        )
    return found


def register(modules: Sequence[str]) -> None:
    """Import modules that register layers of theirs with Keras.

    Raises:
        SourceError: one cannot be imported.
    """
    for module in modules:
        _python.module(module)


def names() -> tuple[str, ...]:
    """Every name that needs no file."""
    return _zoo.names()
