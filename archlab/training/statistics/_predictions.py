from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from archlab.errors import DataError, UsageError
from archlab.training.statistics._crossed import as_runs

FILE = "predictions.csv"
_PROBABILITY = "probability"


@dataclass(frozen=True, eq=False)
class Predictions:
    """Which test photos a run classified correctly.

    Attributes:
        run: the folder that they were read from.
        names: of the photos, in order.
        correct: whether each was classified correctly.
        reference: the architecture, as it was named.
        seed: of the run.
        fingerprint: of the data; empty where the run does not say.
        synthetic: the photos are drawings made by a program.
    """

    run: Path
    names: tuple[str, ...] = field(repr=False)
    correct: np.ndarray = field(repr=False)
    reference: str = ""
    seed: int | None = None
    fingerprint: str = ""
    synthetic: bool = False


Runs: TypeAlias = Sequence[Predictions] | Predictions | Any
"""The runs of one architecture: their predictions, or (seeds, photos) truth values."""


def read_predictions(run: str | Path) -> Predictions:
    """Read which test photos a run classified correctly, from its `predictions.csv` and `summary.json`.

    The table has a row for each photo: `name`, `label` (the number of its class), and `probability`, of class 1, or
    one column `probability…` for each class in order. As in Keras's accuracies, more than a half means class 1, and of
    several classes the most probable one counts. A probability that is not a number is never right.

    Args:
        run: the run's folder.

    Raises:
        DataError: the table is not there, or is none such; names the file and the line.
    """
    folder = Path(run)
    file = folder / FILE
    try:
        with file.open(encoding="utf-8", newline="") as lines:
            names, correct = _read(csv.reader(lines), file)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None)
        if reason is None:
            raise error if isinstance(error, DataError) else DataError(f"{file} is no text") from None
        raise DataError(f"{file} cannot be read, {reason.lower()}") from None
    about = _summary(folder)
    return Predictions(
        run=folder,
        names=names,
        correct=correct,
        reference=str(about.get("reference", "")),
        seed=about.get("seed"),
        fingerprint=str(about.get("fingerprint", "") or ""),
        synthetic=bool(about.get("synthetic", False)),
    )


def _summary(folder: Path) -> dict[str, Any]:
    """What the run says of itself; nothing where it did not come to that."""
    try:
        found = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _read(rows: Any, file: Path) -> tuple[tuple[str, ...], np.ndarray]:
    header = next(rows, [])
    columns = [index for index, column in enumerate(header) if column.startswith(_PROBABILITY)]
    if "name" not in header or "label" not in header or not columns:
        raise DataError(
            f"{file}:1: the columns name, label and probability are needed, got {', '.join(header) or 'none'}"
        )
    name, label = header.index("name"), header.index("label")
    names: dict[str, bool] = {}
    for number, row in enumerate(rows, start=2):
        if not row:
            continue
        try:
            actual, found = int(row[label]), [float(row[column]) for column in columns]
            photo = row[name]
        except (ValueError, IndexError):
            raise DataError(f"{file}:{number}: a name, the number of a class and probabilities are needed") from None
        if photo in names:
            raise DataError(f"{file}:{number}: the photo {photo!r} stands there twice")
        guess = int(found[0] > 0.5) if len(found) == 1 else int(np.argmax(found))
        names[photo] = not np.isnan(found).any() and guess == actual
    if not names:
        raise DataError(f"{file} holds no predictions")
    return tuple(names), np.array([*names.values()], bool)


def aligned(*groups: Runs) -> tuple[list[np.ndarray], bool]:
    """Each group's (seeds, photos) truth values, photos in one order for all; and whether they are drawings.

    Raises:
        DataError: runs were tested on different photos.
        UsageError: predictions and arrays are mixed, or an array is none such.
    """
    found = [_predictions(group) for group in groups]
    known = [group for group in found if group is not None]
    if not known:
        return [as_runs(group) for group in groups], False
    if len(known) < len(found):
        raise UsageError("predictions can be compared with predictions only, which know the photos' names")
    first = known[0][0]
    arrays = [np.stack([_ordered_as(first, run) for run in group]) for group in known]
    return arrays, any(run.synthetic for group in known for run in group)


def name_of(group: Runs) -> str:
    """The architecture that runs say they are of."""
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
            f"{first.run} and {run.run} were tested on different photos: {len(missing) + len(added):,} are not in "
            f"both, such as {odd}"
        )
    if first.fingerprint and run.fingerprint and first.fingerprint != run.fingerprint:
        raise DataError(
            f"{first.run} and {run.run} have photos of the same names from different data: fingerprints "
            f"{first.fingerprint[:12]} and {run.fingerprint[:12]}"
        )
    place = {name: index for index, name in enumerate(run.names)}
    return run.correct[[place[name] for name in first.names]]
