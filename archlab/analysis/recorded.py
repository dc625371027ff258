"""The gradient flow of a training run, as `record_gradients` recorded it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from archlab.analysis._flow import GradientFlow
from archlab.errors import SourceError
from archlab.shown import Shown

if TYPE_CHECKING:
    from altair import TopLevelMixin

FILE = "gradients.jsonl"


class Record(NamedTuple):
    """What was measured before a step."""

    step: int
    epoch: int
    flow: GradientFlow


@dataclass(frozen=True)
class GradientRun(Shown):
    """Records of gradient flow in the order in which they were taken."""

    name: str
    records: tuple[Record, ...]

    def some(self, most: int) -> tuple[Record, ...]:
        """At most so many of the records, evenly spread, the first and the last among them."""
        last = len(self.records) - 1
        if last < most:
            return self.records
        return tuple(self.records[round(number * last / (most - 1))] for number in range(most))

    def plot(self, quantity: str = "output_gradient_rms", most: int = 7) -> TopLevelMixin:
        """A quantity against depth at some of the steps, as an Altair chart."""
        from archlab.charts import by_depth

        curves = [(f"step {record.step:,}", record.flow.curve) for record in self.some(most)]
        return by_depth(curves, quantity, ordered=True)

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "name": self.name,
            "records": [{"step": r.step, "epoch": r.epoch, **r.flow.to_dict()} for r in self.records],
        }


def is_run(reference: str) -> bool:
    """Whether a reference names a recorded run: a file of JSON lines, or a folder that holds one."""
    path = Path(reference)
    return path.suffix == ".jsonl" or (path / FILE).is_file()


def read_run(path: str | Path) -> GradientRun:
    """Read what `record_gradients` recorded; of a run that was broken off, what there is.

    Raises:
        SourceError: the file is not there, or holds something else.
    """
    file = Path(path)
    file = file / FILE if file.is_dir() else file
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SourceError(f"{path} cannot be read, {reason.lower()}") from None
    records: list[Record] = []
    for number, line in enumerate(lines, start=1):
        try:
            data = json.loads(line)
            records.append(Record(int(data["step"]), int(data["epoch"]), GradientFlow.from_dict(data)))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            if number == len(lines) and records:
                break  # cut short while it was being written
            raise SourceError(f"{path}:{number}: this is no record of gradient flow") from error
    if not records:
        raise SourceError(f"{path} holds no records")
    return GradientRun(records[0].flow.name or file.stem, tuple(records))
