"""What a model's biases, scales and shifts begin with."""

from __future__ import annotations

from archlab.bridge._private import all_layers
from archlab.bridge._rules import initializer_name
from archlab.bridge.types import Model
from archlab.signals import start

_USUAL = {
    "bias": ("use_bias", "Zeros", "0"),
    "beta": ("center", "Zeros", "0"),
    "gamma": ("scale", "Ones", "1"),
}
"""By the variable: the layer's switch for it, and the initializer that it has by default, with its value."""


def unusual_starts(model: Model) -> tuple[str, ...]:
    """Variables that begin with other values than a prediction assumes, in sentences.

    >>> import keras
    >>> x = keras.Input((4,))
    >>> unusual_starts(keras.Model(x, keras.layers.Dense(2, bias_initializer="ones", name="head")(x)))
    ('head: its bias begins with Ones, where 0 is assumed',)
    """
    found: list[str] = []
    for layer in all_layers(model):
        for variable, (switch, usual, value) in _USUAL.items():
            initializer = getattr(layer, f"{variable}_initializer", None)
            if initializer is None or not getattr(layer, switch, True) or type(initializer).__name__ == usual:
                continue
            if variable != "bias" and start(initializer_name(initializer)) is not None:
                continue  # a prediction begins with it
            name = getattr(initializer, "__name__", type(initializer).__name__)
            found.append(f"{layer.name}: its {variable} begins with {name}, where {value} is assumed")
    return tuple(found)
