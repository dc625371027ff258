from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import floor
from pathlib import Path
from statistics import fmean, median
from typing import Any

from archlab.training._record import EpochRecord
from archlab.training._run import open_run


@dataclass(frozen=True)
class Learning:
    """The learning curves of one architecture's runs.

    Attributes:
        name: of the architecture.
        histories: one record per epoch of each run.
    """

    name: str
    histories: tuple[tuple[EpochRecord, ...], ...]

    @property
    def curve(self) -> tuple[float | None, ...]:
        """Validation accuracy after each epoch: the mean over the runs that reached it; None without a validation."""
        length = max(map(len, self.histories), default=0)
        return tuple(
            _mean([history[epoch] for history in self.histories if epoch < len(history)]) for epoch in range(length)
        )

    @property
    def seconds_per_epoch(self) -> float:
        """Time of training, validation and checkpoints: the median over all epochs of all runs."""
        durations: list[float] = []
        for history in self.histories:
            elapsed = [0.0, *(record.elapsed for record in history)]
            durations += [after - before for before, after in pairwise(elapsed)]
        return median(durations)

    @property
    def best(self) -> float:
        """The highest validation accuracy that every run has reached."""
        return min(max(_validated(history), default=0.0) for history in self.histories)

    def time_to(self, accuracy: float) -> float | None:
        """Time to a validation accuracy, s: the mean over the runs; None if a run never reaches it."""
        times: list[float] = []
        for history in self.histories:
            validated = [(record.elapsed, record.val_accuracy) for record in history]
            reached = [elapsed for elapsed, found in validated if found is not None and found >= accuracy]
            if not reached:
                return None
            times.append(reached[0])
        return fmean(times) if times else None

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "name": self.name,
            "validation_accuracy": list(self.curve),
            "seconds_per_epoch": self.seconds_per_epoch,
            "runs": [[record.to_dict() for record in history] for history in self.histories],
        }


def learning(name: str, runs: Sequence[str | Path]) -> Learning:
    """The learning curves of one architecture's runs.

    Args:
        name: of the architecture.
        runs: their folders.

    Raises:
        SourceError: a folder is not an archlab run.
    """
    return Learning(name, tuple(tuple(open_run(folder).history) for folder in runs))


def common_target(curves: Sequence[Learning]) -> float:
    """The highest validation accuracy, in whole percent, that every run of every architecture has reached."""
    return floor(100 * min(each.best for each in curves) + 1e-9) / 100


def _validated(history: Sequence[EpochRecord]) -> list[float]:
    return [record.val_accuracy for record in history if record.val_accuracy is not None]


def _mean(records: Sequence[EpochRecord]) -> float | None:
    found = _validated(records)
    return fmean(found) if found else None
