"""Live Keras models measured as they are: equal to plain TensorFlow, and left exactly as they were."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from archlab import gradient_flow, load
from archlab.analysis.measured._batch import synthetic
from archlab.analysis.measured._loss import choose
from archlab.analysis.measured._probe import probe_of
from archlab.bridge import live
from archlab.errors import UsageError
from tests.keras_models import model_of, recipes
from tests.oracles import gradients

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Keras's own use of NumPy


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return rng(seed).standard_normal(shape).astype("float32")


def small(side: int = 16, dropout: float = 0.0) -> Any:
    import keras

    layers = keras.layers
    inputs = keras.Input((side, side, 3))
    x = layers.Conv2D(6, 3, padding="same", name="conv")(inputs)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.ReLU(name="relu")(x)
    x = layers.Dropout(dropout, seed=3)(x)
    x = layers.add([layers.Conv2D(6, 3, padding="same", name="inner")(x), x])
    outputs = layers.Dense(1, activation="sigmoid", name="head")(layers.GlobalAveragePooling2D()(x))
    return keras.Model(inputs, outputs, name="small")


def trained(model: Any, **options: Any) -> Any:
    x, y = normal(32, *model.inputs[0].shape[1:]), rng().integers(0, 2, (32, 1)).astype("float32")
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"], **options)
    model.fit(x, y, verbose=0, epochs=2)
    return model


def compare(model: Any, x: Any, y: Any, loss: Any, training: bool = True, rel: float = 1e-5) -> None:
    """Every figure of a model without nested parts against plain TensorFlow, eagerly, one gradient at a time."""
    flow = gradient_flow(model, x, y, training=training)
    for layer in flow.layers:
        norm, rms = gradients.of_layer(model, model.get_layer(layer.name), x, y, loss, training)
        assert layer.weight_gradient_norm == pytest.approx(norm, rel=rel, abs=1e-10), layer.name
        assert layer.activation_gradient_rms == pytest.approx(rms, rel=rel, abs=1e-10), layer.name


@pytest.mark.parametrize("training", [True, False])
def test_a_trained_model_as_it_is_in_both_modes(training: bool) -> None:
    import keras

    model = trained(small())
    x, y = normal(6, 16, 16, 3, seed=1), np.array([[0], [1]] * 3, "float32")
    compare(model, x, y, keras.losses.binary_crossentropy, training)


def test_training_and_inference_differ_where_there_is_batch_normalization() -> None:
    model = trained(small())
    x, y = normal(6, 16, 16, 3), np.ones((6, 1), "float32")
    one, other = gradient_flow(model, x, y), gradient_flow(model, x, y, training=False)
    assert one.training and not other.training
    assert one["conv"].activation_gradient_rms != other["conv"].activation_gradient_rms


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["MobileNetV2", *[pytest.param(n, marks=pytest.mark.exhaustive) for n in ("ResNet50", "EfficientNetB0")]]
)
def test_models_of_keras_applications(name: str) -> None:
    import keras

    model = getattr(keras.applications, name)(weights=None, input_shape=(64, 64, 3), classes=5)
    flow = gradient_flow(model, normal(4, 64, 64, 3), np.arange(4), training=False)
    some = [layer for number, layer in enumerate(flow.layers) if number % 25 == 0 or layer is flow.layers[-1]]
    loss = keras.losses.sparse_categorical_crossentropy
    for layer in some:
        at = model.get_layer(layer.name)
        norm, rms = gradients.of_layer(model, at, normal(4, 64, 64, 3), np.arange(4), loss, False)
        assert layer.weight_gradient_norm == pytest.approx(norm, rel=1e-5, abs=1e-12), layer.name
        assert layer.activation_gradient_rms == pytest.approx(rms, rel=1e-5, abs=1e-12), layer.name


@settings(max_examples=15)
@given(recipes)
def test_random_models(recipe: list[int]) -> None:
    """All weights' gradients at once: nested models and layers used twice among them."""
    import keras
    import tensorflow as tf

    model = model_of(recipe)
    if not model.trainable_weights:
        return
    x = normal(3, *model.inputs[0].shape[1:])
    ends = [tuple(tensor.shape[1:]) for tensor in model.outputs]
    y = [normal(3, *shape, seed=number) for number, shape in enumerate(ends)]
    flow = gradient_flow(model, x, y if len(y) > 1 else y[0], loss="mean_squared_error", training=False)
    with tf.GradientTape() as tape:
        made = keras.tree.flatten(model(x, training=False))
        value = sum(tf.reduce_mean(tf.square(out - label)) for out, label in zip(made, y, strict=True))
    expected = [g for g in tape.gradient(value, model.trainable_weights) if g is not None]
    total = np.sqrt(sum(float(np.sum(np.square(g.numpy().astype("float64")))) for g in expected))
    ours = np.sqrt(sum(layer.weight_gradient_norm**2 for layer in flow.layers if layer.weight_gradient_norm))
    assert ours == pytest.approx(total, rel=1e-5, abs=1e-10)
    assert flow.losses[0] == pytest.approx(float(value), rel=1e-5)


