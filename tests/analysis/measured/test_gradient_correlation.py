"""Shattering: Balduzzi et al. 2017, their theorems; mean-field theory where their assumption does not hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archlab import (
    BatchNorm,
    Conv,
    Dense,
    GlobalAvgPool,
    GradientCorrelation,
    Input,
    Part,
    ReLU,
    Residual,
    gradient_correlation,
)
from archlab.errors import SourceError, UsageError
from tests.oracles import mean_field

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Keras's own use of NumPy

WIDTH = 200  # as in the paper
UNIT = Dense(WIDTH, initializer="he_normal", bias=False)
NORM = BatchNorm(epsilon=1e-6)


def independent(pairs: int = 64) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((2 * pairs, WIDTH)).astype("float32")


def between(net: Any, seeds: int = 5, **options: Any) -> float:
    """The correlation of the gradients at independent inputs."""
    found = gradient_correlation(net, independent(), seeds=seeds, points=2, **options).ends
    assert found is not None
    return found


def plain(layers: int, normal: bool = False) -> Part:
    return Input(WIDTH) >> (UNIT >> NORM >> ReLU() if normal else UNIT >> ReLU()) * layers >> Dense(1)


def residual(layers: int, normal: bool = False) -> Part:
    return Input(WIDTH) >> Residual(NORM >> ReLU() >> UNIT if normal else ReLU() >> UNIT) * layers >> Dense(1)


@pytest.mark.parametrize("layers", [1, 2, 3, 4, 6])
def test_theorem_1_a_plain_net_halves_the_correlation_in_every_layer(layers: int) -> None:
    """Balduzzi et al. 2017, theorem 1. Batch normalization holds its assumption: a quarter of pairs active together."""
    assert between(plain(layers, normal=True)) == pytest.approx(2.0**-layers, abs=0.03)


def centred(layers: int, shortcut: bool) -> Any:
    """x + W relu(x − mean over the batch): what theorem 2 assumes and no layer of Keras does."""
    import keras

    @keras.saving.register_keras_serializable("tests")
    class Centre(keras.layers.Layer):
        def call(self, inputs: Any) -> Any:
            return inputs - keras.ops.stop_gradient(keras.ops.mean(inputs, axis=0, keepdims=True))

    start = x = keras.Input((WIDTH,))
    for _ in range(layers):
        body = keras.layers.Dense(WIDTH, use_bias=False, kernel_initializer="he_normal")(
            keras.layers.ReLU()(Centre()(x))
        )
        x = keras.layers.add([x, body]) if shortcut else body
    return keras.Model(start, keras.layers.Dense(1)(x))


@pytest.mark.parametrize("layers", [1, 2, 4, 8])
def test_theorem_2_shortcuts_keep_three_quarters(layers: int) -> None:
    # In training mode all lines are one batch, whose mean is taken off.
    assert between(centred(layers, shortcut=True), training=True) == pytest.approx(0.75**layers, abs=0.03)


def test_theorem_1_without_normalization_but_with_the_mean_taken_off() -> None:
    assert between(centred(3, shortcut=False), training=True) == pytest.approx(1 / 8, abs=0.03)


@pytest.mark.parametrize("layers", [1, 2, 4, 8])
def test_theorem_3_batch_normalization_in_the_bodies_makes_it_sublinear(layers: int) -> None:
    assert between(residual(layers, normal=True)) == pytest.approx(mean_field.normalized_residual(layers), abs=0.04)


@pytest.mark.parametrize("layers", [1, 2, 4, 8])
@pytest.mark.parametrize("shortcut", [False, True])
def test_without_normalization_inputs_grow_alike_and_gradients_shatter_less(layers: int, shortcut: bool) -> None:
    net, expected = (residual, mean_field.residual) if shortcut else (plain, mean_field.plain)
    assert between(net(layers)) == pytest.approx(expected(layers), abs=0.05)


def test_the_point_of_the_paper_deep_nets_shatter_and_residual_ones_do_not() -> None:
    # A sixteenth of the way from one input to another: gradients of the plain net have nothing in common any more.
    deep, short = (gradient_correlation(net(24, True), seeds=3) for net in (plain, residual))
    assert abs(deep.rows[1].correlation) < 0.1 and short.rows[1].correlation > 0.6
    assert deep.half is not None and short.half is not None and deep.half < short.half / 3


@pytest.mark.parametrize("training", [False, True])
def test_of_a_linear_net_the_gradient_is_the_same_everywhere(training: bool) -> None:
    net = Input(8, 8, 3) >> Conv(4) * 3 >> GlobalAvgPool() >> Dense(5)
    found = gradient_correlation(net, seeds=2, points=5, training=training)
    assert [row.correlation for row in found.rows] == pytest.approx([1] * 5, abs=1e-5)
    assert found.half is None and "stays above" in str(found)


def test_a_live_model_against_plain_tensorflow_and_left_as_it_is() -> None:
    import keras
    import tensorflow as tf

    layers = keras.layers
    inputs = keras.Input((6, 6, 2))
    x = layers.BatchNormalization()(layers.Conv2D(3, 3, activation="relu")(inputs))
    model = keras.Model(inputs, layers.Dense(1)(layers.Flatten()(layers.Conv2D(3, 3, activation="relu")(x))))
    before = [np.array(v) for v in model.variables]
    ends = np.random.default_rng(3).standard_normal((2, 6, 6, 2)).astype("float32")
    found = gradient_correlation(model, ends, points=4)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.variables, strict=True))
    line = tf.constant(np.stack([(1 - t) * ends[0] + t * ends[1] for t in (0, 1 / 3, 2 / 3, 1)]), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(line)
        value = tf.reduce_sum(model(line, training=False))
    g = tape.gradient(value, line).numpy().reshape(4, -1).astype("float64")
    for lag, row in enumerate(found.rows):
        first, second = g[: 4 - lag], g[lag:]
        expected = (first * second).sum() / np.sqrt((first**2).sum() * (second**2).sum())
        assert row.correlation == pytest.approx(expected, abs=1e-5)
        assert row.distance == pytest.approx(lag / 3 * np.sqrt(np.mean((ends[1] - ends[0]) ** 2)), rel=1e-5)
        assert row.quartiles is None
    assert found.seeds == () and found.lines == 1 and found.silent == 0


def test_a_line_may_end_short_of_the_other_input() -> None:
    near, far = (gradient_correlation(plain(3), seeds=1, points=5, reach=reach) for reach in (0.25, 1.0))
    assert near.rows[-1].distance == pytest.approx(far.rows[1].distance)
    assert near.rows[1].correlation > far.rows[1].correlation


def test_lines_without_a_gradient_are_counted() -> None:
    import keras

    inputs = keras.Input((4,))
    model = keras.Model(inputs, keras.layers.ReLU(6.0)(keras.layers.Dense(1)(inputs)))
    model.set_weights([np.ones((4, 1)), np.array([100.0])])
    found = gradient_correlation(model, paths=3)
    assert found.rows == () and found.silent == 3 and found.ends is None and found.half is None
    assert "no gradient" in found._repr_html_()


def test_there_back_and_drawn(tmp_path: Path) -> None:
    found = gradient_correlation(plain(2), seeds=2, points=5, paths=2)
    found.save(tmp_path / "correlation.json")
    assert GradientCorrelation.load(tmp_path / "correlation.json") == found
    with pytest.raises(SourceError, match="holds no gradient correlation"):
        GradientCorrelation.load(tmp_path / "nothing.json")
    assert "data:image/png" in found._repr_html_()
    names = {row["name"] for row in _values(found.plot(found))}
    assert len(names) == 2


def _values(chart: Any) -> list[dict[str, Any]]:
    return [row for part in chart.to_dict()["layer"] for row in part.get("data", {}).get("values", [])] or (
        chart.to_dict()["data"]["values"]
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"points": 1}, "at least two points"),
        ({"reach": 0}, "above 0 and at most 1"),
        ({"paths": 0}, "at least one line"),
        ({"x": np.ones((3, WIDTH))}, "3 are no pairs"),
        ({"seeds": []}, "at least one seed"),
    ],
)
def test_bad_input_is_one_line(options: Any, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        gradient_correlation(plain(1), **options)
