"""A model that strangers published, as archlab reads it and as Keras and TensorFlow have it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from archlab import analyze
from archlab.analysis.measured._batch import given
from archlab.analysis.measured._loss import choose
from archlab.analysis.measured._probe import probe_of
from archlab.bridge import live, load_keras
from archlab.testing._outcomes import NotApplicable
from tests.collection_models import batch
from tests.oracles import gradients, tensorflow_counts

CLOSE = 1e-5
"""Two norms of gradients are the same if they differ by less, relative to the largest of the model."""


@dataclass(frozen=True)
class Compared:
    """One model: archlab's numbers beside Keras's and TensorFlow's. None: not taken."""

    parameters: int
    keras_parameters: int
    macs: int | None
    tensorflow_macs: int | None
    unknown: tuple[str, ...]
    """Layers without a rule, each with the reason."""
    gradient_difference: float | None
    """The largest difference of two norms, over the variables, relative to the largest norm."""

    @property
    def same_parameters(self) -> bool:
        """Whether the parameters are the same."""
        return self.parameters == self.keras_parameters

    @property
    def same_macs(self) -> bool:
        """Whether the multiply–accumulates are."""
        return self.macs == self.tensorflow_macs

    @property
    def same_gradients(self) -> bool:
        """Whether the gradients are."""
        return self.gradient_difference is not None and self.gradient_difference <= CLOSE


def compared(model: Any, largest: float = float("inf")) -> Compared:
    """Compare a model; the gradients of one with more parameters than `largest` are not taken."""
    found = analyze(model)
    try:
        macs = tensorflow_counts.macs(model)
    except NotApplicable:
        macs = None
    return Compared(
        parameters=found.params.total,
        keras_parameters=model.count_params(),
        macs=found.compute.macs,
        tensorflow_macs=macs,
        unknown=tuple(f"{entry['name']} ({entry['op']}): {entry['why']}" for entry in found.unknown),
        gradient_difference=gradient_difference(model) if model.count_params() <= largest else None,
    )


def gradient_difference(model: Any) -> float | None:
    """The largest difference of archlab's and a plain tape's norms of gradients, relative to the largest norm.

    Infinite where one of both finds no gradient, or archlab knows nothing of a variable. None where what the model
    makes has no row for each sample, so that no labels go with it.
    """
    _, keras = load_keras()
    runnable = live(model)
    x = batch(model)
    shapes = [tuple(tensor.shape) for tensor in keras.tree.flatten(model(x, training=False))]
    if any(shape[:1] != (2,) for shape in shapes):
        return None
    rng = np.random.default_rng(1)
    y = [rng.standard_normal(shape).astype("float32") for shape in shapes]
    theirs = np.array(gradients.of_variables(model, x, y, keras.losses.MeanSquaredError()))
    loss = choose(runnable.graph, "mean_squared_error", model)
    (arrays,) = given(runnable.graph, keras.tree.flatten(x), y, 1, loss, runnable.channels_first)
    probe = probe_of(runnable, loss, training=False)
    norms = probe.run(arrays).gradients
    flat = [variable for row in probe.rows for variable in row.variables]
    by_variable = {id(variable): norm for variable, norm in zip(flat, norms, strict=True)}
    # What no output needs is beside the graph, and has no gradient.
    beside = [position for position, node in enumerate(runnable.graph) if node.op.detached]
    for variable in (each for position in beside for each in runnable.weights_of(position)):
        by_variable.setdefault(id(variable), np.nan)
    ours = np.array([by_variable.get(id(variable), -1.0) for variable in model.trainable_variables])
    neither = np.isnan(ours) & np.isnan(theirs)
    difference = np.where(neither, 0.0, np.abs(ours - theirs))
    # A softmax that is saturated in every sample passes nothing back: the largest is 0, and so must every other be.
    largest = np.nanmax(theirs) or 1.0
    return float(np.nan_to_num(difference, nan=np.inf).max() / largest)