def test_nothing_of_a_model_in_use_changes() -> None:
    import keras

    model = trained(small(dropout=0.3))
    x, y = normal(8, 16, 16, 3), np.ones((8, 1), "float32")
    generator = keras.src.random.seed_generator.global_seed_generator()

    def state() -> Any:
        return (
            json.dumps(model.get_config(), sort_keys=True, default=str),
            [variable.numpy().tobytes() for variable in model.variables],
            [layer.seed_generator.state.numpy().tolist() for layer in model.layers if hasattr(layer, "seed_generator")],
            [value.numpy().tobytes() for value in model.optimizer.variables],
            {layer.name: sorted(vars(layer)) for layer in model.layers},
            {layer.name: len(layer._inbound_nodes) for layer in model.layers},
            [layer.trainable for layer in model.layers],
            sorted(vars(model)),
            len(model.losses),
            generator.state.numpy().tolist(),
            np.random.get_state()[1].tolist(),  # type: ignore[index]
            keras.config.dtype_policy().name,
            model.evaluate(x, y, verbose=0),
        )

    state()
    before = state()
    keras.layers.Dense(1)  # the first one of all has no number
    counter = int(keras.layers.Dense(1).name.split("_")[-1])
    for options in ({}, {"training": False}, {"seeds": 2}, {"seeds": [7], "batches": 2}):
        gradient_flow(model, x, y, **options)
    assert int(keras.layers.Dense(1).name.split("_")[-1]) == counter + 1
    assert state() == before


def test_dropout_draws_the_same_every_time() -> None:
    model = small(dropout=0.5)
    x, y = normal(4, 16, 16, 3), np.ones((4, 1), "float32")
    assert gradient_flow(model, x, y).layers == gradient_flow(model, x, y).layers


def test_seeds_start_a_copy_of_a_trained_model_afresh() -> None:
    model = trained(small())
    x, y = normal(4, 16, 16, 3), np.ones((4, 1), "float32")
    fresh = small()
    assert gradient_flow(model, x, y, seeds=[5]).layers == gradient_flow(fresh, x, y, seeds=[5]).layers
    assert gradient_flow(model, x, y).layers != gradient_flow(fresh, x, y).layers


def test_a_layer_without_a_rule_is_measured_and_drawn_anew() -> None:
    import keras

    class Scaled(keras.layers.Layer):
        def build(self, shape: Any) -> None:
            self.kernel_initializer = keras.initializers.HeNormal()
            self.kernel = self.add_weight(shape=(shape[-1], 4), initializer=self.kernel_initializer, name="kernel")

        def call(self, x: Any) -> Any:
            if isinstance(x, keras.KerasTensor):
                raise TypeError("it takes no symbols")
            return keras.ops.matmul(x, self.kernel)

        def compute_output_shape(self, shape: Any) -> Any:
            return (*shape[:-1], 4)

    inputs = keras.Input((8, 8, 3))
    x = Scaled(name="own")(keras.layers.Conv2D(5, 3, name="conv")(inputs))
    model = keras.Model(inputs, keras.layers.Dense(1)(keras.layers.GlobalAveragePooling2D()(x)))
    before = model.get_layer("own").kernel.numpy()
    data = normal(4, 8, 8, 3), normal(4, 1)
    compare(model, *data, keras.losses.mean_squared_error)
    one, again, other = (gradient_flow(model, *data, seeds=[seed]) for seed in (1, 1, 2))
    assert one.layers == again.layers
    assert one["own"].weight_norm != other["own"].weight_norm
    np.testing.assert_array_equal(model.get_layer("own").kernel.numpy(), before)


