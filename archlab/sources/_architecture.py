from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, cast

from archlab.errors import DesignError
from archlab.graph import Graph, Part
from archlab.losses import CompiledLoss, CompileSettings
from archlab.shown import Shown


@dataclass(frozen=True)
class Architecture(Shown):
    """An architecture with its name, the reference that it was loaded by, and its paper."""

    name: str
    reference: str
    tree: Part | None
    paper: str = ""
    _graph: Graph | None = field(default=None, repr=False, compare=False)
    _lines: Mapping[int, int] = field(default_factory=dict, repr=False, compare=False)
    """Where it was read from a file: the line of each part of the tree, by its `id`."""
    _live: Callable[[], Any] | None = field(default=None, repr=False, compare=False)
    _for_input: Callable[[tuple[int | None, ...]], Architecture] | None = field(default=None, repr=False, compare=False)
    """Reads it again for an input of another shape, where what it does may depend on that."""
    _read_for: tuple[int | None, ...] | None = field(default=None, repr=False, compare=False)
    """The shape that it was read for, as whoever gave it wrote it."""
    module: Any = field(default=None, repr=False, compare=False)
    """The PyTorch module that it was made of, which may be without memory; None where it was made of anything else."""
    takes: tuple[int, ...] = field(default=(), repr=False, compare=False)
    """What the module takes, without the batch, as PyTorch has it: (3, 224, 224)."""
    make: Callable[[], Any] | None = field(default=None, repr=False, compare=False)
    """Makes the PyTorch module anew, with memory, its weights drawn by its own code; None where that is not known."""
    compiled_loss: CompiledLoss | None = field(default=None, repr=False, compare=False)
    """The loss that a live Keras model was compiled with."""
    settings: CompileSettings | None = field(default=None, repr=False, compare=False)
    """What a Keras model, live or saved, was compiled with; None where it was not, or where nothing says so."""
    unusual_starts: tuple[str, ...] = field(default=(), repr=False, compare=False)
    """Variables of a live Keras model that begin with other values than its graph says, in sentences."""

    @property
    def lines(self) -> Mapping[int, int]:
        """Where it was read from a file: the line of each part of the tree, by its `id`."""
        return self._lines

    @property
    def model(self) -> Any:
        """The live Keras model that it was made of, weights and all; None where it was made of anything else.

        For another size of input, a copy with the same weights; None where they do not fit.
        """
        return self._live and self._live()

    @property
    def graph(self) -> Graph:
        """The architecture as a graph; worked out once.

        Raises:
            DesignError: it does not add up.
        """
        if self._graph is None:
            if self.tree is None:
                raise DesignError(f"{self.name} has neither a tree nor a graph")
            try:
                object.__setattr__(self, "_graph", self.tree.to_graph(self.name))
            except DesignError as error:
                lines = [self._lines[id(part)] for part in error.parts if id(part) in self._lines]
                if lines:
                    error.within(f"{self.reference}:{lines[0]}")
                raise
        return cast("Graph", self._graph)

    def with_input(self, shape: tuple[int | None, ...]) -> Architecture:
        """The same for inputs of another shape; two sizes leave the channels as they are."""
        if self._for_input is not None:
            return self if shape == self._read_for else self._for_input(shape)
        if self.tree is None:
            graph = self.graph
            if len(shape) == 2:
                shape = (*shape, graph.nodes[graph.inputs[0]].shape[-1])
            try:
                live = self._live and partial(_resized, self._live, shape)
                return replace(self, _live=live, _graph=graph.with_input(shape))
            except DesignError as error:
                raise error.within(self.name) from None
        return replace(self, tree=self.tree.with_input(*shape), _graph=None)


def _resized(live: Callable[[], Any], shape: tuple[int | None, ...]) -> Any:
    from archlab.bridge import resized  # whoever asks for a live model has loaded Keras

    return resized(live(), shape)
