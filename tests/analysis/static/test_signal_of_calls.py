"""Predicted gradients of models that call `keras.ops` between their layers, against those of the Keras model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from archlab import gradient_flow, predict_gradient_flow
from archlab.bridge import load_keras

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Keras's own use of NumPy

WIDTH = 32


def _swapped(ops: Any, x: Any) -> Any:
    one, two, three = ops.split(x, [8, 16], axis=-1)
    return ops.concatenate([three, one, two], -1)


def _halves(ops: Any, x: Any, kept: Any) -> Any:
    """As in ShuffleNet: one half goes by, the other through a layer."""
    one, two = ops.split(x, 2, axis=-1)
    return ops.concatenate([one, kept(two)], -1)


CALLS: dict[str, Callable[[Any, Any], Any]] = {
    "absolute": lambda ops, x: ops.absolute(x),
    "abs": lambda ops, x: abs(x),
    "negative": lambda ops, x: ops.negative(ops.relu(x)),
    "sin": lambda ops, x: ops.sin(x),
    "cos": lambda ops, x: ops.cos(x),
    "erf": lambda ops, x: ops.erf(x),
    "maximum": lambda ops, x: ops.maximum(x, 0.0),
    "maximum of a number and x": lambda ops, x: ops.maximum(-0.1, x),
    "minimum": lambda ops, x: ops.minimum(x, 0.2),
    "clip": lambda ops, x: ops.clip(x, -0.3, 0.3),
    "a number less x": lambda ops, x: 0.5 - ops.relu(x),
    "cast": lambda ops, x: ops.relu(ops.cast(x, "float32")),
    "convert_to_tensor": lambda ops, x: ops.relu(ops.convert_to_tensor(x)),
    "transpose": lambda ops, x: ops.relu(ops.transpose(x, (0, 2, 1, 3))),
    "pad": lambda ops, x: ops.relu(ops.pad(x, ((0, 0), (2, 1), (0, 3), (0, 0)))),
    "rows": lambda ops, x: ops.relu(x[:, 3:, 1:-2]),
    "channels": lambda ops, x: ops.relu(x[..., 4:20]),
    "split": lambda ops, x: ops.relu(_swapped(ops, x)),
    "reshape": lambda ops, x: ops.relu(ops.reshape(x, (-1, x.shape[1], x.shape[2], x.shape[3]))),
}


@pytest.mark.parametrize("name", CALLS)
def test_what_a_call_makes_of_gradients(name: str) -> None:
    _check(lambda ops, x, layers: CALLS[name](ops, x))


@pytest.mark.parametrize("keeps", [True, False])
@pytest.mark.parametrize("name", ["mean", "max"])
def test_all_positions_taken_together(name: str, keeps: bool) -> None:
    _, keras = load_keras()
    layers, ops = keras.layers, keras.ops
    data = keras.Input((12, 12, 3))
    x = layers.Conv2D(WIDTH, 3, activation="relu", kernel_initializer="he_normal")(data)
    x = layers.Conv2D(WIDTH, 3, activation="relu", kernel_initializer="he_normal")(x)
    x = getattr(ops, name)(x, axis=(1, 2), keepdims=keeps)
    x = layers.Flatten()(layers.Conv2D(WIDTH, 1)(x)) if keeps else layers.Dense(WIDTH)(x)
    _compare(keras.Model(data, layers.Dense(4, activation="softmax")(x)))


def test_a_half_that_goes_by() -> None:
    _check(lambda ops, x, layers: _halves(ops, x, layers.Conv2D(WIDTH // 2, 3, padding="same", activation="relu")))


def test_nothing_comes_back_where_the_gradient_is_stopped() -> None:
    _, keras = load_keras()
    layers = keras.layers
    data = keras.Input((8, 8, 3))
    x = layers.Conv2D(8, 3)(data)
    stopped = layers.GlobalAveragePooling2D()(keras.ops.stop_gradient(x))
    both = layers.Add()([layers.Dense(8)(stopped), layers.Dense(8)(layers.GlobalAveragePooling2D()(x))])
    _compare(keras.Model(data, layers.Dense(4, activation="softmax")(both)))
    alone = predict_gradient_flow(keras.Model(data, layers.Dense(4, activation="softmax")(stopped)))
    assert not alone.reliable and alone.layers[0].activation_gradient_rms is None


def test_what_no_output_needs_does_not_matter() -> None:
    _, keras = load_keras()
    layers, ops = keras.layers, keras.ops
    data = keras.Input((8, 8, 3))
    x = layers.Conv2D(8, 3, activation="relu")(data)
    beside = ops.sort(x, axis=1)  # which no prediction follows
    end = layers.Dense(4, activation="softmax")(layers.GlobalAveragePooling2D()(x))
    assert predict_gradient_flow(keras.Model(data, end)).reliable
    assert not [why for why in predict_gradient_flow(keras.Model(data, [end, beside])).why if "sort" in why]
    assert [why for why in predict_gradient_flow(keras.Model(data, [beside, end])).why if "sort" in why]


def _check(call: Callable[[Any, Any, Any], Any]) -> None:
    """Three convolutions with the call behind each of them."""
    _, keras = load_keras()
    layers = keras.layers
    data = x = keras.Input((16, 16, 3))
    for _ in range(3):
        x = layers.Conv2D(WIDTH, 3, padding="same", kernel_initializer="he_normal")(x)
        x = call(keras.ops, x, layers)
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(WIDTH, 3, padding="same")(x))
    _compare(keras.Model(data, layers.Dense(4, activation="softmax")(x)))


def _compare(model: Any) -> None:
    predicted, measured = predict_gradient_flow(model), gradient_flow(model, seeds=8)
    ratios: list[float] = []
    for ours, theirs in zip(predicted.layers, measured.layers, strict=True):
        if not ours.body:
            continue  # what leaves the last layer is the loss's
        assert ours.name == theirs.name and ours.activation_gradient_rms and theirs.activation_gradient_rms
        ratios.append(ours.activation_gradient_rms / theirs.activation_gradient_rms)
    assert ratios and min(ratios) > 0.75 and max(ratios) < 1.33, [round(ratio, 2) for ratio in ratios]
