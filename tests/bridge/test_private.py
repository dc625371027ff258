"""Keras's private surface: what each function finds, and the line that names what a version lacks."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archlab.bridge import _private, load_keras
from archlab.errors import MissingPartError

ROOT = Path(__file__).resolve().parents[2]
_, keras = load_keras()


@pytest.fixture
def model() -> Any:
    x = keras.Input((8, 8, 3), name="x")
    inner = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3, name="conv")], name="inner")
    y = keras.layers.Dropout(0.5, name="dropout")(inner(x))
    return keras.Model(x, keras.layers.GlobalAveragePooling2D(name="pool")(y))


def test_layers_within_layers_are_found(model: Any) -> None:
    assert {"conv", "inner", "dropout", "pool"} <= {layer.name for layer in _private.all_layers(model)}


def test_calls_of_a_graph_in_order(model: Any) -> None:
    names = [call.operation.name for call in _private.calls(_private.functional(model))]
    assert names == ["x", "inner", "dropout", "pool"]
    assert _private.maker(model.outputs[0]).name == "pool"
    assert _private.latest_call(model.get_layer("pool")).operation is model.get_layer("pool")


def test_functional_graphs_are_told_from_subclassed_models(model: Any) -> None:
    class Own(keras.Model):
        def call(self, x: Any) -> Any:
            return x

    assert _private.functional(model) is model and _private.functional(Own()) is None
    assert _private.functional(keras.Sequential([keras.layers.Dense(3)])) is None, "its input is not known yet"
    assert _private.functional(model.get_layer("inner")).inputs


class Drops(keras.layers.Layer):
    """Its `call` names no mode: the layer within it finds it in the context of the call."""

    def __init__(self) -> None:
        super().__init__()
        self.drop = keras.layers.Dropout(0.5, seed=0)

    def call(self, x: Any) -> Any:
        return self.drop(x)


def test_the_mode_reaches_layers_within_layers_and_leaves_operations_alone() -> None:
    ones = np.ones((1, 64), "float32")
    for layer in (keras.layers.Dropout(0.5), Drops(), keras.Sequential([keras.Input((64,)), Drops()])):
        assert _private.in_mode(layer, False)(ones).numpy().min() == 1
        assert _private.in_mode(layer, True)(ones).numpy().min() == 0
    add = _private.maker(keras.ops.add(keras.Input((3,)), 1.0))
    assert _private.in_mode(add, True)(ones, 1.0).numpy().max() == 2


def test_a_layer_and_all_within_it() -> None:
    outer = Drops()
    assert [type(layer).__name__ for layer in _private.sublayers(outer)] == ["Drops", "Dropout"]
    assert _private.sublayers(keras.ops.add) == ()


def test_own_variables_and_what_they_wait_for() -> None:
    layer = keras.layers.BatchNormalization(gamma_initializer="zeros")
    with _private.forgotten_variables(), keras.StatelessScope(initialize_variables=False):
        layer.build((None, 4))
        own = _private.own_variables(layer)
    assert [variable.name for variable in own] == ["gamma", "beta", "moving_mean", "moving_variance"]
    assert type(_private.waiting_initializer(own[0])).__name__ == "Zeros"
    assert _private.own_variables(Drops()) == []


def test_weights_of_compiled_losses(model: Any) -> None:
    assert _private.loss_weights(model) is None
    model.compile(loss="mse", loss_weights=[0.25])
    assert _private.loss_weights(model) == [0.25]


def test_random_state_is_put_back() -> None:
    with _private.same_random_state():
        keras.random.normal((2,))
    first = keras.random.normal((2,)).numpy().tolist()
    with _private.same_random_state():
        keras.random.normal((2,))
    keras.utils.set_random_seed(0)
    second = keras.random.normal((2,)).numpy().tolist()
    keras.utils.set_random_seed(0)
    with _private.same_random_state():
        keras.random.normal((2,))
    assert keras.random.normal((2,)).numpy().tolist() == second != first


def test_names_begin_anew_and_go_on_afterwards() -> None:
    first = keras.layers.Dense(1).name
    with _private.fresh_names():
        assert keras.layers.Dense(1).name == "dense"
    number = int(first.rpartition("_")[2]) if "_" in first else 0
    assert keras.layers.Dense(1).name == f"dense_{number + 1}"


def test_random_state_of_python_and_numpy_and_a_seed_for_all() -> None:
    def draw() -> list[Any]:
        return [random.random(), np.random.random(), keras.random.normal((2,)).numpy().tolist()]

    keras.utils.set_random_seed(0)
    first = draw()
    keras.utils.set_random_seed(0)
    with _private.same_random_state(5):
        inside = draw()
    assert draw() == first
    with _private.same_random_state(5):
        assert draw() == inside != first


def test_layers_made_inside_do_not_count() -> None:
    before = int(keras.layers.Conv1D(1, 1).name.rpartition("_")[2].replace("conv1d", "0"))
    with _private.same_names():
        keras.layers.Conv1D(1, 1)
    assert keras.layers.Conv1D(1, 1).name == f"conv1d_{before + 1}"


def test_a_class_that_is_registered_nowhere_and_a_lambda_are_made_again() -> None:
    class Unregistered(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            return x

    inner = keras.Sequential([Unregistered(), keras.layers.Lambda(lambda x: x + 1)])
    with _private.remade(inner.layers):
        again = keras.Sequential.from_config(inner.get_config())
    assert [type(layer).__name__ for layer in again.layers] == ["Unregistered", "Lambda"]


def test_classes_that_no_public_module_exports() -> None:
    assert all(issubclass(kind, keras.layers.Layer) for kind in _private.application_layers())
    tensor = keras.KerasTensor((None, 3))
    assert _private.is_of_keras_ops(type(_private.maker(keras.ops.relu(tensor))))
    assert not _private.is_of_keras_ops(keras.layers.ReLU)
    assert _private.is_of_a_library(keras.ops.relu) and not _private.is_of_a_library(lambda x: x)
    layer = keras.layers.MultiHeadAttention(2, 4)
    assert _private.attention_settings(layer)[2] is True


@pytest.mark.parametrize(
    ("ask", "lacking"),
    [
        (lambda: _private.all_layers(object()), "object._flatten_layers"),
        (lambda: _private.latest_call(object()), "object._inbound_nodes"),
        (lambda: list(_private.calls(object())), "object._nodes_by_depth"),
        (lambda: _private.loss_weights(object()), "object._compile_loss"),
        (lambda: _private.attention_settings(object()), "object._output_shape"),
        (lambda: _private.overridable(dict, "_should_use_adamw"), "dict._should_use_adamw"),
    ],
)
def test_what_a_version_lacks_is_named_in_one_line(ask: Any, lacking: str) -> None:
    with pytest.raises(MissingPartError, match=re.escape(f"Keras {keras.__version__} has no {lacking}, which ")):
        ask()


def test_no_guess_where_a_version_does_not_say_how_the_mode_is_handed_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("keras.src.models.functional.operation_fn")
    with pytest.raises(MissingPartError, match="operation_fn, which running layers as in training"):
        _private.in_mode(keras.layers.Dropout(0.5), True)


def test_no_other_module_touches_it() -> None:
    names = (
        r"_flatten_layers|_inbound_nodes|_keras_history|_nodes_by_depth|operation_fn|_compile_loss|"
        r"_user_loss_weights|(model|layer)\._functional|from keras\.src|keras\.src\.(random|backend|saving|ops|models)"
    )
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in (ROOT / "archlab").rglob("*.py")
        if path.name != "_private.py"
        for match in re.finditer(names, path.read_text(encoding="utf-8"))
    ]
    assert found == []
