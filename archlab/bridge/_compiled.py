"""The loss that a model is compiled with, as far as a prediction needs to know it."""

from __future__ import annotations

from archlab.bridge._runtime import load_any_keras
from archlab.bridge.types import Keras, LossFunction, Model
from archlab.losses import CompiledLoss


def compiled_loss(model: Model) -> CompiledLoss | None:
    """The loss that a model of one output is compiled with; None where there is none, or one for each of several."""
    keras = load_any_keras()
    loss = getattr(model, "loss", None)
    if isinstance(loss, list | tuple | dict):
        each = list(loss.values()) if isinstance(loss, dict) else list(loss)
        loss = each[0] if len(each) == 1 else None
    return None if loss is None else described_loss(keras, loss)


def described_loss(keras: Keras, loss: LossFunction) -> CompiledLoss:
    """A loss as `compile` takes it: a name, a function, or an instance of a class.

    >>> import keras
    >>> described_loss(keras, keras.losses.BinaryCrossentropy(from_logits=True, name="bce"))
    CompiledLoss(name='bce', kind='binary_crossentropy', from_logits=True, plain=True)
    >>> described_loss(keras, "mse")
    CompiledLoss(name='mse', kind='mean_squared_error', from_logits=False, plain=True)
    """
    if isinstance(loss, str):
        return described_loss(keras, keras.losses.get(loss))._replace(name=loss)
    kind = getattr(loss, "__name__", None)
    if kind is not None:
        return CompiledLoss(kind, kind, plain=getattr(keras.losses, kind, None) is loss)
    name = str(getattr(loss, "name", None) or "custom")
    if getattr(keras.losses, type(loss).__name__, None) is not type(loss):
        return CompiledLoss(name, name, plain=False)
    kind = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in type(loss).__name__).strip("_")
    config = loss.get_config()
    # None of these changes the mean of a loss over a batch.
    usual = {"name": None, "reduction": None, "from_logits": None, "dtype": None, "axis": -1, "ignore_class": None}
    usual |= {"label_smoothing": 0.0}
    plain = all(key in usual and usual[key] in (None, value) for key, value in config.items())
    plain = plain and config.get("ignore_class") is None and config.get("reduction") != "sum"
    return CompiledLoss(name, kind, bool(config.get("from_logits")), plain)
