"""The Keras callback of a run: validation, checkpoints, progress. Importing this module loads Keras."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from archlab.bridge import load_keras
from archlab.bridge.types import Logs
from archlab.errors import TrainingError
from archlab.files import write_lines
from archlab.training._average import Average
from archlab.training._batches import Batches
from archlab.training._outcome import Evaluated
from archlab.training._record import EpochRecord, Progress
from archlab.training._run import HISTORY
from archlab.training._state import promote_weights, save_state, save_weights

_, _keras = load_keras()


@dataclass(frozen=True)
class Step:
    """The progress of a run, reported after every batch and every epoch."""

    epoch: int
    """Counted from 1."""
    epochs: int
    step: int
    steps: int
    loss: float
    images_per_second: float
    """In this epoch so far."""
    seconds_left: float
    """An estimate from the remaining images, weighted by their number of pixels: of training, validation and test."""
    record: EpochRecord | None = None
    """The epoch's record, once it is finished."""


_FORWARD = 1 / 3
"""The time of a forward pass relative to a training step's, until a validation was measured: backward takes two."""


class RunCallback(_keras.callbacks.Callback):
    """Selects the best weights and writes a checkpoint after every epoch."""

    def __init__(
        self,
        folder: Path,
        batches: Batches,
        progress: Progress,
        average: Average | None,
        evaluated: Evaluated,
        on_step: Callable[[Step], None] | None,
    ) -> None:
        super().__init__()
        self.folder, self.batches, self.progress, self.average = folder, batches, progress, average
        self.evaluated, self.on_step = evaluated, on_step
        self._evaluation_rate: float | None = None
        self.recipe = batches.recipe
        self._stack = ExitStack()
        self._began = time.perf_counter()
        self._before = progress.elapsed

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Start the clock."""
        self._epoch, self._images, self._trained = epoch, 0, 0.0
        self._validated: dict[str, float] = {}
        self._start = time.perf_counter()
        self._warm: tuple[float, int] | None = None

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Stop if the loss is not finite; report the progress."""
        loss = float((logs or {})["loss"])
        if not isfinite(loss):
            done = self.progress.epochs
            state = f"the last checkpoint is that of epoch {done}" if done else "there is no checkpoint yet"
            raise TrainingError(
                f"the loss is not finite in epoch {self._epoch + 1}, step {batch + 1}, "
                f"at a learning rate of {self._rate():.3g}: try a lower one; {state}"
            )
        total = len(self.batches.labels)
        self._images = min(self._images + self.recipe.batch, total)
        if self.on_step:
            rate = self._current_rate()
            self.on_step(
                Step(self._epoch + 1, self.recipe.epochs, batch + 1, self.batches.steps, loss, rate, self._left(rate))
            )

    def on_test_begin(self, logs: Logs = None) -> None:
        """Swap in the averaged weights, if the recipe averages."""
        self._trained = time.perf_counter() - self._start
        self._test_start = time.perf_counter()
        if self.average:
            self._stack.enter_context(self.average.in_place())

    def on_test_end(self, logs: Logs = None) -> None:
        """Save the validated weights if they are the best so far."""
        self._validated = {f"val_{key}": float(value) for key, value in (logs or {}).items()}
        self._evaluation_rate = self.evaluated.validation / max(time.perf_counter() - self._test_start, 1e-9)
        value = self._selection_value()
        # As in Keras, the first of several equal epochs counts as the best.
        if value < self.progress.best or not self.progress.best_epoch:
            self.progress.best, self.progress.best_epoch = value, self._epoch + 1
            save_weights(self.folder, self.model, self._epoch + 1)
        self._stack.close()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Write the epoch's record and a checkpoint."""
        now = time.perf_counter()
        trained = self._trained or now - self._start
        logs = {key: float(value) for key, value in (logs or {}).items()}
        height, width = self.batches.size(epoch)
        record = EpochRecord(
            epoch=epoch + 1,
            loss=logs["loss"],
            accuracy=logs["accuracy"],
            val_loss=logs.get("val_loss"),
            val_accuracy=logs.get("val_accuracy"),
            learning_rate=self._rate(),
            size=(height, width),
            seconds=round(trained, 3),
            images_per_second=round(len(self.batches.labels) / trained, 2),
            elapsed=round(self._before + now - self._began, 3),
        )
        progress = self.progress
        progress.epochs = epoch + 1
        progress.elapsed = record.elapsed
        progress.history.append(record)
        # The state contains the history: a line that a crash here loses is written again on resuming.
        save_state(self.folder, self.model, progress)
        promote_weights(self.folder, progress)
        write_lines(self.folder / HISTORY, [each.to_dict() for each in progress.history])
        if self.recipe.patience and epoch + 1 - progress.best_epoch >= self.recipe.patience:
            self.model.stop_training = True
        if self.on_step:
            rate = record.images_per_second
            steps = self.batches.steps
            self.on_step(
                Step(epoch + 1, self.recipe.epochs, steps, steps, logs["loss"], rate, self._left(rate, True), record)
            )

    def _selection_value(self) -> float:
        if self.recipe.select == "last":
            return -float(self._epoch)
        value = self._validated[self.recipe.select]
        value = -value if self.recipe.select == "val_accuracy" else value
        return value if isfinite(value) else float("inf")

    def _rate(self) -> float:
        # A variable, or a copy of one on each of several GPUs.
        return float(_keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))

    def _current_rate(self) -> float:
        """Images a second in this epoch, without its first step, which compiles."""
        now = time.perf_counter()
        if self._warm is None:
            self._warm = now, self._images
        began, images = self._warm
        if self._images == images:
            return self._images / max(now - self._start, 1e-9)
        return (self._images - images) / max(now - began, 1e-9)

    def _left(self, rate: float, finished: bool = False) -> float:
        total = len(self.batches.labels)
        height, width = self.batches.size(self._epoch)
        sizes = [self.batches.size(epoch) for epoch in range(self._epoch + 1, self.recipe.epochs)]
        later = sum(total * (h * w) / (height * width) for h, w in sizes)
        training = (total - self._images + later) / max(rate, 1e-9)
        done = self._epoch + finished
        every = self.recipe.validate_every
        validations = sum(epoch % every == 0 or epoch == self.recipe.epochs
                          for epoch in range(done + 1, self.recipe.epochs + 1))  # fmt: skip
        evaluating = self._evaluation_rate or rate / _FORWARD
        return training + (validations * self.evaluated.validation + self.evaluated.last) / max(evaluating, 1e-9)
