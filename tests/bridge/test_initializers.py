"""How the variables of layers are initialized, found without computing anything."""

from __future__ import annotations

import random

import keras
import numpy as np
import pytest

from archlab import from_keras, to_keras
from archlab.bridge import drawn, initializers, unusual_starts
from tests.composite_models import Biased, falling, spread

layers = keras.layers


@pytest.mark.parametrize(
    "layer",
    [
        layers.Dense(4, kernel_initializer=falling, bias_initializer="ones"),
        layers.SeparableConv1D(4, 3, depthwise_initializer="zeros", pointwise_initializer=spread),
        layers.MultiHeadAttention(2, 4, bias_initializer=keras.initializers.Constant(0.2)),
        layers.GRU(4, recurrent_initializer="he_uniform"),
        layers.Bidirectional(layers.LSTM(3, unit_forget_bias=True)),
        layers.TimeDistributed(layers.Dense(2, bias_initializer="ones")),
        layers.SpectralNormalization(layers.Conv1D(4, 3)),
        layers.PReLU(alpha_initializer=keras.initializers.Constant(0.25)),
        layers.Conv1D(4, 3, kernel_initializer=lambda shape, dtype: np.full(shape, 0.5, "float32")),
        Biased(),
    ],
)
def test_constants_are_found_again_and_what_is_random_has_the_same_size(layer: keras.Layer) -> None:
    keras.utils.set_random_seed(0)
    x = keras.Input((6, 5))
    layer(*[x] * (2 if isinstance(layer, layers.MultiHeadAttention) else 1))
    state, before = random.getstate(), [weight.numpy() for weight in layer.weights]
    found = initializers([layer])
    assert random.getstate() == state
    for weight, value in zip(layer.weights, before, strict=True):
        first, again, other = (np.asarray(drawn(found[id(weight)], weight, seed)) for seed in (1, 1, 2))
        np.testing.assert_array_equal(first, again)
        np.testing.assert_array_equal(weight.numpy(), value)
        if np.array_equal(first, other):
            np.testing.assert_allclose(first, value, rtol=1e-6)
        elif value.size > 20:
            assert first.std() == pytest.approx(value.std(), rel=0.6)


@pytest.mark.parametrize("gamma", ["ones", "zeros", keras.initializers.Constant(0.2)])
def test_normalizations_keep_their_initializers(gamma: object) -> None:
    x = keras.Input((8, 8, 4))
    y = x
    for make in (layers.BatchNormalization, layers.LayerNormalization, layers.GroupNormalization):
        options = {"groups": 2} if make is layers.GroupNormalization else {}
        y = make(gamma_initializer=gamma, **options)(y)
    model = keras.Model(x, y)
    assert unusual_starts(model) == ()
    again = to_keras(from_keras(model))
    for old, new in zip(model.layers[1:], again.layers[1:], strict=True):
        assert new.gamma_initializer.get_config() == old.gamma_initializer.get_config()
        assert type(new.gamma_initializer) is type(old.gamma_initializer)


def test_what_a_prediction_does_not_know_is_said() -> None:
    x = keras.Input((8, 8, 4))
    odd = layers.BatchNormalization(name="odd", gamma_initializer=lambda shape, dtype: np.ones(shape, dtype))(x)
    head = layers.Dense(1, name="head", bias_initializer=keras.initializers.Constant(-4.6))(odd)
    first, second = unusual_starts(keras.Model(x, head))
    assert first.startswith("odd: its gamma begins with") and second.startswith("head: its bias begins with Constant")
