"""The moving average of the weights, in their place for as long as it takes to validate and keep it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from archlab.bridge import load_keras


class Average:
    """The average that a model's optimizer keeps of its weights.

    Batch normalization's statistics belong to the weights as they are, not to their average: with the average in place
    they are estimated anew, from training photos as they are at the test.
    """

    def __init__(self, model: Any, batches: Any) -> None:
        tf, keras = load_keras()
        self.model, self.batches = model, batches
        layers = model._flatten_layers(include_self=False)
        kind = keras.layers.BatchNormalization
        self.norms = [layer for layer in layers if isinstance(layer, kind) and layer.trainable]
        self._look = tf.function(self._forward, autograph=False, reduce_retracing=True)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The model with averaged weights, and the statistics that go with them."""
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
            kept = weight.numpy()
            weight.assign(average)
            average.assign(kept)

    def _estimate(self) -> None:
        tf, _ = load_keras()
        if self.norms:
            for number, (photos, _) in enumerate(self.batches):
                self._look(photos, tf.constant(number / (number + 1), "float32"))

    def _forward(self, photos: Any, momentum: Any) -> None:
        # With n / (n + 1) as the momentum the moving mean is the plain mean over the batches.
        kept = [layer.momentum for layer in self.norms]
        for layer in self.norms:
            layer.momentum = momentum
        try:
            self.model(photos, training=True)
        finally:
            for layer, value in zip(self.norms, kept, strict=True):
                layer.momentum = value
