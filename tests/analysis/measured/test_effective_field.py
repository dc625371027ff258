"""Effective receptive fields against closed forms, plain TensorFlow, and cases in which there is none."""

from __future__ import annotations

import json
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archlab import (
    Activation,
    Average,
    BatchNorm,
    Conv,
    Dense,
    EffectiveReceptiveField,
    GlobalAvgPool,
    Input,
    MaxPool,
    Parallel,
    Part,
    ReLU,
    Residual,
    Sequence,
    effective_receptive_field,
)
from archlab.analysis.measured._keras_subject import settled
from archlab.bridge import build, live
from archlab.errors import SourceError, UnknownNameError, UsageError

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Keras's own use of NumPy

UNIFORM = json.dumps({"class_name": "Constant", "config": {"value": 1 / 9}})
SMOOTH = Conv(1, initializer=UNIFORM, bias=False)


def closed(net: Part, side: int, **options: Any) -> EffectiveReceptiveField:
    return effective_receptive_field(Input(side, side, 1) >> net, seeds=1, batch=1, **options)


@pytest.mark.parametrize("layers", [1, 5, 40])
def test_uniform_convolutions_have_their_closed_form(layers: int) -> None:
    """Luo et al. 2016, section 2.1: a standard deviation of √(2n/3)."""
    found = closed(SMOOTH * layers, 2 * layers + 41)
    assert found.sigma == pytest.approx((sqrt(2 * layers / 3),) * 2, rel=1e-3)
    assert found.theoretical == (2 * layers + 1,) * 2
    assert found.centre == pytest.approx(found.unit, abs=1e-3)


def test_blocks_that_average_the_identity_halve_the_variance() -> None:
    found = closed(Parallel(Sequence(), SMOOTH, merge=Average()) * 40, 121)
    assert found.sigma == pytest.approx((sqrt(40 / 3),) * 2, rel=1e-3)
    assert found.sigma == pytest.approx((3.651,) * 2, rel=1e-3)
    assert found.theoretical == (81, 81)


def test_the_figures_are_those_of_a_gaussian() -> None:
    found = closed(SMOOTH * 40, 121)
    sigma = sqrt(80 / 3)
    # In two dimensions the circle of radius r holds 1 − exp(−r²/2σ²), and is the smallest that does.
    radius = sigma * sqrt(-2 * np.log(1 - 0.9545))
    assert found.radius == pytest.approx(radius, rel=0.02)
    assert found.area == pytest.approx(np.pi * radius**2, rel=0.03)
    assert found.overlap is not None and found.overlap > 0.99
    assert found.fraction == pytest.approx(found.area / 81**2 if found.area else None)
    assert sum(found.by_distance) == pytest.approx(1)


def test_random_weights_spread_the_energy_as_uniform_ones_the_magnitude() -> None:
    net = Input(61, 61, 16) >> Conv(16, initializer="he_normal", bias=False) * 12
    energy = effective_receptive_field(net, seeds=3, quantity="energy")
    magnitude = effective_receptive_field(net, seeds=3)
    assert energy.sigma == pytest.approx((sqrt(8),) * 2, rel=0.1)
    assert magnitude.sigma == pytest.approx((sqrt(16),) * 2, rel=0.1)


def test_a_single_convolution_of_weights_of_its_own() -> None:
    """The gradient is the kernel itself, wherever it is the largest."""
    import keras

    inputs = keras.Input((9, 11, 1))
    model = keras.Model(inputs, keras.layers.Conv2D(1, 3, padding="same", use_bias=False)(inputs))
    kernel = np.arange(1.0, 10).reshape(3, 3)
    model.set_weights([kernel[:, :, None, None]])
    found = effective_receptive_field(model)
    assert np.array(found.share)[3:6, 4:7] == pytest.approx(kernel / kernel.sum(), rel=1e-6)
    assert np.count_nonzero(found.share) == 9
    assert found.unit == (4, 5) and found.box == ((3, 5), (4, 6))


