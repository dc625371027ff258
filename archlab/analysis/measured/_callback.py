"""Gradient flow while a model is being trained. Importing this module loads Keras."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from archlab.analysis.measured._batch import prepare
from archlab.analysis.measured._gradient_flow import BATCH, block_members, summary
from archlab.analysis.measured._loss import Given, choose
from archlab.analysis.measured._probe import Probe
from archlab.bridge import live, load_keras
from archlab.errors import OutputError, UsageError

_tf, _keras = load_keras()

EVERY = 100
SHARE = 0.05


class GradientFlowCallback(_keras.callbacks.Callback):
    """Records gradient flow during `model.fit`: a line of JSON for every record.

    The model is measured on a batch of its own, with its weights as they are; training goes on as if it had not been.
    The first record is taken before the first step. After that a record waits until all of them together have taken
    no more than `share` of the training time.

    Args:
        path: of the file of JSON lines; a file that is there is replaced.
        x: a batch of inputs; a synthetic one unless given.
        y: its labels.
        every: steps between two records.
        share: of the training time that the records may take; 1.0 takes every record when it is due.
        loss: as in `archlab.gradient_flow`; the one that the model is compiled with unless given.
        training: whether layers act as in training.
        batch: examples in the batch that is not given.
        tensorboard: a folder for TensorBoard's scalars: the slope, and the error signal, the kernel gradient and the
            activation of every layer.

    >>> import keras, numpy, tempfile
    >>> from archlab import read_run
    >>> x = keras.Input((4,))
    >>> model = keras.Model(x, keras.layers.Dense(1)(keras.layers.Dense(8, activation="relu")(x)))
    >>> model.compile("sgd", "mse")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     record = GradientFlowCallback(f"{folder}/run.jsonl", every=2, share=1.0)
    ...     _ = model.fit(numpy.ones((8, 4)), numpy.ones((8, 1)), batch_size=2, verbose=0, callbacks=[record])
    ...     [step for step, _, _ in read_run(f"{folder}/run.jsonl").records]
    [0, 2, 4]
    """

    def __init__(
        self,
        path: str | Path,
        x: Any = None,
        y: Any = None,
        *,
        every: int = EVERY,
        share: float = SHARE,
        loss: Given = None,
        training: bool = True,
        batch: int = BATCH,
        tensorboard: str | Path | None = None,
    ) -> None:
        super().__init__()
        if every < 1:
            raise UsageError(f"records are taken every so many steps, at least 1, got {every}")
        if not 0 < share <= 1:
            raise UsageError(f"share of the training time must be above 0 and at most 1, got {share}")
        self.path = Path(path)
        self.every, self.share = every, share
        self.seconds = 0.0
        """Spent on records so far."""
        self._given = x, y, batch
        self._loss, self._training = loss, training
        self._tensorboard = tensorboard
        self._probe: Probe | None = None
        self._file: Any = None
        self._writer: Any = None
        self._step = self._epoch = 0

    def on_train_begin(self, logs: Any = None) -> None:
        """Take the record before the first step."""
        try:
            self._file = self.path.open("w", encoding="utf-8")
        except OSError as error:
            raise OutputError(f"{self.path} cannot be written: {error.strerror or error}") from error
        if self._tensorboard is not None:
            self._writer = _tf.summary.create_file_writer(str(self._tensorboard))
        self._began = time.perf_counter()
        self._step, self._due = 0, self.every
        self.seconds = 0.0
        self._record()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Remember the epoch."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Take a record when one is due and there is time for it."""
        self._step += 1
        if self._step < self._due:
            return
        if self.seconds <= self.share * (time.perf_counter() - self._began) or self.share == 1:
            self._record()
            self._due = self._step + self.every

    def on_train_end(self, logs: Any = None) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
        if self._writer is not None:
            self._writer.close()

    def _record(self) -> None:
        start = time.perf_counter()
        if self._probe is None:
            runnable = live(self.model)
            x, y, size = self._given
            loss = choose(runnable.graph, self._loss, self.model)
            (self._batch,) = prepare(runnable.graph, x, y, None, size, 1, loss)
            ends = [members[-1] for members in block_members(runnable.graph).values()]
            self._probe = Probe(runnable, loss, self._training, ends)
        run = self._probe.run(self._batch)
        flow = summary(self._probe, [run], [self._batch], (), self.model.name)
        line = {"step": self._step, "epoch": self._epoch, "seconds": round(start - self._began, 3), **flow.to_dict()}
        # Written at once: a run that is broken off keeps what it has recorded.
        self._file.write(json.dumps(line, allow_nan=False) + "\n")
        self._file.flush()
        if self._writer is not None:
            self._to_tensorboard(flow)
        self.seconds += time.perf_counter() - start

    def _to_tensorboard(self, flow: Any) -> None:
        with self._writer.as_default(step=self._step):
            if flow.slope is not None:
                _tf.summary.scalar("gradient flow/slope", flow.slope)
            for layer in flow.layers:
                for title, value in (
                    ("error signal", layer.output_gradient_rms),
                    ("kernel gradient", layer.kernel_gradient_norm),
                    ("activation", layer.activation_rms),
                    ("dead share", layer.dead_share),
                ):
                    if value is not None:
                        _tf.summary.scalar(f"{title}/{layer.name}", value)
        self._writer.flush()
