"""Gradient flow against plain TensorFlow, exact identities, theory, and the lecture's point."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path

import numpy as np
import pytest

from archlab import (
    Activation,
    BatchNorm,
    Block,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GlobalAvgPool,
    GradientFlow,
    Input,
    MaxPool,
    Part,
    ReLU,
    Residual,
    SeparableConv,
    gradient_flow,
    load,
)
from archlab.analysis.measured._batch import Batch, from_data, synthetic
from archlab.analysis.measured._loss import choose
from archlab.analysis.measured._probe import Probe
from archlab.analysis.static import before_head, head_loss
from archlab.bridge import build, live, widened
from archlab.errors import DataError, SourceError, UsageError
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
    graph = net.to_graph()
    batch, loss = synthetic(graph, 6), choose(graph, None)
    probe = Probe(build(graph, seed=0), loss)
    run = probe.run(batch)
    # The probe's own weights, so that nothing but the gradients is compared.
    positions = [row.position for row in probe.rows]
    expected = gradients.one_by_one(graph, probe.runnable, positions, batch, lambda y, out: loss([y], [out]))
    start = 0
    for number, row in enumerate(probe.rows):
        own = run.gradients[start : start + len(row.variables)]
        start += len(row.variables)
        weights, output = expected[number]
        assert math.sqrt(float(np.sum(own**2))) == pytest.approx(weights, rel=1e-5, abs=1e-12)
        assert run.outputs[number] == pytest.approx(output, rel=1e-5, abs=1e-12)


def test_a_kernel_times_its_gradient_is_the_same_for_every_layer_of_a_chain_without_biases() -> None:
    import tensorflow as tf

    net = Input(12, 12, 4) >> (Conv(6, bias=False) >> ReLU()) * 6 >> GlobalAvgPool() >> Dense(1, bias=False)
    graph = net.to_graph()
    batch = synthetic(graph, 4)
    # In float64: the sums cancel to a part in hundreds of their terms, which leaves float32 few digits.
    wide = widened(live(build(graph, seed=0).model))
    assert wide is not None
    kernels = wide.model.trainable_weights
    with tf.GradientTape() as tape:
        value = tf.reduce_mean(tf.square(wide.model(batch.x[0].astype("float64")) - batch.y[0]))
    products = [float(tf.reduce_sum(k * g)) for k, g in zip(kernels, tape.gradient(value, kernels), strict=True)]
    assert products == pytest.approx([products[0]] * len(products), rel=1e-9)


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
    assert (plain.verdict, residual.verdict) == ("vanishing", "stable")
    assert plain.slope is not None and plain.slope > 0.5
    assert residual.slope is not None and abs(residual.slope) < 0.05
    # In 32 bits nothing is left of it; the figures are float64's, and say how little there is.
    assert (plain.precision, residual.precision) == ("float64", "float32")
    assert plain.trend.silent > 40
    assert 0 < (plain.curve[0].activation_gradient_rms or 0) < 1e-40
    assert (residual.curve[0].activation_gradient_rms or 0) > 1e-6


def test_batch_normalization_without_shortcuts_explodes_when_deep_and_shortcuts_keep_it_level() -> None:
    plain = gradient_flow(chain(60, 16, "he_normal", normal=True, side=8), seeds=1)
    assert plain.verdict == "exploding" and (plain.slope or 0) < -0.05
    block = Residual((BatchNorm() >> ReLU() >> Conv(16, bias=False)) * 2)
    level = gradient_flow(Input(8, 8, 16) >> block * 30 >> HEAD, seeds=1)
    assert level.verdict == "stable"


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
        low, high = layer.activation_gradient_rms_quartiles or (0, 0)
        assert low <= (layer.activation_gradient_rms or 0) <= high
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
    pixels = Input(8, 8, 3) >> Conv(4, activation="softmax")
    assert head_loss(pixels.to_graph()) == "sparse_categorical_crossentropy"
    assert gradient_flow(pixels, seeds=1).loss == "sparse_categorical_crossentropy"


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
        ({"data": "no/such/folder"}, "no/such/folder: there is no such folder"),
    ],
)
def test_wrong_arguments(arguments: dict, message: str) -> None:
    net = Input(8, 8, 3) >> Conv(4) >> HEAD
    with pytest.raises((UsageError, DataError)) as caught:
        gradient_flow(net, **arguments)
    assert str(caught.value) == message


def test_an_unknown_size_needs_an_input() -> None:
    with pytest.raises(UsageError, match="a synthetic batch needs an input of known size"):
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
    (pixels,) = synthetic(load("residual").graph, 4).x
    assert pixels.min() >= 0 and pixels.max() <= 255 and pixels.std() > 30
    (numbers,) = synthetic((Input(16, 16, 3) >> Conv(4) >> HEAD).to_graph(), 4).x
    assert abs(float(numbers.mean())) < 0.01 and float(numbers.std()) == pytest.approx(1, abs=0.01)


def test_images(images: Path) -> None:
    flow = gradient_flow(load("residual", input=(64, 64)).graph, data=images, seeds=1, batch=6)
    assert flow.data == f"6 images from {images}"
    assert flow.verdict == "stable"


def test_a_folder_of_images(tmp_path: Path) -> None:
    import tensorflow as tf

    graph = load("residual", input=(32, 32)).graph
    with pytest.raises(DataError, match="needs one folder of images per class"):
        from_data(graph, tmp_path, 4)
    for name in ("cats", "dogs"):
        (tmp_path / name).mkdir()
        for number in range(3):
            pixels = np.full((20, 30, 3), 40 * number, "uint8")
            (tmp_path / name / f"{number}.png").write_bytes(tf.io.encode_png(pixels).numpy())
    (tmp_path / "cats" / "0.png").write_bytes(b"not a picture")
    (batch,) = from_data(graph, tmp_path, 4)
    # Classes take turns, and what cannot be read is passed over.
    assert batch.y[0][:, 0].tolist() == [1, 0, 1, 0]
    assert batch.x[0].shape == (4, 32, 32, 3)
    assert [one.examples for one in from_data(graph, tmp_path, 2, 3)] == [2, 2, 1]
    with pytest.raises(UsageError, match="has 2 classes, and the head has 1 unit"):
        from_data((Input(32, 32, 3) >> GlobalAvgPool() >> Dense(1)).to_graph(), tmp_path, 4)


@pytest.mark.parametrize("scale", [1e-30, 1e-15, 1.0, 1e10])
def test_norms_lose_neither_the_small_nor_the_large(scale: float) -> None:
    import tensorflow as tf

    # The gradient of a mean absolute error is as large as the input, however small that is.
    graph = (Input(8, 8, 3) >> Conv(4, bias=False) >> GlobalAvgPool() >> Dense(1, bias=False)).to_graph()
    x = (np.random.default_rng(0).standard_normal((4, 8, 8, 3)) * scale).astype("float32")
    y = np.full((4, 1), 1e30, "float32")
    probe = Probe(build(graph, seed=0), choose(graph, "mean_absolute_error"))
    run = probe.run(Batch((x,), (y,), "given"))
    with tf.GradientTape() as tape:
        value = tf.reduce_mean(tf.abs(probe.runnable.model(x) - y))
    expected = np.linalg.norm(tape.gradient(value, probe.rows[0].variables[0].value).numpy().astype("float64"))
    assert run.gradients[0] == pytest.approx(expected, rel=1e-5)
    assert 0.01 * scale < expected < 100 * scale


def test_sums_in_float32_are_as_good_as_in_float64_for_maps_of_the_lectures_size() -> None:
    graph = load("baseline").graph
    probe = Probe(build(graph, seed=0), choose(graph, None))
    batch = synthetic(graph, 4)
    narrow = probe.run(batch)
    probe._wide = True
    wide = probe.run(batch)
    np.testing.assert_allclose(narrow.gradients, wide.gradients, rtol=2e-6)
    np.testing.assert_allclose(narrow.outputs, wide.outputs, rtol=2e-6)
    np.testing.assert_allclose(narrow.rms, wide.rms, rtol=2e-6)


def test_the_result_goes_to_a_file_and_back(tmp_path: Path) -> None:
    net = Input(8, 8, 3) >> Block(Conv(4) >> BatchNorm() >> ReLU(), name="first") >> Residual(Conv(4)) >> HEAD
    flow = gradient_flow(net, seeds=2, batches=2)
    flow.save(tmp_path / "flow.json")
    assert GradientFlow.load(tmp_path / "flow.json") == flow
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(SourceError, match=r"other.json holds no gradient flow"):
        GradientFlow.load(tmp_path / "other.json")


def test_blocks_take_their_layers_together() -> None:
    net = Input(8, 8, 3) >> Block(Conv(4) >> BatchNorm() >> ReLU(), name="first") >> Residual(Conv(4)) >> HEAD
    flow = gradient_flow(net, seeds=1)
    first, second = flow.blocks
    assert (first.name, first.layers, first.depth) == ("first", ("first/conv", "first/batch_norm"), 1)
    assert (second.name, second.layers) == ("block1", ("block1/conv",))
    parts = [flow[name].weight_gradient_norm or 0 for name in first.layers]
    assert first.weight_gradient_norm == pytest.approx(math.hypot(*parts))
    # A block ends in its last node, which need not have weights: the ReLU lets half of what comes in pass.
    assert (first.activation_mean or 0) > 0.3 > abs(flow["first/batch_norm"].activation_mean or 0)


def test_activations_and_dead_channels_are_those_of_keras() -> None:
    import keras

    net = Input(9, 9, 3) >> Conv(16) >> BatchNorm() >> ReLU() >> Conv(8, activation="relu") >> Conv(4) >> HEAD
    graph = net.to_graph()
    runnable, batch = build(graph, seed=0), synthetic(graph, 5)
    # Shifts far down: most of these channels never speak.
    shift = np.where(np.arange(16) < 12, -100.0, 0.0)
    runnable.model.get_layer("batch_norm").beta.assign(shift)
    flow = gradient_flow(runnable.model, batch.x[0], batch.y[0])
    layers = runnable.model.layers
    made = keras.Model(runnable.model.inputs[0], [layer.output for layer in layers])(batch.x[0], training=True)
    seen = {layer.name: values for layer, values in zip(layers, made, strict=True)}
    for name in ("conv", "batch_norm", "conv_2", "conv_3", "dense"):
        values = np.asarray(seen[name], dtype="float64")
        assert flow[name].activation_rms == pytest.approx(np.sqrt(np.mean(values**2)), rel=1e-5)
        assert flow[name].activation_mean == pytest.approx(values.mean(), rel=1e-4, abs=1e-6)
    dead = {name: float(np.mean(np.asarray(seen[name]).max((0, 1, 2)) <= 0)) for name in ("relu", "conv_2")}
    assert dead["relu"] == 0.75
    assert flow["conv"].dead_share == flow["batch_norm"].dead_share == 0.75
    assert flow["conv_2"].dead_share == dead["conv_2"]
    assert flow["conv_3"].dead_share is None


@pytest.mark.parametrize("suffix", ["svg", "png", "html"])
def test_the_chart_is_drawn_without_a_network(tmp_path: Path, suffix: str) -> None:
    from archlab.charts import save

    net = Input(8, 8, 3) >> Conv(4) >> Conv(4) >> Conv(4) >> HEAD
    one, other = gradient_flow(net, seeds=2), gradient_flow(net.replace(Conv, SeparableConv), seeds=2)
    path = tmp_path / f"chart.{suffix}"
    save(one.plot(other), path)
    written = path.read_bytes()
    assert len(written) > 2000
    if suffix != "png":
        assert b"architecture (2)" in written and b"activation gradient" in written
    if suffix == "html":
        assert b'src="http' not in written


def test_a_table_for_notebooks() -> None:
    html = gradient_flow(Input(8, 8, 3) >> Conv(4) >> Conv(4) >> HEAD, seeds=1)._repr_mimebundle_()["text/html"]
    assert html.count("<tr>") == 4 and "decades per layer" in html


def test_dead_initializations_are_named_and_not_hidden_behind_a_median() -> None:
    # One unit behind a ReLU: its kernel points the wrong way under about every second seed.
    head = GlobalAvgPool() >> Dense(1, activation="relu") >> Activation("sigmoid")
    flow = gradient_flow(Input(16, 16, 3) >> Conv(8) >> ReLU() >> head, seeds=6)
    assert 0 < len(flow.dead_seeds) < 6
    assert set(flow.dead_seeds) == {
        seed for seed, loss in zip(flow.seeds, flow.losses, strict=True) if abs(loss - math.log(2)) < 1e-6
    }
    sound = gradient_flow(
        Input(16, 16, 3) >> Conv(8) >> ReLU() >> GlobalAvgPool() >> Dense(1, activation="sigmoid"), seeds=2
    )
    assert sound.dead_seeds == ()


def test_the_caller_s_random_numbers_are_left_as_they_are() -> None:
    state, arrays = random.getstate(), np.random.get_state()[1].tolist()
    gradient_flow("residual:depth=4,width=4", input=(32, 32), seeds=1)
    assert random.getstate() == state and np.random.get_state()[1].tolist() == arrays
