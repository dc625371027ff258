"""Saved Keras models read from their description alone: the same graphs as of the models themselves."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from archlab import analyze, load
from archlab.bridge import from_keras
from archlab.errors import SourceError
from tests import hostile
from tests.keras_models import model_of, recipes

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Keras's own use of NumPy


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("saved")


# Each builds a Keras model twice and writes it to a file: what the time allows.
@settings(max_examples=min(settings().max_examples, 60))
@given(recipes)
def test_a_saved_model_has_the_graph_of_the_model(folder: Path, recipe: list[int]) -> None:
    model = model_of(recipe)
    model.save(folder / "net.keras")
    found = load(str(folder / "net.keras")).graph
    assert found.nodes == from_keras(model).nodes
    assert analyze(found).unknown == ()


def every_kind(keras: Any) -> Any:
    layers = keras.layers
    shared = layers.Dense(8, name="shared")
    norm = layers.Normalization(name="norm")
    norm.adapt(np.random.default_rng(0).standard_normal((4, 6, 8)))
    inner = keras.Sequential([keras.Input((6, 8)), layers.Dense(8), layers.ReLU()], name="inner")
    x = keras.Input((6, 8), name="x")
    y = shared(layers.Dropout(0.1)(shared(norm(x))))
    y = inner(inner(y))
    y = layers.Bidirectional(layers.LSTM(3, return_sequences=True), name="both")(y)
    y = layers.MultiHeadAttention(2, 4, name="heads")(y, y) + keras.ops.sigmoid(y) * 2.0
    y, state = layers.GRU(5, return_state=True, name="gru")(y)
    return keras.Model(x, [layers.Concatenate()([y, state]), layers.TimeDistributed(layers.Dense(2), name="each")(x)])


def test_layers_that_are_shared_nested_wrapped_and_adapted(tmp_path: Path) -> None:
    import keras

    model = every_kind(keras)
    model.compile("adam", "mse")
    model.save(tmp_path / "net.keras")
    found = load(str(tmp_path / "net.keras")).graph
    assert found.nodes == from_keras(model).nodes
    assert analyze(found).params.total == model.count_params()


def test_reading_makes_no_variables_and_leaves_none_waiting(tmp_path: Path) -> None:
    import keras
    from keras.src.backend.common import global_state

    x = keras.Input((8,))
    keras.Model(x, keras.layers.Dense(4)(x)).save(tmp_path / "net.keras")
    load(str(tmp_path / "net.keras"))
    assert not global_state.get_global_attribute("uninitialized_variables")
    # A model built next has its values at once.
    assert keras.Model(x, keras.layers.Dense(4)(x)).get_weights()[0].shape == (8, 4)


def test_a_layer_of_ones_own_is_taken_once_it_is_registered(tmp_path: Path) -> None:
    import keras

    class Twice(keras.layers.Layer):
        def build(self, shape: Any) -> None:
            self.factor = self.add_weight(shape=(shape[-1],), name="factor")

        def call(self, x: Any) -> Any:
            return x * self.factor

    x = keras.Input((8,), name="x")
    keras.Model(x, Twice(name="mine")(x)).save(tmp_path / "net.keras")
    with pytest.raises(SourceError, match=r"net\.keras: the layer 'mine' is of '.*Twice', which is not Keras's own"):
        load(str(tmp_path / "net.keras"))
    with keras.saving.custom_object_scope({"Twice": Twice}):
        found = analyze(str(tmp_path / "net.keras"))
    assert found.unknown == () and found.params.total == 8
    assert [node.name for node in found.graph] == ["x", "mine/multiply"]


def test_a_description_of_several_megabytes(tmp_path: Path) -> None:
    path = tmp_path / "net.keras"
    hostile.saved(hostile.model(hostile.photo(), {**hostile.layer("Flatten", "flat", "photo"), "x": "y" * 3 * 2**20}))(
        path
    )
    assert analyze(str(path)).params.total == 0
    with zipfile.ZipFile(path, "w") as archive:  # stored, as Keras does it
        archive.writestr("config.json", json.dumps(hostile.model(hostile.photo())) + " " * 3 * 2**20)
    assert len(load(str(path)).graph) == 1
