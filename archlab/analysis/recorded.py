"""The gradient flow of a training run, as `record_gradients` recorded it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from archlab.analysis._flow import GradientFlow
from archlab.analysis._frame import frame
from archlab.errors import SourceError
from archlab.files import INLINE, is_file, is_folder, parse_json, read_lines, read_record, write_text
from archlab.shown import Printed

if TYPE_CHECKING:
    import pandas
    from altair import TopLevelMixin

FILE = "gradients.jsonl"


class Record(NamedTuple):
    """What was measured before a step."""

    step: int
    epoch: int
    flow: GradientFlow


@dataclass(frozen=True)
class _Line:
    """A line of the file: a record, its fields beside those of its flow."""

    step: int
    epoch: int
    flow: GradientFlow = field(metadata=INLINE)


@dataclass(frozen=True, repr=False)
class GradientRun(Printed):
    """Records of gradient flow in the order in which they were taken."""

    name: str
    records: tuple[Record, ...]

    def some(self, most: int) -> tuple[Record, ...]:
        """At most so many of the records, evenly spread, the first and the last among them."""
        last = len(self.records) - 1
        if last < most:
            return self.records
        return tuple(self.records[round(number * last / (most - 1))] for number in range(most))

    def plot(self, quantity: str = "activation_gradient_rms", most: int = 7) -> TopLevelMixin:
        """A quantity against depth at some of the steps, as an Altair chart."""
        from archlab.charts import by_depth

        curves = [(f"step {record.step:,}", record.flow.curve) for record in self.some(most)]
        return by_depth(curves, quantity, ordered=True)

    def to_pandas(self) -> pandas.DataFrame:
        """A pandas DataFrame with a row for each layer at each recorded step.

        Raises:
            MissingPartError: pandas is not installed.
        """
        return frame(
            [
                {"step": record.step, "epoch": record.epoch} | layer.row()
                for record in self.records
                for layer in record.flow.layers
            ],
            "step",
        )

    def save(self, path: str | Path) -> None:
        """Write it as JSON lines, which `load` and `read_run` read."""
        lines = [{"step": r.step, "epoch": r.epoch, **r.flow.to_dict()} for r in self.records]
        write_text(Path(path), "".join(json.dumps(line) + "\n" for line in lines))

    @classmethod
    def load(cls, path: str | Path) -> GradientRun:
        """Read what `save` wrote, or a run's folder.

        Raises:
            SourceError: the file cannot be read, or is something else.
        """
        return read_run(str(path))

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "name": self.name,
            "records": [{"step": r.step, "epoch": r.epoch, **r.flow.to_dict()} for r in self.records],
        }


def is_run(reference: str) -> bool:
    """Whether a reference names a recorded run: a file of JSON lines, or a folder that holds one."""
    path = Path(reference)
    return path.suffix == ".jsonl" or is_file(path / FILE)


def read_run(path: str | Path) -> GradientRun:
    """Read what `record_gradients` recorded; of a run that was interrupted, what there is.

    Raises:
        SourceError: the file is not there, or holds something else.
    """
    file = Path(path)
    file = file / FILE if is_folder(file) else file
    records: list[Record] = []
    broken: SourceError | None = None
    try:
        for line, where in read_lines(file):
            if broken:
                raise broken
            try:
                found = read_record(_Line, parse_json(line, where), f"{where}: this is no record of gradient flow")
                records.append(Record(found.step, found.epoch, found.flow))
            except SourceError as error:
                broken = error  # the last line may be cut short, while it was being written
    except FileNotFoundError:
        raise SourceError(f"{path} cannot be read, no such file or directory") from None
    if broken and not records:
        raise broken
    if not records:
        raise SourceError(f"{path} holds no records")
    return GradientRun(records[0].flow.name or file.stem, tuple(records))
