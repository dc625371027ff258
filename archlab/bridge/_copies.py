"""Copies of a live model, made again from its layers' configurations: in float64, or for another size of input."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, cast

from archlab.bridge._from_keras import live
from archlab.bridge._private import deep_graphs, loss_weights, remade, same_names, same_random_state, sublayers
from archlab.bridge._runnable import Runnable
from archlab.bridge._runtime import load_keras
from archlab.bridge.types import Layer, Model, Tensor
from archlab.graph import Shape


def widened(runnable: Runnable) -> Runnable | None:
    """A model in float64, with the same weights and flags: what is too small or too large for float32 is not.

    None where a layer cannot be made again so that everything fits.
    """
    _, keras = load_keras()
    model = runnable.model
    inputs = [
        keras.Input(batch_shape=tensor.shape, dtype=_wide(tensor.dtype), name=tensor.name) for tensor in model.inputs
    ]
    return _copied(runnable, inputs, _in_float64)


def resized(model: Model, shape: Shape) -> Model | None:
    """A model of one input for inputs of another shape, with the same weights and flags, compiled with the same loss.

    None where a layer cannot be made again so that everything fits.
    """
    _, keras = load_keras()
    if len(model.inputs) != 1:
        return None
    (tensor,) = model.inputs
    copy = _copied(live(model), [keras.Input(shape, dtype=tensor.dtype, name=tensor.name)], lambda config: config)
    if copy is None:
        return None
    if getattr(model, "loss", None) is not None:
        copy.model.compile(loss=model.loss, loss_weights=loss_weights(model))
    return copy.model


def _copied(runnable: Runnable, inputs: Sequence[Tensor], change: Callable[[Any], Any]) -> Runnable | None:
    _, keras = load_keras()
    model = runnable.model

    def again(layer: Layer) -> Layer:
        made = type(layer).from_config(change(layer.get_config()))
        made.trainable = layer.trainable
        return made

    tensors = keras.tree.pack_sequence_as(model.input, list(inputs))
    with same_random_state(), same_names(), warnings.catch_warnings(), remade(sublayers(model)):
        # What Keras warns of was said when the model was first made.
        warnings.simplefilter("ignore")
        try:
            with deep_graphs():
                copy = live(keras.models.clone_model(model, tensors, clone_function=again))
        # A class of the user's may raise anything, and then there is no copy.
        except Exception:
            return None
    return copy if same_weights(runnable, copy) else None


def same_weights(old: Runnable, new: Runnable) -> bool:
    """Give a copy the values and flags of the original's variables; False where they do not fit."""
    ours, theirs = old.variables, new.variables
    if [tuple(variable.shape) for variable in ours] != [tuple(variable.shape) for variable in theirs]:
        return False
    for source, target in zip(ours, theirs, strict=True):
        target.assign(source.numpy().astype(target.dtype))
        target.trainable = source.trainable
    return True


def _in_float64(value: Any) -> Any:
    """A configuration with every policy and dtype of floating-point numbers replaced."""
    if isinstance(value, dict):
        config = cast("dict[str, Any]", value)
        if config.get("class_name") == "DTypePolicy":
            return "float64"
        return {
            key: _wide(part) if key == "dtype" and isinstance(part, str) else _in_float64(part)
            for key, part in config.items()
        }
    if isinstance(value, list | tuple):
        parts = cast("list[Any] | tuple[Any, ...]", value)
        return type(parts)(map(_in_float64, parts))
    return value


def _wide(dtype: str) -> str:
    return "float64" if "float" in dtype else dtype
