"""A PyTorch module that is measured; see `Subject`. The framework itself stays behind `archlab.torch_bridge`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np

from archlab.analysis._flow import weights_in_words
from archlab.analysis.measured._batch import prepare
from archlab.analysis.measured._blocks import block_ends
from archlab.analysis.measured._loss import Given, spread
from archlab.analysis.static import head_loss
from archlab.errors import UsageError
from archlab.graph import Graph
from archlab.probes import Batch
from archlab.sources import Architecture

if TYPE_CHECKING:
    from archlab.torch_bridge import ModuleLoss, ModuleProbe, ModuleValues, RunnableModule, UnitGradient


Array: TypeAlias = "np.ndarray[Any, Any]"


@dataclass(frozen=True)
class ModuleSubject:
    """A module and the initializations that it is measured under; none where its weights are left as they are."""

    runnable: RunnableModule
    loss: ModuleLoss
    seeds: tuple[int, ...]
    make: Callable[[], Any] | None
    name: str
    wide: bool = False
    """Whether it is measured in float64."""

    @property
    def graph(self) -> Graph:
        """The module's graph, in the mode that it is measured in."""
        return self.runnable.graph

    @property
    def training(self) -> bool:
        """Whether layers act as in training."""
        return self.runnable.training

    def batches(self, x: object, y: object, data: str | Path | None, size: int, count: int = 1) -> list[Batch]:
        """The batches that were given, with the channels first as PyTorch has them, or asked for."""
        from archlab.torch_bridge import arrays

        graph = self.graph
        x = _each(arrays(x), lambda number, array: self._with_channels_last(array, graph.inputs[number:], True))
        y = _each(arrays(y), lambda number, array: self._with_channels_last(array, graph.outputs[number:], False))
        return prepare(graph, x, y, data, size, count, self.loss)

    def _with_channels_last(self, array: Array, positions: Sequence[int], exact: bool) -> Array:
        if positions and self.runnable.channels_first(position := positions[0]):
            shape = self.graph.nodes[position].shape
            if array.ndim == len(shape) + 1:
                if exact and array.shape[1] != shape[-1]:
                    wanted = (shape[-1], *shape[:-1])
                    raise UsageError(f"x must be a batch of {wanted}, channels first, got {tuple(array.shape)}")
                return np.moveaxis(array, 1, -1)
        return array

    @property
    def probe(self) -> ModuleProbe:
        """What measures it."""
        return self._probe

    @cached_property
    def _probe(self) -> ModuleProbe:
        from archlab.torch_bridge import ModuleProbe

        return ModuleProbe(self.runnable, self.loss, block_ends(self.graph), "float64" if self.wide else "")

    @property
    def weights(self) -> str:
        """Which weights are measured, in words."""
        from archlab.torch_bridge import not_drawn

        return weights_in_words(len(self.seeds), not_drawn(self.runnable.module, self.make) if self.seeds else ())

    def draws(self, settle: Sequence[object] | None = None) -> Iterator[tuple[int, ModuleValues]]:
        """For every initialization its seed and the values; with inputs to `settle` on, their statistics."""
        from archlab.torch_bridge import drawn, in_float64, settled, values_of

        module = self.runnable.module
        for seed in self.seeds or (None,):
            values = values_of(module) if seed is None else drawn(module, seed, self.make, self.name)
            if self.wide:
                values = in_float64(values)
            # What a module has learned it keeps.
            yield seed or 0, values if settle is None or seed is None else settled(self.runnable, values, settle)

    def in_float64(self) -> ModuleSubject | None:
        """The same with twice the digits, if its code can compute with them."""
        return None if self.runnable.fails_in_float64() else replace(self, wide=True)

    def unit_gradient(self, position: int, unit: Sequence[int]) -> UnitGradient:
        """The gradient of a unit with respect to the input."""
        from archlab.torch_bridge import UnitGradient

        return UnitGradient(self.runnable, position, unit)


def module_subject(
    architecture: Architecture,
    seeds: tuple[int, ...] | None,
    most: int,
    loss: Given,
    labels: object,
    training: bool,
) -> ModuleSubject:
    """A PyTorch module ready to be measured: as it is, or, where it has no weights, made under `most` seeds.

    Raises:
        UsageError: the loss does not fit, or the module has no memory and nothing makes it.
    """
    from archlab.torch_bridge import RunnableModule, arrays, made, module_loss, without_memory

    module, name = architecture.module, architecture.name
    chosen = seeds
    if architecture.make is not None and without_memory(module):
        chosen = tuple(range(most)) if seeds is None else seeds
        module = made(architecture.make, chosen[0])
    runnable = RunnableModule(module, architecture.takes, training, name)
    graph = runnable.graph
    outputs = tuple((graph.nodes[position].name,) for position in graph.outputs)
    given = spread(loss, outputs, "loss")
    ranks = [len(runnable.roles(position)) for position in graph.outputs]
    each = _listed(arrays(labels), outputs)
    heads = [head_loss(graph, number) for number in range(len(graph.outputs))]
    inputs = tuple((graph.nodes[position].name,) for position in graph.inputs)
    found = module_loss(given, heads, ranks, each, outputs, inputs)
    return ModuleSubject(runnable, found, chosen or (), architecture.make, name)


def _listed(labels: object, outputs: Sequence[tuple[str, ...]]) -> list[Array | None]:
    """Labels by output, as far as they are given as arrays; whether they fit is said later."""
    if isinstance(labels, Mapping):
        named = cast("Mapping[str, Any]", labels)
        each: list[Any] = [named.get(names[0]) for names in outputs]
    elif isinstance(labels, list | tuple) and len(outputs) > 1:
        each = list(cast("Sequence[Any]", labels))
    else:
        each = [labels]
    each += [None] * (len(outputs) - len(each))
    return [None if label is None else np.asarray(label) for label in each[: len(outputs)]]


def _each(values: object, change: Callable[[int, Array], Array]) -> object:
    """The same values, each array changed by its number; of a mapping, which has none, as the first."""

    def changed(number: int, value: object) -> object:
        return change(number, cast("Array", value)) if isinstance(value, np.ndarray) else value

    if isinstance(values, Mapping):
        named = cast("Mapping[str, object]", values)
        return {key: changed(0, value) for key, value in named.items()}
    if isinstance(values, list | tuple):
        listed = cast("Sequence[object]", values)
        if any(isinstance(value, np.ndarray) for value in listed):
            return [changed(number, value) for number, value in enumerate(listed)]
        values = np.asarray(listed)  # a batch that is written as numbers
    return changed(0, values)
