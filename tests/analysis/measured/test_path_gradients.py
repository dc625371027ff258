"""Gradients by path length: against paths taken one by one, the sum of all, and the paper's finding."""

from __future__ import annotations

from itertools import combinations, pairwise
from math import comb
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archlab import (
    BatchNorm,
    Conv,
    Dense,
    GlobalAvgPool,
    Input,
    Parallel,
    PathGradients,
    ReLU,
    Residual,
    Sequence,
    path_gradients,
)
from archlab.analysis.measured._input_gradient import InputGradient
from archlab.analysis.measured._path_gradients import _gates, drawn, outermost
from archlab.analysis.static.path_lengths import residual_blocks
from archlab.bridge import build
from archlab.errors import SourceError, UsageError

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Keras's own use of NumPy

HEAD = GlobalAvgPool() >> Dense(1)
BODY = Conv(4) >> BatchNorm() >> ReLU() >> Conv(4)


@pytest.mark.parametrize(
    "net",
    [
        Input(8, 8, 3) >> Conv(4) >> Residual(BODY) * 4 >> HEAD,
        Input(8, 8, 3) >> Residual(Conv(4, stride=2) >> ReLU() >> Conv(4)) * 3 >> HEAD,
        Input(8, 8, 3) >> Parallel(Sequence(), Conv(2) >> ReLU()) * 3 >> HEAD,
        Input(8, 8, 4) >> Residual(Conv(4) >> ReLU() >> Residual(Conv(4) >> ReLU())) * 2 >> HEAD,
    ],
)
@pytest.mark.parametrize("training", [False, True])
def test_the_gradients_of_all_paths_add_up_to_the_whole(net: Any, training: bool) -> None:
    graph = net.to_graph()
    runnable = build(graph, seed=0)
    blocks = outermost(residual_blocks(graph))
    x = np.random.default_rng(0).standard_normal((3, *graph.nodes[0].shape)).astype("float32")
    import tensorflow as tf

    gradient = InputGradient(runnable, training, lambda nodes, _: tf.reduce_sum(nodes[-1] ** 2), _gates(graph, blocks))
    values = [variable.value for variable in runnable.variables]
    (whole,) = gradient([x], values, [np.ones((len(blocks), 2), "float32")])
    total = np.zeros_like(whole)
    for length in range(len(blocks) + 1):
        every = list(drawn(len(blocks), length, 1000, 0))
        assert len(every) == comb(len(blocks), length)
        total += sum(gradient([x], values, [gates])[0] for gates in every)
    assert total == pytest.approx(whole, rel=1e-3, abs=1e-5 * np.abs(whole).max())
    start = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(start)
        value = tf.reduce_sum(runnable.model(start, training=training) ** 2)
    expected = tape.gradient(value, start).numpy()
    assert whole == pytest.approx(expected, rel=1e-3, abs=1e-5 * float(np.abs(expected).max()))


def test_a_live_model_against_paths_built_one_by_one() -> None:
    """With one linear matrix a block the gradient of a path is a product of the matrices on it."""
    import keras

    blocks, width = 4, 6
    start = x = keras.Input((width,))
    dense = [keras.layers.Dense(width, use_bias=False, name=f"w{i}") for i in range(blocks)]
    for layer in dense:
        x = x + layer(x)
    model = keras.Model(start, keras.layers.Dense(1, use_bias=False, name="head")(x))
    before = [np.array(v) for v in model.variables]
    inputs, labels = np.random.default_rng(0).standard_normal((5, width)), np.zeros((5, 1))
    found = path_gradients(model, inputs, labels, loss="mean_squared_error", samples=100)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.variables, strict=True))
    matrices = [layer.get_weights()[0].astype("float64") for layer in dense]
    head = model.get_layer("head").get_weights()[0].astype("float64")
    error = 2 * model(inputs).numpy().astype("float64") / 5
    for row in found.lengths:
        sizes = []
        for chosen in combinations(range(blocks), row.length):
            back = error @ head.T
            for number in reversed(chosen):
                back = back @ matrices[number].T
            sizes.append(np.sqrt(np.mean(back**2)) * 5)
        assert row.samples == row.sets == len(sizes)
        assert row.gradient == pytest.approx(np.mean(sizes), rel=1e-5)
    weights = [row.sets * row.gradient for row in found.lengths]
    assert [row.share for row in found.lengths] == pytest.approx(np.array(weights) / sum(weights))
    assert found.effective_length == pytest.approx(np.dot(range(blocks + 1), weights) / sum(weights))
    assert found.mean_length == blocks / 2 and found.seeds == ()