def test_the_loss_is_the_one_the_model_was_compiled_with() -> None:
    import keras

    inputs = keras.Input((6,))
    x = keras.layers.Dense(5, activation="relu", name="hidden")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(3, name="logits")(x))
    model.compile("sgd", keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1))
    x, y = normal(4, 6), np.eye(3, dtype="float32")[[0, 1, 2, 0]]
    flow = gradient_flow(model, x, y)
    assert flow.loss == "categorical_crossentropy"
    assert flow.losses[0] == pytest.approx(model.evaluate(x, y, verbose=0), rel=1e-5)
    compare(model, x, y, model.loss)
    # Labels are made up to fit.
    assert np.isfinite(gradient_flow(model).losses[0])
    assert gradient_flow(model, x, y, loss="mean_squared_error").loss == "mean_squared_error"


def two_headed() -> Any:
    import keras

    image, words = keras.Input((8, 8, 3), name="image"), keras.Input((5,), dtype="int32", name="words")
    seen = keras.layers.Flatten()(keras.layers.Conv2D(4, 3, name="conv")(image))
    read = keras.layers.LSTM(6, name="lstm")(keras.layers.Embedding(20, 4, name="embed")(words))
    both = keras.layers.concatenate([seen, read])
    kind = keras.layers.Dense(3, activation="softmax", name="kind")(both)
    return keras.Model([image, words], [kind, keras.layers.Dense(1, name="size")(both)])


def test_two_inputs_one_of_them_words_and_two_outputs() -> None:
    import keras
    import tensorflow as tf

    model = two_headed()
    model.compile("sgd", {"kind": "sparse_categorical_crossentropy", "size": "mse"}, loss_weights={"size": 0.5})
    x = {"image": normal(4, 8, 8, 3), "words": rng().integers(0, 20, (4, 5))}
    y = {"kind": np.array([0, 1, 2, 0]), "size": normal(4, 1)}
    weighted = gradient_flow(model, x, y)
    plain = gradient_flow(two_headed(), list(x.values()), list(y.values()))
    assert [layer.name for layer in weighted.layers] == [layer.name for layer in plain.layers]
    assert all((layer.activation_gradient_rms or 0) > 0 for layer in weighted.layers)
    with tf.GradientTape() as tape:
        kind, size = model([x["image"], x["words"]], training=True)
        value = tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(y["kind"], kind))
        value += 0.5 * tf.reduce_mean(tf.square(size - y["size"]))
    table = model.get_layer("embed").embeddings
    expected = np.linalg.norm(tf.convert_to_tensor(tape.gradient(value, table)).numpy())
    assert weighted.losses[0] == pytest.approx(float(value), rel=1e-5)
    assert weighted["embed"].weight_gradient_norm == pytest.approx(expected, rel=1e-5)
    # And without any data at all: words are drawn from the vocabulary.
    assert gradient_flow(model).verdict


def test_a_frozen_layer_says_so_and_its_error_signal_is_there_all_the_same() -> None:
    model = small()
    model.get_layer("conv").trainable = False
    model.get_layer("norm").trainable = False
    x, y = normal(4, 16, 16, 3), np.ones((4, 1), "float32")
    frozen, free = gradient_flow(model, x, y, training=False), gradient_flow(unfrozen(model), x, y, training=False)
    for name in ("conv", "norm"):
        assert frozen[name].frozen and not free[name].frozen
        assert frozen[name].weight_gradient_norm is None
        assert frozen[name].activation_gradient_rms == pytest.approx(free[name].activation_gradient_rms, rel=1e-6)
    assert frozen["inner"].weight_gradient_norm == pytest.approx(free["inner"].weight_gradient_norm, rel=1e-6)


def unfrozen(model: Any) -> Any:
    for layer in model.layers:
        layer.trainable = True
    return model


