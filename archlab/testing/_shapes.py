"""Shapes and weights, against Keras's own layer."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from math import prod

from archlab.errors import ShapeError
from archlab.graph import Shape, format_shape
from archlab.testing._outcomes import NotApplicable
from archlab.testing._subject import Subject


def output_shape(subject: Subject) -> str:
    """The output shape is Keras's, at known and unknown sizes; where Keras refuses a shape, so does the layer."""
    subject.needs_keras_layer()
    for inputs in (subject.inputs, *_others(subject.inputs)):
        came = " and ".join(map(format_shape, inputs))
        theirs = subject.keras_output(inputs)
        try:
            ours = subject.op.output(*inputs)
            subject.op.weights(*inputs)  # a layer may need sizes for its weights alone
        except ShapeError as error:
            if not isinstance(theirs, Exception):
                raise AssertionError(
                    f"of {came} Keras's layer makes {format_shape(theirs)}, and output() raises ShapeError: {error}"
                ) from None
            continue
        if isinstance(theirs, Exception):
            raise AssertionError(
                f"output() of {came} is {format_shape(ours)}, and Keras's layer refuses it, where output() "
                f"should raise ShapeError: {_first_line(theirs)}"
            )
        if ours != theirs:
            raise AssertionError(
                f"output() of {came} is {format_shape(ours)}, and Keras's layer makes {format_shape(theirs)}"
            )
    return format_shape(subject.output)


def _others(inputs: tuple[Shape, ...]) -> Iterator[tuple[Shape, ...]]:
    """The same shapes with unknown sizes, all of them and the first alone, and with sizes of 1."""
    if inputs and all(len(shape) > 1 for shape in inputs):
        yield tuple((*(None,) * (len(shape) - 1), shape[-1]) for shape in inputs)
        yield tuple((None, *shape[1:]) for shape in inputs)
        yield tuple((*(1,) * (len(shape) - 1), shape[-1]) for shape in inputs)


def _first_line(error: Exception) -> str:
    return next(filter(None, map(str.strip, str(error).splitlines())), type(error).__name__)


def weights(subject: Subject) -> str:
    """The weights have the shapes, the order and the dtype of those of Keras's layer, and the same are trainable."""
    ours = subject.op.weights(*subject.inputs)
    if ours is None:
        raise NotApplicable("it does not state its weights")
    subject.needs_keras_layer()
    layer = subject.layer
    learned = {id(weight) for weight in getattr(layer, "trainable_weights", ())}
    theirs = [
        (tuple(weight.shape), id(weight) in learned, str(weight.dtype)) for weight in getattr(layer, "weights", ())
    ]
    stated = [(each.shape, each.trainable, each.dtype) for each in ours]
    for number, (mine, other) in enumerate(zip_longest(stated, theirs)):
        if mine != other:
            name = ours[number].name if number < len(ours) else layer.weights[number].name
            raise AssertionError(
                f"weight {number + 1} ({name}) is {_weight(mine)}, and Keras's layer has {_weight(other)}"
            )
    for each in ours:
        if each.size != prod(each.shape):
            raise AssertionError(
                f"weight {each.name} of shape {each.shape} has the size {each.size}, expected {prod(each.shape)}"
            )
    return ", ".join(f"{each.name} {format_shape(each.shape)}" for each in ours) or "none"


def _weight(weight: tuple[Shape, bool, str] | None) -> str:
    if weight is None:
        return "none"
    shape, trainable, dtype = weight
    return f"{format_shape(shape) or 'one number'}, {dtype}, {'' if trainable else 'not '}trainable"
