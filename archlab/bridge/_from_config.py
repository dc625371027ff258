from __future__ import annotations

import warnings
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from archlab.bridge._from_keras import from_keras
from archlab.bridge._private import deep_graphs, forgotten_variables
from archlab.bridge._runtime import load_any_keras, load_keras
from archlab.bridge.types import Keras
from archlab.graph import Graph


def from_config(config: dict[str, object], code: bool = False) -> Graph:
    """The graph of a Keras model that is written down as plain data; no weight is made and nothing is computed.

    Keras puts the model together as it always does, in two scopes: one in which its variables wait for their values,
    and a TensorFlow graph, in which whatever a layer computes while it is built is written down and not run. A layer
    of a trillion units costs no more than one of ten.

    Args:
        config: what Keras wrote; it is changed. Whoever calls has made sure that it can be trusted so far.
        code: whether functions that are stored as code are made. Otherwise Keras's safe mode refuses them.
    """
    keras = load_any_keras()
    with (
        # Otherwise the next model that Keras builds would give these variables their values too.
        forgotten_variables(),
        warnings.catch_warnings(),
        _nothing_runs(keras),
        deep_graphs(),
        keras.StatelessScope(initialize_variables=False),
    ):
        # What Keras warns of is how the file was written.
        warnings.simplefilter("ignore")
        return from_keras(keras.saving.deserialize_keras_object(config, safe_mode=not code))


def _nothing_runs(keras: Keras) -> AbstractContextManager[Any]:
    """A TensorFlow graph; other backends have no such thing, and compute the little that building asks for."""
    return load_keras()[0].Graph().as_default() if keras.backend.backend() == "tensorflow" else nullcontext()
