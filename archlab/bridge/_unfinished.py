"""A Keras model that could not be put together: which layer refused what, and the part that stands."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import NamedTuple, TypeVar

from archlab.bridge._from_keras import from_keras
from archlab.bridge._rules import layer_of
from archlab.bridge._runtime import load_any_keras
from archlab.bridge.types import Layer, Tensor
from archlab.errors import ArchlabError
from archlab.graph import Graph
from archlab.ops import Op

T = TypeVar("T")


class Unfinished(NamedTuple):
    """Where the building of a model ended."""

    layer: str
    """The layer that refused."""
    op: Op | None
    """The operation that it is; None where there is no rule for it."""
    graph: Graph
    """What stands before it."""


def with_full_tracebacks(build: Callable[[], T]) -> T:
    """Call what builds a model, with errors that say which layer they come from: Keras hides its own frames."""
    keras = sys.modules.get("keras")
    if keras is None or not keras.config.is_traceback_filtering_enabled():
        return build()
    keras.config.disable_traceback_filtering()
    try:
        return build()
    finally:
        keras.config.enable_traceback_filtering()


def unfinished(error: BaseException) -> Unfinished | None:
    """Where an error stopped a model from being built; None where it is of something else."""
    keras = load_any_keras()
    found: tuple[Layer, list[Tensor]] | None = None
    for frame in _frames(error):
        layer = frame.f_locals.get("self")
        if not isinstance(layer, keras.layers.Layer) or isinstance(layer, keras.Model):
            continue
        given = (frame.f_locals.get("args", ()), frame.f_locals.get("kwargs", {}))
        tensors = [each for each in keras.tree.flatten(given) if isinstance(each, keras.KerasTensor)]
        if tensors:
            found = layer, tensors
    if found is None:
        return None
    layer, tensors = found
    try:
        inputs = list({id(each): each for tensor in tensors for each in keras.utils.get_source_inputs(tensor)}.values())
        graph = from_keras(keras.Model(inputs, tensors))
        try:
            op = layer_of(layer)
        except ArchlabError:
            op = None
    except Exception:  # what stands may itself be anything
        return None
    return Unfinished(layer.name, op, graph)


def _frames(error: BaseException) -> Iterator[FrameType]:
    """The frames that an error came through, and those of what it was raised from; the outermost first."""
    each: BaseException | None = error
    while each is not None:
        trace = each.__traceback__
        while trace is not None:
            yield trace.tb_frame
            trace = trace.tb_next
        each = each.__cause__
