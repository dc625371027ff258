from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, TypeAlias

from archlab.bridge import Runnable, build, keras_layer, load_any_keras, load_keras
from archlab.bridge.types import Layer
from archlab.errors import ShapeError, UsageError
from archlab.graph import Builder, Graph, Node, Shape, format_shape
from archlab.ops import Identity, Input, Op
from archlab.testing._outcomes import NotApplicable

Sizes: TypeAlias = tuple[int, ...]
"""A shape whose sizes are all known."""

WIDTH = 8
"""The width that the stage around fills in where a layer leaves its own open."""

# Sizes that differ, so that axes which are mixed up show; 32 channels for those that want many.
_USUAL: tuple[Sizes, ...] = ((12, 10, 4), (12, 10, 32), (12, 4), (6, 5, 7, 4), (12,))


def inputs_for(op: Op, input: Any = None) -> tuple[Sizes, ...]:
    """The shapes that come in: those given, or the first usual ones that the layer takes.

    Raises:
        UsageError: what is given is no shape, or a layer takes none of the usual ones.
        ShapeError: the layer refuses the shapes that are given.
    """
    count = 2 if op.arity is None else op.arity
    if input is not None:
        shapes = tuple(map(tuple, input)) if input and isinstance(input[0], Sequence) else (tuple(input),) * count
        for size in (size for shape in shapes for size in shape):
            if isinstance(size, bool) or not isinstance(size, int) or size < 1:
                raise UsageError(
                    f"input must be a shape of known sizes, such as (12, 10, 4), or several, got {input!r}"
                )
        graph_of(op, shapes)
        return shapes
    for shape in _USUAL:
        try:
            graph_of(op, (shape,) * count)
        except ShapeError:
            continue
        return (shape,) * count
    tried = ", ".join(map(format_shape, _USUAL))
    raise UsageError(f"{op!r} takes none of {tried}: give the shape that comes in, check_op(op, input=(12, 10, 4))")


def graph_of(op: Op, inputs: Sequence[Shape]) -> Graph:
    """A graph of the layer alone, its open width filled in. One that begins an architecture has the identity behind."""
    builder = Builder()
    builder.width = WIDTH
    came = tuple(builder.add(Input(*shape)) for shape in inputs)
    position = builder.add(op, came) if came else op.lower(builder, None)
    assert position is not None
    return builder.graph((position if came else builder.add(Identity(), (position,)),))


class Subject:
    """A layer at inputs of known shapes, and what is worked out about both."""

    def __init__(self, given: Op, inputs: tuple[Sizes, ...]) -> None:
        self.given = given
        self.inputs = inputs
        self.graph = graph_of(given, inputs)
        self.position = len(inputs)

    @property
    def node(self) -> Node:
        """The layer's node."""
        return self.graph.nodes[self.position]

    @property
    def op(self) -> Op:
        """The layer with everything filled in that it left open."""
        return self.node.op

    @property
    def output(self) -> Shape:
        """The shape that comes out, as the layer says."""
        return self.node.shape

    def needs_keras_layer(self) -> None:
        """Raises NotApplicable where the layer has none."""
        if self.op.keras(*self.inputs) is None:
            raise NotApplicable("it has no layer in Keras")

    def needs_gradient(self) -> None:
        """Raises NotApplicable where nothing flows through the layer, or it has none in Keras."""
        self.needs_keras_layer()
        if not self.inputs:
            raise NotApplicable("nothing comes in")
        load_keras()

    @cached_property
    def built(self) -> Runnable:
        """The Keras model of the layer alone."""
        self.needs_keras_layer()
        return build(self.graph)

    @property
    def layer(self) -> Layer:
        """The Keras layer; None of an input."""
        return self.built.layers[self.position]

    def keras_output(self, inputs: Sequence[Shape]) -> Shape | Exception:
        """What comes out of Keras's own layer, or its refusal."""
        keras = load_any_keras()
        described = self.op.keras(*inputs)
        assert described is not None
        if not inputs:
            return tuple(keras.Input(**described.arguments).shape[1:])
        try:
            tensors = [keras.Input(shape) for shape in inputs]
            made = keras_layer(described)(tensors if len(tensors) > 1 else tensors[0])
        except Exception as error:  # of whatever kind: a layer refuses as it likes
            return error
        return tuple(made.shape[1:])

    def runnable(self, seed: int = 0, dtype: str | None = None) -> Runnable:
        """The model anew: random numbers of its own, in another dtype."""
        self.needs_keras_layer()
        return build(self.graph, seed, dtype)
