"""Keras models that are measured, built for the purpose or live; see `Subject`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from archlab.analysis._flow import weights_in_words
from archlab.analysis.measured._batch import prepare
from archlab.analysis.measured._input_gradient import InputGradient
from archlab.analysis.measured._loss import Given, Loss, choose
from archlab.analysis.measured._probe import Probe, probe_of
from archlab.bridge import Runnable, build, for_keras, live, load_keras, same_random_state, same_weights, widened
from archlab.bridge.types import Layer, Tensor, Variable
from archlab.errors import DesignError, UsageError
from archlab.graph import Graph
from archlab.probes import Batch
from archlab.sources import Architecture


@dataclass(frozen=True)
class KerasSubject:
    """A model and the initializations that it is measured under; none where its weights are left as they are."""

    graph: Graph
    loss: Loss
    seeds: tuple[int, ...]
    make: Callable[[], Runnable]
    widen: Callable[[Runnable], Runnable | None]
    """The copy in float64 of what was made."""
    name: str = ""
    layers: tuple[Layer, ...] = ()
    channels_first: bool = False
    """Those of a live model, one a node."""
    training: bool = True
    """Whether layers act as in training."""
    original: KerasSubject | None = None
    """What this is the copy in float64 of: both are measured with the same weights."""

    @cached_property
    def runnable(self) -> Runnable:
        """The model, made when it is first needed: what is wrong with a batch is said before anything is built."""
        # Keras draws the seeds of what it makes from Python's generator, which is the caller's.
        with same_random_state():
            return self.make()

    @property
    def probe(self) -> Probe:
        """What measures it: every layer with weights, and what each block puts out."""
        return self._probe

    @cached_property
    def _probe(self) -> Probe:
        return probe_of(self.runnable, self.loss, self.training)

    def batches(self, x: object, y: object, data: str | Path | None, size: int, count: int = 1) -> list[Batch]:
        """The batches that were given or asked for."""
        return prepare(self.graph, x, y, data, size, count, self.loss, self.layers, self.channels_first)

    def unit_gradient(self, position: int, unit: Sequence[int]) -> KerasUnitGradient:
        """The gradient of a unit with respect to the input."""
        return KerasUnitGradient(self.runnable, self.training, position, unit)

    @property
    def weights(self) -> str:
        """Which weights are measured, in words."""
        kept = (self.original or self).probe.not_drawn if self.seeds else ()
        return weights_in_words(len(self.seeds), kept)

    def draws(self, settle: Sequence[object] | None = None) -> Iterator[tuple[int, list[object]]]:
        """For every initialization its seed and the values of all variables; the model's own stay as they are.

        With inputs to `settle` on, batch normalization has their statistics, as after training on them: those that it
        begins with, a mean of 0 and a variance of 1, are nobody's.
        """
        if not self.seeds:
            yield 0, self.probe.current()
        for seed in self.seeds:
            values = (self.original or self).probe.drawn(seed)
            if self.original is not None:
                values = [_like(value, own) for value, own in zip(values, self.runnable.variables, strict=True)]
            yield seed, values if settle is None else settled(self.runnable, values, settle)

    def in_float64(self) -> KerasSubject | None:
        """The same with twice the digits, if that can be built: what is too small or too large for float32 is not."""
        wide = self.widen(self.runnable)
        return wide and replace(self, make=lambda: wide, original=self)


class KerasUnitGradient:
    """The gradient of the channels of one unit, added with signs, with respect to the first image that comes in.

    Raises:
        UsageError: the image holds whole numbers.
    """

    def __init__(self, runnable: Runnable, training: bool, position: int, unit: Sequence[int]) -> None:
        self._position, self._unit = position, tuple(unit)
        self._gradient = InputGradient(runnable, training, self._target)
        graph = runnable.graph
        images = [number for number, at in enumerate(graph.inputs) if len(graph.nodes[at].shape) > 1]
        if not images or images[0] not in self._gradient.watched:
            raise UsageError("no gradient is taken with respect to an input of whole numbers")
        self.image = images[0]
        self.precision = str(runnable.model.inputs[self.image].dtype)

    def _target(self, nodes: list[Tensor], extra: list[Tensor]) -> Tensor:
        """The central unit of every sample, its channels added with the signs."""
        tf, _ = load_keras()
        value = nodes[self._position]
        return tf.reduce_sum(value[(slice(None), *self._unit)] * tf.cast(extra[0], value.dtype))

    def __call__(self, batch: Batch, values: Any, signs: np.ndarray) -> np.ndarray:
        """The gradient, of the input's shape; `signs` are (samples, channels)."""
        return self._gradient(batch.x, values, [signs])[self._gradient.watched.index(self.image)]


