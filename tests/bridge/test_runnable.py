"""Running a model node by node computes what the model computes, and leaves it as it was."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from archlab.bridge import live
from tests.composite_models import Silent

layers = keras.layers


@pytest.mark.filterwarnings("ignore:`build")
def test_narrow_strided_projections_are_computed_another_way_in_layers_within_layers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    x = keras.Input((60, 60, 3))
    inner = layers.Conv2D(8, 1, strides=2)
    model = keras.Model(x, layers.Dense(2)(layers.GlobalAveragePooling2D()(Silent([Silent([inner])])(x))))
    images = np.random.default_rng(0).standard_normal((4, 60, 60, 3)).astype("float32")
    expected = model(images).numpy()
    strides: list[Any] = []
    convolve = keras.ops.conv

    def noted(*args: Any, strides: Any, **options: Any) -> Any:
        seen.append(strides)
        return convolve(*args, strides=strides, **options)

    seen = strides
    monkeypatch.setattr(keras.ops, "conv", noted)
    before = sorted(vars(inner))
    np.testing.assert_allclose(live(model).run([images], False)[-1], expected, rtol=1e-5, atol=1e-6)
    assert seen == [1], "the convolution itself has no strides"
    assert sorted(vars(inner)) == before


def test_the_gradient_of_a_weight_that_is_assigned_is_that_of_its_new_value() -> None:
    keras.utils.set_random_seed(0)
    x = keras.Input((5,))
    model = keras.Model(x, layers.SpectralNormalization(layers.Dense(4, name="inner"), name="normed")(x))
    runnable, data = live(model), tf.random.stateless_normal((3, 5), (1, 2))
    values = [tf.convert_to_tensor(variable.value) for variable in runnable.variables]
    kernel = [variable.path.endswith("kernel") for variable in runnable.variables].index(True)
    before = [variable.numpy() for variable in model.variables]
    with tf.GradientTape() as tape:
        tape.watch(values)
        with runnable.holding(values):
            made = runnable.run([data], True)[-1]
        loss = tf.reduce_sum(made**2)
    ours = tape.gradient(loss, values[kernel])
    for variable, value in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(data, training=True) ** 2)
    theirs = tape.gradient(loss, runnable.variables[kernel].value)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)
