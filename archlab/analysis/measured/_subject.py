"""What is measured: a model built for the purpose, drawn anew under each seed, or a live one as it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from archlab.algebra import Part
from archlab.analysis.measured._loss import Given, Loss, choose
from archlab.analysis.measured._probe import Probe
from archlab.bridge import Runnable, build, live, load_keras
from archlab.errors import DesignError, UsageError
from archlab.graph import Graph
from archlab.ops import Opaque


@dataclass(frozen=True)
class Subject:
    """A model and the initializations that it is measured under; none where its weights are left as they are."""

    graph: Graph
    loss: Loss
    seeds: tuple[int, ...]
    make: Callable[[], Runnable]

    @cached_property
    def runnable(self) -> Runnable:
        """The model, made when it is first needed: what is wrong with a batch is said before anything is built."""
        return self.make()

    def draws(self, settle: Sequence[Any] | None = None) -> Iterator[tuple[int, list[Any]]]:
        """For every initialization its seed and the values of all variables; the model's own stay as they are.

        With inputs to `settle` on, batch normalization has their statistics, as after training on them: those that it
        begins with, a mean of 0 and a variance of 1, are nobody's.
        """
        probe = Probe(self.runnable, self.loss)
        if not self.seeds:
            yield 0, probe.current()
        for seed in self.seeds:
            values = probe.drawn(seed)
            yield seed, values if settle is None else settled(self.runnable, values, settle)

    def in_float64(self) -> Subject | None:
        """The same with twice the digits, if that can be built: what is too small or too large for float32 is not."""
        try:
            wide = build(self.graph, seed=0, dtype="float64")
        except DesignError:
            return None
        fits = _carry_over(self.runnable, wide)
        return Subject(self.graph, self.loss, self.seeds, lambda: wide) if fits else None


def subject(
    architecture: Any,
    seeds: int | Sequence[int] | None,
    most: int,
    loss: Given = None,
    purpose: str = "a measurement",
) -> Subject:
    """A part, a graph or a live Keras model, ready to be measured; architectures under `most` seeds unless told.

    Raises:
        UsageError: there is no seed, or the loss does not fit.
        DesignError: the architecture does not add up.
    """
    chosen = tuple(range(seeds)) if isinstance(seeds, int) else None if seeds is None else tuple(seeds)
    if chosen == ():
        raise UsageError(f"{purpose} needs at least one seed")
    if isinstance(architecture, Part | Graph):
        graph = architecture.to_graph() if isinstance(architecture, Part) else architecture
        drawn = tuple(range(most)) if chosen is None else chosen
        return Subject(graph, choose(graph, loss), drawn, lambda: build(graph, seed=0, dtype="float32"))
    found = live(architecture)
    used = choose(found.graph, loss, architecture)
    if chosen is None:
        return Subject(found.graph, used, (), lambda: found)
    return Subject(found.graph, used, chosen, lambda: _copy(architecture, found.graph))


def _copy(model: Any, graph: Graph) -> Runnable:
    """A copy of a model whose kernels can be drawn anew; with fresh values of everything else."""
    if not any(isinstance(node.op, Opaque) for node in graph):
        return build(graph, seed=0)
    # A layer without a rule is copied by Keras, which draws with its global generator: that one's state is put back.
    _, keras = load_keras()
    generator = keras.src.random.seed_generator.global_seed_generator()
    state = generator.state.numpy()
    try:
        return live(keras.models.clone_model(model))
    finally:
        generator.state.assign(state)


def _carry_over(old: Runnable, new: Runnable) -> bool:
    """Give a copy the values of the original's weights; False where they do not fit."""
    for ours, theirs in zip(old.layers, new.layers, strict=True):
        mine, copied = list(getattr(ours, "weights", ())), list(getattr(theirs, "weights", ()))
        if [v.shape for v in mine] != [v.shape for v in copied]:
            return False
        for source, target in zip(mine, copied, strict=True):
            target.assign(source.numpy().astype("float64"))
    return True


def settled(runnable: Runnable, values: Sequence[Any], x: Sequence[Any]) -> list[Any]:
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
