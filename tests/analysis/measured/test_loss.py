"""Losses, labels and their names, held against Keras's own `train_on_batch`."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from archlab import gradient_flow, predict_gradient_flow

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Keras's own use of NumPy

layers = keras.layers
LOSSES = keras.losses


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return rng(seed).standard_normal(shape).astype("float32")


def dense(units: int, activation: str | None = None) -> Any:
    keras.utils.set_random_seed(0)
    x = keras.Input((6,))
    hidden = layers.Dense(16, activation="relu", name="hidden")(x)
    return keras.Model(x, layers.Dense(units, activation=activation, name="out")(hidden))


def taught(model: Any, x: Any, y: Any) -> float:
    found = model.train_on_batch(x, y)
    return float(found[0] if isinstance(found, list) else found)


def sgd() -> Any:
    return keras.optimizers.SGD(0.0)


ONES = (
    ("binary_crossentropy", "sigmoid"),
    (LOSSES.BinaryCrossentropy(from_logits=True), None),
    ("mse", None),
    ("mse", "sigmoid"),
    (LOSSES.Huber(0.3), None),
    ("hinge", "tanh"),
)
MANY = (
    "sparse_categorical_crossentropy",
    LOSSES.SparseCategoricalCrossentropy(name="probabilities"),
    LOSSES.SparseCategoricalCrossentropy(reduction="sum"),
    LOSSES.sparse_categorical_crossentropy,
)


@settings(max_examples=10)
@given(st.sampled_from(ONES), st.booleans(), st.integers(2, 9))
def test_labels_of_shape_n_and_n_by_1_for_one_unit(kind: tuple[Any, Any], flat: bool, size: int) -> None:
    loss, activation = kind
    model = dense(1, activation)
    model.compile(sgd(), loss)
    x, y = normal(size, 6), (np.arange(size) % 2).astype("float32")
    y = y if flat else y[:, None]
    assert gradient_flow(model, x, y).losses[0] == pytest.approx(taught(model, x, y), rel=1e-5, abs=1e-6)


@settings(max_examples=8)
@given(st.sampled_from(MANY), st.booleans(), st.integers(2, 9))
def test_labels_of_shape_n_and_n_by_1_for_many_units(loss: Any, flat: bool, size: int) -> None:
    model = dense(3, "softmax")
    model.compile(sgd(), loss)
    x, y = normal(size, 6), rng().integers(0, 3, (size,) if flat else (size, 1))
    assert gradient_flow(model, x, y).losses[0] == pytest.approx(taught(model, x, y), rel=1e-5, abs=1e-6)


def test_labels_and_inputs_go_by_the_models_own_names() -> None:
    inputs = {"b": keras.Input((4,), name="b"), "a": keras.Input((4,), name="a")}
    head = keras.Sequential([keras.Input((4,)), layers.Dense(3, activation="softmax", name="inside")], name="kind")
    size = layers.Dense(1, name="size")(inputs["a"])
    x = {"a": normal(6, 4), "b": normal(6, 4, seed=1)}
    y = {"size": normal(6, seed=2), "kind": rng().integers(0, 3, 6)}
    listed = keras.Model(inputs, [size, head(inputs["b"])])
    listed.compile(
        sgd(), {"size": "mse", "kind": "sparse_categorical_crossentropy"}, loss_weights={"size": 0.5, "kind": 2.0}
    )
    assert gradient_flow(listed, x, y).losses[0] == pytest.approx(taught(listed, x, y), rel=1e-5)
    mapped = keras.Model(inputs, {"height": size, "class": head(inputs["b"])})
    mapped.compile(sgd(), {"height": "mse", "class": "sparse_categorical_crossentropy"})
    y = {"height": y["size"], "class": y["kind"]}
    assert gradient_flow(mapped, x, y).losses[0] == pytest.approx(taught(mapped, x, y), rel=1e-5)


@pytest.mark.parametrize("loss", ["sparse_categorical_crossentropy", LOSSES.SparseCategoricalCrossentropy()])
def test_masked_places_are_left_out(loss: Any) -> None:
    words = keras.Input((6,), dtype="int32")
    x = layers.LSTM(5, return_sequences=True)(layers.Embedding(10, 4, mask_zero=True)(words))
    model = keras.Model(words, layers.Dense(3, activation="softmax")(x))
    model.compile(sgd(), loss)
    x, y = rng().integers(1, 10, (4, 6)), rng().integers(0, 3, (4, 6))
    x[:, 4:] = 0
    assert gradient_flow(model, x, y).losses[0] == pytest.approx(taught(model, x, y), rel=1e-5)


TAILS: dict[str, tuple[int, Any]] = {
    "layer": (5, layers.Softmax()),
    "activation": (5, lambda x: layers.Activation("linear")(layers.Activation("softmax")(x))),
    "operation": (5, keras.ops.softmax),
    "sigmoid": (1, lambda x: layers.Reshape((1,))(keras.ops.sigmoid(x))),
    "reshape": (5, lambda x: layers.Reshape((1, 5))(layers.Softmax()(x))),
}


@pytest.mark.parametrize("name", TAILS)
def test_the_default_loss_goes_with_the_activation_wherever_it_stands(name: str) -> None:
    units, tail = TAILS[name]
    x = keras.Input((16, 16, 3))
    y = layers.GlobalAveragePooling2D()(layers.ReLU()(layers.Conv2D(64, 3, name="conv")(x)))
    model = keras.Model(x, tail(layers.Dense(units)(y)))
    measured, predicted = gradient_flow(model, seeds=3), predict_gradient_flow(model)
    expected = "binary_crossentropy" if units == 1 else "sparse_categorical_crossentropy"
    assert (measured.loss, predicted.loss) == (expected, expected)
    if predicted.reliable:
        assert predicted["conv"].activation_gradient_rms == pytest.approx(
            measured["conv"].activation_gradient_rms, rel=0.5
        )


def test_probabilities_that_a_reshape_takes_apart_have_no_crossentropy() -> None:
    x = keras.Input((4,))
    model = keras.Model(x, layers.Reshape((2, 3))(layers.Dense(6, activation="softmax")(x)))
    assert gradient_flow(model).loss == predict_gradient_flow(model).loss == "mean_squared_error"


@pytest.mark.parametrize(
    ("units", "activation", "loss", "reliable"),
    [
        (10, None, LOSSES.SparseCategoricalCrossentropy(from_logits=True), True),
        (10, None, LOSSES.CategoricalCrossentropy(from_logits=True, name="cce"), True),
        (1, None, LOSSES.BinaryCrossentropy(from_logits=True), True),
        (1, "sigmoid", "binary_crossentropy", True),
        (3, None, "mse", True),
        (10, None, LOSSES.SparseCategoricalCrossentropy(), False),
        (10, "softmax", LOSSES.CategoricalCrossentropy(label_smoothing=0.1), False),
        (1, None, LOSSES.Huber(), False),
        (1, None, lambda y, out: keras.ops.abs(y - out), False),
    ],
)
def test_the_prediction_takes_the_compiled_loss(units: int, activation: Any, loss: Any, reliable: bool) -> None:
    x = keras.Input((16, 16, 3))
    y = layers.GlobalAveragePooling2D()(layers.ReLU()(layers.Conv2D(64, 3, name="conv")(x)))
    model = keras.Model(x, layers.Dense(units, activation=activation)(y))
    model.compile("sgd", loss)
    predicted = predict_gradient_flow(model)
    assert predicted.reliable == reliable, predicted.why
    if reliable:
        measured = gradient_flow(model, seeds=3)
        assert measured.loss == predicted.loss
        assert predicted["conv"].activation_gradient_rms == pytest.approx(
            measured["conv"].activation_gradient_rms, rel=0.5
        )
    else:
        assert predicted.why[0].startswith("the compiled loss, ")


def test_a_prediction_that_reaches_nothing_is_unreliable() -> None:
    start = keras.Input((None, None, 3))
    inner = keras.Model(start, layers.Conv2D(8, 3, padding="same")(start))
    x = keras.Input((4, 4, 3))
    cut = layers.Lambda(lambda t: tf.identity(t))(layers.Conv2D(3, 3)(x))
    for model in (
        keras.Model(start, layers.Dense(2)(layers.GlobalAveragePooling2D()(inner(start)))),
        keras.Model(x, layers.Dense(2)(layers.GlobalAveragePooling2D()(cut))),
        keras.Model(x, layers.ReLU()(x)),
    ):
        found = predict_gradient_flow(model)
        assert not found.reliable and found.why


@pytest.mark.parametrize(
    "layer",
    [
        layers.Dense(4, bias_initializer=keras.initializers.Constant(-4.6)),
        layers.BatchNormalization(gamma_initializer=lambda shape, dtype: keras.ops.zeros(shape, dtype)),
        layers.BatchNormalization(beta_initializer=lambda shape, dtype: keras.ops.ones(shape, dtype)),
    ],
)
def test_a_prediction_is_unreliable_where_weights_begin_otherwise_than_it_assumes(layer: Any) -> None:
    x = keras.Input((64,))
    found = predict_gradient_flow(keras.Model(x, layers.Dense(2)(layer(layers.Dense(64)(x)))))
    assert not found.reliable
    assert " begins with " in found.why[-1]


@pytest.mark.parametrize("policy", ["mixed_float16", "float16"])
@pytest.mark.parametrize("size", [1.0, 300.0])
def test_a_head_in_float16_has_gradients(policy: str, size: float) -> None:
    keras.utils.set_random_seed(0)
    x = keras.Input((8, 8, 3))
    y = layers.Flatten(dtype=policy)(layers.Conv2D(8, 3, dtype=policy, name="conv")(x))
    model = keras.Model(x, layers.Dense(4, dtype=policy, name="head")(y))
    exact = keras.models.clone_model(
        model, clone_function=lambda layer: type(layer).from_config(layer.get_config() | {"dtype": "float32"})
    )
    exact.set_weights(model.get_weights())
    data = normal(4, 8, 8, 3), size * normal(4, 4)
    ours, theirs = gradient_flow(model, *data), gradient_flow(exact, *data)
    for name in ("conv", "head"):
        assert ours[name].weight_gradient_norm == pytest.approx(theirs[name].weight_gradient_norm, rel=0.02)
    assert not ours.not_finite