def keras_subject(
    architecture: Architecture,
    seeds: int | Sequence[int] | None,
    most: int,
    loss: Given = None,
    purpose: str = "a measurement",
    training: bool = True,
) -> KerasSubject:
    """An architecture ready to be measured: its live Keras model as it is, or one built under `most` seeds by default.

    Raises:
        UsageError: there is no seed, or the loss does not fit, or it is a PyTorch module.
        DesignError: the architecture does not add up.
    """
    load_keras()  # says at once where Keras runs on a backend that nothing is measured on
    chosen = chosen_seeds(seeds, purpose)
    # Asked for once: a saved model is read each time.
    model, name = architecture.model, architecture.name
    if architecture.module is not None:
        raise UsageError(
            f"{name} is a PyTorch module, which {purpose} does not run: measure the same architecture in Keras, "
            "archlab.to_keras(…)"
        )
    if model is None:
        graph = for_keras(architecture.graph)
        seeds = tuple(range(most)) if chosen is None else chosen

        def made(dtype: str) -> Runnable:
            return build(graph, seed=0, dtype=dtype)

        rebuilt = partial(_rebuilt, made)
        found = choose(graph, loss)
        return KerasSubject(graph, found, seeds, lambda: made("float32"), rebuilt, name, training=training)
    live_model = live(model)
    return KerasSubject(
        live_model.graph,
        choose(live_model.graph, loss, model),
        chosen or (),
        lambda: live_model,
        widened,
        name,
        live_model.layers,
        live_model.channels_first,
        training,
    )


def chosen_seeds(seeds: int | Sequence[int] | None, purpose: str) -> tuple[int, ...] | None:
    """The seeds that were asked for; None where none were.

    Raises:
        UsageError: there is none among them.
    """
    chosen = tuple(range(seeds)) if isinstance(seeds, int) else None if seeds is None else tuple(seeds)
    if chosen == ():
        raise UsageError(f"{purpose} needs at least one seed")
    return chosen


def _rebuilt(make: Callable[[str], Runnable], narrow: Runnable) -> Runnable | None:
    """An architecture built once more, in float64; its layers are made by the same rules, so that everything fits."""
    try:
        wide = make("float64")
    except DesignError:
        return None
    return wide if same_weights(narrow, wide) else None


def _like(value: Tensor, variable: Variable) -> Tensor:
    tf, _ = load_keras()
    return tf.cast(value, variable.dtype)


def settled(runnable: Runnable, values: Sequence[object], x: Sequence[object]) -> list[object]:
    """The same values of the variables, but with the statistics of batch normalization that a batch has."""
    _, keras = load_keras()
    uses: Counter[int] = Counter()
    layers: dict[int, Any] = {}
    for layer in runnable.layers:
        # One that is frozen keeps its own.
        if isinstance(layer, keras.layers.BatchNormalization) and layer.trainable and layer.momentum < 1:
            uses[id(layer)] += 1
            layers[id(layer)] = layer
    if not layers:
        return list(values)
    place = {id(variable): number for number, variable in enumerate(runnable.variables)}
    found = list(values)
    statistics = [(layer, v) for layer in layers.values() for v in (layer.moving_mean, layer.moving_variance)]
    for _, variable in statistics:
        found[place[id(variable)]] = keras.ops.zeros_like(variable.value)
    with runnable.holding(found) as scope:
        runnable.run(x, True)
    for layer, variable in statistics:
        # From 0 it has come this share of the way to what the batch has.
        way = 1 - layer.momentum ** uses[id(layer)]
        found[place[id(variable)]] = scope.get_current_value(variable) / way
    return found
