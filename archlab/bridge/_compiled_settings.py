"""What a live model is compiled with, as plain data."""

from __future__ import annotations

from contextlib import suppress

from archlab.bridge.types import Model
from archlab.losses import CompileSettings, compile_settings


def live_settings(model: Model) -> CompileSettings | None:
    """The loss, the metrics, the optimizer and its learning rate of a model; None of one that is not compiled.

    >>> import keras
    >>> x = keras.Input((4,))
    >>> model = keras.Model(x, keras.layers.Dense(1)(x))
    >>> model.compile(keras.optimizers.SGD(0.5), "mse")
    >>> live_settings(model).learning_rate
    0.5
    """
    if not getattr(model, "compiled", False):
        return None
    try:
        config = dict(model.get_compile_config() or {})
    except Exception:  # a loss of somebody's own may refuse to be written down
        return None
    optimizer = getattr(model, "optimizer", None)
    if optimizer is not None and isinstance(config.get("optimizer"), dict):
        with suppress(Exception):  # an optimizer of somebody's own
            # The rate as it stands: it may have been set after compiling.
            config["optimizer"] = {"class_name": type(optimizer).__name__, "config": optimizer.get_config()}
    return compile_settings(config, tuple(getattr(model, "output_names", None) or ()))
