"""Copies of live models: the same weights and flags, in float64 or for another size of input."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from archlab.bridge import live, resized, widened
from tests.composite_models import Silent, falling

layers = keras.layers


def net(nested: bool) -> Any:
    keras.utils.set_random_seed(0)
    x = keras.Input((8, 8, 3))
    y = layers.Conv2D(4, 3, kernel_initializer=falling, trainable=False)(x)
    norm = layers.BatchNormalization()
    y = layers.Lambda(lambda t: t * 2)(keras.Sequential([norm, layers.ReLU()])(y) if nested else norm(y))
    return keras.Model(x, layers.Dense(2)(layers.GlobalAveragePooling2D()(y)))


def test_a_copy_in_float64_computes_the_same() -> None:
    model = net(nested=True)
    images = np.random.default_rng(0).standard_normal((2, 8, 8, 3))
    before = [variable.numpy().tobytes() for variable in model.variables]
    wide = widened(live(model))
    assert wide is not None
    assert {str(variable.dtype) for variable in wide.model.weights} == {"float64"}
    assert [v.trainable for v in wide.variables] == [v.trainable for v in live(model).variables]
    made = wide.run([images], False)[-1]
    assert made.dtype == "float64"
    np.testing.assert_allclose(made, model(images.astype("float32")), rtol=1e-4)
    assert [variable.numpy().tobytes() for variable in model.variables] == before


def test_a_copy_for_another_size_has_the_same_weights_and_loss() -> None:
    model = net(nested=False)
    model.compile("sgd", "mse")
    larger = resized(model, (12, 12, 3))
    assert larger is not None and larger.input_shape == (None, 12, 12, 3) and larger.loss == "mse"
    for one, other in zip(model.weights, larger.weights, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())
        assert one.trainable == other.trainable


@pytest.mark.filterwarnings("ignore:`build")
def test_no_copy_where_a_layer_cannot_be_made_again_or_its_weights_do_not_fit() -> None:
    x = keras.Input((8, 8, 3))
    flat = keras.Model(x, layers.Dense(2)(layers.Flatten()(x)))
    assert resized(flat, (12, 12, 3)) is None
    assert resized(net(nested=True), (12, 12, 3)) is None, "the nested model was built for one size"

    class NoConfig(Silent):
        def get_config(self) -> Any:
            raise NotImplementedError

    assert widened(live(keras.Model(x, NoConfig([layers.Conv2D(4, 3)])(x)))) is None
