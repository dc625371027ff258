from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from archlab.errors import SourceError, UsageError
from archlab.files import KEY, is_folder, keyed, parse_json, read_json, read_lines, read_record
from archlab.shown import Shown
from archlab.training._record import EpochRecord, RunRecord
from archlab.training.recipes import Recipe, recipe

ABOUT = "run.json"
ARCHITECTURE = "architecture.yaml"
RECIPE = "recipe.yaml"
LOCK = ".lock"
HISTORY = "history.jsonl"
WEIGHTS = "best.weights.h5"
LOGS = "tensorboard"
STATE = "state.npz"
PREDICTIONS = "predictions.csv"
SUMMARY = "summary.json"


@dataclass(frozen=True)
class Summary:
    """The results of a run. Accuracies are fractions of images, times are in seconds."""

    reference: str
    name: str
    recipe: str
    seed: int
    data: str
    """The data set's name, marked if its images are synthetic."""
    synthetic: bool
    fingerprint: str
    """Of the test images: two runs with the same fingerprint were tested on the same images."""
    classes: tuple[str, ...]
    input: tuple[int, ...]
    epochs: int
    best_epoch: int
    """The epoch whose weights were tested; counted from 1."""
    validation_accuracy: float
    validation_loss: float
    test_accuracy: float
    test_images: int = field(metadata={KEY: "test_photos"})
    params: int
    seconds: float
    """Of training, validation and checkpoints."""
    images_per_second: float
    """Training images per second of training: the median over the epochs."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """The recipe fields that were overridden."""

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return keyed(self, asdict(self))

    @classmethod
    def from_dict(cls, data: object, where: str | Path = SUMMARY) -> Summary:
        """The summary in plain data; keys that a later version added are ignored.

        Raises:
            SourceError: a key is missing, or its value is of another type; names `where`, the file.
        """
        return read_record(cls, data, where)


class Outcome(NamedTuple):
    """The predictions of a model for a split."""

    names: tuple[str, ...]
    labels: np.ndarray
    """(N,): class indices."""
    probabilities: np.ndarray
    """(N, classes)."""

    @property
    def correct(self) -> np.ndarray:
        """(N,): whether the predicted class is the label."""
        return self.probabilities.argmax(axis=1) == self.labels


@dataclass(frozen=True)
class Run(Shown):
    """The folder of a training run, finished or not.

    It holds the setup (`run.json`, `architecture.yaml`, `recipe.yaml`), the history (`history.jsonl`, one line per
    epoch), the weights of the best epoch (`best.weights.h5`), the last checkpoint (`state.npz`) and, once the run is
    finished, the test predictions (`predictions.csv`) and the results (`summary.json`).
    """

    folder: Path

    @property
    def record(self) -> RunRecord:
        """The setup: reference, settings, seed, data, versions, machine.

        Raises:
            SourceError: the folder is not an archlab run, or `run.json` is damaged.
        """
        return RunRecord.from_dict(self._json(ABOUT), self.folder / ABOUT)

    @property
    def recipe(self) -> Recipe:
        """The recipe, with all overridden fields."""
        return recipe(self.folder / RECIPE)

    @property
    def history(self) -> list[EpochRecord]:
        """A record of each finished epoch.

        Raises:
            SourceError: a line is damaged; names the file and the line.
        """
        path = self.folder / HISTORY
        lines = read_lines(path) if path.is_file() else ()
        return [EpochRecord.from_dict(parse_json(line, where), where) for line, where in lines]

    @property
    def finished(self) -> bool:
        """Whether training and test are complete."""
        return (self.folder / SUMMARY).is_file()

    @property
    def summary(self) -> Summary:
        """The results.

        Raises:
            SourceError: it is not finished.
        """
        if not self.finished and (self.folder / ABOUT).is_file():
            raise SourceError(f"run {self.folder} is not finished: resume it with archlab train --resume {self.folder}")
        return Summary.from_dict(self._json(SUMMARY), self.folder / SUMMARY)

    def _json(self, name: str) -> object:
        try:
            return read_json(self.folder / name)
        except FileNotFoundError:
            raise SourceError(f"{self.folder} is not an archlab run: it has no {name}") from None


def open_run(folder: str | Path) -> Run:
    """The run in a folder.

    Raises:
        SourceError: there is none.
    """
    path = Path(folder)
    if not is_folder(path):
        raise SourceError(f"no run {folder}: there is no such folder")
    run = Run(path)
    _ = run.record
    return run


def new_folder(folder: str | Path | None, name: str) -> Path:
    """The folder of a new run. Default: one under `runs`.

    Raises:
        UsageError: the given folder is in use.
    """
    if folder is not None:
        path = Path(folder)
        if (path / ABOUT).exists():
            raise UsageError(f"run {path}: the folder holds a run: resume it with --resume, or choose another folder")
        if path.exists() and (not path.is_dir() or (any(path.iterdir()) and not _only_begun(path))):
            raise UsageError(f"run {path}: the folder is not empty: choose another folder")
        return path
    base = "".join(letter if letter.isalnum() or letter in "-_.=" else "-" for letter in name)
    path, number = Path("runs") / base, 1
    while path.exists():
        number += 1
        path = Path("runs") / f"{base}-{number}"
    return path


def _only_begun(folder: Path) -> bool:
    """Whether a run was killed there before its record was written: nothing in it but what is written before that."""
    begun = {LOCK, ARCHITECTURE, Path(ARCHITECTURE).with_suffix(".keras").name, RECIPE}
    names = {child.name for child in folder.iterdir()}
    return LOCK in names and all(name in begun or name.startswith(".new.") for name in names)


def predictions_text(outcome: Outcome, classes: tuple[str, ...]) -> str:
    """Predictions as CSV: image, label, class, predicted class, and the probability of each class."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["name", "label", "class", "predicted", *(f"probability {name}" for name in classes)])
    for name, label, row in zip(outcome.names, outcome.labels, outcome.probabilities, strict=True):
        predicted = classes[int(row.argmax())]
        rows.writerow([name, int(label), classes[label], predicted, *(f"{value:.9g}" for value in row)])
    return text.getvalue()
