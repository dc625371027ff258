"""Floating-point operations against `tf.profiler`, and every difference from it by name, to the last digit."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from archlab import analyze
from tests.oracles import profiler

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Keras's own use of NumPy

QUICK = ("MobileNetV2", "MobileNetV3Small", "EfficientNetB0", "ConvNeXtTiny")
SLOW = ("ResNet50V2", "DenseNet121", "InceptionV3")
OTHERS = ("ResNet50", "MobileNet", "Xception", "NASNetMobile", "EfficientNetV2B0")


@pytest.mark.parametrize(
    "name",
    [
        *QUICK,
        *[pytest.param(name, marks=pytest.mark.slow) for name in SLOW],
        *[pytest.param(name, marks=pytest.mark.exhaustive) for name in OTHERS],
    ],
)
def test_keras_applications(name: str) -> None:
    import keras

    model = getattr(keras.applications, name)(weights=None, input_shape=(224, 224, 3))
    found = analyze(model)
    assert found.unknown == ()
    ours = found.compute.flops or 0
    counts = profiler.counts(model)
    # In Keras 3.13 the shapes behind a grouped convolution are unknown to the profiler, and so is all work there.
    hidden = name == "ConvNeXtTiny" and keras.__version__.startswith("3.13.")
    assert hidden or ours == pytest.approx(sum(counts.profiled.values()), rel=0.05)
    # Where the profiler sees an operation, it counts as the definitions say; but for those that it has no rule for,
    # and for a maximum of k², which it takes for k² operations.
    off = {kind for kind in counts.seen | counts.profiled if counts.seen[kind] != counts.profiled[kind]}
    assert off <= profiler.NO_RULE | {"MaxPool"}
    assert all(counts.profiled[kind] == 0 for kind in off - {"MaxPool"})
    # What it does not see stands in and behind the functions that grouped convolutions are.
    assert (counts.whole == counts.seen) == (name != "ConvNeXtTiny")
    # And with all operations counted, what is left is what Keras writes out and we do not count.
    assert ours == sum(counts.whole.values()) - sum(profiler.written_out(model).values())


def graph_of(layer: Any, *shapes: tuple[int, ...]) -> tuple[int, Counter[str]]:
    """Our flops of one layer, and all those in its TensorFlow graph."""
    import keras

    inputs = [keras.Input(shape) for shape in shapes]
    model = keras.Model(inputs, layer(*inputs))
    return analyze(model).compute.flops or 0, profiler.counts(model).whole


STEPS, CAME, UNITS = 7, 5, 6


@pytest.mark.parametrize("sequences", [True, False])
def test_an_lstm_by_its_equations_and_by_its_unrolled_graph(sequences: bool) -> None:
    import keras

    ours, theirs = graph_of(keras.layers.LSTM(UNITS, return_sequences=sequences, unroll=True), (STEPS, CAME))
    # Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000. For each of i, f, o and the candidate g:
    # W x + U h + b.
    products = 4 * UNITS * 2 * (CAME + UNITS)
    sums = 4 * UNITS * 2
    # σ(i), σ(f), σ(o), each 1 / (1 + exp(-x)); tanh(g), tanh(c).
    functions = UNITS * (3 * 4 + 2)
    # c = f c + i g; h = o tanh(c).
    state = UNITS * (3 + 1)
    assert ours == sum(theirs.values()) == STEPS * (products + sums + functions + state)


@pytest.mark.parametrize("sequences", [True, False])
def test_a_gru_by_its_equations_and_by_its_unrolled_graph(sequences: bool) -> None:
    import keras

    ours, theirs = graph_of(keras.layers.GRU(UNITS, return_sequences=sequences, unroll=True), (STEPS, CAME))
    # Cho et al. 2014, the reset gate behind the product. For each of z, r and the candidate: W x + b, U h + b'.
    products = 3 * UNITS * 2 * (CAME + UNITS)
    biases = 3 * UNITS * 2
    # Both halves of z and of r are added; the candidate is W x + r (U h).
    sums = UNITS * (2 + 2)
    functions = UNITS * (2 * 4 + 1)
    # h = z h + (1 - z) candidate.
    state = UNITS * 4
    assert ours == sum(theirs.values()) == STEPS * (products + biases + sums + functions + state)


@pytest.mark.parametrize("bias", [True, False])
def test_attention_by_its_equation_and_by_its_graph(bias: bool) -> None:
    import keras

    asks, reads, came, remembered, heads, key, value = 7, 4, 8, 6, 2, 3, 5
    layer = keras.layers.MultiHeadAttention(heads, key, value_dim=value, use_bias=bias)
    ours, theirs = graph_of(layer, (asks, came), (reads, remembered))
    # Vaswani et al. 2017, equation 1 and section 3.2.2: softmax(Q Kᵀ / √d) V of each head, projected before and after.
    projections = 2 * heads * (asks * came * key + reads * remembered * (key + value) + asks * value * came)
    scores = heads * asks * reads
    # Q Kᵀ, divided, its softmax (maximum, difference, exp, sum, quotient), times V.
    attention = scores * (2 * key + 1 + 5 + 2 * value)
    biases = heads * (asks * key + reads * (key + value)) + asks * came if bias else 0
    assert ours == sum(theirs.values()) == projections + attention + biases
