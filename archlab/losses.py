"""What a model is compiled with, as plain data: its loss, its metrics, its optimizer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeVar, cast

T = TypeVar("T")


class CompiledLoss(NamedTuple):
    """A loss, described."""

    name: str
    """What it is called where it is shown."""
    kind: str
    """The function of `keras.losses` that it is the mean of, or whatever name it has: says which labels it takes."""
    from_logits: bool = False
    plain: bool = True
    """Whether it is a function of Keras's with every other argument at its default."""


ALIASES: Mapping[str, str] = {
    "bce": "binary_crossentropy",
    "mse": "mean_squared_error",
    "mae": "mean_absolute_error",
    "mape": "mean_absolute_percentage_error",
    "msle": "mean_squared_logarithmic_error",
    "kld": "kl_divergence",
    "kullback_leibler_divergence": "kl_divergence",
    "logcosh": "log_cosh",
}
"""Other names that Keras takes for its losses."""

SIGMOID_LOSSES = frozenset({"binary_crossentropy", "binary_focal_crossentropy"})
"""Losses of one probability a unit."""
SOFTMAX_LOSSES = frozenset({
    "categorical_crossentropy", "sparse_categorical_crossentropy", "categorical_focal_crossentropy", "kl_divergence",
})  # fmt: skip
"""Losses of one distribution over all units."""
REGRESSION_LOSSES = frozenset({
    "mean_squared_error", "mean_absolute_error", "mean_absolute_percentage_error", "mean_squared_logarithmic_error",
    "huber", "log_cosh",
})  # fmt: skip
"""Losses of a distance to real numbers."""
_OVERLAP = re.compile(r"dice|tversky|jaccard|iou")


def takes_overlap(kind: str) -> bool:
    """Whether a loss measures the overlap of two areas, each given by probabilities: by the name it goes by.

    >>> takes_overlap("soft_dice"), takes_overlap("mean_squared_error")
    (True, False)
    """
    return _OVERLAP.search(kind) is not None


@dataclass(frozen=True)
class CompileSettings:
    """What a model is compiled with; what is not known is empty or None.

    Attributes:
        losses: a loss for each output; one that is given once holds for all.
        metrics: names of the metrics, for each output where they are given so.
        optimizer: the name of its class, such as 'SGD'.
        learning_rate: at the first step.
    """

    losses: tuple[CompiledLoss | None, ...] = ()
    metrics: tuple[tuple[str, ...], ...] = ()
    optimizer: str = ""
    learning_rate: float | None = None

    def loss_of(self, output: int) -> CompiledLoss | None:
        """The loss of an output."""
        return _nth(self.losses, output)

    def metrics_of(self, output: int) -> tuple[str, ...]:
        """The metrics of an output."""
        return _nth(self.metrics, output) or ()


def _nth(values: tuple[T, ...], output: int) -> T | None:
    if len(values) == 1:
        return values[0]
    return values[output] if output < len(values) else None


def named_loss(name: str) -> CompiledLoss:
    """A loss by a name that Keras takes.

    >>> named_loss("mse").kind, named_loss("CategoricalCrossentropy").kind
    ('mean_squared_error', 'categorical_crossentropy')
    """
    kind = snake(name)
    return CompiledLoss(name, ALIASES.get(kind, kind))


def snake(name: str) -> str:
    """The name of a class as that of a function.

    >>> snake("MeanSquaredError"), snake("mse"), snake("KLDivergence"), snake("AUC")
    ('mean_squared_error', 'mse', 'kl_divergence', 'auc')
    """
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def compile_settings(config: object, outputs: tuple[str, ...] = ()) -> CompileSettings | None:
    """What a model was compiled with, read from what Keras wrote down (`get_compile_config`, or a `.keras` file).

    Args:
        config: plain data; whatever else is in it is passed over.
        outputs: the names of the outputs, by which a mapping is put in order.

    >>> compile_settings({"loss": "mse", "metrics": ["accuracy"], "optimizer": "adam"})
    CompileSettings(losses=(CompiledLoss(name='mse', kind='mean_squared_error', from_logits=False, plain=True),),
    metrics=(('accuracy',),), optimizer='Adam', learning_rate=0.001)
    """
    if not isinstance(config, Mapping):
        return None
    data = cast("Mapping[str, object]", config)
    losses = tuple([_loss(each) for each in _in_order(data.get("loss"), outputs)])
    optimizer, rate = _optimizer(data.get("optimizer"))
    return CompileSettings(losses, _metrics(data.get("metrics"), outputs), optimizer, rate)


def _is_object(value: object) -> bool:
    return isinstance(value, Mapping) and "class_name" in value


def _in_order(value: object, outputs: tuple[str, ...]) -> list[object]:
    """One value, or one for each output."""
    if value is None:
        return []
    if isinstance(value, Mapping) and not _is_object(value):
        table = cast("Mapping[str, object]", value)
        return [table.get(name) for name in outputs] if set(table) & set(outputs) else list(table.values())
    return list(value) if isinstance(value, list | tuple) else [value]


def _loss(value: object) -> CompiledLoss | None:
    if isinstance(value, str):
        return named_loss(value)
    if not isinstance(value, Mapping):
        return None
    name = value.get("class_name")
    inner = value.get("config")
    if name == "function":
        return CompiledLoss(str(inner), str(inner), plain=False)
    if not isinstance(name, str):
        return None
    own = isinstance(inner, Mapping) and bool(inner.get("from_logits"))
    shown = str(inner.get("name")) if isinstance(inner, Mapping) and inner.get("name") else snake(name)
    return named_loss(name)._replace(name=shown, from_logits=own)


def _metrics(value: object, outputs: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    listed = _in_order(value, outputs)
    if any(isinstance(each, list | tuple) for each in listed) or (isinstance(value, Mapping) and not _is_object(value)):
        return tuple([tuple(map(_metric, each if isinstance(each, list | tuple) else [each])) for each in listed])
    return (tuple(map(_metric, listed)),) if listed else ()


def _metric(value: object) -> str:
    if isinstance(value, Mapping):
        return (
            str(value.get("config")) if value.get("class_name") == "function" else snake(str(value.get("class_name")))
        )
    return str(value)


_RATES: Mapping[str, float] = {
    "sgd": 0.01, "rmsprop": 0.001, "adam": 0.001, "adamw": 0.001, "adadelta": 0.001, "adagrad": 0.001,
    "adamax": 0.001, "nadam": 0.001, "ftrl": 0.001, "lion": 0.001, "lamb": 0.001,
}  # fmt: skip
"""The learning rates that Keras begins with unless told."""
_WRITTEN = {"sgd": "SGD", "rmsprop": "RMSprop", "adam": "Adam", "adamw": "AdamW", "adamax": "Adamax", "nadam": "Nadam"}
_FIRST_RATES = ("initial_learning_rate", "learning_rate", "values")
"""What schedules call the rate that they begin with."""


def _optimizer(value: object) -> tuple[str, float | None]:
    if isinstance(value, str):
        return _WRITTEN.get(value.lower(), value), _RATES.get(value.lower())
    if not isinstance(value, Mapping):
        return "", None
    config = value.get("config")
    rate = config.get("learning_rate") if isinstance(config, Mapping) else None
    if isinstance(rate, Mapping):
        schedule = rate.get("config")
        schedule = schedule if isinstance(schedule, Mapping) else {}
        rate = next((schedule[key] for key in _FIRST_RATES if key in schedule), None)
        rate = rate[0] if isinstance(rate, list | tuple) and rate else rate
    return str(value.get("class_name", "")), float(f"{rate:.6g}") if isinstance(rate, int | float) else None
