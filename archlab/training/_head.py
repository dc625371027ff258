"""The head of a classifier: its loss, label encoding and probabilities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from archlab.analysis.static import head_function
from archlab.bridge import load_keras
from archlab.bridge.types import LossFunction
from archlab.errors import UsageError
from archlab.graph import Graph


@dataclass(frozen=True)
class Head:
    """The output of a classifier, with its loss, label encoding and probabilities."""

    units: int
    function: str
    """'sigmoid', 'softmax', or empty if the outputs are logits."""

    @classmethod
    def of(cls, graph: Graph, classes: tuple[str, ...]) -> Head:
        """The head of a classifier of these classes.

        Raises:
            UsageError: the network has several inputs or outputs, or its units do not match the classes.
        """
        if len(graph.inputs) != 1 or len(graph.outputs) != 1:
            raise UsageError(f"{graph.name}: training needs one input and one output")
        last = graph.nodes[graph.outputs[0]]
        units = last.shape[-1]
        function = head_function(last)
        fits = units == (1 if len(classes) == 2 and function != "softmax" else len(classes))
        if len(last.shape) != 1 or not (fits or (units == len(classes) and function != "sigmoid")):
            counted = f"{units} unit{'s' if units != 1 else ''}{' with ' + function if function else ''}"
            raise UsageError(f"{graph.name} ends in {counted}, but there are {len(classes)} classes: {_some(classes)}")
        return cls(units or 0, function)

    def encode(self, labels: np.ndarray) -> np.ndarray:
        """Labels as float32 of shape (N, units)."""
        return (labels[:, None] if self.units == 1 else np.eye(self.units)[labels]).astype("float32")

    def loss(self, smoothing: float) -> LossFunction:
        """The cross-entropy of the outputs."""
        _, keras = load_keras()
        kind = keras.losses.BinaryCrossentropy if self.units == 1 else keras.losses.CategoricalCrossentropy
        return kind(from_logits=not self.function, label_smoothing=smoothing)

    def accuracy(self) -> LossFunction:
        """The metric: the fraction of images whose predicted class is their label."""
        _, keras = load_keras()
        if self.units == 1:
            return keras.metrics.BinaryAccuracy(name="accuracy", threshold=0.5 if self.function else 0.0)
        return keras.metrics.CategoricalAccuracy(name="accuracy")

    def probabilities(self, outputs: np.ndarray) -> np.ndarray:
        """(N, classes) from outputs of shape (N, units)."""
        outputs = outputs.astype("float64")
        if self.units == 1:
            positive = outputs if self.function else 1 / (1 + np.exp(-outputs))
            return np.concatenate([1 - positive, positive], axis=1)
        if not self.function:
            outputs = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        return outputs / outputs.sum(axis=1, keepdims=True)


def _some(classes: tuple[str, ...]) -> str:
    return ", ".join(classes[:4]) + (", …" if len(classes) > 4 else "")