def test_the_paper_short_paths_carry_the_gradient() -> None:
    """Veit et al. 2016, section 5: the gradient of a path falls exponentially with its length."""
    body = (Conv(8, initializer="glorot_uniform") >> ReLU()) * 2
    found = path_gradients(Input(8, 8, 8) >> Residual(body) * 12 >> HEAD, batch=4)
    gradients = [row.gradient for row in found.lengths]
    assert all(later < earlier for earlier, later in pairwise(gradients))
    assert found.effective_length is not None and found.effective_length < found.mean_length - 1
    low, high = found.interval() or (0, 0)
    assert low < high < 12
    assert sum(row.share or 0 for row in found.lengths[low : high + 1]) >= 0.95
    assert found.interval(1.0) == (0, 12)


def test_blocks_in_blocks_are_parts_of_them() -> None:
    net = Input(8, 8, 4) >> Residual(Conv(4) >> Residual(Conv(4)) * 2) * 3 >> HEAD
    assert path_gradients(net, batch=2, samples=1).blocks == 3


def test_sets_are_drawn_of_the_right_size_and_again_the_same() -> None:
    sets = [gates[:, 0] for gates in drawn(20, 7, 5, seed=3)]
    assert len(sets) == 5 and all(chosen.sum() == 7 for chosen in sets)
    assert all(np.array_equal(a, b[:, 0]) for a, b in zip(sets, drawn(20, 7, 5, seed=3), strict=True))


def test_there_back_and_drawn(tmp_path: Path) -> None:
    net = Input(8, 8, 4) >> Residual(BODY) * 3 >> GlobalAvgPool() >> Dense(3, activation="softmax")
    found = path_gradients(net, batch=2, seeds=2)
    assert found.loss == "sparse_categorical_crossentropy"
    found.save(tmp_path / "paths.json")
    assert PathGradients.load(tmp_path / "paths.json") == found
    with pytest.raises(SourceError, match="holds no path gradients"):
        PathGradients.load(tmp_path / "nothing.json")
    assert "data:image/png" in found._repr_html_()
    assert "of 3 blocks" in str(found)


def test_a_dead_net_has_no_effective_length() -> None:
    import keras

    start = keras.Input((4,))
    x = keras.layers.add([start, keras.layers.Dense(4)(start)])
    model = keras.Model(start, keras.layers.ReLU(6.0)(keras.layers.Dense(1, bias_initializer="ones")(x)))
    kernel, bias, head, last = model.get_weights()
    model.set_weights([kernel, bias, head, last + 1000])
    found = path_gradients(model, loss="mean_squared_error")
    assert found.effective_length is None and found.interval() is None and found.whole == 0
    assert "no gradient" in found._repr_html_()


@pytest.mark.parametrize(
    ("net", "options", "words"),
    [
        (Input(8, 8, 3) >> Conv(4) >> HEAD, {}, "no residual blocks"),
        (Input(8, 8, 4) >> Residual(BODY) >> HEAD, {"samples": 0}, "at least one sample"),
        (Input(8, 8, 4) >> Residual(BODY) >> HEAD, {"batch": 0}, "at least one example"),
        (Input(8, 8, 4) >> Residual(BODY) >> HEAD, {"loss": "msee"}, "no loss named"),
    ],
)
def test_bad_input_is_one_line(net: Any, options: Any, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        path_gradients(net, **options)
