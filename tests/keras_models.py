"""Random Keras models, made with Keras's own layers and never through archlab."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st

Pick = Callable[[Sequence[Any]], Any]

KINDS = (
    "conv", "conv", "depthwise", "separable", "transpose", "pool", "norm", "activation", "residual", "concat", "pad",
    "crop", "up", "dropout", "shared", "nested", "ops", "gate", "dense", "rescale", "permute",
)  # fmt: skip


def _grow(pick: Pick, keras: Any, x: Any, shared: Any) -> Any:
    """One more layer behind a tensor. Raises ValueError where it does not fit."""
    layers, ops = keras.layers, keras.ops
    channels = x.shape[-1]
    kind = pick(KINDS)
    kernel, stride = pick((1, 2, 3)), pick((1, 2))
    sliding: dict[str, Any] = {"padding": pick(("same", "valid")), "use_bias": pick((True, False))}
    if kind == "conv":
        groups = channels if pick((True, False)) and channels < 4 else 1
        activation = pick((None, "relu", "gelu", "tanh"))
        return layers.Conv2D(groups * 2, kernel, stride, groups=groups, activation=activation, **sliding)(x)
    if kind == "depthwise":
        return layers.DepthwiseConv2D(kernel, stride, depth_multiplier=pick((1, 2)), **sliding)(x)
    if kind == "separable":
        return layers.SeparableConv2D(3, (kernel, 1), **sliding)(x)
    if kind == "transpose":
        return layers.Conv2DTranspose(2, kernel, stride, **sliding)(x)
    if kind == "pool":
        pool = pick((layers.MaxPooling2D, layers.AveragePooling2D))
        return pool(2, strides=pick((None, 1)), padding=sliding["padding"])(x)
    if kind == "norm":
        norm = pick((layers.BatchNormalization, layers.LayerNormalization, layers.GroupNormalization))
        return (norm(groups=1) if norm is layers.GroupNormalization else norm())(x)
    if kind == "activation":
        made = (
            layers.ReLU(6.0), layers.LeakyReLU(), layers.ELU(), layers.PReLU(shared_axes=[1, 2]), layers.Softmax(),
            layers.Activation("silu"),
        )  # fmt: skip
        return pick(made)(x)
    if kind == "residual":
        return layers.Add()([x, layers.Conv2D(channels, kernel, padding="same")(x)])
    if kind == "concat":
        return layers.Concatenate()([x, layers.Conv2D(1, kernel, padding="same", dilation_rate=2)(x)])
    if kind == "pad":
        return layers.ZeroPadding2D(((pick((0, 1, 2)), 1), (0, pick((0, 1, 2)))))(x)
    if kind == "crop":
        return layers.Cropping2D(((1, 0), (0, 1)))(x) if min(x.shape[1:3]) > 2 else x
    if kind == "up":
        return layers.UpSampling2D(2, interpolation=pick(("nearest", "bilinear")))(x)
    if kind == "dropout":
        return pick((layers.Dropout(0.2), layers.SpatialDropout2D(0.1), layers.GaussianNoise(0.1)))(x)
    if kind == "shared":
        return shared(shared(layers.Conv2D(2, 1)(x)))
    if kind == "nested":
        return keras.Sequential([keras.Input(x.shape[1:]), layers.Conv2D(2, 1), layers.ReLU()])(x)
    if kind == "ops":
        functions = (lambda t: t * 2.0 + 1.0, lambda t: ops.relu(t) - t, lambda t: t / 4.0, ops.sigmoid)
        return pick(functions)(x)
    if kind == "gate":
        mean = layers.GlobalAveragePooling2D(keepdims=True)(x)
        return layers.Multiply()([x, layers.Dense(channels, "sigmoid")(mean)])
    if kind == "dense":
        return layers.Dense(3)(x)
    if kind == "rescale":
        return layers.Rescaling(1 / 8, offset=[0.5] * channels)(x)
    return layers.Permute((2, 1, 3))(x)


recipes = st.lists(st.integers(0, 2**16), min_size=40, max_size=80)
"""What a model is built from: Keras draws random numbers of its own, which a strategy must not."""


def model_of(recipe: Sequence[int]) -> Any:
    """A functional model of a few layers, with one or two outputs."""
    import keras

    numbers = iter(recipe)

    def pick(choices: Sequence[Any]) -> Any:
        return choices[next(numbers, 0) % len(choices)]

    keras.backend.clear_session()
    start = x = keras.Input((pick(range(6, 15)), pick(range(6, 15)), pick((1, 2, 3))))
    shared = keras.layers.Conv2D(2, 3, padding="same")
    two = pick((True, False))
    for _ in range(pick(range(1, 7))):
        try:
            grown = _grow(pick, keras, x, shared)
        except ValueError:  # a window larger than what is left
            continue
        x = grown if max(grown.shape[1:3]) <= 40 else x
    head = keras.layers.GlobalAveragePooling2D()(x)
    outputs = [head, keras.layers.Flatten()(x)] if two else keras.layers.Dense(2)(head)
    return keras.Model(start, outputs)
