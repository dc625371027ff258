from __future__ import annotations

import warnings
from typing import Any

from archlab.bridge._from_keras import from_keras
from archlab.bridge._runtime import load_keras
from archlab.graph import Graph


def from_config(config: dict[str, Any], code: bool = False) -> Graph:
    """The graph of a Keras model that is written down as plain data; no weight is made and nothing is computed.

    Keras puts the model together as it always does, in two scopes: one in which its variables wait for their values,
    and a TensorFlow graph, in which whatever a layer computes while it is built is written down and not run. A layer
    of a trillion units costs no more than one of ten.

    Args:
        config: what Keras wrote; it is changed. Whoever calls has made sure that it can be trusted so far.
        code: whether functions that are stored as code are made. Otherwise Keras's safe mode refuses them.
    """
    tf, keras = load_keras()
    from keras.src.backend.common import global_state
    from keras.src.saving.serialization_lib import ObjectSharingScope

    waiting = list(global_state.get_global_attribute("uninitialized_variables") or ())
    try:
        with (
            warnings.catch_warnings(),
            tf.Graph().as_default(),
            keras.StatelessScope(initialize_variables=False),
            ObjectSharingScope(),
        ):
            # What Keras remarks on is how the file was written.
            warnings.simplefilter("ignore")
            return from_keras(keras.saving.deserialize_keras_object(config, safe_mode=not code))
    finally:
        # Otherwise the next model that Keras builds would give these variables their values too.
        global_state.set_global_attribute("uninitialized_variables", waiting)
