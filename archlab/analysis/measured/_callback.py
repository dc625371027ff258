"""Gradient flow while a model is being trained. Importing this module loads Keras."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from archlab.analysis._flow import initializations
from archlab.analysis.measured._batch import prepare
from archlab.analysis.measured._gradient_flow import summary
from archlab.analysis.measured._loss import Given, choose
from archlab.analysis.measured._probe import Probe, probe_of
from archlab.analysis.measured._record_file import RecordFile
from archlab.bridge import live, load_keras, writing_logs
from archlab.bridge.types import Logs

_tf, _keras = load_keras()


class GradientFlowCallback(_keras.callbacks.Callback):
    """What `record_gradients` makes."""

    def __init__(
        self,
        path: str | Path,
        data: tuple[Any, Any, int],
        every: int,
        share: float,
        loss: Given,
        training: bool,
        tensorboard: str | Path | None,
    ) -> None:
        super().__init__()  # pyright: ignore[reportUnknownMemberType]
        self._records = RecordFile(path, every, share)
        self._given = data
        self._loss, self._training = loss, training
        self._tensorboard = tensorboard
        self._probe: Probe | None = None
        self._writer: Any = None
        self._step = self._epoch = 0

    @property
    def seconds(self) -> float:
        """Spent on records so far."""
        return self._records.seconds

    def on_train_begin(self, logs: Logs = None) -> None:
        """Take the record before the first step."""
        self._records.open()
        if self._tensorboard is not None:
            with writing_logs(Path(self._tensorboard)):
                self._writer = _tf.summary.create_file_writer(str(self._tensorboard))
        self._step = 0
        self._record()

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Remember the epoch."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Take a record when one is due and there is time for it."""
        self._step += 1
        if self._records.due(self._step):
            self._record()

    def on_train_end(self, logs: Logs = None) -> None:
        """Close the file."""
        self._records.close()
        if self._writer is not None:
            self._writer.close()

    def _record(self) -> None:
        start = time.perf_counter()
        if self._probe is None:
            runnable = live(self.model)
            x, y, size = self._given
            loss = choose(runnable.graph, self._loss, self.model)
            (self._batch,) = prepare(
                runnable.graph, x, y, None, size, 1, loss, runnable.layers, runnable.channels_first
            )
            self._probe = probe_of(runnable, loss, self._training)
        run = self._probe.run(self._batch)
        flow = summary(self._probe, [run], [self._batch], (), initializations(0), self.model.name)
        self._records.write(self._step, self._epoch, flow, start)
        if self._tensorboard is not None:
            with writing_logs(Path(self._tensorboard)):
                self._to_tensorboard(flow)
        self._records.spent(start)

    def _to_tensorboard(self, flow: Any) -> None:
        with self._writer.as_default(step=self._step):
            if flow.slope is not None:
                _tf.summary.scalar("gradient flow/slope", flow.slope)
            for layer in flow.layers:
                for title, value in (
                    ("activation gradient", layer.activation_gradient_rms),
                    ("kernel gradient", layer.kernel_gradient_norm),
                    ("activation", layer.activation_rms),
                    ("dead share", layer.dead_share),
                ):
                    if value is not None:
                        _tf.summary.scalar(f"{title}/{layer.name}", value)
        self._writer.flush()
