"""Layers that train faster compute what Keras's own do."""

from __future__ import annotations

import numpy as np
import pytest

from archlab import Activation, AvgPool, BatchNorm, Conv, Dense, GlobalAvgPool, Input, MaxPool, ReLU, Residual, load
from archlab.bridge import build, load_keras


def _pair(graph, dtype=None):
    """Keras's layers and the fast ones, with the same weights and without dropout."""
    ours, theirs = build(graph, 1, dtype, fast=True).model, build(graph, 1, dtype).model
    ours.set_weights(theirs.get_weights())
    for model in (ours, theirs):
        for layer in model.layers:
            if hasattr(layer, "rate"):
                layer.rate = 0.0
    return ours, theirs


def _step(model, x):
    tf, _ = load_keras()
    with tf.GradientTape() as tape:
        outputs = model(x, training=True)
        loss = tf.reduce_mean(tf.square(tf.cast(outputs, "float32")))
    return outputs.numpy(), [g.numpy() for g in tape.gradient(loss, model.trainable_variables)]


def test_a_training_step_is_that_of_keras() -> None:
    # Without maxima and kinks, where rounding alone decides which way a gradient goes, in Keras's layers too.
    net = load("residual", (64, 64)).tree.replace(MaxPool, AvgPool).replace(ReLU, Activation("tanh"))
    ours, theirs = _pair(net.to_graph())
    x = np.random.default_rng(0).uniform(0, 255, (8, 64, 64, 3)).astype("float32")
    exact = build(net.to_graph(), 1, "float64").model
    exact.set_weights(theirs.get_weights())
    for layer in exact.layers:
        if hasattr(layer, "rate"):
            layer.rate = 0.0
    (y, gradients), (expected, wanted), (_, truth) = _step(ours, x), _step(theirs, x), _step(exact, x)
    np.testing.assert_allclose(y, expected, atol=1e-5)
    for found, right, true in zip(gradients, wanted, truth, strict=True):
        size = np.linalg.norm(true)
        assert np.linalg.norm(found - true) <= 1e-4 * size
        assert np.linalg.norm(found - right) <= 1e-4 * size
    # The moving statistics too, which the step has moved.
    for found, right in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(ours(x).numpy(), theirs(x).numpy(), atol=1e-5)


@pytest.mark.parametrize("norm", [BatchNorm(), BatchNorm(center=False), BatchNorm(scale=False, momentum=0.5)])
def test_normalization_of_every_kind(norm) -> None:
    ours, theirs = _pair((Input(9, 7, 4) >> norm >> AvgPool(2)).to_graph())
    x = np.random.default_rng(1).normal(3, 2, (5, 9, 7, 4)).astype("float32")
    for training in (True, False):
        found, right = ours(x, training=training), theirs(x, training=training)
        np.testing.assert_allclose(found.numpy(), right.numpy(), rtol=1e-4, atol=1e-5)
    for found, right in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-5, atol=1e-6)


def test_a_frozen_normalization_keeps_its_statistics() -> None:
    model = build((Input(8, 8, 3) >> BatchNorm()).to_graph(), fast=True).model
    model.layers[-1].trainable = False
    before = model.get_weights()
    model(np.full((2, 8, 8, 3), 7.0, "float32"), training=True)
    for found, right in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(found, right)


def test_normalization_of_vectors_is_left_to_keras() -> None:
    ours, theirs = _pair((Input(6) >> BatchNorm() >> Dense(2)).to_graph())
    x = np.random.default_rng(1).normal(size=(5, 6)).astype("float32")
    np.testing.assert_allclose(ours(x, training=True), theirs(x, training=True), rtol=1e-4, atol=1e-5)


def test_mixed_precision_keeps_inputs_and_probabilities_in_float32() -> None:
    model = build(load("residual", (32, 32)).graph, dtype="mixed_bfloat16", fast=True).model
    assert model.inputs[0].dtype == "float32" and model.outputs[0].dtype == "float32"
    inside = {layer.compute_dtype for layer in model.layers[1:-1]}
    assert inside == {"bfloat16"}
    assert {variable.dtype for variable in model.trainable_variables} == {"float32"}
    ours, theirs = _pair(load("residual", (32, 32)).graph, "mixed_bfloat16")
    x = np.random.default_rng(0).uniform(0, 255, (8, 32, 32, 3)).astype("float32")
    np.testing.assert_allclose(ours(x, training=True), theirs(x, training=True), atol=0.05)


def test_a_narrow_net_trains() -> None:
    """oneDNN's gradient of a narrow strided 1 × 1 convolution brings the process down: 8 channels, 60 × 60."""
    net = Input(60, 60, 8) >> Residual(Conv(8, stride=2)) >> GlobalAvgPool() >> Dense(1)
    ours, theirs = _pair(net.to_graph())
    x = np.random.default_rng(0).normal(size=(4, 60, 60, 8)).astype("float32")
    np.testing.assert_allclose(ours(x).numpy(), theirs(x).numpy(), rtol=1e-4, atol=1e-5)
    ours.compile("sgd", "mse")
    for _ in range(5):
        loss = ours.train_on_batch(x, np.zeros((4, 1), "float32"))
    assert np.isfinite(loss)


def test_layers_have_keras_names_and_classes() -> None:
    _, keras = load_keras()
    model = build(load("residual", (32, 32)).graph, fast=True).model
    names = [layer.name for layer in model.layers]
    assert names == [layer.name for layer in build(load("residual", (32, 32)).graph).model.layers]
    assert sum(isinstance(layer, keras.layers.BatchNormalization) for layer in model.layers) == 10
