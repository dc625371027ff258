"""Random Keras models with layers within layers that behave otherwise in training, and any initializers and flags."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from tests.keras_models import Pick

layers = keras.layers


class Silent(layers.Layer):
    """Calls what it holds without a word on the mode, which Keras hands down all the same."""

    def __init__(self, inner: list[Any], **options: Any) -> None:
        super().__init__(**options)
        self.inner = inner

    def call(self, x: Any) -> Any:
        for layer in self.inner:
            x = layer(x)
        return x


class Told(Silent):
    """Is told the mode, and tells what it holds."""

    def call(self, x: Any, training: bool | None = None) -> Any:
        for layer in self.inner:
            takes = isinstance(layer, layers.BatchNormalization | layers.Dropout | Told)
            x = layer(x, training=training) if takes else layer(x)
        return x


class Fixed(Silent):
    """Has its own idea of the mode."""

    def call(self, x: Any) -> Any:
        for layer in self.inner:
            x = layer(x, training=False) if isinstance(layer, layers.BatchNormalization) else layer(x)
        return x


class Biased(layers.Layer):
    """Holds a weight of its own beside those of the layer within it."""

    def build(self, shape: Any) -> None:
        self.shift = self.add_weight(shape=(shape[-1],), initializer=keras.initializers.Constant(0.5), name="shift")
        self.dense = layers.Dense(shape[-1], kernel_initializer="orthogonal")
        self.dense.build(shape)

    def call(self, x: Any) -> Any:
        return self.dense(x) + self.shift


def falling(shape: Any, dtype: Any = None) -> Any:
    """An initializer that is a function and draws nothing."""
    return keras.ops.convert_to_tensor(1.0 / (1 + np.arange(np.prod(shape)).reshape(shape)), dtype)


def spread(shape: Any, dtype: Any = None) -> Any:
    """An initializer that is a function and draws from NumPy."""
    return keras.ops.convert_to_tensor(np.random.standard_normal(shape) / 3, dtype)


INITIALIZERS = (
    "glorot_uniform", "he_normal", "orthogonal", "zeros", "ones", falling, spread,
    keras.initializers.Constant(0.1), keras.initializers.RandomNormal(0.2, 0.3), keras.initializers.HeNormal(seed=7),
    keras.initializers.VarianceScaling(0.5, "fan_out", "uniform"),
)  # fmt: skip


def _leaf(pick: Pick) -> Any:
    draw, bias = pick(INITIALIZERS), pick(("zeros", *INITIALIZERS[3:8]))
    kind = pick(("conv", "conv", "norm", "norm", "dropout", "relu", "biased", "spectral", "narrow"))
    if kind == "norm":
        return layers.BatchNormalization(
            gamma_initializer=pick(("ones", "zeros", keras.initializers.Constant(0.3))),
            beta_initializer=pick(("zeros", keras.initializers.RandomNormal(0.0, 0.1))),
            trainable=pick((True, True, False)),
        )
    if kind == "dropout":
        return layers.Dropout(0.3, seed=pick(range(9)))
    if kind == "relu":
        return layers.ReLU()
    if kind == "biased":
        return Biased()
    if kind == "spectral":
        return layers.SpectralNormalization(layers.Conv2D(4, 1))
    if kind == "narrow":
        return layers.Conv2D(4, 1, strides=2)
    return layers.Conv2D(
        4, 3, padding="same", kernel_initializer=draw, bias_initializer=bias, trainable=pick((True, True, True, False))
    )


def _grown(pick: Pick, x: Any, depth: int) -> Any:
    """One more layer behind a tensor; composite ones go as deep as `depth`."""
    kind = pick(("leaf", "leaf", "silent", "told", "fixed", "sequential", "functional", "residual"))
    if kind == "leaf" or not depth:
        return _leaf(pick)(x)
    if kind == "functional":
        start = keras.Input(x.shape[1:])
        inner = keras.Model(start, _grown(pick, _grown(pick, start, depth - 1), depth - 1))
        mode = pick((None, True, False))
        return inner(x) if mode is None else inner(x, training=mode)
    parts = [_leaf(pick) for _ in range(pick((1, 2, 3)))]
    if kind == "residual":
        y = layers.Conv2D(4, 1)(x)
        made = Silent([layers.Conv2D(4, 3, padding="same"), layers.BatchNormalization()])(y)
        return layers.Add()([y, made])
    if kind == "sequential":
        return keras.Sequential(parts)(x)
    inner = {"silent": Silent, "told": Told, "fixed": Fixed}[kind](parts)
    return (Silent([inner, _leaf(pick)]) if pick((True, False)) else inner)(x)


def model_of(recipe: list[int]) -> Any:
    """A model of images with an output of two numbers."""
    numbers = iter(recipe)

    def pick(choices: Any) -> Any:
        return choices[next(numbers, 0) % len(choices)]

    keras.utils.set_random_seed(pick(range(50)))
    x = start = keras.Input((8, 8, 3))
    for _ in range(pick((1, 2, 3, 4))):
        x = _grown(pick, x, 2)
    model = keras.Model(start, layers.Dense(2, kernel_initializer=pick(INITIALIZERS))(layers.Flatten()(x)))
    model.trainable = True if pick((True, False)) else model.trainable
    # As after training: no weight is what it began with.
    rng = np.random.default_rng(pick(range(50)))
    if pick((True, False)):
        for weight in model.weights:
            if weight.dtype == "float32":
                weight.assign(np.abs(weight.numpy() + 0.1 * rng.standard_normal(weight.shape)))
    return model
