from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from archlab.bridge import load_keras
from archlab.bridge.types import Model
from archlab.data import decode_image, open_images
from archlab.errors import SourceError, UsageError
from archlab.training._batches import stored_size, test_size
from archlab.training._fit import build_model, load_architecture
from archlab.training._head import Head
from archlab.training._outcome import predict_split, probabilities
from archlab.training._run import WEIGHTS, Outcome, Run, open_run
from archlab.training._state import without_optimizer


@dataclass(frozen=True)
class Evaluation:
    """The predictions of a run's best weights on a split of a data set."""

    run: str
    data: str
    """The data set's name, marked if its images are synthetic."""
    synthetic: bool
    split: str
    classes: tuple[str, ...]
    outcome: Outcome

    @property
    def accuracy(self) -> float:
        """The fraction of images whose predicted class is their label."""
        return float(self.outcome.correct.mean())

    @property
    def confusion(self) -> np.ndarray:
        """The confusion matrix, (classes, classes): rows are labels, columns predicted classes."""
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
    """The prediction of a run's best weights for one image."""

    image: str
    classes: tuple[str, ...]
    probabilities: tuple[float, ...]

    @property
    def label(self) -> str:
        """The predicted class."""
        return self.classes[int(np.argmax(self.probabilities))]

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "photo": self.image,
            "label": self.label,
            "probabilities": dict(zip(self.classes, self.probabilities, strict=True)),
        }


def evaluate(run: str | Path | Run, data: str | Path | None = None, split: str = "test") -> Evaluation:
    """Evaluate the best weights of a run, finished or not, on a split of a data set.

    Args:
        run: the run, or its folder.
        data: a data set, as for `train`. Default: the run's own.
        split: 'test', 'validation' or 'train'.

    Raises:
        SourceError: there is no such run, or it has no best weights yet.
        DataError: the images cannot be used.
        UsageError: the data set has other classes.
    """
    found, model, head = _restored(run)
    about, recipe = found.record, found.recipe
    size = test_size(recipe, about.input)
    # Stored and resized exactly as in the run, so that its test gives the same accuracy to the last bit.
    height, width, channels = about.input
    stored = stored_size(recipe, (height, width))
    images = open_images(about.data if data is None else data, stored, channels, splits=(split,))
    if images.classes != about.classes:
        raise UsageError(
            f"{images.source} has the classes {', '.join(images.classes)}, "
            f"and {found.folder} was trained on {', '.join(about.classes)}"
        )
    outcome = predict_split(model, head, getattr(images, split), recipe, size)
    return Evaluation(str(found.folder), images.title, images.synthetic, split, images.classes, outcome)


def predict(run: str | Path | Run, images: Sequence[str | Path]) -> tuple[Prediction, ...]:
    """Predict the classes of images with the best weights of a run.

    Args:
        run: the run, or its folder.
        images: paths of image files.

    Raises:
        SourceError: there is no such run, or it has no best weights yet.
        DataError: a file cannot be decoded as an image.
    """
    found = run if isinstance(run, Run) else open_run(run)
    about, recipe = found.record, found.recipe
    height, width, channels = about.input
    size = test_size(recipe, (height, width))
    # Files are decoded before the model is built, which takes longer.
    stored = stored_size(recipe, (height, width))
    pixels = np.stack([decode_image(image, stored, channels) for image in images])
    _, model, head = _restored(found)
    rows = probabilities(model, head, pixels, recipe, size)
    classes = about.classes
    return tuple(
        Prediction(str(image), classes, tuple(float(value) for value in row))
        for image, row in zip(images, rows, strict=True)
    )


def _restored(run: str | Path | Run) -> tuple[Run, Model, Head]:
    found = run if isinstance(run, Run) else open_run(run)
    weights = found.folder / WEIGHTS
    if not weights.is_file():
        raise SourceError(f"run {found.folder} has no best weights yet: no epoch with validation is finished")
    about = found.record
    architecture = load_architecture(found)
    load_keras()
    model = without_optimizer(build_model(architecture, found.recipe, about.input, about.precision, about.seed))
    try:
        model.load_weights(weights)
    except (OSError, ValueError, KeyError) as error:
        reason = " ".join(str(error).split())
        raise SourceError(f"{weights} is damaged, or belongs to another architecture: {reason}") from None
    return found, model, Head.of(architecture.graph, about.classes)
