"""Predicted gradients: closed forms, each rule against sampling, small nets against measurement."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archlab import (
    Activation,
    Add,
    AvgPool,
    BatchNorm,
    Concatenate,
    Conv,
    ConvTranspose,
    Dense,
    DepthwiseConv,
    Dropout,
    Flatten,
    GlobalAvgPool,
    GlobalMaxPool,
    GroupNorm,
    Identity,
    Input,
    LayerNorm,
    LeakyReLU,
    Maximum,
    MaxPool,
    Parallel,
    Part,
    ReLU,
    Residual,
    SeparableConv,
    Upsample,
    ZeroPad,
    gradient_flow,
    load,
    predict_gradient_flow,
)
from archlab.analysis.measured._batch import synthetic
from archlab.analysis.static._photos import BATCH, synthetic_signal
from archlab.analysis.static.signal import predict
from archlab.graph import Axis, Shape
from archlab.ops import Op
from archlab.signals import ErrorSignal, Nonlinearity, Signal
from archlab.signals._edges import gathered, normal, through_edges
from archlab.signals._walk import (
    Law,
    Rectified,
    gaussian,
    highest_of,
    matched,
    moments_of,
    rectified,
    rectified_response,
    surviving,
)
from archlab.signals.moments import at, average, fans, kinked, lag_count, pair_weights, variance
from archlab.testing import check_op
from tests.strategies import architectures

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Keras's own use of NumPy

HEAD = GlobalAvgPool() >> Dense(1, activation="sigmoid")
WIDE = 1 << 20  # nothing is allocated: only theory sees the width


def chain(depth: int, width: int, initializer: str, normal: bool = False, kernel: int = 1, side: int = 8) -> Part:
    conv = Conv(width, kernel=kernel, bias=False, initializer=initializer)
    unit: Part = conv >> BatchNorm(epsilon=1e-12) >> ReLU() if normal else conv >> ReLU()
    return Input(side, side, width) >> unit * depth >> HEAD


# Closed forms.


def test_under_he_a_plain_relu_net_keeps_its_variance() -> None:
    found = predict(chain(40, WIDE, "he_normal").to_graph())
    assert found.slope == pytest.approx(0, abs=1e-5)
    assert [layer.activation_rms for layer in found.curve] == pytest.approx([math.sqrt(2)] * 40, rel=1e-4)
    assert found.reliable and found.why == ()


def test_under_glorot_with_equal_fans_the_squared_error_halves_at_each_layer() -> None:
    found = predict(chain(40, WIDE, "glorot_uniform").to_graph())
    assert found.slope == pytest.approx(math.log10(2) / 2, abs=1e-4)
    assert found.slope == pytest.approx(0.1505, abs=1e-4)


def test_batch_normalization_without_shortcuts_explodes_at_the_rate_of_yang_et_al() -> None:
    # π/(π − 1) in the square for each layer with ReLU (Yang et al. 2019, section 3): −0.0832 decades.
    theory = -math.log10(math.pi / (math.pi - 1)) / 2
    assert theory == pytest.approx(-0.0832, abs=1e-4)
    found = predict(chain(40, WIDE, "he_normal", normal=True, side=64).to_graph())
    assert found.slope == pytest.approx(theory, rel=0.1)
    steps = [math.log10(b.activation_gradient_rms / a.activation_gradient_rms) for a, b in pairwise(found.curve)]
    assert np.median(steps) == pytest.approx(theory, rel=0.02)


def test_a_depthwise_kernels_fan_in_is_counted_too_large() -> None:
    # Its variance is that of a fan-in of 9·C: the signal shrinks by 2/(C + 1) (Keras's Glorot, see the numbers).
    assert fans((3, 3, 64, 1)) == (576, 9)
    net = Input(64, 64, 63) >> ZeroPad(1) >> DepthwiseConv(3, padding="valid") >> HEAD
    found = predict(net.to_graph())
    image = found.layers[0].activation_rms
    assert image is not None
    assert image**2 == pytest.approx(2 / 64, rel=0.05)  # 1 but for the zeros around


def test_relu_and_its_kin_have_closed_forms() -> None:
    half = kinked(0.0, 1.0, 0.0, 1.0)
    assert (half.mean, half.square, half.slope) == pytest.approx((1 / math.sqrt(2 * math.pi), 0.5, 0.5))
    # Cho & Saul 2009, section 2: the arc-cosine kernel of order 1; uncorrelated values keep the square of the mean.
    assert half.values(0.0) == pytest.approx(1 / (2 * math.pi))
    leaky = kinked(0.2, 0.8, 0.0, 1.0)
    assert leaky.slope == pytest.approx((1 + 0.2**2) / 2)


# Rules against sampling.


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "elu", "selu", "tanh", "sigmoid", "gelu", "silu", "hard_silu"])
@pytest.mark.parametrize(("mean", "spread", "alike"), [(0.0, 1.0, 0.5), (0.6, 1.4, -0.3), (-0.4, 0.8, 0.95)])
def test_activations_of_gaussians(name: str, mean: float, spread: float, alike: float) -> None:
    import keras

    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 400_000))
    u = mean + spread * a
    v = mean + spread * (alike * a + math.sqrt(1 - alike**2) * b)
    function = keras.activations.get(name)
    f, g = (np.asarray(function(x.astype("float32")), "float64") for x in (u, v))
    step = 1e-3
    df, dg = (
        (np.asarray(function((x + step).astype("float64")), "float64") - np.asarray(function(x - step))) / (2 * step)
        for x in (u, v)
    )
    found = Nonlinearity(name).response(mean, spread**2)
    assert found is not None
    expected = (f.mean(), (f * f).mean(), (df * df).mean(), (f * g).mean(), (df * dg).mean(), (df * u * dg * v).mean())
    values = (found.mean, found.square, found.slope, found.values(alike), found.slopes(alike), found.along(alike))
    assert values == pytest.approx(expected, rel=0.04, abs=0.006)


@pytest.mark.parametrize(
    "initializer",
    ["he_normal", "he_uniform", "glorot_normal", "glorot_uniform", "lecun_normal", "orthogonal", "random_normal",
     "random_uniform", "truncated_normal"],
)  # fmt: skip
@pytest.mark.parametrize("shape", [(3, 3, 32, 48), (3, 3, 64, 1), (500, 100)])
def test_the_variance_of_every_initializer(initializer: str, shape: tuple[int, ...]) -> None:
    import keras

    drawn = np.concatenate(
        [np.ravel(keras.initializers.get({"class_name": initializer, "config": {"seed": i}})(shape)) for i in range(9)]
    )
    assert variance(initializer, shape) == pytest.approx(float(np.mean(drawn.astype("float64") ** 2)), rel=0.06)


def test_initializers_that_have_no_rule_are_unknown() -> None:
    assert variance("identity", (3, 3)) is None
    assert variance("zeros", (3, 3)) == 0
    assert variance(None, (3, 3)) is None
    net = Input(8, 8, 3) >> Conv(4, initializer="identity") >> HEAD
    assert not predict(net.to_graph()).reliable


def test_pairs_of_positions() -> None:
    for size in ((2, 2), (5, 7), (16, 16), (4,)):
        weights = pair_weights(size)
        assert sum(weights) == pytest.approx(1) and len(weights) == lag_count(size)
        assert weights[0] == pytest.approx(1 / math.prod(size))
    # A covariance that falls with the distance, averaged over all pairs.
    places = np.stack(np.meshgrid(np.arange(16), np.arange(16)), -1).reshape(-1, 2)
    apart = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1))
    table = tuple(math.exp(-lag / 6) for lag in (0, 1, 2, 4, 8))
    assert average(table, (16, 16)) == pytest.approx(np.exp(-apart / 6).mean(), rel=0.08)
    assert at(table, 3) == pytest.approx(math.exp(-3 / 6), rel=0.05)


@pytest.mark.parametrize(("size", "scaled"), [((32, 32), False), ((64, 48), False), ((32, 32), True)])
def test_the_synthetic_batch(size: tuple[int, int], scaled: bool) -> None:
    from archlab import Rescaling

    net = Input(*size, 3) >> Rescaling(1 / 255) >> HEAD if scaled else Input(*size, 3) >> Conv(2) >> HEAD
    graph = net.to_graph()
    x = synthetic(graph, 64).x[0].astype("float64")
    found = synthetic_signal(graph, 0)
    assert found.mean == pytest.approx(x.mean(), rel=0.01, abs=0.01)
    assert found.square == pytest.approx((x * x).mean(), rel=0.02)
    for i, lag in enumerate((1, 2, 4, 8), start=1):
        near = ((x[:, lag:] * x[:, :-lag]).mean() + (x[:, :, lag:] * x[:, :, :-lag]).mean()) / 2
        assert found.same[i] == pytest.approx(near, rel=0.1, abs=0.04)
    assert found.cross[0] == pytest.approx((x[1:] * x[:-1]).mean(), rel=0.02, abs=0.02)


def sampled(rng: np.random.Generator, size: int, channels: int, batch: int) -> np.ndarray:
    """Maps of independent Gaussians, blurred so that neighbours are alike."""
    x = rng.standard_normal((batch, size + 2, size + 2, channels))
    x = sum(x[:, i : i + size, j : j + size] for i in range(3) for j in range(3)) / 3
    return x.astype("float32")


def described(x: np.ndarray, batch: int, far: float) -> Signal:
    """What a prediction knows of such maps."""
    size = x.shape[1]
    lags = [0, *[1 << i for i in range(lag_count((size, size)) - 1)]]
    # Those farther apart than a blur of three have nothing in common but what all positions share.
    same = [
        float(((x[:, lag:] * x[:, : size - lag]).mean() + (x[:, :, lag:] * x[:, :, : size - lag]).mean()) / 2)
        if lag < min(size, 3)
        else far
        for lag in lags
    ]
    return Signal((size, size), x.shape[-1], batch, 0.0, tuple(same), (0.0,) * len(same), (None, None))


LAYERS: dict[str, Part] = {
    "conv": Conv(256, kernel=3, initializer="he_normal"),
    "strided": Conv(256, kernel=3, stride=2, initializer="lecun_normal"),
    "dilated": Conv(256, kernel=3, dilation=2, initializer="he_normal"),
    "grouped": Conv(256, kernel=3, groups=4, initializer="glorot_uniform"),
    "with relu": Conv(256, kernel=3, activation="relu", initializer="he_normal"),
    "depthwise": DepthwiseConv(3),
    "separable": SeparableConv(256, kernel=3),
    "max": MaxPool(2),
    "max 3": MaxPool(3, stride=2),
    "max behind relu": ReLU() >> MaxPool(2),
    "mean": AvgPool(2),
    "mean 3": AvgPool(3, stride=1),
    "upsample": Upsample(2),
    "pad": ZeroPad(2),
    "leaky": LeakyReLU(0.1),
    "tanh": Activation("tanh"),
    "dropout": Dropout(0.4),
    "batch norm": BatchNorm(),
    "batch norm, relu": BatchNorm() >> ReLU(),
    "layer norm": LayerNorm(),
    "shortcut": Residual(Conv(128, kernel=3, initializer="he_normal") >> ReLU()),
    "global mean": GlobalAvgPool(),
    "global max": GlobalMaxPool(),
    "flatten": Flatten(),
}


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("size", [12, 4])
def test_each_layer_forward_and_back_against_keras(name: str, size: int) -> None:
    import keras
    import tensorflow as tf

    channels, batch = 128, 8
    rng = np.random.default_rng(3)
    x = sampled(rng, size, channels, batch)
    many = sampled(rng, size, channels, 64)
    if name == "global mean":
        # All positions of a channel share a part: what its mean is made of, and the lags hold without interpolation.
        x, many = (
            (rng.standard_normal(each.shape) + shared / np.sqrt(np.mean(shared**2))).astype("float32")
            for each in (x, many)
            for shared in (rng.standard_normal((len(each), 1, 1, channels)),)
        )
    graph = (Input(size, size, channels) >> LAYERS[name]).to_graph()
    signals: dict[int, Signal] = {0: described(many, batch, 1.0 if name == "global mean" else 0.0)}
    passed = {}
    for position, node in enumerate(graph):
        if node.inputs:
            found = passed[position] = node.op.signal(tuple(signals[i] for i in node.inputs), node.shape)
            assert found is not None
            signals[position] = found.output
    made = signals[graph.outputs[0]]
    squares, backs = [], []
    for seed in range(3):
        keras.utils.set_random_seed(seed)
        from archlab import to_keras

        model = to_keras(graph, seed)
        with tf.GradientTape() as tape:
            inputs = tf.constant(x)
            tape.watch(inputs)
            y = model(inputs, training=True)
            # An error that knows nothing of the signal, another at every place.
            error = np.random.default_rng(seed).standard_normal(y.shape).astype("float32")
            total = tf.reduce_sum(y * error)
        squares.append(float(np.mean(np.asarray(y, "float64") ** 2)))
        backs.append(float(np.mean(np.asarray(tape.gradient(total, inputs), "float64") ** 2)))
    assert made.square == pytest.approx(np.mean(squares), rel=0.12)
    count = len(made.same)
    errors = {graph.outputs[0]: ErrorSignal((1.0, *(0.0,) * (count - 1)), (0.0,) * count, (None,) * len(made.size))}
    for position in range(len(graph) - 1, 0, -1):
        for source, back in zip(graph[position].inputs, passed[position].back(errors[position])[0], strict=True):
            if source in errors:
                back = back._replace(same=tuple(a + b for a, b in zip(back.same, errors[source].same, strict=True)))
            errors[source] = back
    assert errors[0].same[0] == pytest.approx(np.mean(backs), rel=0.12)


@pytest.mark.parametrize("stride", [2, 3])
def test_a_kernel_that_enlarges_meets_each_position_of_its_input_once_with_each_tap(stride: int) -> None:
    # Counted by the positions that come out its gradient would be larger by the stride on each axis, in the square.
    assert check_op(ConvTranspose(8, stride=stride))["signal"].state == "passed"


# Every operation.

WITHOUT_A_RULE = {
    "RandomContrast": "depends on the mean of each photo",
    "RandomBrightness": "depends on the range of the values",
    "Embedding": "whole numbers come in, which the synthetic batch does not have",
    "LSTM": "a gate in time is no sum of independent terms",
    "GRU": "a gate in time is no sum of independent terms",
    "SimpleRNN": "its steps share one kernel and are not independent",
    "MultiHeadAttention": "its weights depend on what it weighs",
    "Maximum": "depends on how the paths that meet are correlated",
    "Minimum": "depends on how the paths that meet are correlated",
    "Input": "begins with the synthetic batch",
}


def test_every_operation_has_a_rule_or_a_reason() -> None:
    missing = {name for name, op in Op.registry.items() if op.signal is Op.signal}
    assert missing == set(WITHOUT_A_RULE)


@dataclass(frozen=True, repr=False)
class Mystery(Op, abstract=True):
    """A layer that says what comes out, and nothing else."""

    def output(self, *inputs: Shape) -> Shape:
        return inputs[0]


def test_a_layer_without_a_rule_is_named_and_never_the_identity() -> None:
    found = predict((Input(8, 8, 3) >> Conv(4) >> Mystery() >> Conv(4) >> HEAD).to_graph())
    assert not found.reliable
    assert found.why == ("mystery: Mystery has no rule for signals",)
    assert found.layers[0].activation_rms is not None and found.layers[0].activation_gradient_rms is None
    assert found.layers[1].activation_rms is None
    assert found.verdict == "undefined"


def test_an_input_of_unknown_size_is_said_to_be_so() -> None:
    found = predict((Input(None, None, 3) >> Conv(4) >> HEAD).to_graph())
    assert found.why[0] == "input: the size of the input is not known"


@pytest.mark.parametrize(
    "part",
    [
        Conv(4, kernel=3, dilation=10**9),
        Conv(4, kernel=10**7),
        DepthwiseConv(kernel=10**9),
        AvgPool(10**9, stride=1, padding="same"),
        MaxPool(10**8, stride=1, padding="same"),
        MaxPool(2, stride=10**15, padding=10**15),
        Conv(4, kernel=2, stride=10**12, padding=10**12),
    ],
)
def test_a_window_of_any_size_is_followed(part: Part) -> None:
    assert predict_gradient_flow(Input(32, 32, 3) >> part >> HEAD).reliable


@given(
    st.lists(st.floats(0, 4), min_size=1, max_size=6),
    st.lists(st.integers(-40, 40), max_size=4, unique=True).map(sorted),
    st.integers(1, 30),
    st.integers(1, 6),
)
def test_wide_padding_is_read_as_narrow_padding_is(
    profile: list[float], taps: list[int], stride: int, out: int
) -> None:
    found = gathered(profile, Axis(stride, (tuple(taps),)), out)
    at = dict(enumerate(profile))
    assert found == pytest.approx([sum(at.get(each * stride + t, 0.0) for t in taps) for each in range(out)])


def test_factors_beyond_the_range_of_numbers_are_said_to_be() -> None:
    from archlab import Rescaling

    found = predict_gradient_flow(Input(4) >> Rescaling(1e308) >> Dense(2))
    assert "rescaling: the signal leaves the range of numbers" in found.why


def test_a_transposed_kernel_of_any_size_is_no_error() -> None:
    found = predict_gradient_flow(Input(32, 32, 3) >> ConvTranspose(4, 10**7) >> HEAD)
    assert not found.reliable and found.why


@pytest.mark.parametrize("part", [ZeroPad(10**8), Upsample(10**6)])
def test_what_cannot_be_gone_through_is_said_to_be_too_large(part: Part) -> None:
    net = Input(32, 32, 3) >> part >> HEAD
    found = predict_gradient_flow(net)
    assert not found.reliable and len(found.why) == 1
    assert found.why[0].endswith("is more than a prediction follows")


def test_a_large_map_is_followed_up_to_a_bound() -> None:
    assert predict_gradient_flow(Input(60_000, 60_000, 3) >> Conv(4) >> HEAD).reliable
    assert "200,000 positions along an axis" in predict_gradient_flow(Input(200_000, 8, 3) >> Conv(4) >> HEAD).why[0]


def test_what_is_not_independent_is_not_reliable() -> None:
    once = Input(8, 8, 4) >> Conv(4)
    assert predict((once >> Residual(Conv(4)) >> HEAD).to_graph()).reliable
    twice = predict((once >> Parallel(Identity(), ReLU(), merge=Add()) >> HEAD).to_graph())
    assert "not independent" in twice.why[0]
    rising = predict((once >> Residual(Conv(4) >> ReLU() >> Conv(4) >> ReLU()) * 4 >> HEAD).to_graph())
    assert "positive on average" in rising.why[0]
    larger = predict((once >> Parallel(Conv(4), Conv(4), merge=Maximum()) >> HEAD).to_graph())
    assert larger.why == ("maximum: Maximum has no rule for signals",)


@given(architectures())
@settings(max_examples=60)
def test_random_architectures(net: Part) -> None:
    found = predict(net.to_graph())
    json.dumps(found.to_dict(), allow_nan=False)
    for layer in found.layers:
        for value in (layer.activation_gradient_rms, layer.kernel_gradient_norm, layer.activation_rms):
            assert value is None or (math.isfinite(value) and value >= 0)
    assert found.reliable == (not found.why)


def test_ten_thousand_layers() -> None:
    unit: Part = Conv(16, bias=False) >> BatchNorm() >> ReLU()
    found = predict((Input(8, 8, 16) >> unit * 3_333 >> HEAD).to_graph())
    assert len(found.layers) == 2 * 3_333 + 1
    assert found.verdict == "exploding"


# Against measurement.


@pytest.mark.parametrize(
    ("net", "slope"),
    [
        (load("residual", input=(64, 64)).graph, 0.02),
        (load("baseline", input=(80, 80)).graph, 0.06),
        (load("plain:depth=12,width=16,normalization=none,conv=ordinary", input=(48, 48)).graph, 0.03),
        (load("residual:depth=12,width=16,normalization=none,initializer=he_normal", input=(48, 48)).graph, 0.03),
        (chain(20, 32, "he_normal", normal=True, kernel=3, side=12).to_graph(), 0.02),
        ((Input(32, 32, 3) >> (DepthwiseConv(3) >> BatchNorm() >> ReLU(6.0) >> Conv(32, kernel=1) >> BatchNorm()
          >> ReLU(6.0)) * 6 >> GlobalAvgPool() >> Dense(10, activation="softmax")).to_graph(), 0.03),
    ],
    ids=["residual", "baseline", "plain", "residual, none", "chain", "depthwise"],
)  # fmt: skip
def test_small_nets_against_measurement(net, slope: float) -> None:
    prediction, flow = predict(net), gradient_flow(net, seeds=3)
    assert prediction.reliable, prediction.why
    assert (prediction.loss, prediction.batch) == (flow.loss, flow.batch)
    measured = {layer.name: layer for layer in flow.layers}
    assert [layer.name for layer in prediction.layers] == [layer.name for layer in flow.layers]
    inside = []
    for layer in prediction.layers:
        other = measured[layer.name]
        assert (layer.depth, layer.kernel, layer.body) == (other.depth, other.kernel, other.body)
        assert layer.weight_norm == pytest.approx(other.weight_norm, rel=0.25)
        assert [weight.name for weight in layer.weights] == [weight.name for weight in other.weights]
        if layer.kernel:
            inside.append(
                abs(math.log10(layer.activation_gradient_rms / other.activation_gradient_rms)) < math.log10(2)
            )
    assert np.mean(inside) >= 0.9
    assert prediction.slope == pytest.approx(flow.slope, abs=max(slope, 0.15 * abs(flow.slope)))
    assert prediction.verdict == flow.verdict


@pytest.mark.parametrize(
    ("gamma", "beta"),
    [
        ("zeros", "zeros"),
        ({"class_name": "Constant", "config": {"value": 0.3}}, "zeros"),
        ({"class_name": "RandomNormal", "config": {"mean": 1.0, "stddev": 0.5}}, "zeros"),
        ("ones", {"class_name": "Constant", "config": {"value": -0.5}}),
        ("ones", {"class_name": "RandomNormal", "config": {"stddev": 0.5}}),
    ],
)
def test_scales_and_shifts_begin_with_what_their_initializers_say(gamma, beta) -> None:
    norm = BatchNorm(gamma_initializer=gamma, beta_initializer=beta)
    block = Residual(Conv(32) >> BatchNorm() >> ReLU() >> Conv(32) >> norm) >> ReLU()
    net = Input(16, 16, 3) >> Conv(32) >> BatchNorm() >> ReLU() >> block * 2 >> HEAD
    expected, found = gradient_flow(net, seeds=4), predict_gradient_flow(net)
    assert not any("begins" in line for line in found.why)
    for layer, other in zip(found.layers, expected.layers, strict=True):
        assert layer.name == other.name
        if other.activation_gradient_rms == 0:
            assert layer.activation_gradient_rms == 0
        elif other.activation_gradient_rms and layer.activation_gradient_rms:
            assert layer.activation_gradient_rms == pytest.approx(other.activation_gradient_rms, rel=0.4), layer.name
        if layer.activation_rms is not None and other.activation_rms is not None:
            assert layer.activation_rms == pytest.approx(other.activation_rms, rel=0.25, abs=1e-6), layer.name


@pytest.mark.slow
@pytest.mark.parametrize(
    ("activation", "initializer"), [("silu", "he_normal"), ("tanh", "glorot_uniform"), ("selu", "lecun_normal")]
)
def test_smooth_functions_of_maps_whose_edges_fade(activation: str, initializer: str) -> None:
    """SiLU keeps more of what is large: the middle of a map lasts longer than its edges."""
    conv = Conv(64, initializer=initializer)
    net = Input(16, 16, 3) >> conv >> (conv >> Activation(activation)) * 12 >> HEAD
    expected, found = gradient_flow(net, seeds=list(range(100, 112))), predict_gradient_flow(net)
    for layer, other in zip(found.layers, expected.layers, strict=True):
        if layer.activation_rms is not None:
            assert layer.activation_rms == pytest.approx(other.activation_rms, rel=0.25), layer.name
        assert layer.activation_gradient_rms == pytest.approx(other.activation_gradient_rms, rel=0.4), layer.name


def test_half_of_the_initializations_lie_between_the_quartiles() -> None:
    net = chain(12, 16, "he_normal", kernel=3, side=12)
    expected, found = gradient_flow(net, seeds=list(range(24))), predict_gradient_flow(net)
    for name in ("activation_gradient_rms", "activation_rms"):
        ratios: list[float] = []
        for layer, other in zip(found.layers[4:-1], expected.layers[4:-1], strict=True):
            ours, theirs = (getattr(each, f"{name}_quartiles") for each in (layer, other))
            ratios.append(math.log(ours[1] / ours[0]) / math.log(theirs[1] / theirs[0]))
        assert 0.5 < np.median(ratios) < 2, name


def test_a_reference_is_enough() -> None:
    found = predict_gradient_flow("plain:depth=50,normalization=none")
    assert found.verdict == "vanishing" and found.batch == BATCH
    data = found.to_dict()
    assert {"layers", "slope", "verdict", "reliable", "why"} <= set(data)


def test_a_trunk_that_is_rectified_at_every_block_is_a_walk_with_a_barrier() -> None:
    # Against sampling: Lindley's recursion, and errors that pass where the element is positive.
    rng = np.random.default_rng(0)
    walk = np.maximum(rng.normal(size=200_000), 0.0)
    law = Law(rectified(gaussian(0.0, 1.0)).atoms, 0.0, 1.0)
    masks: list[np.ndarray] = []
    laws: list[tuple[Law, Rectified]] = []
    for _ in range(12):
        summed = walk + rng.normal(size=walk.size)
        response = rectified_response(law)
        made = rectified(law)
        walk = np.maximum(summed, 0.0)
        masks.append(summed > 0)
        assert response.mean == pytest.approx(walk.mean(), rel=0.02)
        assert response.square == pytest.approx((walk**2).mean(), rel=0.02)
        assert response.slope == pytest.approx(masks[-1].mean(), rel=0.01)
        laws.append((law, made))
        law = Law(matched(made.atoms, response.mean, response.square - response.mean**2), 0.0, 1.0)
    over, left, through = None, 1.0, np.ones(walk.size, bool)
    for (before, made), mask in zip(reversed(laws), reversed(masks), strict=True):
        over, share, _ = surviving(before, made, over)
        left, through = left * share, through & mask
        assert left == pytest.approx(through.mean(), rel=0.05)
    # Were the masks independent, far less would be left.
    assert np.prod([mask.mean() for mask in masks]) < 0.6 * left


@pytest.mark.parametrize(("of", "alike"), [(1, 0.5), (4, 0.0), (9, 0.6), (9, 0.95)])
def test_the_largest_of_elements_that_are_not_gaussian(of: int, alike: float) -> None:
    law = Law(rectified(gaussian(0.2, 1.0)).atoms, 0.1, 0.3)
    rng = np.random.default_rng(0)
    atoms, shares = np.array(law.atoms).T
    sorted_values = np.sort(rng.choice(atoms, 400_000, p=shares / shares.sum()) + rng.normal(0.1, 0.3**0.5, 400_000))
    z = np.sqrt(alike) * rng.normal(size=(50_000, 1)) + np.sqrt(1 - alike) * rng.normal(size=(50_000, of))
    ranks = np.array([0.5 * math.erfc(-v / math.sqrt(2)) for v in z.max(axis=1)])
    sampled = np.quantile(sorted_values, ranks)
    mean, spread = moments_of(highest_of(law, of, alike))
    assert mean == pytest.approx(sampled.mean(), abs=0.02)
    assert spread == pytest.approx(sampled.var(), rel=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("blocks", [8, 24])
def test_deep_residual_blocks_that_end_in_a_relu(blocks: int) -> None:
    body = (
        Conv(8, kernel=1)
        >> BatchNorm()
        >> ReLU()
        >> Conv(8)
        >> BatchNorm()
        >> ReLU()
        >> Conv(32, kernel=1)
        >> BatchNorm()
    )
    net = Input(16, 16, 3) >> Conv(32) >> BatchNorm() >> ReLU() >> (Residual(body) >> ReLU()) * blocks >> HEAD
    predicted, measured = predict_gradient_flow(net), gradient_flow(net, seeds=3)
    for ours, theirs in zip(predicted.layers, measured.layers, strict=True):
        if theirs.body:
            assert ours.activation_gradient_rms == pytest.approx(theirs.activation_gradient_rms, rel=0.35), ours.name
    assert predicted.slope == pytest.approx(measured.slope, abs=0.004)


@pytest.mark.parametrize("blocks", [6, 20])
def test_parts_that_stand_side_by_side_are_each_divided_by_what_they_vary(blocks: int) -> None:
    """DenseNet (Huang et al. 2017): a part that varies little has a larger gradient in front of the normalization."""
    grown = Parallel(Identity(), BatchNorm() >> ReLU() >> Conv(8), merge=Concatenate())
    net = Input(16, 16, 3) >> Conv(16, initializer="he_normal") >> grown * blocks >> HEAD
    predicted, measured = predict_gradient_flow(net), gradient_flow(net, seeds=6)
    for ours, theirs in zip(predicted.layers, measured.layers, strict=True):
        if theirs.body:
            assert ours.activation_gradient_rms == pytest.approx(theirs.activation_gradient_rms, rel=0.35), ours.name
    assert predicted.slope == pytest.approx(measured.slope, abs=0.005)


@pytest.mark.parametrize(
    ("unit", "depth", "apart"),
    [
        (Conv(16, initializer="he_normal") >> GroupNorm(groups=4) >> ReLU(), 12, 0.005),
        pytest.param(
            Conv(64, initializer="he_normal") >> GroupNorm(groups=4) >> ReLU(), 24, 0.005, marks=pytest.mark.slow
        ),
        (Conv(16, initializer="he_normal") >> Activation("silu"), 30, 0.015),
        pytest.param(Conv(16, initializer="he_normal") >> Activation("gelu"), 30, 0.015, marks=pytest.mark.slow),
    ],
)
def test_narrow_layers_whose_squares_scatter(unit: Part, depth: int, apart: float) -> None:
    net = Input(16, 16, 3) >> unit * depth >> HEAD
    predicted, measured = predict_gradient_flow(net), gradient_flow(net, seeds=10)
    assert predicted.slope == pytest.approx(measured.slope, abs=apart)


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "absolute", "silu", "gelu", "tanh", "sigmoid"])
@pytest.mark.parametrize("c", [1.0, 0.6, 0.0])
def test_squares_of_two_values_against_sampling(name: str, c: float) -> None:
    rng = np.random.default_rng(0)
    u, own = rng.standard_normal((2, 2_000_000))
    v = c * u + math.sqrt(1 - c * c) * own
    response = Nonlinearity(name).response(0.0, 1.0)
    assert response is not None
    functions: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "relu": lambda x: np.maximum(x, 0),
        "leaky_relu": lambda x: np.where(x > 0, x, 0.2 * x),
        "absolute": np.abs,
        "silu": lambda x: x / (1 + np.exp(-x)),
        "gelu": lambda x: x * 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2))),
        "tanh": np.tanh,
        "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    }
    function = functions[name]
    few = slice(0, 400_000)

    def over(made_u: np.ndarray, made_v: np.ndarray) -> float:
        return float(np.mean(made_u**2 * made_v**2) / (np.mean(made_u**2) * np.mean(made_v**2)))

    step = 1e-4
    slopes = [(function(x[few] + step) - function(x[few] - step)) / (2 * step) for x in (u, v)]
    assert response.fourth(c) == pytest.approx(over(function(u[few]), function(v[few])), rel=0.03)
    assert response.slope_fourth(c) == pytest.approx(over(*slopes), rel=0.03)


def test_a_kernel_may_be_of_any_size() -> None:
    net = Input(8, 8, 4) >> DepthwiseConv(kernel=(10**15, 10**15)) >> ReLU() >> Conv(4, kernel=10**9, stride=10**8)
    assert predict_gradient_flow(net >> GlobalAvgPool() >> Dense(2)).layers


@pytest.mark.parametrize(("stride", "taps"), [(1, range(-9, 10)), (2, range(-4, 31, 3)), (3, (-7, 0, 2, 50))])
def test_taps_that_read_nothing_change_nothing(stride: int, taps: Sequence[int]) -> None:
    axis, profile = Axis(stride, (taps,)), (0.5, 1.5, 1.0, 2.0, 0.0)
    (found,), factor = through_edges((profile,), (axis,), (5,), (4,), False)
    expected, mean = normal(gathered(profile, axis, 4))
    assert found == pytest.approx(expected) and factor == pytest.approx(mean)
