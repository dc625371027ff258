"""What is measured, of whatever framework: a model made for the purpose, drawn anew under each seed, or a live one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from archlab.analysis.measured._keras_subject import chosen_seeds, keras_subject
from archlab.analysis.measured._loss import Given
from archlab.analysis.measured._module_subject import module_subject
from archlab.graph import Graph
from archlab.probes import Batch, SignalProbe
from archlab.sources import Architecture, Reference, load


class UnitGradient(Protocol):
    """The gradient of the channels of one unit, added with signs, with respect to an image that comes in."""

    @property
    def image(self) -> int:
        """Which of the inputs that is."""
        ...

    @property
    def precision(self) -> str:
        """What the image is in."""
        ...

    def __call__(self, batch: Batch, values: Any, signs: np.ndarray) -> np.ndarray:
        """The gradient, of the input's shape with the channels last; `signs` are (samples, channels)."""
        ...


class Subject(Protocol):
    """A model and the initializations that it is measured under; none where its weights are left as they are."""

    @property
    def graph(self) -> Graph:
        """The model's graph."""
        ...

    @property
    def seeds(self) -> tuple[int, ...]:
        """The initializations."""
        ...

    @property
    def name(self) -> str:
        """The architecture's name."""
        ...

    @property
    def weights(self) -> str:
        """Which weights are measured, in words."""
        ...

    @property
    def probe(self) -> SignalProbe:
        """What measures every layer with weights, and what each block puts out."""
        ...

    def batches(self, x: object, y: object, data: str | Path | None, size: int, count: int = 1) -> list[Batch]:
        """The batches that were given or asked for."""
        ...

    def draws(self, settle: Sequence[object] | None = None) -> Iterator[tuple[int, Any]]:
        """For every initialization its seed and the values of all variables; the model's own stay as they are.

        With inputs to `settle` on, batch normalization has their statistics, as after training on them.
        """
        ...

    def in_float64(self) -> Subject | None:
        """The same with twice the digits, if that can be had: what is too small or too large for float32 is not."""
        ...

    def unit_gradient(self, position: int, unit: Sequence[int]) -> UnitGradient:
        """The gradient of a unit with respect to the input.

        Raises:
            UsageError: the input holds whole numbers.
        """
        ...


def loaded(reference: Reference, x: object, input: Sequence[int | None] | None) -> Architecture:
    """The architecture that is measured; a PyTorch module, which does not say what it takes, takes what is given."""
    sizes = getattr(x, "shape", None)
    if input is not None or sizes is None or len(sizes) < 2:
        return load(reference, input)
    if not isinstance(reference, str | Architecture) and hasattr(reference, "named_parameters"):
        return load(reference, tuple(int(size) for size in sizes[1:]))
    found = load(reference)
    return found if found.module is None else found.with_input(tuple(int(size) for size in sizes[1:]))


def subject(
    architecture: Architecture,
    seeds: int | Sequence[int] | None,
    most: int,
    loss: Given = None,
    purpose: str = "a measurement",
    training: bool = True,
    labels: object = None,
) -> Subject:
    """An architecture ready to be measured: a live model as it is, or one made under `most` seeds by default.

    A PyTorch module is measured by PyTorch, anything else by Keras. `labels` are those that are given, if any.

    Raises:
        UsageError: there is no seed, or the loss does not fit.
        DesignError: the architecture does not add up.
    """
    if architecture.module is None:
        return keras_subject(architecture, seeds, most, loss, purpose, training)
    return module_subject(architecture, chosen_seeds(seeds, purpose), most, loss, labels, training)


def untold(word: str) -> None:
    """The progress of what nobody asked to hear of."""