@pytest.mark.parametrize("training", [False, True])
def test_a_live_model_against_plain_tensorflow_and_left_as_it_is(training: bool) -> None:
    import keras
    import tensorflow as tf

    layers = keras.layers
    inputs = keras.Input((20, 16, 3))
    x = layers.BatchNormalization()(layers.Conv2D(4, 3, strides=2, padding="same")(inputs))
    x = layers.add([layers.Conv2D(4, 3, padding="same", name="inner")(layers.ReLU()(x)), x])
    model = keras.Model(inputs, layers.Dense(2)(layers.GlobalAveragePooling2D()(x)))
    model.compile("sgd", "mse")
    batch = np.random.default_rng(1).standard_normal((6, 20, 16, 3)).astype("float32")
    model.fit(batch, np.ones((6, 2), "float32"), verbose=0)
    before = [np.array(v) for v in model.variables]
    found = effective_receptive_field(model, "inner", batch, training=training)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.variables, strict=True))
    signs = np.random.default_rng(0).choice((-1.0, 1.0), (6, 4)).astype("float32")
    probe = keras.Model(inputs, model.get_layer("inner").output)
    start = tf.constant(batch)
    with tf.GradientTape() as tape:
        tape.watch(start)
        value = tf.reduce_sum(probe(start, training=training)[:, 4, 3] * signs)
    moved = np.abs(tape.gradient(value, start).numpy().astype("float64")).sum(axis=-1)
    expected = (moved / moved.sum(axis=(1, 2), keepdims=True)).mean(axis=0)
    assert np.array(found.share) == pytest.approx(expected, rel=1e-4, abs=1e-9)
    assert found.seeds == () and found.runs == 6 and found.silent == 0


def test_nothing_lies_outside_of_the_theoretical_field() -> None:
    net = Input(41, 41, 2) >> Conv(4) >> ReLU() >> MaxPool(2) >> Residual(Conv(4) >> ReLU()) >> Conv(4, kernel=5)
    found = effective_receptive_field(net, seeds=2)
    assert found.box is not None
    (top, bottom), (left, right) = found.box
    share = np.array(found.share)
    assert share[top : bottom + 1, left : right + 1].sum() == pytest.approx(1)
    assert share.sum() == pytest.approx(1)


def test_statistics_settle_to_those_of_the_batch() -> None:
    """At inference with them, every layer puts out what it does in training."""
    net = Input(8, 8, 3) >> (Conv(4) >> BatchNorm() >> ReLU()) * 3
    runnable = build(net.to_graph(), seed=0)
    x = np.random.default_rng(0).standard_normal((5, 8, 8, 3)).astype("float32") * 7 + 2
    values = settled(runnable, [variable.value for variable in runnable.variables], [x])
    import keras

    with keras.StatelessScope(state_mapping=list(zip(runnable.variables, values, strict=True))):
        there = runnable.run([x], False)[-1]
    with keras.StatelessScope():
        expected = runnable.run([x], True)[-1]
    assert there.numpy() == pytest.approx(expected.numpy(), rel=1e-3, abs=1e-4)
    frozen = live(runnable.model)
    for layer in runnable.model.layers:
        layer.trainable = False
    kept = settled(frozen, [variable.value for variable in frozen.variables], [x])
    assert all(np.array_equal(a, b.value) for a, b in zip(kept, frozen.variables, strict=True))


def saturated() -> Any:
    import keras

    inputs = keras.Input((12, 12, 1))
    x = keras.layers.ReLU(6.0)(keras.layers.Conv2D(2, 3, padding="same", bias_initializer="ones")(inputs))
    model = keras.Model(inputs, x)
    kernel, bias = model.get_weights()
    model.set_weights([kernel, bias + 100])
    return model


def test_no_gradient_is_an_answer_of_its_own() -> None:
    found = effective_receptive_field(saturated(), batch=3)
    assert found.empty and found.silent == found.runs == 3
    assert found.sigma is None and found.radius is None and found.area is None and found.fraction is None
    assert found.box == ((4, 6), (4, 6))
    assert "no gradient" in str(found) and "no gradient" in found._repr_html_()
    assert EffectiveReceptiveField.from_dict(json.loads(json.dumps(found.to_dict()))) == found
    with pytest.raises(UsageError, match="no gradient of re_lu"):
        found.plot()


def test_what_is_too_small_for_float32_is_a_field_all_the_same() -> None:
    small = Conv(2, initializer=json.dumps({"class_name": "Constant", "config": {"value": 1e-10}}), bias=False)
    found = effective_receptive_field(Input(21, 21, 1) >> small * 6, seeds=1, batch=1)
    assert found.precision == "float64" and not found.silent
    assert found.sigma == pytest.approx((2.0, 2.0), rel=1e-6)


