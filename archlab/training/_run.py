from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from archlab.errors import SourceError, UsageError
from archlab.shown import Shown
from archlab.training.recipes import Recipe, recipe

ABOUT = "run.json"
ARCHITECTURE = "architecture.yaml"
RECIPE = "recipe.yaml"
HISTORY = "history.jsonl"
WEIGHTS = "best.weights.h5"
STATE = "state.npz"
PREDICTIONS = "predictions.csv"
SUMMARY = "summary.json"


@dataclass(frozen=True)
class Summary:
    """What came of a run. Accuracies are shares of photos, times are seconds."""

    reference: str
    name: str
    recipe: str
    seed: int
    data: str
    """How the data set is called; it says so where photos are synthetic drawings."""
    synthetic: bool
    fingerprint: str
    """Of the test photos: two runs with the same one were tested on the same."""
    classes: tuple[str, ...]
    input: tuple[int, ...]
    epochs: int
    best_epoch: int
    """Whose weights were kept, and tested; counted from 1."""
    validation_accuracy: float
    validation_loss: float
    test_accuracy: float
    test_photos: int
    params: int
    seconds: float
    """Of training, validation after every epoch and all that is written in between."""
    images_per_second: float
    """Photos trained on in a second of training: the median over the epochs."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What was set otherwise than the recipe has it."""

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Summary:
        """The same from plain data; keys that a later version added are passed over."""
        known = {f.name for f in fields(cls)}
        values: dict[str, Any] = {key: value for key, value in data.items() if key in known}
        for name in ("classes", "input"):
            values[name] = tuple(values[name])
        return cls(**values)


class Outcome(NamedTuple):
    """What a model says of each photo of a split."""

    names: tuple[str, ...]
    labels: np.ndarray
    """(N,): indices of classes."""
    probabilities: np.ndarray
    """(N, classes)."""

    @property
    def correct(self) -> np.ndarray:
        """(N,): whether the likeliest class is the right one."""
        return self.probabilities.argmax(axis=1) == self.labels


@dataclass(frozen=True)
class Run(Shown):
    """The folder of a training run, finished or not.

    It holds what was run (`run.json`, `architecture.yaml`, `recipe.yaml`), `history.jsonl` (a line an epoch), the
    weights of the best epoch (`best.weights.h5`), where training stands (`state.npz`) and, once it is finished, what
    was predicted of the test photos (`predictions.csv`) and `summary.json`.
    """

    folder: Path

    @property
    def about(self) -> dict[str, Any]:
        """What was run: reference, settings, seed, data, versions, machine."""
        return self._json(ABOUT)

    @property
    def recipe(self) -> Recipe:
        """How it is trained, with everything that was set."""
        return recipe(self.folder / RECIPE)

    @property
    def history(self) -> list[dict[str, Any]]:
        """A record of each finished epoch: losses, accuracies, seconds, images per second."""
        path = self.folder / HISTORY
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
        return [json.loads(line) for line in lines]

    @property
    def finished(self) -> bool:
        """Whether it has been trained and tested to the end."""
        return (self.folder / SUMMARY).is_file()

    @property
    def summary(self) -> Summary:
        """What came of it.

        Raises:
            SourceError: it is not finished.
        """
        if not self.finished and (self.folder / ABOUT).is_file():
            raise SourceError(f"run {self.folder} is not finished: go on with archlab train --resume {self.folder}")
        return Summary.from_dict(self._json(SUMMARY))

    def _json(self, name: str) -> dict[str, Any]:
        try:
            return json.loads((self.folder / name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise SourceError(f"{self.folder} is no run: it holds no {name}") from None
        except (OSError, ValueError) as error:
            raise SourceError(f"{self.folder / name} cannot be read: {error}") from None


def open_run(folder: str | Path) -> Run:
    """The run in a folder.

    Raises:
        SourceError: there is none.
    """
    path = Path(folder)
    if not path.is_dir():
        raise SourceError(f"no run {folder}: there is no such folder")
    run = Run(path)
    _ = run.about
    return run


def new_folder(asked: str | Path | None, name: str) -> Path:
    """A folder for a new run; under `runs` unless one was asked for.

    Raises:
        UsageError: the folder that was asked for is in use.
    """
    if asked is not None:
        path = Path(asked)
        if (path / ABOUT).exists():
            raise UsageError(f"run {path}: there is a run already: go on with --resume, or name another folder")
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise UsageError(f"run {path}: there is something else there: name another folder")
        return path
    base = "".join(letter if letter.isalnum() or letter in "-_.=" else "-" for letter in name)
    path, number = Path("runs") / base, 1
    while path.exists():
        number += 1
        path = Path("runs") / f"{base}-{number}"
    return path


def predictions_text(found: Outcome, classes: tuple[str, ...]) -> str:
    """Predictions as CSV: the photo, its class by number and name, the class predicted, the probability of each."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["name", "label", "class", "predicted", *(f"probability {name}" for name in classes)])
    for name, label, row in zip(found.names, found.labels, found.probabilities, strict=True):
        guess = classes[int(row.argmax())]
        rows.writerow([name, int(label), classes[label], guess, *(f"{value:.9g}" for value in row)])
    return text.getvalue()
