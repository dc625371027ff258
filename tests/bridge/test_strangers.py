"""Models as strangers write them: layers of their own are looked into, and numbers are Keras's and TensorFlow's."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given, settings

from archlab import analyze, gradient_flow
from archlab.bridge._from_keras import live
from tests import strangers
from tests.oracles import gradients, tensorflow_counts

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Keras's own use of NumPy

tracks_layers_beside_a_graph = pytest.mark.skipif(
    keras.__version__.startswith("3.13."),
    reason="Keras 3.13 knows nothing of layers that a functional model owns beside its graph",
)

MOST = min(60, settings.default.max_examples)
MAKERS = {"nested": strangers.nested, "calls": strangers.calls, "windows": strangers.windows}


def values(model: Any, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((2, *model.inputs[0].shape[1:])).astype("float32")


@pytest.mark.parametrize("kind", MAKERS)
@settings(max_examples=MOST)
@given(strangers.recipes)
def test_numbers_are_those_of_keras_and_tensorflow(kind: str, recipe: list[int]) -> None:
    model = MAKERS[kind](recipe)
    found = analyze(model)
    assert found.unknown == ()
    assert found.params.total == model.count_params()
    assert found.params.trainable == sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    assert found.compute.macs == tensorflow_counts.macs(model)
    assert found.graph.nodes[found.graph.outputs[0]].shape == tuple(model.outputs[0].shape[1:])


@pytest.mark.parametrize("kind", MAKERS)
@settings(max_examples=MOST // 2)
@given(strangers.recipes)
def test_node_by_node_it_computes_what_the_model_computes(kind: str, recipe: list[int]) -> None:
    model = MAKERS[kind](recipe)
    runnable = live(model)
    x = values(model)
    made = runnable.run([x], training=False)
    np.testing.assert_allclose(made[runnable.graph.outputs[0]], model(x, training=False), rtol=1e-4, atol=1e-5)
    for node, value in zip(runnable.graph, made, strict=True):
        if value is not None and node.shape and None not in node.shape:
            assert np.prod(value.shape) == 2 * np.prod(node.shape), node.name


@settings(max_examples=MOST // 4)
@given(strangers.recipes)
def test_looking_into_a_model_leaves_no_trace(recipe: list[int]) -> None:
    model = strangers.nested(recipe)
    notes = [(len(layer._inbound_nodes), len(layer._outbound_nodes)) for layer in model._flatten_layers()]
    before = [variable.numpy() for variable in model.variables]
    analyze(model)
    assert notes == [(len(layer._inbound_nodes), len(layer._outbound_nodes)) for layer in model._flatten_layers()]
    for variable, value in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)


def test_a_subclassed_model_is_traced_once_its_input_is_known() -> None:
    class Net(keras.Model):
        def __init__(self) -> None:
            super().__init__(name="net")
            self.conv, self.head = keras.layers.Conv2D(4, 3), keras.layers.Dense(2)

        def call(self, x: Any) -> Any:
            return self.head(keras.ops.mean(self.conv(x), axis=(1, 2)))

    model = Net()
    model(np.zeros((1, 8, 8, 3), "float32"))
    found = analyze(model)
    assert [node.op.title for node in found.graph] == ["Input", "Conv", "Mean", "Dense"]
    assert found.params.total == model.count_params()
    assert found.compute.macs == 6 * 6 * 27 * 4 + 8
    fresh = live(Net(), (16, 16, 3)).graph
    assert fresh.nodes[1].shape == (14, 14, 4)


@tracks_layers_beside_a_graph
def test_a_functional_model_with_a_call_of_its_own_is_what_that_call_does() -> None:
    class Net(keras.Model):
        def __init__(self) -> None:
            x = keras.Input((8, 8, 3))
            super().__init__(x, keras.layers.Conv2D(4, 3)(x))
            self.more = keras.layers.Conv2D(5, 3)

        def call(self, x: Any, training: Any = None) -> Any:
            return self.more(super().call(x))

    model = Net()
    model(np.zeros((1, 8, 8, 3), "float32"))
    found = analyze(model)
    assert found.params.total == model.count_params() and found.unknown == ()
    assert found.compute.macs == 6 * 6 * 27 * 4 + 4 * 4 * 36 * 5


@tracks_layers_beside_a_graph
def test_weights_beside_the_graph_are_counted_and_shown() -> None:
    class Net(keras.Model):
        def __init__(self) -> None:
            x = keras.Input((8, 8, 3))
            inner = keras.layers.Conv2D(4, 3)
            super().__init__(x, keras.layers.GlobalAveragePooling2D()(inner(x)))
            self.unused = keras.layers.Dense(7, name="unused")
            self.unused.build((None, 5))

    model = Net()
    found = analyze(model)
    assert found.params.total == model.count_params()
    assert found.params.layers[found.graph.position("unused")].total == 42
    assert found.graph["unused"].op.detached and found.graph.inputs == (0,)


@pytest.mark.parametrize("masked", ["attention", "padding"])
def test_masks_are_no_signal(masked: str) -> None:
    layers = keras.layers
    if masked == "attention":
        x, mask = keras.Input((6, 8)), keras.Input((6, 6), dtype="bool")
        model = keras.Model([x, mask], layers.MultiHeadAttention(2, 4)(x, x, attention_mask=mask))
        macs = 4 * 6 * 8 * 8 + 2 * 2 * 36 * 4
    else:
        x = keras.Input((6,))
        model = keras.Model(x, layers.LSTM(3)(layers.Embedding(9, 8, mask_zero=True)(x)))
        macs = 6 * 4 * 3 * (8 + 3)
    found = analyze(model)
    assert found.unknown == () and found.compute.macs == macs
    assert any(node.beside for node in found.graph)


def test_an_exception_inside_a_rule_is_that_layers_alone() -> None:
    from archlab.bridge import keras_rule

    class Odd(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            return x if keras.ops.max(x) > 0 else -x

        def compute_output_shape(self, shape: Any) -> Any:
            return shape

    @keras_rule(Odd)
    def odd(layer: Any) -> Any:
        return layer.nothing

    x = keras.Input((8, 8, 3))
    found = analyze(keras.Model(x, keras.layers.Conv2D(2, 3)(Odd(name="odd")(x))))
    assert [entry["name"] for entry in found.unknown] == ["odd"]
    assert found.compute.macs == 6 * 6 * 27 * 2


def test_a_call_that_computes_with_the_size_of_the_batch_is_read_and_left_whole_to_be_run() -> None:
    ops = keras.ops

    class Token(keras.layers.Layer):
        def build(self, shape: Any) -> None:
            self.token = self.add_weight(shape=(1, 1, shape[-1]), name="token")

        def call(self, x: Any) -> Any:
            return ops.concatenate([ops.tile(self.token, (ops.shape(x)[0], 1, 1)), x], axis=1)

        def compute_output_shape(self, shape: Any) -> Any:
            return (shape[0], shape[1] + 1, shape[2])

    x = keras.Input((5, 4))
    model = keras.Model(x, keras.layers.Dense(3)(Token(name="token")(x)))
    found = analyze(model)
    assert found.unknown == () and found.params.total == model.count_params() == 4 + 15
    runnable = live(model)
    made = runnable.run([values(model)], training=False)
    np.testing.assert_allclose(made[-1], model(values(model)), rtol=1e-5)


def test_what_is_computed_with_a_variable_alone_has_its_gradient() -> None:
    from archlab import gradient_flow

    ops = keras.ops

    class Shifted(keras.layers.Layer):
        def build(self, shape: Any) -> None:
            self.scale = self.add_weight(shape=(shape[-1],), initializer="zeros", name="scale")

        def call(self, x: Any) -> Any:
            return x * (1 + self.scale)

    class Tied(keras.layers.Layer):
        def __init__(self, of: Any) -> None:
            super().__init__()
            self.of = of

        def call(self, x: Any) -> Any:
            return ops.matmul(x, ops.transpose(ops.convert_to_tensor(self.of.kernel)))

    x = keras.Input((6, 4))
    first = keras.layers.Dense(5, name="first")
    model = keras.Model(x, Tied(first)(Shifted(name="shifted")(first(x))))
    assert analyze(model).unknown == ()
    given = np.asarray(values(model))
    labels = np.zeros((len(given), 6, 4), "float32")
    loss = keras.losses.MeanSquaredError()
    norms = gradients.of_variables(model, given, labels[None], loss)
    flow = gradient_flow(model, given, labels, loss=loss, training=False)
    found = {weight.name: weight.gradient_norm for layer in flow.layers for weight in layer.weights}
    expected = dict(zip([variable.name for variable in model.trainable_variables], norms, strict=True))
    assert found == pytest.approx(expected, rel=1e-4)
    # Drawn anew, the kernel is another one wherever it is read.
    one, other = (gradient_flow(model, given, labels, loss=loss, seeds=[seed]) for seed in (1, 2))
    assert one.losses != other.losses


@pytest.mark.parametrize("name", ["relu", "gather", "resize", "comparison", "depth_to_space", "reduce"])
def test_functions_of_tensorflow_in_a_call_are_read_and_run(name: str) -> None:
    import tensorflow as tf

    functions = {
        "relu": lambda x: tf.nn.relu(x) + tf.exp(-x),
        "gather": lambda x: tf.gather(x, [2, 0], axis=1),
        "resize": lambda x: tf.image.resize(x, (4, 8)),
        "comparison": lambda x: keras.ops.where(tf.constant(0.1) < x, x, tf.constant(2.0) * x),
        "depth_to_space": lambda x: tf.nn.depth_to_space(x, 2),
        "reduce": lambda x: x - tf.reduce_mean(x, axis=[1, 2], keepdims=True),
    }

    class Foreign(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            return functions[name](x)

    x = keras.Input((6, 6, 4))
    model = keras.Model(x, Foreign(name="foreign")(x))
    assert analyze(model).unknown == ()
    made = live(model).run([values(model)], training=False)
    np.testing.assert_allclose(made[-1], model(values(model)), rtol=1e-5)
    with pytest.raises(ValueError, match="KerasTensor"):  # outside of a trace all is as before
        functions[name](x)


def test_what_a_layer_says_that_it_makes_and_does_not() -> None:
    class Pair(keras.layers.Layer):
        def call(self, x: Any, other: Any = None) -> Any:
            return keras.ops.relu(x if other is None else x + other), None

        def compute_output_shape(self, shape: Any) -> Any:
            return shape, (shape[0], 3)

    x = keras.Input((5, 4))
    one, nothing = Pair(name="one")(x)
    model = keras.Model(x, keras.layers.Dense(2)(Pair(name="two")(one, nothing)[0]))
    found = analyze(model)
    assert found.unknown == ()
    assert [node.op.title for node in found.graph] == ["Input", "Activation", "Activation", "Dense"]
    runnable = live(model)
    made = runnable.run([values(model)], training=False)[runnable.graph.outputs[0]]
    np.testing.assert_allclose(made, model(values(model)), rtol=1e-5)


def test_a_view_of_the_size_of_the_batch_is_run_for_any() -> None:
    class Heads(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            size, steps, _ = keras.ops.shape(x)
            return keras.ops.reshape(x, (size, steps, 2, -1) if steps % 2 else (size, steps, 2, 2))

    for steps in (4, 5):
        x = keras.Input((steps, 4))
        model = keras.Model(x, Heads()(x))
        assert analyze(model).unknown == ()
        made = live(model).run([values(model)], training=False)
        np.testing.assert_allclose(made[-1], model(values(model)))


def test_a_variable_before_a_tensor_is_a_call_too() -> None:
    class Scaled(keras.layers.Layer):
        def build(self, shape: Any) -> None:
            self.scale = self.add_weight(shape=(), initializer="ones", name="scale")

        def call(self, x: Any) -> Any:
            return self.scale * x + x

    x = keras.Input((6, 6, 4))
    multiplied = keras.Variable.__mul__
    found = analyze(keras.Model(x, Scaled()(x)))
    assert found.unknown == () and found.params.total == 1 and found.compute.flops == 2 * 144
    assert keras.Variable.__mul__ is multiplied


def test_what_a_layer_hands_on_beside_what_it_makes() -> None:
    class Both(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            return [x, keras.ops.relu(x)]

        def compute_output_shape(self, shape: Any) -> Any:
            return [shape, shape]

    x = keras.Input((6, 6, 4))
    one, other = Both(name="both")(x)
    found = analyze(keras.Model(x, keras.layers.Add()([keras.layers.Conv2D(4, 1)(one), other])))
    assert found.unknown == ()
    assert sorted(node.op.title for node in found.graph) == ["Activation", "Add", "Conv", "Input"]


def test_channels_before_the_other_axes() -> None:
    layers = keras.layers

    def net(first: bool) -> Any:
        how = {"data_format": "channels_first" if first else "channels_last"}
        axis = 1 if first else -1
        x = keras.Input((3, 32, 32) if first else (32, 32, 3))
        y = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu", **how)(x)
        y = layers.BatchNormalization(axis=axis)(y)
        y = layers.Concatenate(axis=axis)([y, layers.DepthwiseConv2D(3, padding="same", **how)(y)])
        y = layers.MaxPooling2D(2, **how)(layers.ZeroPadding2D(1, **how)(y))
        return keras.Model(x, layers.Dense(2)(layers.GlobalAveragePooling2D(**how)(y)))

    one, other = analyze(net(True)), analyze(net(False))
    assert one.unknown == () and [node.shape for node in one.graph] == [node.shape for node in other.graph]
    assert one.params.total == other.params.total
    assert one.compute.macs == other.compute.macs and one.compute.flops == other.compute.flops
    assert one.receptive_field.last == other.receptive_field.last._replace(name=one.receptive_field.last.name)


def test_a_mode_that_a_layers_own_code_asks_for_is_kept() -> None:
    layers = keras.layers

    class Frozen(layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.fixed, self.free = layers.BatchNormalization(), layers.BatchNormalization()

        def build(self, shape: Any) -> None:
            self.fixed.build(shape)
            self.free.build(shape)

        def call(self, x: Any) -> Any:
            return self.free(x) + self.fixed(x, training=False)

        def compute_output_shape(self, shape: Any) -> Any:
            return shape

    x = keras.Input((6, 6, 3))
    model = keras.Model(x, Frozen()(x))
    given = 3 * values(model) + 1
    runnable = live(model)
    for training in (True, False):
        made = runnable.run([given], training=training)[runnable.graph.outputs[0]]
        before = [variable.numpy() for variable in model.variables]
        np.testing.assert_allclose(made, model(given, training=training), rtol=1e-4, atol=1e-4)
        for variable, value in zip(model.variables, before, strict=True):
            variable.assign(value)


def test_a_model_with_channels_first_is_measured_on_arrays_as_it_takes_them() -> None:
    from archlab import gradient_flow

    how = {"data_format": "channels_first"}
    x = keras.Input((3, 10, 12))
    y = keras.layers.GlobalAveragePooling2D(**how)(keras.layers.Conv2D(4, 3, activation="relu", **how)(x))
    model = keras.Model(x, y)
    rng = np.random.default_rng(0)
    images, labels = (
        rng.standard_normal((4, 3, 10, 12)).astype("float32"),
        rng.standard_normal((4, 4)).astype("float32"),
    )
    flow = gradient_flow(model, images, labels, loss="mean_squared_error")
    model.compile(keras.optimizers.SGD(0.0), "mean_squared_error")
    assert flow.losses[0] == pytest.approx(float(model.train_on_batch(images, labels)), rel=1e-5)


def test_names_that_tensorflow_refuses_are_measured_and_kept() -> None:
    from archlab import gradient_flow

    x = keras.Input((8, 8, 3))
    y = keras.layers.Conv2D(4, 3, name="größe: a->b <b>")(x)
    model = keras.Model(x, keras.layers.Dense(2, name="class")(keras.layers.GlobalAveragePooling2D()(y)))
    flow = gradient_flow(model, batch=2)
    assert flow.layers[0].name == "größe: a->b <b>" == model.layers[1].name


@keras.saving.register_keras_serializable("tests")
class Pooled(keras.layers.Layer):
    """Attention of a learned query over all places, as at the end of SigLIP (Zhai et al. 2023)."""

    def __init__(self, **more: Any):
        super().__init__(**more)
        self.attention = keras.layers.MultiHeadAttention(2, 4, name="attention")

    def build(self, shape: Any) -> None:
        self.query = self.add_weight(shape=(1, 3, shape[-1]), name="query")
        self.attention.build((shape[0], 3, shape[-1]), shape)

    def call(self, x: Any) -> Any:
        query = keras.ops.tile(self.query, (keras.ops.shape(x)[0], 1, 1))
        return self.attention(query, x)


def test_an_attention_whose_queries_are_weights() -> None:
    x = keras.Input((10, 8))
    model = keras.Model(x, keras.layers.Dense(2)(keras.layers.Flatten()(Pooled()(x))))
    found = analyze(model)
    assert found.unknown == ()
    assert found.params.total == model.count_params()
    assert found.compute.macs == tensorflow_counts.macs(model)
    runnable, values = live(model), np.random.default_rng(0).standard_normal((2, 10, 8)).astype("float32")
    made = runnable.run([values], training=False)
    np.testing.assert_allclose(made[runnable.graph.outputs[0]], model(values), rtol=1e-4, atol=1e-5)


@keras.saving.register_keras_serializable("tests")
class WithoutState(keras.layers.Layer):
    """A layer over (time, batch, channels) that makes one tensor and, where others make a second, None."""

    def call(self, x: Any) -> Any:
        if isinstance(x, keras.KerasTensor):
            raise TypeError("numbers are needed")
        return 2 * x, None

    def compute_output_spec(self, x: Any) -> Any:
        return keras.KerasTensor(x.shape, x.dtype), None


def test_a_layer_that_makes_one_tensor_and_none_with_the_batch_elsewhere() -> None:
    class Turned(keras.layers.Layer):
        def __init__(self, **more: Any):
            super().__init__(**more)
            self.inner = WithoutState()

        def call(self, x: Any) -> Any:
            made, nothing = self.inner(keras.ops.transpose(x, (1, 0, 2)))
            assert nothing is None
            return keras.ops.transpose(made, (1, 0, 2))

    x = keras.Input((6, 8))
    model = keras.Model(x, keras.layers.Dense(2)(Turned()(x)))
    found = analyze(model)
    assert [entry["op"] for entry in found.unknown] == ["WithoutState"]
    assert found.params.total == model.count_params()


def test_an_output_of_truth_values_is_a_number_to_a_loss() -> None:
    x = keras.Input((6,))
    first = keras.layers.Dense(3, activation="tanh")(x)
    model = keras.Model(x, [first, keras.ops.greater(first, 0.0)])
    values = np.random.default_rng(0).standard_normal((4, 6)).astype("float32")
    labels = [np.zeros((4, 3), "float32"), np.ones((4, 3), "float32")]
    theirs = gradients.of_variables(model, values, labels, keras.losses.MeanSquaredError())
    flow = gradient_flow(model, values, labels, loss="mean_squared_error", training=False)
    ours = [weight.gradient_norm for layer in flow.layers for weight in layer.weights]
    assert ours == pytest.approx(theirs, rel=1e-5)
