"""What happens between the steps of a run. Importing this module loads Keras."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from archlab.bridge import load_keras
from archlab.errors import TrainingError
from archlab.files import write_lines
from archlab.training._average import Average
from archlab.training._batches import Batches
from archlab.training._run import HISTORY
from archlab.training._state import Progress, keep_weights, save_state, save_weights

_, _keras = load_keras()


@dataclass(frozen=True)
class Step:
    """Where a run is, told after every batch and every epoch."""

    epoch: int
    """Counted from 1."""
    epochs: int
    step: int
    steps: int
    loss: float
    images_per_second: float
    """In this epoch so far."""
    seconds_left: float
    """By the photos still to come, larger ones counted as so much more."""
    record: dict[str, Any] | None = None
    """The epoch's line of history, once it is finished."""


class RunCallback(_keras.callbacks.Callback):
    """Validates what is to be kept, keeps the best, and writes down where the run stands after every epoch."""

    def __init__(
        self,
        folder: Path,
        batches: Batches,
        progress: Progress,
        average: Average | None,
        tell: Callable[[Step], None] | None,
    ) -> None:
        super().__init__()
        self.folder, self.batches, self.progress, self.average, self.tell = folder, batches, progress, average, tell
        self.how = batches.how
        self._stack = ExitStack()
        self._began = time.perf_counter()
        self._before = progress.elapsed

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Start the clock."""
        self._epoch, self._images, self._trained = epoch, 0, 0.0
        self._tested: dict[str, float] = {}
        self._start = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Stop where the loss is no number; tell how far it is."""
        loss = float((logs or {})["loss"])
        if not isfinite(loss):
            done = self.progress.epochs
            kept = f"the run is kept as it was after epoch {done}" if done else "nothing has been kept"
            raise TrainingError(
                f"the loss is no number any more in epoch {self._epoch + 1}, step {batch + 1}, "
                f"at a learning rate of {self._rate():.3g}: try a lower one; {kept}"
            )
        total = len(self.batches.labels)
        self._images = min(self._images + self.how.batch, total)
        if self.tell:
            rate = self._images / max(time.perf_counter() - self._start, 1e-9)
            self.tell(
                Step(self._epoch + 1, self.how.epochs, batch + 1, self.batches.steps, loss, rate, self._left(rate))
            )

    def on_test_begin(self, logs: Any = None) -> None:
        """Put the averaged weights in place, where there are any."""
        self._trained = time.perf_counter() - self._start
        if self.average:
            self._stack.enter_context(self.average.in_place())

    def on_test_end(self, logs: Any = None) -> None:
        """Keep the weights that were validated if they are the best so far."""
        self._tested = {f"val_{key}": float(value) for key, value in (logs or {}).items()}
        value = self._badness()
        # Equal is no better: of epochs that are the same the first is kept, as Keras does.
        if value < self.progress.best or not self.progress.best_epoch:
            self.progress.best, self.progress.best_epoch = value, self._epoch + 1
            save_weights(self.folder, self.model, self._epoch + 1)
        self._stack.close()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Write down what the epoch came to, and where the run stands."""
        now = time.perf_counter()
        trained = self._trained or now - self._start
        logs = {key: float(value) for key, value in (logs or {}).items()}
        size = self.batches.size(epoch)
        record: dict[str, Any] = {
            "epoch": epoch + 1,
            **logs,
            "learning_rate": self._rate(),
            "size": list(size),
            "seconds": round(trained, 3),
            "images_per_second": round(len(self.batches.labels) / trained, 2),
            "elapsed": round(self._before + now - self._began, 3),
        }
        progress = self.progress
        progress.epochs = epoch + 1
        progress.elapsed = record["elapsed"]
        progress.history.append(record)
        # The state has the history in it and is what counts: a line that is missing when we die here is written again.
        save_state(self.folder, self.model, progress)
        keep_weights(self.folder, progress)
        write_lines(self.folder / HISTORY, progress.history)
        if self.how.patience and epoch + 1 - progress.best_epoch >= self.how.patience:
            self.model.stop_training = True
        if self.tell:
            rate = record["images_per_second"]
            steps = self.batches.steps
            self.tell(Step(epoch + 1, self.how.epochs, steps, steps, logs["loss"], rate, self._left(rate), record))

    def _badness(self) -> float:
        if self.how.select == "last":
            return -float(self._epoch)
        value = self._tested[self.how.select]
        value = -value if self.how.select == "val_accuracy" else value
        return value if isfinite(value) else float("inf")

    def _rate(self) -> float:
        # A variable, or a copy of one on each of several GPUs.
        return float(_keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))

    def _left(self, rate: float) -> float:
        total = len(self.batches.labels)
        height, width = self.batches.size(self._epoch)
        sizes = [self.batches.size(epoch) for epoch in range(self._epoch + 1, self.how.epochs)]
        later = sum(total * (h * w) / (height * width) for h, w in sizes)
        return (total - self._images + later) / max(rate, 1e-9)
