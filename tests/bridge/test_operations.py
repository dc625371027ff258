"""Rules for calls of `keras.ops`, with the multiply–accumulates of TensorFlow's graph and the parameters of Keras."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from archlab import analyze
from archlab.analysis import Analysis
from archlab.bridge import live
from archlab.ops import Constants, Fixed
from tests.oracles import tensorflow_counts

ops = keras.ops


class Calls(keras.layers.Layer):
    """Calls a function of itself and what comes in; has a kernel, a scale and an offset of the channels' size."""

    def __init__(self, function: Callable[..., Any], **more: Any) -> None:
        super().__init__(**more)
        self.function = function

    def build(self, shape: Any) -> None:
        self.kernel = self.add_weight(shape=(shape[-1], shape[-1]), name="kernel")
        self.scale = self.add_weight(shape=(shape[-1],), name="scale")
        self.offset = self.add_weight(shape=(shape[-1],), name="offset")

    def call(self, x: Any) -> Any:
        return self.function(self, x)


def model_of(function: Callable[..., Any], *shape: int) -> Any:
    x = keras.Input(shape)
    return keras.Model(x, Calls(function, name="calls")(x))


def checked(model: Any) -> Analysis:
    """The analysis of a model, once its numbers are Keras's and TensorFlow's, with nothing unknown."""
    found = analyze(model)
    assert found.unknown == ()
    assert found.params.total == model.count_params()
    assert found.compute.macs == tensorflow_counts.macs(model)
    return found


def heads(x: Any, count: int, channels: int) -> Any:
    return ops.reshape(x, (-1, x.shape[1], count, channels))


@pytest.mark.parametrize("positions", [6, 9])
def test_scaled_dot_product_attention(positions: int) -> None:
    def attend(layer: Any, x: Any) -> Any:
        keys = heads(ops.matmul(x, layer.kernel)[:, :positions], 4, 5)
        return ops.dot_product_attention(heads(x, 4, 5), keys, keys)

    found = checked(model_of(attend, 9, 20))
    row = next(row for row in found.compute.layers if "attention" in row.name)
    assert row.macs == 9 * positions * 20 * 2


@pytest.mark.parametrize(
    ("function", "each"),
    [
        (lambda layer, x: ops.rms_normalization(x), 3),
        (lambda layer, x: ops.rms_normalization(x, layer.scale), 4),
        (lambda layer, x: ops.layer_normalization(x), 5),
        (lambda layer, x: ops.layer_normalization(x, layer.scale, layer.offset), 7),
    ],
)
def test_normalizations_cost_some_operations_an_element(function: Any, each: int) -> None:
    found = checked(model_of(function, 7, 6))
    assert found.compute.flops == each * 7 * 6
    assert [node.shape for node in found.graph][-1] == (7, 6)


@pytest.mark.parametrize(("equation", "shape"), [("...c,cd->...d", (5, 4, 6)), ("b...c,dc->b...d", (5, 6))])
def test_einstein_sums_with_an_ellipsis(equation: str, shape: tuple[int, ...]) -> None:
    checked(model_of(lambda layer, x: ops.einsum(equation, x, layer.kernel), *shape))


class Positions(keras.layers.Layer):
    """Learned positions: of what comes in, it takes the length alone."""

    def build(self, shape: Any) -> None:
        self.table = self.add_weight(shape=(16, shape[-1]), name="table")
        self.mix = self.add_weight(shape=(shape[-1], shape[-1]), name="mix")

    def call(self, x: Any) -> Any:
        return ops.matmul(self.table[: x.shape[1]], self.mix)


def test_learned_positions_are_fixed_and_what_makes_them_is_counted() -> None:
    x = keras.Input((9, 6))
    positions = Positions(name="positions")
    model = keras.Model(x, keras.layers.Dense(4)(x + positions(x)))
    found = checked(model)
    assert isinstance(found.graph["positions"].op, Fixed)
    assert found.compute.macs == 9 * 6 * 4 + 9 * 6 * 6
    # Another call, of another size, has a cost of its own.
    other = keras.Model(x, [positions(x), positions(x[:, :5])])
    assert checked(other).compute.macs == (9 + 5) * 36


def test_what_fixed_tensors_cost_at_another_size_is_not_known() -> None:
    op = Fixed("Positions", ((9, 6),), (9, 6), macs=324)
    assert op.cost(((9, 6),), (9, 6)) == (324, 648)
    assert op.cost(((5, 6),), (5, 6)) is None
    free = Fixed("Positions", ((9, 6),), (9, 6))
    assert free.cost(((5, 6),), (5, 6)) == (0, 0)


