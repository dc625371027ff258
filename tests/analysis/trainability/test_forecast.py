"""The forecast: causes where they are known, statistics against TensorFlow and against sampling, remedies that hold."""

from __future__ import annotations

import json
from math import log10

import numpy as np
import pytest

from archlab import (
    Activation,
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GlobalAvgPool,
    Input,
    LeakyReLU,
    Part,
    ReLU,
    Rescaling,
    Residual,
    forecast,
    to_keras,
)
from archlab.analysis import Forecast
from archlab.analysis.static._head import loss_of
from archlab.analysis.trainability import _edits, forecast_graph
from archlab.analysis.trainability._causes import unconnected
from archlab.analysis.trainability._statistics import Statistics, statistics
from archlab.errors import ArgumentError, UnknownNameError
from archlab.losses import CompiledLoss
from archlab.ops import LayerScale
from archlab.units import format_share

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Keras's own use of NumPy

HEAD = GlobalAvgPool() >> Dense(1, activation="sigmoid")


def stem(initializer: str = "he_normal", scale: float = 1 / 255, width: int = 8) -> Part:
    return Input(32, 32, 3) >> Rescaling(scale) >> Conv(width, kernel=5, stride=4, initializer=initializer)


def chain(depth: int, initializer: str = "he_normal", activation: Part | None = None) -> Part:
    return (Conv(8, initializer=initializer) >> (activation or ReLU())) * depth


def of(net: Part) -> Statistics:
    graph = net.to_graph()
    found, why = statistics(graph, loss_of(graph, CompiledLoss("binary_crossentropy", "binary_crossentropy"))[0], None)
    assert found is not None and not why
    return found


@pytest.mark.parametrize(
    ("net", "quantity", "layers"),
    [
        (stem("glorot_uniform") >> chain(40, "glorot_uniform") >> HEAD, "activation gradient", ("conv", "dense")),
        (stem() >> (Conv(8) >> BatchNorm() >> ReLU()) * 70 >> HEAD, "activation gradient", ("conv_2", "conv_71")),
        (
            stem() >> chain(6, activation=Activation("sigmoid")) >> HEAD,
            "1 − correlation of two samples' features",
            None,
        ),
        (
            stem() >> chain(4) >> GlobalAvgPool() >> Dense(1, activation="relu") >> Activation("sigmoid"),
            "probability of dead units",
            ("dense",),
        ),
        (stem(scale=1.0) >> chain(12) >> HEAD, "features at the head", ("dense",)),
        (stem() >> chain(3) >> GlobalAvgPool() >> Dense(1, activation="softmax"), "weight gradient", ("dense",)),
    ],
)
def test_a_cause_is_named_with_its_place(net: Part, quantity: str, layers: tuple[str, ...] | None) -> None:
    found = forecast(net, loss="binary_crossentropy")
    assert found.sgd.outcome != "trains"
    causes = {cause.quantity: cause for cause in found.causes}
    assert quantity in causes, [cause.sentence for cause in found.causes]
    assert layers is None or causes[quantity].layers == layers
    assert all(cause.sentence and cause.remedy for cause in found.causes)


def test_a_sound_net_has_no_cause() -> None:
    found = forecast(stem() >> (Conv(8) >> BatchNorm() >> ReLU()) * 6 >> HEAD)
    assert found.sgd.outcome == found.adam.outcome == "trains" and not found.causes and not found.why
    assert found.sgd.probability is not None and found.sgd.probability > 0.6


def test_a_layer_without_a_rule_is_unknown() -> None:
    found = forecast(stem() >> chain(2) >> GlobalAvgPool() >> Activation("exponential") >> Dense(1))
    assert found.sgd.outcome == found.adam.outcome == "unknown" and found.sgd.probability is None
    assert "has no rule" in found.why[0] and str(found)


def test_the_range_of_the_input_counts() -> None:
    net = Input(32, 32, 3) >> Conv(8, kernel=5, stride=4, initializer="he_normal") >> chain(10) >> HEAD
    small, large = forecast(net, input_range=(-2, 2)), forecast(net, input_range=(0, 255))
    assert small.sgd.probability is not None and large.sgd.probability is not None
    assert large.sgd.probability < small.sgd.probability
    assert any("input scaled" in cause.remedy for cause in large.causes)


def test_what_is_given_wrong_is_named() -> None:
    with pytest.raises(UnknownNameError, match="did you mean binary_crossentropy"):
        forecast("baseline", loss="binary_crossentropi")
    with pytest.raises(ArgumentError, match="lowest and the highest"):
        forecast("baseline", input_range=(1, 0))
    with pytest.raises(ArgumentError, match="lowest and the highest"):
        forecast("baseline", input_range=(0, float("inf")))


def test_it_is_written_down_and_read_again(tmp_path) -> None:
    found = forecast(stem("glorot_uniform") >> chain(40, "glorot_uniform") >> HEAD)
    found.save(tmp_path / "forecast.json")
    again = Forecast.load(tmp_path / "forecast.json")
    assert again == found and [each.remedy for each in again.causes] == [each.remedy for each in found.causes]
    data = json.loads((tmp_path / "forecast.json").read_text())
    assert set(data) == {"sgd", "adam", "causes", "why", "statistics"}
    assert set(data["causes"][0]) == {"layers", "quantity", "value", "limit", "remedy", "sentence", "optimizers"}


def test_random_layers_do_not_count() -> None:
    plain, dropped = stem() >> chain(6) >> HEAD, stem() >> chain(6) >> GlobalAvgPool() >> Dropout(0.5) >> HEAD.parts[1]
    assert of(plain).learned == pytest.approx(of(dropped).learned)


