"""Every random architecture against the Keras model that it becomes: shapes, weights, counts."""

from __future__ import annotations

import random
import sys
from collections import Counter

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from archlab import (
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    GlobalAvgPool,
    Input,
    Part,
    ReLU,
    analyze,
    load,
    to_keras,
    to_python,
)
from archlab.bridge import build, from_keras
from archlab.errors import DesignError
from archlab.ops import KerasLayer, Op
from tests.oracles import keras_counts
from tests.strategies import architectures

pytestmark = pytest.mark.filterwarnings(
    # Keras itself: its own Normalization and saving paths use NumPy and TensorFlow calls that warn.
    "ignore::DeprecationWarning",
)


def check(net: Part) -> None:
    found = analyze(net)
    built = build(found.graph)
    model = built.model
    for node, layer in zip(found.graph, built.layers, strict=True):
        if layer is not None:
            assert tuple(layer.output.shape[1:]) == node.shape, node
            expected = [weight.shape for weight in node.op.weights(*found.graph.input_shapes(node))]
            assert [tuple(weight.shape) for weight in layer.weights] == expected, node
    assert found.params.total == model.count_params()
    trainable = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    assert found.params.trainable == trainable
    assert found.params.bytes == sum(
        int(np.prod(weight.shape)) * np.dtype(weight.dtype).itemsize for weight in model.weights
    )
    assert found.compute.macs == keras_counts.macs(model)


@given(architectures())
def test_random_architectures_have_the_shapes_and_counts_of_keras(net: Part) -> None:
    check(net)


@settings(max_examples=600, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(architectures())
def _collect(seen: Counter[str], net: Part) -> None:
    seen.update(type(node.op).__name__ for node in net.to_graph())


def test_the_random_architectures_reach_every_operation() -> None:
    seen: Counter[str] = Counter()
    _collect(seen)
    ours = {name for name, kind in Op.registry.items() if kind.__module__.startswith("archlab.ops")}
    # Two without a public layer in Keras to become, and those of sequences, which are read from Keras and no maps.
    assert ours - set(seen) == {
        "LayerScale", "ScaledAdd", "Embedding", "LSTM", "GRU", "SimpleRNN", "MultiHeadAttention",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["baseline", "residual", "plain", "residual:augmentation=true", "mobilenet_v2"])
def test_small_zoo_architectures_agree_with_keras(name: str) -> None:
    tree = load(name).tree
    assert tree is not None
    check(tree)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["vgg16", "resnet50", "resnet101", "resnet152", "xception", "mobilenet_v1"])
def test_large_zoo_architectures_agree_with_keras(name: str) -> None:
    tree = load(name).tree
    assert tree is not None
    check(tree)


def test_a_seed_makes_dropout_repeat_itself() -> None:
    net = Input(8, 8, 3) >> Dropout(0.5) >> GlobalAvgPool()
    x = np.ones((2, 8, 8, 3), "float32")
    first, second = (np.asarray(to_keras(net, seed=3)(x, training=True)) for _ in range(2))
    assert np.array_equal(first, second)


def test_a_seed_makes_the_same_weights_whatever_was_drawn_before() -> None:
    net = Input(8, 8, 3) >> Conv(4) >> BatchNorm() >> ReLU() >> GlobalAvgPool() >> Dense(3)
    random.seed(0)
    first = to_keras(net, seed=3).get_weights()
    assert random.random() == random.Random(0).random()  # the process's own state is left as it is
    random.seed(1)
    np.random.standard_normal(7)
    for one, other in zip(first, to_keras(net, seed=3).get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(first[0], to_keras(net, seed=4).get_weights()[0])


def test_layers_are_named_after_the_nodes() -> None:
    model = to_keras(load("residual").graph)
    assert model.get_layer("stage1.block1.separable_conv_2").filters == 32
    assert model.name == "residual"


def test_a_convolution_before_batch_normalization_has_no_bias_unless_asked() -> None:
    model = to_keras(Input(8, 8, 3) >> Conv(4) >> BatchNorm() >> Conv(4, bias=True) >> BatchNorm() >> Conv(4))
    assert [layer.use_bias for layer in model.layers if hasattr(layer, "use_bias")] == [False, True, True]


def test_an_operation_without_a_keras_layer_is_named() -> None:
    class Mystery(Op, abstract=True):
        def output(self, *inputs):
            return inputs[0]

    with pytest.raises(DesignError, match=r"^mystery: Mystery has no layer in Keras$"):
        to_keras(Input(8, 8, 3) >> Mystery())


def halves(shape, dtype=None):
    """An initializer that is a function of one's own."""
    return np.full(shape, 0.5, dtype or "float32")


class Halved(Op, abstract=True):
    """Every channel times a half, in a Keras layer whose initializer is a function."""

    def output(self, *inputs):
        return inputs[0]

    def keras(self, *inputs):
        return KerasLayer("DepthwiseConv2D", {"kernel_size": 1, "depthwise_initializer": halves, "use_bias": False})


def test_an_initializer_may_be_a_function() -> None:
    net = Input(4, 4, 3) >> Halved()
    model = to_keras(net, seed=1)
    assert np.all(model.get_weights()[0] == 0.5)
    # Read back it is the same function, and another model draws from it again.
    graph = from_keras(model)
    assert graph.nodes[1].op.initializer is halves
    assert np.all(to_keras(graph).get_weights()[0] == 0.5)


def test_code_imports_an_initializer_that_is_a_function() -> None:
    scope: dict = {}
    code = to_python(Input(4, 4, 3) >> Halved())
    assert f"from {__name__} import halves\n" in code
    exec(code, scope)
    assert np.all(scope["model"].get_weights()[0] == 0.5)


def test_code_cannot_import_what_has_no_name() -> None:
    class Nameless(Halved, abstract=True):
        def keras(self, *inputs):
            return KerasLayer("DepthwiseConv2D", {"kernel_size": 1, "depthwise_initializer": lambda *_: 0.5})

    with pytest.raises(DesignError, match=r"^nameless: Nameless: depthwise_initializer=.* cannot be imported by name"):
        to_python(Input(4, 4, 3) >> Nameless())


def test_a_layer_that_keras_does_not_have_is_named() -> None:
    class Misspelt(Op, abstract=True):
        def output(self, *inputs):
            return inputs[0]

        def keras(self, *inputs):
            return KerasLayer("DepthwiseConv", {"kernel_size": 3})

    with pytest.raises(
        DesignError, match=r"^misspelt: Keras has no layer DepthwiseConv: did you mean DepthwiseConv[12]D"
    ):
        to_keras(Input(4, 4, 3) >> Misspelt())


def test_models_are_deeper_than_python_calls_functions() -> None:
    limit = sys.getrecursionlimit()
    model = to_keras(Input(4) >> ReLU() * 1200)
    assert len(model.layers) == 1201 and sys.getrecursionlimit() == limit
