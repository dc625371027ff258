from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from archlab.errors import DataError, SourceError, UsageError
from archlab.files import read_json, read_record
from archlab.statistics._crossed import as_runs

FILE = "predictions.csv"
_PROBABILITY = "probability"


@dataclass(frozen=True, eq=False)
class Predictions:
    """The test images that a run classified correctly.

    Attributes:
        run: its folder.
        names: of the images, in order.
        correct: whether each was classified correctly.
        reference: of the architecture.
        seed: of the run.
        fingerprint: of the data; empty if not recorded.
        synthetic: whether the images are synthetic.
    """

    run: Path
    names: tuple[str, ...] = field(repr=False)
    correct: np.ndarray = field(repr=False)
    reference: str = ""
    seed: int | None = None
    fingerprint: str = ""
    synthetic: bool = False


Runs: TypeAlias = Sequence[Predictions] | Predictions | Any
"""The runs of one architecture: their predictions, or booleans of shape (seeds, images)."""


def read_predictions(run: str | Path) -> Predictions:
    """Read the results of a run's test from its `predictions.csv` and `summary.json`.

    The table has one row per image with the columns `name`, `label` (the class index) and either `probability` of class
    1, or one `probability…` per class in order. As in Keras's accuracies, a probability above 0.5 predicts class 1, and
    of several classes the most probable one is predicted. NaN counts as an error.

    Args:
        run: the run's folder.

    Raises:
        DataError: the table is missing or invalid; names the file and the line.
    """
    folder = Path(run)
    file = folder / FILE
    try:
        with file.open(encoding="utf-8", newline="") as lines:
            names, correct = _read(csv.reader(lines), file)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None)
        if reason is None:
            raise error if isinstance(error, DataError) else DataError(f"{file} is not a text file") from None
        raise DataError(f"{file} cannot be read, {reason.lower()}") from None
    except csv.Error as error:
        raise DataError(f"{file} is not a table: {error}") from None
    about = _summary(folder)
    return Predictions(
        run=folder,
        names=names,
        correct=correct,
        reference=about.reference,
        seed=about.seed,
        fingerprint=about.fingerprint or "",
        synthetic=about.synthetic,
    )


@dataclass(frozen=True)
class _About:
    """What is read of a run's summary."""

    reference: str = ""
    seed: int | None = None
    fingerprint: str | None = None
    synthetic: bool = False


def _summary(folder: Path) -> _About:
    """The run's summary; empty if there is none, or it is damaged."""
    file = folder / "summary.json"
    try:
        return read_record(_About, read_json(file), file)
    except (FileNotFoundError, SourceError):
        return _About()


def _read(rows: Any, file: Path) -> tuple[tuple[str, ...], np.ndarray]:
    header = next(rows, [])
    columns = [index for index, column in enumerate(header) if column.startswith(_PROBABILITY)]
    if "name" not in header or "label" not in header or not columns:
        raise DataError(
            f"{file}:1: expected the columns name, label and probability, got {', '.join(header) or 'none'}"
        )
    name, label = header.index("name"), header.index("label")
    names: dict[str, bool] = {}
    for number, row in enumerate(rows, start=2):
        if not row:
            continue
        try:
            actual, found = int(row[label]), [float(row[column]) for column in columns]
            image = row[name]
        except (ValueError, IndexError):
            raise DataError(f"{file}:{number}: expected a name, a class index and probabilities") from None
        if image in names:
            raise DataError(f"{file}:{number}: the image {image!r} is listed twice")
        predicted = int(found[0] > 0.5) if len(found) == 1 else int(np.argmax(found))
        names[image] = not np.isnan(found).any() and predicted == actual
    if not names:
        raise DataError(f"{file} holds no predictions")
    return tuple(names), np.array([*names.values()], bool)


def aligned(*groups: Runs) -> tuple[list[np.ndarray], bool]:
    """Booleans of shape (seeds, images) for each group, images in the same order; and whether these are synthetic.

    Raises:
        DataError: runs were tested on different images.
        UsageError: predictions and arrays are mixed, or an array is invalid.
    """
    found = [_predictions(group) for group in groups]
    known = [group for group in found if group is not None]
    if not known:
        return [as_runs(group) for group in groups], False
    if len(known) < len(found):
        raise UsageError("predictions can only be compared with predictions, which name their images")
    first = known[0][0]
    arrays = [np.stack([_ordered_as(first, run) for run in group]) for group in known]
    return arrays, any(run.synthetic for group in known for run in group)


def name_of(group: Runs) -> str:
    """The reference recorded in the runs."""
    found = _predictions(group)
    return found[0].reference if found else ""


def _predictions(group: Runs) -> list[Predictions] | None:
    if isinstance(group, Predictions):
        return [group]
    if isinstance(group, Sequence) and group and all(isinstance(run, Predictions) for run in group):
        return list(group)
    return None


def _ordered_as(first: Predictions, run: Predictions) -> np.ndarray:
    missing, added = set(first.names) - set(run.names), set(run.names) - set(first.names)
    if missing or added:
        odd = f"{min(missing)} only in the first" if missing else f"{min(added)} only in the second"
        raise DataError(
            f"{first.run} and {run.run} were tested on different images: {len(missing) + len(added):,} are not in "
            f"both, such as {odd}"
        )
    if first.fingerprint and run.fingerprint and first.fingerprint != run.fingerprint:
        raise DataError(
            f"{first.run} and {run.run} have images of the same names but different data: fingerprints "
            f"{first.fingerprint[:12]} and {run.fingerprint[:12]}"
        )
    place = {name: index for index, name in enumerate(run.names)}
    return run.correct[[place[name] for name in first.names]]