def test_one_axis_and_three() -> None:
    one = effective_receptive_field(Input(41, 2) >> Conv(3) * 3, seeds=1)
    assert len(one.share) == 41 and one.theoretical == (7,)
    assert sum(one.by_distance) == pytest.approx(1)
    three = effective_receptive_field(Input(9, 9, 9, 1) >> Conv(2) * 2, seeds=1)
    assert three.theoretical == (5, 5, 5) and three.sigma is not None and len(three.sigma) == 3
    with pytest.raises(UsageError, match="two axes"):
        one.plot()


@pytest.mark.parametrize("suffix", ["svg", "png", "html", "json"])
def test_pictures(suffix: str, tmp_path: Path) -> None:
    found = closed(SMOOTH * 5, 31)
    found.save_picture(tmp_path / f"field.{suffix}")
    data = (tmp_path / f"field.{suffix}").read_bytes()
    assert len(data) > 1000
    if suffix == "svg":
        assert b"theoretical field" in data and b"two standard deviations" in data


def test_a_picture_of_a_large_map_stays_small() -> None:
    found = effective_receptive_field(Input(200, 200, 1) >> SMOOTH * 30 >> Conv(1, kernel=101), seeds=1, batch=1)
    layers: Any = found.plot().to_dict()["layer"]
    assert len(layers[0]["data"]["values"]) <= 72 * 72
    html = found._repr_html_()
    assert 'src="data:image/png;base64,' in html and len(html) < 500_000


def test_there_and_back(tmp_path: Path) -> None:
    found = closed(SMOOTH * 2, 15)
    found.save(tmp_path / "field.json")
    assert EffectiveReceptiveField.load(tmp_path / "field.json") == found
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(SourceError, match="holds no effective receptive field"):
        EffectiveReceptiveField.load(tmp_path / "other.json")
    for name in ("centre", "sigma", "share"):
        data = found.to_dict()
        (data[name] if name != "share" else data[name][0])[0] = None
        with pytest.raises(SourceError, match="share, centre and sigma must be finite"):
            EffectiveReceptiveField.from_dict(data)


NET = Input(12, 12, 3) >> Conv(4) >> Activation("tanh") >> GlobalAvgPool() >> Dense(1)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"layer": "dense"}, UsageError, "no place in the image"),
        ({"layer": "convv"}, UnknownNameError, "did you mean"),
        ({"quantity": "power"}, UsageError, "'magnitude' or 'energy'"),
        ({"batch": 0}, UsageError, "at least one example"),
        ({"seeds": 0}, UsageError, "at least one seed"),
        ({"x": np.ones((2, 5, 5, 3))}, UsageError, "x must be a batch of"),
    ],
)
def test_bad_input_is_one_line(options: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words) as raised:
        effective_receptive_field(NET, **options)
    assert "\n" not in str(raised.value)


def test_inputs_keep_their_names_where_keras_makes_the_copy() -> None:
    import keras

    class Own(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            return x * 2

    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, Own(name="own")(keras.layers.Conv2D(2, 3, name="conv")(inputs)))
    x = np.random.default_rng(0).standard_normal((2, 8, 8, 3)).astype("float32")
    found = [effective_receptive_field(model, "conv", each, seeds=[0]) for each in (x, {model.layers[0].name: x})]
    assert found[0] == found[1] and not found[0].empty


def test_a_mistake_in_the_batch_is_told_before_anything_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archlab.analysis.measured._keras_subject.build", None)
    with pytest.raises(UsageError, match="x must be a batch of"):
        effective_receptive_field(NET, x=np.ones((2, 5, 5, 3)))


def test_inputs_that_have_no_place_or_no_gradient() -> None:
    with pytest.raises(UsageError, match="no layer has units with a place"):
        effective_receptive_field(Input(10) >> Dense(3))
    with pytest.raises(UsageError, match="size of conv is not known"):
        effective_receptive_field(Input(None, None, 3) >> Conv(4))
    import keras

    inputs = keras.Input((8, 8, 1), dtype="uint8")
    model = keras.Model(inputs, keras.layers.Conv2D(2, 3)(keras.layers.Rescaling(1 / 255)(inputs)))
    with pytest.raises(UsageError, match="input of whole numbers"):
        effective_receptive_field(model)
