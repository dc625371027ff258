"""Keras models read into graphs: numbers as Keras's, values as Keras's, and no trace left behind."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from archlab import Activation, analyze, load
from archlab.analysis.static.outline import groups
from archlab.bridge import from_keras, keras_rule
from archlab.bridge._to_keras import build
from archlab.errors import DesignError, UsageError
from tests.keras_models import model_of, recipes
from tests.oracles import keras_counts

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # Keras's own use of NumPy
    # A random model may well have a softmax over a single channel.
    pytest.mark.filterwarnings("ignore:You are using a softmax over axis"),
]


def trainable(model: Any) -> int:
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


@settings(max_examples=min(200, settings.default.max_examples))  # each builds several models of Keras
@given(recipes)
def test_a_random_model_keeps_its_numbers_and_its_values(recipe: list[int]) -> None:
    model = model_of(recipe)
    found = analyze(model)
    assert found.params.total == model.count_params()
    assert found.params.trainable == trainable(model)
    assert found.unknown == ()
    for node in found.graph:
        if node.inputs:
            assert node.op.output(*found.graph.input_shapes(node)) == node.shape
    assert found.compute.macs is not None
    again = build(found.graph).model
    assert [tuple(w.shape) for w in by_layer(again)] == [tuple(w.shape) for w in by_layer(model)]
    for theirs, ours in zip(by_layer(model), by_layer(again), strict=True):
        ours.assign(theirs)
    x = np.random.default_rng(0).standard_normal((2, *model.inputs[0].shape[1:])).astype("float32")
    for theirs, ours in zip(outputs(model, x), outputs(again, x), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)


def outputs(model: Any, x: np.ndarray) -> list[np.ndarray]:
    found = model(x, training=False)
    return [np.asarray(each) for each in (found if isinstance(found, list | tuple) else [found])]


def by_layer(model: Any) -> list[Any]:
    """Weights in the order in which layers are first run."""
    import keras

    found: list[Any] = []
    seen: set[int] = set()

    def walk(one: Any) -> None:
        one = getattr(one, "_functional", None) or one
        for depth in sorted(one._nodes_by_depth, reverse=True):
            for call in one._nodes_by_depth[depth]:
                layer = call.operation
                if isinstance(layer, keras.Model):
                    walk(layer)
                elif isinstance(layer, keras.layers.Layer) and id(layer) not in seen:
                    seen.add(id(layer))
                    found.extend(layer.weights)

    walk(model)
    return found


# Model, parameters, not trainable, MACs, float operations by tf.profiler, field: size, P, misaligned merges.
APPLICATIONS = [
    ("ResNet50", 25_636_712, 53_120, 3_857_973_248, 7_755_299_312, 483, 241, 0),
    ("MobileNetV2", 3_538_984, 34_112, 300_774_272, 615_292_208, 491, 214, 0),
    ("EfficientNetB0", 5_330_571, 42_023, 385_814_752, 803_050_119, 851, 394, 0),
    ("ResNet50V2", None, 45_440, None, None, 483, 241, 0),
    ("MobileNet", None, 21_888, None, None, 315, 126, 0),
    ("DenseNet121", None, 83_648, None, None, 2071, 1021, 0),
    ("InceptionV3", None, 34_432, None, None, 1311, 618, 0),
    ("Xception", 22_910_480, 54_528, 8_357_403_496, 16_773_724_144, 1083, None, 1),
    ("InceptionResNetV2", None, None, None, None, 3039, 1482, 0),
    ("NASNetMobile", None, None, None, None, 2407, None, 18),
    ("ConvNeXtTiny", None, None, None, None, None, None, 0),
    ("EfficientNetV2B0", None, None, None, None, None, None, 0),
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "params", "frozen", "macs", "flops", "size", "padding", "misaligned"), APPLICATIONS)
def test_keras_applications(
    name: str, params: int | None, frozen: int | None, macs: int | None, flops: int | None, size: int | None,
    padding: int | None, misaligned: int,
) -> None:  # fmt: skip
    import keras

    model = getattr(keras.applications, name)(weights=None)
    found = analyze(model)
    assert found.unknown == ()
    assert found.params.total == model.count_params() == (params or model.count_params())
    assert found.params.trainable == trainable(model)
    assert frozen is None or found.params.non_trainable == frozen
    assert found.compute.macs == keras_counts.macs(model) == (macs or found.compute.macs)
    assert flops is None or (found.compute.flops or 0) == pytest.approx(flops, rel=0.05)
    field = found.receptive_field
    assert field.last is not None
    assert size is None or field.last.size == (size, size)
    assert padding is None or field.last.start == (-padding, -padding)
    assert len(field.misaligned) == misaligned


def small(keras: Any) -> Any:
    x = start = keras.Input((16, 16, 3), name="photo")
    x = keras.layers.Conv2D(4, 3, name="conv")(x)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(start, keras.layers.Dense(1, activation="sigmoid", name="head")(x), name="small")


def test_reading_a_model_in_use_leaves_no_trace() -> None:
    import keras

    model = small(keras)
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    x, y = np.zeros((4, 16, 16, 3), "float32"), np.ones((4, 1), "float32")
    model.fit(x, y, verbose=0)
    model.evaluate(x, y, verbose=0)

    def state() -> Any:
        return (
            json.dumps(model.get_config(), sort_keys=True, default=str),
            [weight.numpy().tobytes() for weight in model.weights],
            [value.numpy().tobytes() for value in model.optimizer.variables],
            {layer.name: sorted(vars(layer)) for layer in model.layers},
            {layer.name: len(layer._inbound_nodes) for layer in model.layers},
            sorted(vars(model)),
            keras.config.dtype_policy().name,
            model.evaluate(x, y, verbose=0),
        )

    before = state()
    counter = keras.layers.Dense(1).name
    analyze(model)
    analyze(model)
    after_counter = keras.layers.Dense(1).name
    assert state() == before
    # Keras numbers its names; only the layer made here in between has taken one.
    assert int(after_counter.split("_")[-1]) == int(counter.split("_")[-1] if "_" in counter else 0) + 1


def test_frozen_layers_are_not_trainable() -> None:
    import keras

    model = small(keras)
    model.get_layer("conv").trainable = False
    found = analyze(model)
    assert found.params.trainable == trainable(model) == 4 + 4 + 4 + 1
    assert found.params.total == model.count_params()


def test_a_layer_used_twice_is_counted_once_and_worked_twice() -> None:
    import keras

    x = keras.Input((8, 8, 3))
    conv = keras.layers.Conv2D(3, 3, padding="same", use_bias=False, name="conv")
    model = keras.Model(x, conv(conv(x)))
    found = analyze(model)
    assert [node.name for node in found.graph][1:] == ["conv", "conv_2"]
    assert found.params.total == model.count_params() == 81
    assert found.compute.macs == 2 * 8 * 8 * 81


def test_nested_models_become_blocks() -> None:
    import keras

    inner = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(3, 1, name="conv")], name="inner")
    x = keras.Input((8, 8, 3), name="photo")
    model = keras.Model(x, inner(inner(x)))
    graph = from_keras(model)
    assert [node.name for node in graph] == ["photo", "inner/conv", "inner_2/conv"]
    assert list(groups(graph, "block")) == ["stem", "inner", "inner_2"]
    assert analyze(model).params.total == model.count_params()


def test_mixed_precision_has_its_bytes() -> None:
    import keras

    x = keras.Input((8, 8, 3))
    model = keras.Model(x, keras.layers.Conv2D(4, 3, padding="same", dtype="mixed_float16")(x))
    found = analyze(model)
    assert found.params.bytes == 4 * model.count_params()
    assert found.memory.layers[1].output == 2 * 8 * 8 * 4


def test_a_custom_layer_is_unknown_until_it_has_a_rule() -> None:
    import keras

    class Swish(keras.layers.Layer):
        def build(self, shape: Any) -> None:
            self.factor = self.add_weight(shape=(shape[-1],), name="factor")

        def call(self, x: Any) -> Any:
            return x * keras.ops.sigmoid(self.factor * x) if keras.ops.max(x) > 0 else x

        def compute_output_shape(self, shape: Any) -> Any:
            return shape

    x = keras.Input((8, 8, 3))
    model = keras.Model(x, Swish(name="swish")(keras.layers.Conv2D(4, 3, name="conv")(x)))
    found = analyze(model)
    assert found.params.total == model.count_params()
    (unknown,) = found.unknown
    assert (unknown["name"], unknown["op"]) == ("swish", "Swish")
    assert unknown["missing"] == ["compute", "memory", "receptive_field"]
    assert "KerasTensor" in unknown["why"]

    @keras_rule(Swish)
    def rule(layer: Any) -> Any:
        return Activation("silu")

    found = analyze(model)
    assert found.unknown == ()
    assert found.params.total == model.count_params()


def test_a_subclass_of_a_known_layer_may_compute_anything() -> None:
    import keras

    class Doubled(keras.layers.Conv2D):
        def call(self, x: Any) -> Any:
            return 2 * super().call(x)

    x = keras.Input((8, 8, 3))
    found = analyze(keras.Model(x, Doubled(4, 3, name="doubled")(x)))
    # It is looked into: the convolution, the bias, and the product.
    assert found.unknown == () and found.params.total == 112
    assert found.compute.macs == 6 * 6 * 27 * 4 and found.compute.flops == 2 * 6 * 6 * 27 * 4 + 2 * 6 * 6 * 4
    assert found.receptive_field.last.size == (3, 3)


def test_a_subclass_whose_call_cannot_be_traced_is_unknown_by_name_and_reason() -> None:
    import keras

    class Halved(keras.layers.Conv2D):
        def call(self, x: Any) -> Any:
            made = super().call(x)
            return keras.ops.reshape(made if keras.ops.max(x) > 0 else -made, (-1, 12, 12, 1))

        def compute_output_shape(self, shape: Any) -> Any:
            return (shape[0], 12, 12, 1)

    x = keras.Input((8, 8, 3))
    found = analyze(keras.Model(x, Halved(4, 3, name="halved")(x)))
    assert [entry["op"] for entry in found.unknown] == ["Halved"]
    assert "KerasTensor" in found.graph["halved"].op.why
    assert found.params.total == 112


def test_wrappers_have_the_work_of_what_they_wrap() -> None:
    import keras

    x = keras.Input((6, 8))
    y = keras.layers.TimeDistributed(keras.layers.Dense(4), name="each")(x)
    y, state = keras.layers.GRU(5, return_state=True, name="gru")(y)
    model = keras.Model(x, keras.layers.Concatenate()([y, state]))
    found = analyze(model)
    assert found.params.total == model.count_params()
    assert found.unknown == ()
    assert found.compute.macs == 6 * 8 * 4 + 6 * 3 * 5 * (4 + 5)
    assert found.graph["gru_2"].shape == (5,)


@pytest.mark.parametrize("layer", ["LSTM", "GRU"])
@pytest.mark.parametrize("sequences", [True, False])
def test_recurrent_layers_have_rules(layer: str, sequences: bool) -> None:
    import keras

    x = keras.Input((7, 5))
    model = keras.Model(x, getattr(keras.layers, layer)(6, return_sequences=sequences)(x))
    found = analyze(model)
    assert found.unknown == ()
    assert found.params.total == model.count_params()
    assert [weight.shape for weight in found.graph[1].op.weights((7, 5))] == [tuple(w.shape) for w in model.weights]
    # Once for each step, both kernels.
    assert found.compute.macs == 7 * sum(int(np.prod(w.shape)) for w in model.weights if "kernel" in w.name)


def test_attention_and_embeddings_have_rules() -> None:
    import keras

    words = keras.Input((7,), dtype="int32", name="words")
    x = keras.layers.Embedding(100, 8, name="embedding")(words)
    y = keras.layers.MultiHeadAttention(num_heads=2, key_dim=3, value_dim=5, name="attention")(x, x)
    memory = keras.Input((4, 6), name="memory")
    z = keras.layers.MultiHeadAttention(num_heads=2, key_dim=3, name="cross")(y, memory)
    model = keras.Model([words, memory], z)
    found = analyze(model)
    assert found.unknown == ()
    assert found.params.total == model.count_params()
    for name, came in (("attention", ((7, 8), (7, 8))), ("cross", ((7, 8), (4, 6)))):
        layer = model.get_layer(name)
        expected = [tuple(weight.shape) for weight in layer.weights]
        assert [weight.shape for weight in found.graph[name].op.weights(*came)] == expected
    # Projections of queries, keys and values, scores, their mix of values, and back: worked out by hand.
    rows = {row.name: row.macs for row in found.compute.layers}
    assert rows["attention"] == 7 * 8 * 6 * 2 + 7 * 8 * 10 + 2 * 7 * 7 * (3 + 5) + 7 * 10 * 8
    assert rows["cross"] == 7 * 8 * 6 + 4 * 6 * 6 * 2 + 2 * 7 * 4 * (3 + 3) + 7 * 6 * 8
    assert rows["embedding"] == 0


def test_several_inputs_and_outputs() -> None:
    import keras

    a, b = keras.Input((8, 8, 3), name="a"), keras.Input((4,), name="b")
    y = keras.layers.Conv2D(4, 3)(a)
    flat = keras.layers.GlobalAveragePooling2D()(y)
    model = keras.Model([a, b], [y, keras.layers.Concatenate()([flat, b])])
    found = analyze(model)
    assert len(found.graph.inputs) == len(found.graph.outputs) == 2
    assert found.unknown == ()


def test_what_cannot_be_read_says_what_to_do() -> None:
    import keras

    class Own(keras.Model):
        def call(self, x: Any) -> Any:
            return x.numpy()

    with pytest.raises(UsageError, match=r"Own is a subclassed model that has not been built: .*input=\(180, 180, 3\)"):
        analyze(Own())
    with pytest.raises(UsageError, match=r"Own is a subclassed model whose call cannot be traced .*numpy"):
        from_keras(Own(), (8, 8, 3))
    with pytest.raises(UsageError, match="does not know its input"):
        analyze(keras.Sequential([keras.layers.Dense(3)], name="s"))
    with pytest.raises(UsageError, match="a Keras model is needed, got int"):
        from_keras(3)


def test_an_unknown_size_and_its_filling_in() -> None:
    import keras

    x = keras.Input((None, None, 3))
    model = keras.Model(x, keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3, strides=2, name="conv")(x)))
    found = analyze(model)
    assert (found.params.total, found.compute.macs) == (112, None)
    assert found.receptive_field.last is not None and found.receptive_field.last.size == (3, 3)
    assert analyze(load(model, input=(33, 33)).graph).compute.macs == 16 * 16 * 4 * 27
    flat = keras.Input((8, 8, 3))
    fixed = keras.Model(flat, keras.layers.Dense(2, name="dense")(keras.layers.Flatten()(flat)), name="fixed")
    with pytest.raises(DesignError, match=r"^fixed: dense: it was built with weights of \(192, 2\)"):
        load(fixed, input=(9, 9))


def test_names_that_tensorflow_cannot_trace_are_shown_and_built_all_the_same() -> None:
    import keras

    from archlab import gradient_flow

    x = keras.Input((8, 8, 3))
    y = keras.layers.Conv2D(4, 3, name="<b>|conv*")(x)
    y = keras.layers.Conv2D(4, 3, name="<b>|conv!")(y)
    model = keras.Model(x, keras.layers.Dense(1)(keras.layers.GlobalAveragePooling2D()(y)))
    graph = from_keras(model)
    assert [node.name for node in graph][1:3] == ["<b>|conv*", "<b>|conv!"]
    assert [layer.name for layer in gradient_flow(graph, seeds=1).layers][:2] == ["<b>|conv*", "<b>|conv!"]


def test_layers_of_keras_applications_are_built_again() -> None:
    import keras
    from keras.src.applications.convnext import LayerScale
    from keras.src.applications.inception_resnet_v2 import CustomScaleLayer

    x = keras.Input((8, 8, 3))
    y = LayerScale(0.5, 3)(x)
    model = keras.Model(x, CustomScaleLayer(0.3)([x, y]))
    again = build(from_keras(model)).model
    photo = np.random.default_rng(0).standard_normal((2, 8, 8, 3)).astype("float32")
    np.testing.assert_allclose(again(photo), model(photo), rtol=1e-6)
