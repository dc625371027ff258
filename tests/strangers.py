"""Random Keras models as strangers write them: layers of their own that hold others, variables shared, calls of ops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from hypothesis import strategies as st

Pick = Callable[[Sequence[Any]], Any]

recipes = st.lists(st.integers(0, 2**16), min_size=24, max_size=60)


def picker(recipe: list[int]) -> Pick:
    """A function that chooses by the numbers of a recipe, one after another."""
    left = iter(recipe * 40)
    return lambda choices: choices[next(left) % len(choices)]


@cache
def classes() -> dict[str, type]:
    """Layers that hold layers and variables of their own, by kind."""
    import keras

    layers, ops = keras.layers, keras.ops

    class Row(layers.Layer):
        """Layers one behind the other; its call does not name the mode, which Keras hands down by itself."""

        def __init__(self, inner: Sequence[Any], **more: Any) -> None:
            super().__init__(**more)
            self.inner = list(inner)

        def build(self, shape: Any) -> None:
            for layer in self.inner:
                layer.build(shape)
                shape = layer.compute_output_shape(shape)
            self.built = True

        def compute_output_shape(self, shape: Any) -> Any:
            for layer in self.inner:
                shape = layer.compute_output_shape(shape)
            return shape

        def call(self, x: Any) -> Any:
            for layer in self.inner:
                x = layer(x)
            return x

    class Around(layers.Layer):
        """A layer with a shortcut around it, scaled by a variable of its own, behind an activation of keras.ops."""

        def __init__(self, inner: Any, **more: Any) -> None:
            super().__init__(**more)
            self.inner = inner

        def build(self, shape: Any) -> None:
            self.inner.build(shape)
            self.scale = self.add_weight(shape=(shape[-1],), initializer="ones", name="scale")
            self.built = True

        def compute_output_shape(self, shape: Any) -> Any:
            return shape

        def call(self, x: Any, training: Any = None) -> Any:
            return ops.relu(self.inner(x, training=training)) * self.scale + x

    class Weighed(layers.Layer):
        """A matrix product with a variable of its own, written in one of several ways."""

        def __init__(self, units: int, way: str, **more: Any) -> None:
            super().__init__(**more)
            self.units, self.way = units, way

        def build(self, shape: Any) -> None:
            self.kernel = self.add_weight(shape=(shape[-1], self.units), name="kernel")
            self.built = True

        def compute_output_shape(self, shape: Any) -> Any:
            return (*shape[:-1], self.units)

        def call(self, x: Any) -> Any:
            if self.way == "matmul":
                return ops.matmul(x, self.kernel)
            if self.way == "dot":
                return ops.dot(x, self.kernel)
            if self.way == "tensordot":
                return ops.tensordot(x, self.kernel, axes=1)
            return ops.einsum("bhwc,cd->bhwd", x, self.kernel)

    class Tied(layers.Layer):
        """The kernel of another layer, turned around."""

        def __init__(self, other: Any, **more: Any) -> None:
            super().__init__(**more)
            self.other = other

        def call(self, x: Any) -> Any:
            return ops.matmul(x, ops.transpose(self.other.kernel))

    return {"row": Row, "around": Around, "weighed": Weighed, "tied": Tied}


def _layer(pick: Pick, channels: int, depth: int) -> tuple[Any, int]:
    """A layer on maps, and the channels that it makes."""
    import keras

    layers, kinds = keras.layers, classes()
    kind = pick(("conv", "norm", "dropout", "weighed", "row", "around", "depthwise", "activation"))
    if kind == "conv":
        out = pick((2, 3, 4))
        activation = pick((None, "relu", keras.ops.gelu, layers.LeakyReLU(0.1), lambda x: x * keras.ops.sigmoid(x)))
        return layers.Conv2D(out, 3, padding="same", activation=activation), out
    if kind == "depthwise":
        return layers.DepthwiseConv2D(3, padding="same"), channels
    if kind == "norm":
        return layers.BatchNormalization(), channels
    if kind == "dropout":
        return layers.Dropout(0.4), channels
    if kind == "activation":
        return layers.Activation(pick(("relu", keras.ops.silu, lambda x: keras.ops.maximum(x, 0.1 * x)))), channels
    if kind == "weighed":
        out = pick((2, 3, 5))
        return kinds["weighed"](out, pick(("matmul", "dot", "tensordot", "einsum"))), out
    if depth == 0:
        return layers.Conv2D(channels, 1), channels
    if kind == "row":
        inner = []
        for _ in range(pick((1, 2, 3))):
            layer, channels = _layer(pick, channels, depth - 1)
            inner.append(layer)
        return kinds["row"](inner), channels
    inner = layers.Conv2D(channels, 3, padding="same") if pick((True, False)) else layers.BatchNormalization()
    return kinds["around"](inner), channels


def nested(recipe: list[int]) -> Any:
    """A functional model of layers that hold layers, to three levels; some frozen, some used twice."""
    import keras

    pick = picker(recipe)
    x = made = keras.Input((6, 6, 3))
    channels = 3
    for _ in range(pick((2, 3, 4))):
        layer, channels = _layer(pick, channels, 2)
        before = made
        made = layer(made)
        layer.trainable = pick((True, True, False))
        if made.shape == before.shape and pick((True, False)):
            made = layer(made)
    if pick((True, False)):
        dense = keras.layers.Dense(4)
        made = classes()["tied"](dense)(dense(made))
    made = keras.layers.Dense(1)(keras.layers.GlobalAveragePooling2D()(made))
    return keras.Model(x, made)


def calls(recipe: list[int]) -> Any:
    """A functional model of calls of keras.ops on maps."""
    import keras

    ops = keras.ops
    pick = picker(recipe)
    x = made = keras.Input((6, 6, 4))
    for _ in range(pick((2, 4, 6))):
        made = pick(
            (
                lambda t: ops.pad(t, ((0, 0), (1, 0), (0, 2), (0, 0))),
                lambda t: t[:, 1:, :, :] if t.shape[1] > 2 else t * 2.0,
                lambda t: ops.split(t, 2, axis=-1)[1] if t.shape[-1] % 2 == 0 else -t,
                lambda t: ops.concatenate([t, ops.square(t)], axis=-1),
                lambda t: ops.transpose(t, (0, 2, 1, 3)),
                lambda t: ops.reshape(t, (-1, t.shape[2], t.shape[1], t.shape[3])),
                lambda t: ops.mean(t, axis=(1, 2), keepdims=True) + t,
                lambda t: ops.sigmoid(ops.max(t, axis=-1, keepdims=True)) * t,
                lambda t: ops.where(t > 0.0, t, 0.1 * t),
                lambda t: ops.clip(t, -1.0, 1.0),
                lambda t: t / (1.0 + ops.abs(t)),
                lambda t: (
                    (t - ops.mean(t, axis=-1, keepdims=True)) * ops.rsqrt(ops.var(t, axis=-1, keepdims=True) + 1e-3)
                ),
                lambda t: ops.softmax(t) ** 2,
                lambda t: ops.expand_dims(ops.sum(t, axis=1), 1) + t,
                lambda t: ops.einsum("bhwc,bhwd->bhcd", t, t) if t.shape[2] == t.shape[3] else ops.negative(t),
                lambda t: ops.matmul(t, ops.swapaxes(t, -1, -2)),
                lambda t: ops.max_pool(t, 2, 1, "same"),
                lambda t: ops.flip(ops.cast(t, "float32"), 1),
                lambda t: ops.stop_gradient(t) + t,
            )
        )(made)
    return keras.Model(x, made)


def windows(recipe: list[int]) -> Any:
    """Windows of an image as rows of the batch, worked on apart and put together again (as Swin does)."""
    import keras

    layers, ops = keras.layers, keras.ops
    pick = picker(recipe)
    side, parts, channels = pick((2, 3)), pick((2, 3)), pick((2, 4))
    x = keras.Input((side * parts, side * parts, channels))
    made = ops.reshape(x, (-1, parts, side, parts, side, channels))
    made = ops.transpose(made, (0, 1, 3, 2, 4, 5))
    made = ops.reshape(made, (-1, side * side, channels))
    for _ in range(pick((1, 2))):
        made = pick((layers.Dense(channels), layers.LayerNormalization(), layers.Conv1D(channels, 1), layers.ReLU()))(
            made
        )
        if pick((True, False)):
            made = ops.matmul(ops.softmax(ops.matmul(made, ops.transpose(made, (0, 2, 1)))), made)
    made = ops.reshape(made, (-1, parts, parts, side, side, channels))
    made = ops.reshape(ops.transpose(made, (0, 1, 3, 2, 4, 5)), (-1, side * parts, side * parts, channels))
    return keras.Model(x, layers.Conv2D(2, 3)(made))