def test_a_layer_that_no_gradient_reaches_is_none_and_not_zero() -> None:
    import keras

    class Cut(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            return keras.ops.stop_gradient(x)

    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(3, 3, name="before")(inputs)
    x = keras.layers.Conv2D(3, 3, name="after")(Cut()(x))
    model = keras.Model(inputs, keras.layers.Dense(1)(keras.layers.GlobalAveragePooling2D()(x)))
    flow = gradient_flow(model, normal(4, 8, 8, 3), normal(4, 1))
    assert flow["before"].weight_gradient_norm is None and flow["before"].activation_gradient_rms is None
    assert not flow["before"].frozen
    assert (flow["after"].weight_gradient_norm or 0) > 0
    assert json.loads(json.dumps(flow.to_dict()))["layers"][0]["activation_gradient_rms"] is None


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_loss_that_is_not_finite_is_told_as_such(value: float) -> None:
    model = small()
    x = normal(4, 16, 16, 3)
    x[0, 0, 0, 0] = value
    flow = gradient_flow(model, x, np.ones((4, 1), "float32"))
    assert flow.verdict == "exploding"
    assert not np.isfinite(flow.losses[0])
    assert set(flow.not_finite) == {layer.name for layer in flow.layers}
    json.dumps(flow.to_dict(), allow_nan=False)


def _convolutions(dtype: str | None) -> Any:
    """A net whose gradients, with the loss below, are 1e-8 and less."""
    import keras

    # Weights by which its outputs are far from the targets: where they nearly meet, rounding alone decides.
    keras.utils.set_random_seed(0)
    inputs = keras.Input((12, 12, 8))
    x = inputs
    for number in range(6):
        x = keras.layers.Conv2D(8, 3, padding="same", dtype=dtype, name=f"conv{number}")(x)
        x = keras.layers.ReLU(dtype=dtype)(x)
    x = keras.layers.GlobalAveragePooling2D(dtype=dtype)(x)
    return keras.Model(inputs, keras.layers.Dense(1, dtype="float32", name="head")(x))


def _small_loss(y: Any, out: Any) -> Any:
    import keras

    return 1e-5 * keras.losses.mean_squared_error(y, out)


def test_float16_loses_no_small_gradient() -> None:
    # float16 ends at 6e-8.
    x, y = normal(8, 12, 12, 8), normal(8, 1) * 1e-4
    ours, exact = (gradient_flow(_convolutions(each), x, y, loss=_small_loss) for each in ("mixed_float16", None))
    assert ours.precision == "mixed_float16"
    for one, other in zip(ours.layers, exact.layers, strict=True):
        assert other.activation_gradient_rms is not None and other.activation_gradient_rms < 1e-5
        assert one.activation_gradient_rms == pytest.approx(other.activation_gradient_rms, rel=0.02)
        assert one.weight_gradient_norm == pytest.approx(other.weight_gradient_norm, rel=0.02)


def test_gradients_in_bfloat16_are_those_of_a_training_step() -> None:
    # A processor without bfloat16 arithmetic sums in bfloat16 too and is off by a third here: training there has that
    # gradient, so that is what is measured.
    import tensorflow as tf

    model = _convolutions("mixed_bfloat16")
    x, y = normal(8, 12, 12, 8), normal(8, 1) * 1e-4
    flow = gradient_flow(model, x, y, loss=_small_loss)
    assert flow.precision == "mixed_bfloat16"

    @tf.function(jit_compile=False)
    def step() -> list[Any]:
        # As in `fit`, a graph: TensorFlow fuses there what it runs one by one outside, and rounds elsewhere.
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(_small_loss(y, model(x, training=True)))
        return tape.gradient(loss, model.trainable_variables)

    taken = step()
    norms: dict[str, float] = {}
    for variable, gradient in zip(model.trainable_variables, taken, strict=True):
        layer = variable.path.split("/")[0]
        norms[layer] = float(np.hypot(norms.get(layer, 0.0), np.linalg.norm(gradient.numpy().astype("float64"))))
    assert {each.name: each.weight_gradient_norm for each in flow.layers} == pytest.approx(norms, rel=0.01)


@pytest.mark.slow
def test_two_hundred_layers() -> None:
    flow = gradient_flow("residual:depth=200,width=8,normalization=none", input=(48, 48), seeds=1)
    assert len(flow.curve) > 190
    assert all(layer.activation_gradient_rms is not None for layer in flow.layers)


def test_batches_are_runs_of_their_own() -> None:
    model = small()
    x, y = normal(8, 16, 16, 3), np.array([[0], [1]] * 4, "float32")
    both = gradient_flow(model, x, y, batches=2, training=False)
    parts = [gradient_flow(model, x[at : at + 4], y[at : at + 4], training=False) for at in (0, 4)]
    assert both.batches == 2 and len(both.losses) == 2
    signals = [part["conv"].activation_gradient_rms or 0 for part in parts]
    assert both["conv"].activation_gradient_rms == pytest.approx(np.mean(signals), rel=1e-6)
    assert both["conv"].activation_gradient_rms_quartiles is not None
    assert gradient_flow(model, batches=3).losses[0] != gradient_flow(model, batches=3).losses[1]


def test_a_saved_model_is_measured_with_its_weights_and_a_reference_by_name(tmp_path: Any) -> None:
    model = trained(small())
    model.save(tmp_path / "net.keras")
    x, y = normal(4, 16, 16, 3), np.ones((4, 1), "float32")
    saved = gradient_flow(str(tmp_path / "net.keras"), x, y)
    assert [layer.to_dict() for layer in saved.layers] == [
        layer.to_dict() for layer in gradient_flow(model, x, y).layers
    ]
    assert gradient_flow("baseline", input=(96, 96), seeds=1).name == "baseline"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"loss": "mean_squared_eror"}, "no loss named 'mean_squared_eror': did you mean mean_squared_error"),
        ({"loss": 3}, "a loss is a name, a function or a Keras loss, got 3"),
        ({"loss": ["mse", "mse"]}, "2 values for loss do not match 1 outputs"),
        ({"loss": {"hed": "mse"}}, "loss for 'hed': no output has that name, did you mean head?"),
        ({"x": [normal(2, 16, 16, 3)] * 2}, "x must be a batch of (16, 16, 3), got (2, 2, 16, 16, 3)"),
        ({"x": {"img": normal(2, 16, 16, 3)}}, "there is nothing for the input"),
        ({"x": normal(2, 16, 16, 3), "batches": 3}, "2 examples cannot be divided into 3 batches"),
        ({"x": normal(0, 16, 16, 3)}, "x holds no examples"),
        ({"batches": 0}, "gradient flow needs at least one batch, got 0"),
    ],
)
def test_wrong_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        gradient_flow(small(), **arguments)
    assert str(caught.value).startswith(message)