@pytest.mark.parametrize("side", [1, 3])
def test_the_probability_of_dead_units_is_that_of_sampling(side: int) -> None:
    # Over draws of the kernel: how often a layer of two units is zero for all samples and positions.
    rng = np.random.default_rng(0)
    found = of(
        Input(side, side, 64) >> Conv(2, kernel=1, initializer="he_normal", bias=False) >> ReLU() >> Conv(4) >> HEAD
    )
    x = rng.normal(size=(8, side, side, 64))
    dead = 0
    for _ in range(4000):
        dead += not (np.tensordot(x, rng.normal(size=(64, 2)), 1) > 0).any()
    assert found.dead.layer == "relu"
    assert found.dead.value == pytest.approx(dead / 4000, abs=0.01)


@pytest.mark.slow
@pytest.mark.parametrize(
    "net",
    [
        stem(width=32) >> (Conv(32, initializer="he_normal") >> ReLU()) * 8 >> HEAD,
        stem(width=32) >> (Conv(32) >> BatchNorm() >> ReLU()) * 8 >> HEAD,
        stem(width=32) >> Residual((Conv(32) >> BatchNorm() >> ReLU()) * 2) * 4 >> HEAD,
        stem(width=32) >> (Conv(32) >> Activation("tanh")) * 6 >> Flatten() >> Dense(1, activation="sigmoid"),
    ],
    ids=["relu", "batch-norm", "residual", "tanh"],
)  # fmt: skip
def test_gradients_that_learn_and_that_all_share_are_tensorflows(net: Part) -> None:
    import keras
    import tensorflow as tf

    from archlab.analysis.measured._batch import synthetic

    found, squares = of(net), {"learned": [], "common": []}
    x = tf.constant(np.asarray(synthetic(net.to_graph(), 8)[0])[0])
    # Among draws of such narrow kernels it spreads by half a decade.
    for seed in range(16):
        model = to_keras(net, seed=seed)
        logits = keras.Model(model.input, model.layers[-1].input)
        kernel, bias = model.layers[-1].weights
        for name, wanted in (("learned", [0.5, -0.5] * 4), ("common", [0.5] * 8)):
            with tf.GradientTape() as tape:
                z = logits(x, training=True) @ kernel.value + bias.value
                value = tf.reduce_mean(z[:, 0] * tf.constant(wanted))
            gradients = tape.gradient(value, [v.value for v in model.trainable_variables])
            squares[name].append(sum(float(tf.reduce_sum(g**2)) for g in gradients if g is not None))
    for name in squares:
        assert getattr(found, name) == pytest.approx(log10(np.median(squares[name])), abs=0.4), name


def test_the_changes_that_are_tried_are_what_they_say() -> None:
    net = stem("glorot_uniform") >> chain(3, "glorot_uniform") >> HEAD
    graph = net.to_graph()
    by_hand = stem() >> chain(3) >> HEAD
    assert [n.op for n in _edits.with_initializers(graph)] == [n.op for n in by_hand.to_graph()]
    assert _edits.with_initializers(by_hand.to_graph()) is None
    leaky = stem("glorot_uniform") >> chain(3, "glorot_uniform", LeakyReLU()) >> HEAD
    assert [n.op for n in _edits.with_leaky_units(graph)] == [n.op for n in leaky.to_graph()]
    normalized = _edits.with_normalization(graph)
    assert sum(isinstance(n.op, BatchNorm) for n in normalized) == 4 and _edits.with_normalization(normalized) is None
    short = _edits.with_residuals(graph)
    assert [n.shape for n in short][-1] == (1,) and sum(len(n.inputs) == 2 for n in short) == 3
    # Around a kernel, its normalization and its activation at once.
    both = _edits.with_residuals(normalized)
    for node in both:
        if len(node.inputs) == 2:
            assert isinstance(both.nodes[node.inputs[0]].op, ReLU)


def test_a_remedy_raises_the_forecast_that_it_promises() -> None:
    net = stem("glorot_uniform") >> chain(24, "glorot_uniform") >> HEAD
    before, remedy = forecast(net), forecast(net).causes[0].remedy
    edit = next(edit for words, edit in _edits.REMEDIES.items() if remedy.startswith(words))
    mended = forecast_graph(edit(net.to_graph()))
    assert (
        f"SGD {format_share(mended.sgd.probability, 0)} and Adam {format_share(mended.adam.probability, 0)}" in remedy
    )
    assert mended.adam.probability > before.adam.probability + 0.5


def test_graphs_are_connected() -> None:
    assert not unconnected((stem() >> HEAD).to_graph())


def test_branches_that_begin_small_stand_in_nothing_s_way() -> None:
    """As ConvNeXt's layer scale does (Liu et al. 2022, 'A ConvNet for the 2020s')."""
    block = Residual(Conv(8) >> BatchNorm() >> ReLU() >> Conv(8) >> LayerScale(1e-6))
    found = forecast(stem() >> BatchNorm() >> block * 6 >> HEAD)
    assert found.adam.outcome == "trains"
    assert "activation gradient" not in [cause.quantity for cause in found.causes]


def test_a_chain_that_is_scaled_down_still_fails() -> None:
    found = forecast(stem() >> BatchNorm() >> (Conv(8) >> LayerScale(1e-6) >> ReLU()) * 6 >> HEAD)
    assert found.sgd.outcome == found.adam.outcome == "fails"
