"""What is said of measured gradients: in which precision values were lost, and what no gradient reaches."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest

from archlab import compare, gradient_flow
from archlab.lint import odd_layers, verdict_sentence

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Keras's own use of NumPy

layers = keras.layers
X = np.random.default_rng(0).standard_normal((4, 8, 8, 3)).astype("float32")
Y = np.random.default_rng(1).standard_normal((4, 2)).astype("float32")


def chain(depth: int, initializer: Any = "he_normal", cut: int | None = None) -> Any:
    keras.utils.set_random_seed(0)
    x = y = keras.Input((8, 8, 3))
    for number in range(depth):
        y = layers.Conv2D(4, 3, padding="same", kernel_initializer=initializer, name=f"conv{number}")(y)
        y = layers.ReLU()(y)
        y = layers.Lambda(keras.ops.stop_gradient)(y) if number == cut else y
    return keras.Model(x, layers.Dense(2, name="head")(layers.GlobalAveragePooling2D()(y)))


def said(model: Any, loss: Any = "mean_squared_error") -> tuple[str, str, list[str]]:
    flow = gradient_flow(model, X, Y, loss=loss)
    result = replace(compare({"net": model}, static=True)["net"], gradient_flow=flow)
    return flow.verdict, verdict_sentence(result), odd_layers(flow)


@pytest.mark.parametrize("depth", [40, pytest.param(60, marks=pytest.mark.slow)])
def test_an_explosion_beyond_float32_is_no_vanishing_and_float32_is_named(depth: int) -> None:
    verdict, sentence, lines = said(chain(depth, keras.initializers.RandomNormal(stddev=4.0)))
    assert verdict == "exploding" and sentence.startswith("exploding.")
    assert "float64" not in sentence + "".join(lines)


def test_zeros_in_float32_are_told_with_the_slope_in_float64() -> None:
    model = chain(30, keras.initializers.RandomNormal(stddev=1e-3))
    verdict, sentence, _ = said(model)
    assert verdict == "vanishing"
    assert "exactly zero in float32: the first layers hardly learn" in sentence


def test_what_is_cut_off_does_not_still_train() -> None:
    verdict, sentence, lines = said(chain(12, keras.initializers.RandomNormal(stddev=0.13), cut=1))
    assert verdict == "undefined"
    assert sentence == "no verdict: no gradient reaches conv0, conv1: they do not train."
    assert lines[0] == "No gradient reaches: conv0, conv1."


@pytest.mark.parametrize("loss", [lambda y, out: keras.ops.convert_to_tensor(1.0), lambda y, out: keras.ops.mean(y)])
def test_a_loss_that_does_not_depend_on_the_weights(loss: Any) -> None:
    verdict, sentence, _ = said(chain(4), loss)
    assert verdict == "undefined"
    assert sentence == "no verdict: no gradient reaches any layer: nothing trains."


def test_zeros_behind_a_head_of_zeros_are_no_vanishing() -> None:
    model = chain(4)
    head = model.get_layer("head").kernel
    head.assign(np.zeros(head.shape))
    verdict, sentence, _ = said(model)
    assert verdict == "undefined"
    assert sentence.startswith("no verdict: gradients are exactly zero in 4 of 4 layers before the head")


@pytest.mark.parametrize("blocks", [1, pytest.param(6, marks=pytest.mark.slow)])
def test_blocks_that_begin_as_the_identity_are_no_vanishing(blocks: int) -> None:
    keras.utils.set_random_seed(0)
    x = keras.Input((8, 8, 3))
    y = layers.Conv2D(8, 3, padding="same")(x)
    for _ in range(blocks):
        z = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(8, 3, padding="same")(y)))
        z = layers.BatchNormalization(gamma_initializer="zeros")(layers.Conv2D(8, 3, padding="same")(z))
        y = layers.ReLU()(layers.Add()([y, z]))
    model = keras.Model(x, layers.Dense(2)(layers.GlobalAveragePooling2D()(y)))
    for seeds in (None, 2):
        assert gradient_flow(model, X, Y, seeds=seeds).verdict != "vanishing"
