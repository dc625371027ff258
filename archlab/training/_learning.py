from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import floor
from pathlib import Path
from statistics import fmean, median
from typing import Any

from archlab.training._run import open_run


@dataclass(frozen=True)
class Learning:
    """How the runs of one architecture came along, epoch by epoch.

    Attributes:
        name: of the architecture.
        histories: of each run, a record an epoch.
    """

    name: str
    histories: tuple[tuple[dict[str, Any], ...], ...]

    @property
    def curve(self) -> tuple[float | None, ...]:
        """Validation accuracy after each epoch, the mean over the runs that came so far; None where none validated."""
        length = max(map(len, self.histories), default=0)
        return tuple(
            _mean([history[epoch] for history in self.histories if epoch < len(history)]) for epoch in range(length)
        )

    @property
    def seconds_per_epoch(self) -> float:
        """Of training, validation and writing: the median over all epochs of all runs."""
        spent: list[float] = []
        for history in self.histories:
            elapsed = [0.0, *(record["elapsed"] for record in history)]
            spent += [after - before for before, after in pairwise(elapsed)]
        return median(spent)

    @property
    def best(self) -> float:
        """The highest validation accuracy that every run has reached at some time."""
        return min(max(_validated(history), default=0.0) for history in self.histories)

    def time_to(self, accuracy: float) -> float | None:
        """Seconds until a validation accuracy is first reached, the mean over the runs; None if one never does."""
        times: list[float] = []
        for history in self.histories:
            reached = [record["elapsed"] for record in history if record.get("val_accuracy", -1.0) >= accuracy]
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
            "runs": [list(history) for history in self.histories],
        }


def learning(name: str, runs: Sequence[str | Path]) -> Learning:
    """How runs of one architecture came along.

    Args:
        name: of the architecture.
        runs: their folders.

    Raises:
        SourceError: a folder holds no run.
    """
    return Learning(name, tuple(tuple(open_run(folder).history) for folder in runs))


def common_target(curves: Sequence[Learning]) -> float:
    """The highest whole percent of validation accuracy that every run of every architecture has reached."""
    return floor(100 * min(each.best for each in curves) + 1e-9) / 100


def _validated(history: Sequence[dict[str, Any]]) -> list[float]:
    return [record["val_accuracy"] for record in history if "val_accuracy" in record]


def _mean(records: Sequence[dict[str, Any]]) -> float | None:
    found = _validated(records)
    return fmean(found) if found else None
