"""Gradient flow of a PyTorch module while a loop of somebody's own trains it."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from archlab.analysis._flow import initializations
from archlab.analysis.measured._gradient_flow import summary
from archlab.analysis.measured._loss import Given
from archlab.analysis.measured._module_subject import module_subject
from archlab.analysis.measured._record_file import RecordFile
from archlab.analysis.measured._subject import loaded
from archlab.errors import UsageError
from archlab.sources import load


class GradientRecord:
    """What `record_gradients` makes for a PyTorch module: a context in which its optimizer's steps are counted.

    Attributes:
        step: optimizer steps so far.
        epoch: written with every record; set it in a loop that has epochs.
    """

    def __init__(
        self, path: str | Path, module: Any, data: tuple[Any, Any, int], every: int, share: float, loss: Given,
        training: bool, input: tuple[int, ...] | None,
    ) -> None:  # fmt: skip
        x, y, batch = data
        architecture = loaded(module, x, input) if input is None else load(module, input)
        if architecture.module is None:
            raise UsageError(f"record_gradients(module=…) needs a PyTorch module, got {architecture.name}")
        self.step, self.epoch = 0, 0
        self._subject = module_subject(architecture, None, 0, loss, y, training)
        (self._batch,) = self._subject.batches(x, y, None, batch)
        self._records = RecordFile(path, every, share)
        self._steps = ExitStack()

    def __enter__(self) -> GradientRecord:
        """Take the record before the first step."""
        from archlab.torch_bridge import counting_steps

        self.step = 0
        self._records.open()
        self._record()
        self._steps.enter_context(counting_steps(self._subject.runnable.module, self._stepped))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self._steps.close()
        self._records.close()

    def _stepped(self) -> None:
        self.step += 1
        if self._records.due(self.step):
            self._record()

    def _record(self) -> None:
        start = time.perf_counter()
        what = self._subject
        run = what.probe.run(self._batch)
        flow = summary(what.probe, [run], [self._batch], (), initializations(0), what.name)
        self._records.write(self.step, self.epoch, flow, start)
        self._records.spent(start)
