from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from archlab.bridge import load_keras
from archlab.errors import SourceError, UsageError
from archlab.training._batches import stored_size, test_size
from archlab.training._fit import build_model, load_architecture
from archlab.training._head import Head
from archlab.training._outcome import probabilities, tested
from archlab.training._run import WEIGHTS, Outcome, Run, open_run
from archlab.training._state import without_optimizer
from archlab.training.data import decode_photo, open_photos


@dataclass(frozen=True)
class Evaluation:
    """What the weights of a run make of a split of a data set."""

    run: str
    data: str
    """How the data set is called; it says so where photos are synthetic drawings."""
    synthetic: bool
    split: str
    classes: tuple[str, ...]
    outcome: Outcome

    @property
    def accuracy(self) -> float:
        """The share of photos whose likeliest class is the right one."""
        return float(self.outcome.correct.mean())

    @property
    def confusion(self) -> np.ndarray:
        """(classes, classes): how many photos of the row's class were taken for the column's."""
        found = np.zeros((len(self.classes),) * 2, dtype="int64")
        np.add.at(found, (self.outcome.labels, self.outcome.probabilities.argmax(axis=1)), 1)
        return found

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "run": self.run,
            "data": self.data,
            "synthetic": self.synthetic,
            "split": self.split,
            "photos": len(self.outcome.labels),
            "accuracy": self.accuracy,
            "classes": list(self.classes),
            "confusion": self.confusion.tolist(),
        }


@dataclass(frozen=True)
class Prediction:
    """What the weights of a run say of one photo."""

    photo: str
    classes: tuple[str, ...]
    probabilities: tuple[float, ...]

    @property
    def label(self) -> str:
        """The likeliest class."""
        return self.classes[int(np.argmax(self.probabilities))]

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "photo": self.photo,
            "label": self.label,
            "probabilities": dict(zip(self.classes, self.probabilities, strict=True)),
        }


def evaluate(run: str | Path | Run, data: str | Path | None = None, split: str = "test") -> Evaluation:
    """Test the weights that a run has kept so far.

    Args:
        run: the run, or its folder.
        data: a data set as for `train`; the run's own unless given.
        split: 'test', 'validation' or 'train'.

    Raises:
        SourceError: there is no such run, or it has kept no weights yet.
        DataError: the photos cannot be used.
        UsageError: the data set has other classes.
    """
    found, model, head = _restored(run)
    about, how = found.about, found.recipe
    size = test_size(how, tuple(about["input"]))
    # As large as the run keeps them, and made smaller as it does: what it tested on, to the last bit.
    height, width, channels = about["input"]
    kept = stored_size(how, (height, width))
    photos = open_photos(about["data"] if data is None else data, kept, channels, splits=(split,))
    if list(photos.classes) != about["classes"]:
        raise UsageError(
            f"{photos.source} has the classes {', '.join(photos.classes)}, "
            f"and {found.folder} was trained on {', '.join(about['classes'])}"
        )
    said = tested(model, head, getattr(photos, split), how, size)
    return Evaluation(str(found.folder), photos.title, photos.synthetic, split, photos.classes, said)


def predict(run: str | Path | Run, photos: Sequence[str | Path]) -> tuple[Prediction, ...]:
    """What the weights that a run has kept say of photos.

    Args:
        run: the run, or its folder.
        photos: files.

    Raises:
        SourceError: there is no such run, or it has kept no weights yet.
        DataError: a file cannot be read as a photo.
    """
    found = run if isinstance(run, Run) else open_run(run)
    about, how = found.about, found.recipe
    height, width, channels = about["input"]
    size = test_size(how, (height, width))
    # Files are looked at before the model is built, which takes longer.
    kept = stored_size(how, (height, width))
    pixels = np.stack([decode_photo(photo, kept, channels) for photo in photos])
    _, model, head = _restored(found)
    said = probabilities(model, head, pixels, how, size)
    classes = tuple(about["classes"])
    return tuple(
        Prediction(str(photo), classes, tuple(float(value) for value in row))
        for photo, row in zip(photos, said, strict=True)
    )


def _restored(run: str | Path | Run) -> tuple[Run, Any, Head]:
    found = run if isinstance(run, Run) else open_run(run)
    weights = found.folder / WEIGHTS
    if not weights.is_file():
        raise SourceError(f"run {found.folder} has kept no weights yet: it has finished no epoch with a validation")
    about = found.about
    architecture = load_architecture(found)
    load_keras()
    model = without_optimizer(
        build_model(architecture, found.recipe, tuple(about["input"]), about["precision"], about["seed"])
    )
    try:
        model.load_weights(weights)
    except (OSError, ValueError, KeyError) as error:
        raise SourceError(f"{weights} is damaged, or of another architecture: {' '.join(str(error).split())}") from None
    return found, model, Head.of(architecture.graph, tuple(about["classes"]))