def test_a_reference_to_a_live_model_measures_it_as_it_is_at_any_size() -> None:
    model = trained(small())
    assert gradient_flow(load(model)).seeds == ()
    larger, x, y = small(24), normal(4, 24, 24, 3), np.ones((4, 1), "float32")
    larger.set_weights(model.get_weights())
    flow = gradient_flow(load(model), x, y, input=(24, 24))
    assert (flow.seeds, flow.weights, flow.loss) == ((), "the weights as they are", "binary_crossentropy")
    assert flow.layers == gradient_flow(larger, x, y).layers


def deep(layers: int) -> Any:
    import keras

    inputs = x = keras.Input((8, 8, 3))
    for _ in range(layers):
        x = keras.layers.Conv2D(4, 3, padding="same", activation="relu", kernel_initializer="he_normal")(x)
    return keras.Model(inputs, keras.layers.Dense(2)(keras.layers.GlobalAveragePooling2D()(x)))


def test_a_layer_costs_few_operations_of_tensorflow_however_many_there_are() -> None:
    # Each takes about half a millisecond to trace, and with them a network of 1,000 layers half a minute.
    counts: list[int] = []
    for layers in (4, 8, 12):
        found = live(deep(layers))
        probe = probe_of(found, choose(found.graph, "mean_squared_error", found.model), training=True)
        probe.run(synthetic(found.graph, 2, loss=probe.loss))
        (compiled,) = probe._compiled.values()
        counts.append(len(compiled.graph.get_operations()))
    assert counts[2] - counts[1] == counts[1] - counts[0] <= 4 * 36


def test_a_deep_network_is_measured_as_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    from archlab.analysis.measured import _probe

    model, data = deep(3), (normal(4, 8, 8, 3), normal(4, 2))
    plain = gradient_flow(model, *data, loss="mean_squared_error")
    monkeypatch.setattr(_probe, "_DEEP", 1)
    found = gradient_flow(model, *data, loss="mean_squared_error")
    for one, other in zip(plain.layers, found.layers, strict=True):
        assert other.weight_gradient_norm == pytest.approx(one.weight_gradient_norm, rel=1e-5)
        assert other.activation_gradient_rms == pytest.approx(one.activation_gradient_rms, rel=1e-5)
        assert other.weight_norm == pytest.approx(one.weight_norm, rel=1e-6)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="which convolutions TensorFlow has differs between systems")
@pytest.mark.parametrize("measured", ["gradient_flow(model)", "effective_receptive_field(model, layer='conv')"])
def test_channels_first_without_onednn_is_one_line(measured: str) -> None:
    code = f"""
import tensorflow, keras, archlab
x = keras.Input((3, 8, 8))
y = keras.layers.Conv2D(4, 3, data_format="channels_first", name="conv")(x)
model = keras.Model(x, keras.layers.Dense(1)(keras.layers.Flatten()(y)))
try:
    print(archlab.{measured})
except archlab.ArchlabError as error:
    print(error)
"""
    environment = {**os.environ, "TF_ENABLE_ONEDNN_OPTS": "0"}
    made = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert "set TF_ENABLE_ONEDNN_OPTS=1 before TensorFlow is imported" in made.stdout
