"""Live Keras models, weights and all."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from archlab.sources._architecture import Architecture


def taken(value: Any, name: str, reference: str, input: Sequence[int | None] | None) -> Architecture | None:
    """A Keras model as an architecture; None for anything else.

    `input` is what a subclassed model takes that has not been built: nothing else says it.
    """
    # Whoever holds a Keras model has loaded Keras.
    keras = sys.modules.get("keras")
    if keras is None or not isinstance(value, keras.Model):
        return None
    from archlab.bridge import compiled_loss, from_keras, live_settings, unusual_starts

    graph = from_keras(value, input if input is not None and not value.built else None)
    return Architecture(
        name or value.name,
        reference,
        None,
        _graph=graph,
        _live=lambda: value,
        compiled_loss=compiled_loss(value),
        settings=live_settings(value),
        unusual_starts=unusual_starts(value),
    )
