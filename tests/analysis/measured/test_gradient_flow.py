"""Gradient flow against plain TensorFlow, exact identities, theory, and the lecture's point."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from archlab import (
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GlobalAvgPool,
    Input,
    MaxPool,
    Part,
    ReLU,
    Residual,
    gradient_flow,
    load,
)
from archlab.analysis.measured._batch import from_folder, head_loss, synthetic
from archlab.analysis.measured._gradient_flow import before_head
from archlab.analysis.measured._probe import Probe
from archlab.errors import DataError, UsageError
from archlab.ops import KerasLayer, Op
from tests.oracles import gradients

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Keras's own use of NumPy

HEAD = GlobalAvgPool() >> Dense(1, activation="sigmoid")


def chain(depth: int, width: int, initializer: str, kernel: int = 3, normal: bool = False, side: int = 16) -> Part:
    norm = BatchNorm() if normal else None
    conv = Conv(width, kernel=kernel, bias=False, initializer=initializer)
    unit = conv >> norm >> ReLU() if norm else conv >> ReLU()
    return Input(side, side, width) >> unit * depth >> HEAD


@pytest.mark.parametrize(
    "net",
    [
        chain(4, 8, "glorot_uniform"),
        chain(3, 8, "he_normal", normal=True),
        Input(20, 20, 3) >> Conv(8) >> ReLU() >> Residual(Conv(8) >> BatchNorm() >> ReLU() >> Conv(8)) >> HEAD,
        Input(16, 16, 3) >> Conv(8, activation="gelu") >> MaxPool(2) >> Flatten() >> Dense(5, activation="softmax"),
        Input(16, 16, 3) >> Conv(4) >> GlobalAvgPool() >> Dense(2),
    ],
)
def test_every_figure_is_that_of_plain_tensorflow(net: Part) -> None:
    compare_with_plain(net)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["baseline", "residual"])
def test_the_lectures_models_against_plain_tensorflow(name: str) -> None:
    tree = load(name, input=(96, 96)).tree
    assert tree is not None
    compare_with_plain(tree.without(Dropout))


def compare_with_plain(net: Part) -> None:
    import keras

    graph = net.to_graph()
    batch = synthetic(graph, 6)
    probe = Probe(graph, batch, None)
    run = probe.run(3)
    # The probe's own weights, so that nothing but the gradients is compared.
    expected = gradients.one_by_one(graph, probe.built, probe.positions, batch, keras.losses.get(batch.loss))
    start = 0
    for row, variables in enumerate(probe.variables):
        own = run.gradients[start : start + len(variables)]
        start += len(variables)
        weights, output = expected[row]
        assert math.sqrt(float(np.sum(own**2))) == pytest.approx(weights, rel=1e-5, abs=1e-12)
        assert run.outputs[row] == pytest.approx(output, rel=1e-5, abs=1e-12)


def test_a_kernel_times_its_gradient_is_the_same_for_every_layer_of_a_chain_without_biases() -> None:
    import tensorflow as tf

    net = Input(12, 12, 4) >> (Conv(6, bias=False) >> ReLU()) * 6 >> GlobalAvgPool() >> Dense(1, bias=False)
    graph = net.to_graph()
    batch = synthetic(graph, 4)
    probe = Probe(graph, batch, None)
    probe.run(1)
    kernels = [variable for variables in probe.variables for variable in variables]
    with tf.GradientTape() as tape:
        value = tf.reduce_mean(tf.square(probe.built.model(batch.x) - batch.y))
    products = [float(tf.reduce_sum(k * g)) for k, g in zip(kernels, tape.gradient(value, kernels), strict=True)]
    assert products == pytest.approx([products[0]] * len(products), rel=1e-4)


@pytest.mark.parametrize(
    ("initializer", "normal", "theory"),
    [("glorot_uniform", False, 0.1505), ("he_normal", False, 0.0), ("he_normal", True, -0.0832)],
)
def test_slopes_of_the_theory(initializer: str, normal: bool, theory: float) -> None:
    # Wide limits: half the square a layer under Glorot, all of it under He, times π/(π − 1) with batch normalization.
    net = chain(24, 128, initializer, kernel=1, normal=normal, side=8)
    x = np.random.default_rng(0).standard_normal((16, 8, 8, 128)).astype("float32")
    flow = gradient_flow(net, x, (np.arange(16) % 2).astype("float32")[:, None], seeds=2)
    assert flow.slope == pytest.approx(theory, abs=0.015)


def test_the_lectures_point_plain_vanishes_and_residual_does_not() -> None:
    size = (48, 48)
    plain = gradient_flow(load("plain:depth=50,normalization=none", input=size).graph, seeds=1)
    residual = gradient_flow(load("residual:depth=50,normalization=none", input=size).graph, seeds=1)
    assert (plain.verdict, residual.verdict) == ("vanishes", "level")
    assert plain.slope is not None and plain.slope > 0.5
    assert residual.slope is not None and abs(residual.slope) < 0.05
    # In 32 bits nothing is left of it; the figures are float64's, and say how little there is.
    assert (plain.precision, residual.precision) == ("float64", "float32")
    assert plain.trend.silent > 40
    assert 0 < (plain.curve[0].output_gradient_rms or 0) < 1e-40
    assert (residual.curve[0].output_gradient_rms or 0) > 1e-6


def test_batch_normalization_without_shortcuts_explodes_when_deep_and_shortcuts_keep_it_level() -> None:
    plain = gradient_flow(chain(60, 16, "he_normal", normal=True, side=8), seeds=1)
    assert plain.verdict == "explodes" and (plain.slope or 0) < -0.05
    block = Residual((BatchNorm() >> ReLU() >> Conv(16, bias=False)) * 2)
    level = gradient_flow(Input(8, 8, 16) >> block * 30 >> HEAD, seeds=1)
    assert level.verdict == "level"


def test_what_a_layer_says() -> None:
    net = Input(16, 16, 3) >> Conv(8) >> BatchNorm() >> ReLU() >> Conv(8) >> HEAD
    flow = gradient_flow(net, seeds=3)
    assert [(layer.name, layer.depth, layer.kernel, layer.body) for layer in flow.layers] == [
        ("conv", 1, True, True),
        ("batch_norm", 1, False, True),
        ("conv_2", 2, True, True),
        ("dense", 3, True, False),
    ]
    assert [weight.name for weight in flow.layers[1].weights] == ["gamma", "beta"]
    for layer in flow.layers:
        assert layer.weight_gradient_norm is not None and layer.ratio is not None
        assert layer.ratio == pytest.approx(layer.weight_gradient_norm / layer.weight_norm)
        low, high = layer.output_gradient_rms_quartiles or (0, 0)
        assert low <= (layer.output_gradient_rms or 0) <= high
    assert [layer.name for layer in flow.curve] == ["conv", "conv_2"]


def test_a_kernel_alone_and_with_its_bias() -> None:
    flow = gradient_flow(Input(8, 8, 3) >> Conv(4) >> Conv(4, bias=False) >> HEAD, seeds=1)
    with_bias, without = flow.layers[:2]
    assert [weight.name for weight in with_bias.weights] == ["kernel", "bias"]
    assert with_bias.kernel_gradient_norm == with_bias.weights[0].gradient_norm
    assert (with_bias.weight_gradient_norm or 0) > (with_bias.kernel_gradient_norm or 0)
    assert without.weight_gradient_norm == without.kernel_gradient_norm


def test_a_layer_of_ones_own_without_rules_is_measured_all_the_same() -> None:
    class Mystery(Op, abstract=True):
        def output(self, *inputs):
            return (*inputs[0][:-1], 5)

        def keras(self, *inputs):
            return KerasLayer("Conv2D", {"filters": 5, "kernel_size": 1})

    flow = gradient_flow(Input(8, 8, 3) >> Conv(4) >> Mystery() >> HEAD, seeds=2)
    assert [layer.name for layer in flow.layers] == ["conv", "mystery", "dense"]
    assert (flow.layers[1].kernel_gradient_norm or 0) > 0


def test_seeds_repeat_themselves_and_differ_from_one_another() -> None:
    net = Input(12, 12, 3) >> Conv(8) >> ReLU() >> Conv(8) >> Dropout(0.5) >> HEAD
    first, again, other = (gradient_flow(net, seeds=seeds) for seeds in ([4], [4], [5]))
    assert first.layers == again.layers
    assert first.layers != other.layers


def test_equal_kernels_of_one_seed_are_not_twins() -> None:
    flow = gradient_flow(Input(12, 12, 8) >> Conv(8) >> Conv(8) >> HEAD, seeds=[0])
    assert flow.layers[0].weight_norm != flow.layers[1].weight_norm


def test_json_holds_neither_nan_nor_infinity(recwarn: pytest.WarningsRecorder) -> None:
    # Weights of a standard deviation of 1 over a fan-in of 576, sixty layers deep: beyond 1e38, and beyond 1e308 too.
    net = Input(8, 8, 64) >> (Conv(64, bias=False, initializer="random_normal") >> ReLU()) * 3 >> HEAD
    x = np.full((2, 8, 8, 64), 1e38, "float32")
    flow = gradient_flow(net, x, np.ones((2, 1), "float32"), seeds=1)
    json.dumps(flow.to_dict(), allow_nan=False)
    assert flow.precision == "float64"


def test_a_head_says_which_loss_goes_with_it() -> None:
    body = Input(8, 8, 3) >> GlobalAvgPool()
    assert head_loss((body >> Dense(1, activation="sigmoid")).to_graph()) == "binary_crossentropy"
    assert head_loss((body >> Dense(9, activation="softmax")).to_graph()) == "sparse_categorical_crossentropy"
    assert head_loss((body >> Dense(1)).to_graph()) == "mean_squared_error"


def test_loss_and_batch_of_ones_own() -> None:
    net = Input(8, 8, 3) >> Conv(4) >> Conv(4) >> GlobalAvgPool() >> Dense(1)
    x = np.random.default_rng(1).standard_normal((5, 8, 8, 3)).astype("float32")
    flow = gradient_flow(net, x, np.zeros((5, 1), "float32"), loss="mean_absolute_error", seeds=1)
    assert (flow.data, flow.batch, flow.loss) == ("given", 5, "mean_absolute_error")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"x": np.zeros((2, 9, 8, 3))}, "x must be a batch of (8, 8, 3), got (2, 9, 8, 3)"),
        ({"x": np.zeros((2, 8, 8, 3)), "y": np.zeros(3)}, "2 inputs and 3 labels do not match"),
        ({"seeds": 0}, "gradient flow needs at least one seed"),
        ({"batch": 0}, "a batch needs at least one example, got 0"),
        ({"data": "no/such/folder"}, "no folder no/such/folder"),
    ],
)
def test_wrong_arguments(arguments: dict, message: str) -> None:
    net = Input(8, 8, 3) >> Conv(4) >> HEAD
    with pytest.raises((UsageError, DataError)) as caught:
        gradient_flow(net, **arguments)
    assert str(caught.value) == message


def test_an_unknown_size_needs_an_input() -> None:
    with pytest.raises(UsageError, match="a synthetic batch needs one input of known size"):
        gradient_flow(Input(None, None, 3) >> Conv(4) >> HEAD)


def test_what_stands_before_the_head() -> None:
    graph = load("residual").graph
    body = before_head(graph)
    assert [node.name for node, inside in zip(graph, body, strict=True) if not inside] == [
        "global_avg_pool",
        "dropout",
        "dense",
    ]
    dense = (Input(10) >> Dense(8, activation="relu") >> Dense(1)).to_graph()
    assert before_head(dense) == [True, True, False]


def test_synthetic_images_have_the_range_that_the_net_expects() -> None:
    pixels = synthetic(load("residual").graph, 4).x
    assert pixels.min() >= 0 and pixels.max() <= 255 and pixels.std() > 30
    numbers = synthetic((Input(16, 16, 3) >> Conv(4) >> HEAD).to_graph(), 4).x
    assert abs(float(numbers.mean())) < 0.01 and float(numbers.std()) == pytest.approx(1, abs=0.01)


def test_photos(photos: Path) -> None:
    flow = gradient_flow(load("residual", input=(64, 64)).graph, data=photos, seeds=1, batch=6)
    assert flow.data == f"6 photos from {photos}"
    assert flow.verdict == "level"


def test_a_folder_of_photos(tmp_path: Path) -> None:
    import tensorflow as tf

    graph = load("residual", input=(32, 32)).graph
    with pytest.raises(DataError, match="needs a folder of photos for each class"):
        from_folder(graph, tmp_path, 4)
    for name in ("cats", "dogs"):
        (tmp_path / name).mkdir()
        for number in range(3):
            pixels = np.full((20, 30, 3), 40 * number, "uint8")
            (tmp_path / name / f"{number}.png").write_bytes(tf.io.encode_png(pixels).numpy())
    (tmp_path / "cats" / "0.png").write_bytes(b"not a picture")
    batch = from_folder(graph, tmp_path, 4)
    # Classes take turns, and what cannot be read is passed over.
    assert batch.y[:, 0].tolist() == [1, 0, 1, 0]
    assert batch.x.shape == (4, 32, 32, 3)
    with pytest.raises(UsageError, match="has 2 classes, and the head has 1 unit"):
        from_folder((Input(32, 32, 3) >> GlobalAvgPool() >> Dense(1)).to_graph(), tmp_path, 4)


@pytest.mark.parametrize("scale", [1e-30, 1e-15, 1.0, 1e10])
def test_norms_lose_neither_the_small_nor_the_large(scale: float) -> None:
    import tensorflow as tf

    # The gradient of a mean absolute error is as large as the input, however small that is.
    net = Input(8, 8, 3) >> Conv(4, bias=False) >> GlobalAvgPool() >> Dense(1, bias=False)
    x = (np.random.default_rng(0).standard_normal((4, 8, 8, 3)) * scale).astype("float32")
    y = np.full((4, 1), 1e30, "float32")
    probe = Probe(net.to_graph(), synthetic(net.to_graph(), 4)._replace(x=x, y=y), "mean_absolute_error")
    run = probe.run(0)
    kernel = probe.variables[0][0]
    with tf.GradientTape() as tape:
        value = tf.reduce_mean(tf.abs(probe.built.model(x) - y))
    expected = np.linalg.norm(tape.gradient(value, kernel).numpy().astype("float64"))
    assert run.gradients[0] == pytest.approx(expected, rel=1e-5)
    assert 0.01 * scale < expected < 100 * scale


def test_sums_in_float32_are_as_good_as_in_float64_for_maps_of_the_lectures_size() -> None:
    graph = load("baseline").graph
    probe = Probe(graph, synthetic(graph, 4), None)
    narrow = probe.run(0)
    probe._wide, probe._measure = True, probe._traced(True)
    wide = probe.run(0)
    np.testing.assert_allclose(narrow.gradients, wide.gradients, rtol=2e-6)
    np.testing.assert_allclose(narrow.outputs, wide.outputs, rtol=2e-6)
