"""What a framework answers for gradients of a model of its to be measured: which layers there are, and one pass.

`archlab.analysis.measured` summarizes what a probe finds; Keras's is there, PyTorch's in `archlab.torch_bridge`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from archlab.graph import Graph

LOSS_SCALES = (2.0**15, 2.0**10, 2.0**5, 1.0, 2.0**-5, 2.0**-10)
"""Gradients in float16 are taken of a loss that is scaled up, so that small ones are not lost; the first scale that
overflows nowhere is used (Micikevicius et al. 2018, 'Mixed Precision Training', section 3.2). Large ones need a scale
below 1, to which Keras's `LossScaleOptimizer` falls too."""

NO_GRADIENT = -1.0
"""Stands for the sum of squares of a gradient that there is none of: NaN is what an overflow leaves."""


class Batch(NamedTuple):
    """An array for each input, one for each output (None where it has no loss), and a word on where they come from.

    The channels stand last, as in graphs, whatever the framework has.
    """

    x: tuple[Any, ...]
    y: tuple[Any, ...]
    source: str

    @property
    def examples(self) -> int:
        """How many there are."""
        return len(self.x[0])


class Run(NamedTuple):
    """One pass: by weight, gradient and own norm; by node, activation gradient and activation.

    NaN: no gradient; infinity: one that is not finite.
    """

    loss: float
    gradients: np.ndarray
    norms: np.ndarray
    outputs: np.ndarray
    rms: np.ndarray
    means: np.ndarray
    dead: np.ndarray


class Variable(Protocol):
    """A weight of a framework's."""

    @property
    def name(self) -> str:
        """What it is called in its layer."""
        ...

    @property
    def trainable(self) -> bool:
        """Whether it is trained."""
        ...


@dataclass(frozen=True)
class Row:
    """A layer with weights of its own, where it is used first."""

    position: int
    variables: tuple[Variable, ...]
    """What is learned, frozen or not: no statistics."""
    kernels: tuple[bool, ...]
    """Which of them are kernels."""

    @property
    def frozen(self) -> bool:
        """Whether none of it is trained."""
        return not any(variable.trainable for variable in self.variables)


class LossFacts(Protocol):
    """A loss as far as labels for it are drawn and results named.

    Of each output: a function, or None; the function of `keras.losses` that says what labels it takes; and what it and
    every input may be called by.
    """

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def functions(self) -> Sequence[object]:
        """One for each output; None where it has no loss."""
        ...

    @property
    def kinds(self) -> tuple[str, ...]:
        """By output, the function of `keras.losses` that takes the same labels; nothing where that is not known."""
        ...

    @property
    def outputs(self) -> tuple[tuple[str, ...], ...]:
        """The names of each output."""
        ...

    @property
    def inputs(self) -> tuple[tuple[str, ...], ...]:
        """The names of each input."""
        ...


class SignalProbe(Protocol):
    """A model, measured as it is: nothing of it changes."""

    @property
    def graph(self) -> Graph:
        """The model's graph."""
        ...

    @property
    def loss(self) -> LossFacts:
        """What gradients are taken of."""
        ...

    @property
    def training(self) -> bool:
        """Whether layers act as in training (dropout, statistics of the batch) or as at inference."""
        ...

    @property
    def precision(self) -> str:
        """What it computes in, 'float32' for one."""
        ...

    @property
    def rows(self) -> tuple[Row, ...]:
        """Its layers with weights; a run has a column of gradients for each of their variables in turn."""
        ...

    @property
    def seen(self) -> tuple[int, ...]:
        """The nodes whose signals are measured, those of the rows first."""
        ...

    @property
    def relus(self) -> tuple[int, ...]:
        """The nodes that are ReLUs, whose dead channels are counted."""
        ...

    def run(self, batch: Batch, values: Any = None) -> Run:
        """One batch forward and backward, with these values of the variables; with their own by default."""
        ...


def roots(sums: np.ndarray, sizes: np.ndarray | float = 1.0) -> np.ndarray:
    """Roots of means of squares: NaN where there is no gradient, infinity where one is not a number."""
    known = np.where(np.isnan(sums), np.inf, sums)
    return np.sqrt(np.where(known == NO_GRADIENT, np.nan, known) / sizes)
