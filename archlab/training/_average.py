"""The moving average of the weights, swapped in for validation and checkpoints."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from archlab.bridge import all_layers, load_keras
from archlab.bridge.types import Model, Tensor


class Average:
    """The exponential moving average of a model's weights, which its optimizer keeps.

    Batch normalization's moving statistics belong to the current weights, not to their average. With the average in
    place they are re-estimated on training images without augmentation.
    """

    def __init__(self, model: Model, batches: Any) -> None:
        tf, keras = load_keras()
        self.model, self.batches = model, batches
        layers = all_layers(model)
        kind = keras.layers.BatchNormalization
        self.norms = [layer for layer in layers if isinstance(layer, kind) and layer.trainable]
        self._step = tf.function(self._forward, autograph=False, reduce_retracing=True)

    @contextmanager
    def in_place(self) -> Generator[None]:
        """The model with averaged weights and their batch statistics."""
        statistics = [variable for layer in self.norms for variable in (layer.moving_mean, layer.moving_variance)]
        before = [variable.numpy() for variable in statistics]
        self._swap()
        self._estimate()
        try:
            yield
        finally:
            self._swap()
            for variable, value in zip(statistics, before, strict=True):
                variable.assign(value)

    def _swap(self) -> None:
        optimizer = self.model.optimizer
        pairs = zip(optimizer._trainable_variables, optimizer._model_variables_moving_average, strict=True)
        for weight, average in pairs:
            current = weight.numpy()
            weight.assign(average)
            average.assign(current)

    def _estimate(self) -> None:
        tf, _ = load_keras()
        if self.norms:
            for number, (images, _) in enumerate(self.batches):
                self._step(images, tf.constant(number / (number + 1), "float32"))

    def _forward(self, images: Tensor, momentum: Tensor) -> None:
        # With the momentum n / (n + 1), the moving mean is the mean over the batches.
        momenta = [layer.momentum for layer in self.norms]
        for layer in self.norms:
            layer.momentum = momentum
        try:
            self.model(images, training=True)
        finally:
            for layer, value in zip(self.norms, momenta, strict=True):
                layer.momentum = value
