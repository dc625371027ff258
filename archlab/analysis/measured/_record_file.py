"""The file that records of gradient flow go into while a model is being trained, and when the next one is due."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from archlab.analysis._flow import GradientFlow
from archlab.files import writing


class RecordFile:
    """A line of JSON for every record. Records wait until all of them have taken no more than their share of the time.

    Args:
        path: of the file; one that is there is replaced.
        every: steps between two records.
        share: of the training time that the records may take; 1.0 takes every record when it is due.
    """

    def __init__(self, path: str | Path, every: int, share: float) -> None:
        self.path = Path(path)
        self.every, self.share = every, share
        self.seconds = 0.0
        """Spent on records so far."""
        self._file: TextIO | None = None
        self._began = 0.0
        self._due = 0

    def open(self) -> None:
        """Begin anew, at step 0."""
        with writing(self.path):
            self._file = self.path.open("w", encoding="utf-8")
        self._began = time.perf_counter()
        self._due, self.seconds = self.every, 0.0

    def due(self, step: int) -> bool:
        """Whether a record is due after that step, and there is time for it."""
        if step < self._due:
            return False
        if self.share < 1 and self.seconds > self.share * (time.perf_counter() - self._began):
            return False
        self._due = step + self.every
        return True

    def write(self, step: int, epoch: int, flow: GradientFlow, start: float) -> None:
        """Write a record that was begun at that time, by `time.perf_counter`."""
        line = {"step": step, "epoch": epoch, "seconds": round(start - self._began, 3), **flow.to_dict()}
        assert self._file is not None
        # Written at once: a run that is interrupted keeps what it has recorded.
        with writing(self.path):
            self._file.write(json.dumps(line, allow_nan=False) + "\n")
            self._file.flush()

    def spent(self, start: float) -> None:
        """Count the time since then as spent on records."""
        self.seconds += time.perf_counter() - start

    def close(self) -> None:
        """No more records."""
        if self._file is not None:
            with suppress(OSError):  # what could not be written has been said
                self._file.close()