def windows(layer: Any, x: Any) -> Any:
    """Windows of 2 × 2 as rows of the batch, each mixed on its own, and put back."""
    sides = (x.shape[1] // 2, 2, x.shape[2] // 2, 2, x.shape[3])
    rows = ops.transpose(ops.reshape(x, (-1, *sides)), (0, 1, 3, 2, 4, 5))
    rows = ops.reshape(rows, (-1, 4, x.shape[3]))
    scores = ops.softmax(ops.matmul(rows, ops.transpose(rows, (0, 2, 1))))
    rows = ops.matmul(ops.matmul(scores, rows), layer.kernel)
    rows = ops.reshape(rows, (-1, sides[0], sides[2], 2, 2, x.shape[3]))
    return ops.reshape(ops.transpose(rows, (0, 1, 3, 2, 4, 5)), (-1, *x.shape[1:]))


def test_a_batch_that_shares_its_axis_with_windows() -> None:
    found = checked(model_of(windows, 8, 6, 5))
    pixels = 8 * 6
    assert found.compute.macs == pixels * (4 * 5 * 2 + 25)
    assert found.graph.nodes[found.graph.outputs[0]].shape == (8, 6, 5)


def test_a_batch_on_another_axis_than_the_first() -> None:
    def turned(layer: Any, x: Any) -> Any:
        return ops.transpose(ops.matmul(ops.transpose(x, (1, 0, 2)), layer.kernel), (1, 0, 2))

    assert checked(model_of(turned, 7, 6)).compute.macs == 7 * 36


def angles(layer: Any, x: Any, product: Callable[[Any, Any], Any]) -> Any:
    """A rotation by angles that are made of constants alone."""
    places = ops.cast(ops.arange(x.shape[1]), "float32")
    return x * ops.cos(product(places, ops.ones((x.shape[2],))))


@pytest.mark.parametrize(
    ("product", "macs"),
    [
        (lambda a, b: ops.einsum("i,j->ij", a, b), 7 * 6),
        (lambda a, b: ops.matmul(a[:, None], b[None]), 7 * 6),
        (lambda a, b: a[:, None] @ b[None], 7 * 6),
        (lambda a, b: ops.tensordot(a[:, None], b[None], 1), 7 * 6),
        (lambda a, b: ops.dot(a[:, None], b[None]), 7 * 6),
        (lambda a, b: a[:, None] * b[None], 0),
    ],
)
def test_products_of_constants_are_counted(product: Any, macs: int) -> None:
    found = checked(model_of(lambda layer, x: angles(layer, x, product) @ layer.kernel, 7, 6))
    assert found.compute.macs == 7 * 36 + macs
    assert [node.name for node in found.graph if isinstance(node.op, Constants)] == ["calls/constants"] * bool(macs)


def test_products_of_constants_without_a_rule_are_unknown_by_their_reason() -> None:
    def three(layer: Any, x: Any) -> Any:
        return x * ops.einsum("i,i,j->j", ops.ones((3,)), ops.ones((3,)), ops.ones((6,)))

    (unknown,) = analyze(model_of(three, 7, 6)).unknown
    assert (unknown["name"], unknown["missing"]) == ("calls/constants", ["compute"])
    assert unknown["why"].startswith("einsum of constants")


def test_products_of_constants_are_unknown_at_another_size() -> None:
    model = model_of(lambda layer, x: angles(layer, x, lambda a, b: a[:, None] @ b[None]), 7, 6)
    op = analyze(model).graph["calls/constants"].op
    assert isinstance(op, Constants)
    resized = op.resized_input((9, 6))
    assert resized.cost((), (0,)) is None and "another input size" in resized.unknown_because()


class Pair(keras.layers.Layer):
    """Makes None beside a tensor, and adds a loss of its own."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.dense = keras.layers.Dense(5)

    def build(self, shape: Any) -> None:
        self.dense.build(shape)

    def call(self, x: Any) -> Any:
        made = self.dense(x)
        self.add_loss(ops.mean(made))
        return made, None


def test_a_layer_that_makes_nothing_beside_a_tensor_or_adds_a_loss_is_looked_into() -> None:
    class Outer(keras.layers.Layer):
        def __init__(self, **more: Any) -> None:
            super().__init__(**more)
            self.pair = Pair()

        def build(self, shape: Any) -> None:
            self.pair.build(shape)

        def call(self, x: Any) -> Any:
            return self.pair(x)[0]

        def compute_output_shape(self, shape: Any) -> Any:
            return (*shape[:-1], 5)

    x = keras.Input((7, 6))
    model = keras.Model(x, Outer(name="outer")(x))
    assert checked(model).compute.macs == 7 * 6 * 5
    given = np.random.default_rng(0).standard_normal((2, 7, 6)).astype("float32")
    runnable = live(model)
    np.testing.assert_allclose(
        runnable.run([given], training=False)[runnable.graph.outputs[0]], model(given), rtol=1e-5, atol=1e-6
    )


def test_constants_beside_what_a_layer_computes_are_fixed() -> None:
    x = keras.Input((7, 6))
    made, grid = Calls(lambda layer, x: (x @ layer.kernel, ops.ones((3, x.shape[2]))), name="calls")(x)
    found = checked(keras.Model(x, [made, grid]))
    assert [found.graph.nodes[position].shape for position in found.graph.outputs] == [(7, 6), (3, 6)]


def test_sizes_that_keras_loses_are_asked_for_again() -> None:
    class Turned(keras.layers.Layer):
        """Keras does not see how many positions there are, as it sees no value of `arange` in a graph."""

        def call(self, x: Any) -> Any:
            places = ops.arange(ops.shape(x)[1], dtype="float32")
            return x * ops.cos(places)[:, None]

    class Attends(keras.layers.Layer):
        def __init__(self, **more: Any) -> None:
            super().__init__(**more)
            self.turned = Turned()

        def call(self, x: Any) -> Any:
            turned = self.turned(x)
            return ops.einsum("bts,bsc->btc", ops.softmax(ops.einsum("btc,bsc->bts", turned, turned)), x)

        def compute_output_shape(self, shape: Any) -> Any:
            return shape

    x = keras.Input((7, 6))
    assert checked(keras.Model(x, Attends()(x))).compute.macs == 2 * 7 * 7 * 6
