"""What is measured: a model built for the purpose, drawn anew under each seed, or a live one as it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

from archlab.analysis._flow import initializations
from archlab.analysis.measured._loss import Given, Loss, choose
from archlab.analysis.measured._probe import Probe
from archlab.bridge import Runnable, build, for_keras, live, load_keras, same_random_state, same_weights, widened
from archlab.bridge.types import Layer, Tensor, Variable
from archlab.errors import DesignError, UsageError
from archlab.graph import Graph
from archlab.sources import Architecture


@dataclass(frozen=True)
class Subject:
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
    original: Subject | None = None
    """What this is the copy in float64 of: both are measured with the same weights."""

    @cached_property
    def runnable(self) -> Runnable:
        """The model, made when it is first needed: what is wrong with a batch is said before anything is built."""
        # Keras draws the seeds of what it makes from Python's generator, which is the caller's.
        with same_random_state():
            return self.make()

    @cached_property
    def _probe(self) -> Probe:
        return Probe(self.runnable, self.loss)

    @property
    def weights(self) -> str:
        """Which weights are measured, in words."""
        text = initializations(len(self.seeds))
        kept = (self.original or self)._probe.not_drawn if self.seeds else ()
        if not kept:
            return text
        more = f" and {len(kept) - 3} more" if len(kept) > 3 else ""
        return f"{text} ({', '.join(kept[:3])}{more} as they are, their initializers are not known)"

    def draws(self, settle: Sequence[object] | None = None) -> Iterator[tuple[int, list[object]]]:
        """For every initialization its seed and the values of all variables; the model's own stay as they are.

        With inputs to `settle` on, batch normalization has their statistics, as after training on them: those that it
        begins with, a mean of 0 and a variance of 1, are nobody's.
        """
        if not self.seeds:
            yield 0, self._probe.current()
        for seed in self.seeds:
            values = (self.original or self)._probe.drawn(seed)
            if self.original is not None:
                values = [_like(value, own) for value, own in zip(values, self.runnable.variables, strict=True)]
            yield seed, values if settle is None else settled(self.runnable, values, settle)

    def in_float64(self) -> Subject | None:
        """The same with twice the digits, if that can be built: what is too small or too large for float32 is not."""
        wide = self.widen(self.runnable)
        return wide and replace(self, make=lambda: wide, original=self)


def subject(
    architecture: Architecture,
    seeds: int | Sequence[int] | None,
    most: int,
    loss: Given = None,
    purpose: str = "a measurement",
) -> Subject:
    """An architecture ready to be measured: its live Keras model as it is, or one built under `most` seeds by default.

    Raises:
        UsageError: there is no seed, or the loss does not fit.
        DesignError: the architecture does not add up.
    """
    load_keras()  # says at once where Keras runs on a backend that nothing is measured on
    chosen = tuple(range(seeds)) if isinstance(seeds, int) else None if seeds is None else tuple(seeds)
    if chosen == ():
        raise UsageError(f"{purpose} needs at least one seed")
    # Asked for once: a saved model is read each time.
    model, name = architecture.model, architecture.name
    if architecture.module is not None:
        raise UsageError(
            f"{name} is a PyTorch module, which {purpose} does not run: measure the same architecture in Keras, "
            "archlab.to_keras(…), or predict its gradients, archlab.predict_gradient_flow(…)"
        )
    if model is None:
        graph = for_keras(architecture.graph)
        seeds = tuple(range(most)) if chosen is None else chosen

        def made(dtype: str) -> Runnable:
            return build(graph, seed=0, dtype=dtype)

        return Subject(graph, choose(graph, loss), seeds, lambda: made("float32"), partial(_rebuilt, made), name)
    found = live(model)
    return Subject(
        found.graph,
        choose(found.graph, loss, model),
        chosen or (),
        lambda: found,
        widened,
        name,
        found.layers,
        found.channels_first,
    )


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


def untold(word: str) -> None:
    """The progress of what nobody asked to hear of."""


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
