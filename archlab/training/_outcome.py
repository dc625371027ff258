"""The test at the end of a run: its best weights on the test images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

import numpy as np

from archlab.bridge.types import Model
from archlab.data import ImageSet, Split
from archlab.files import write_json, write_text
from archlab.training._batches import evaluation_batches, test_size
from archlab.training._head import Head
from archlab.training._record import Progress
from archlab.training._run import PREDICTIONS, SUMMARY, Outcome, Run, Summary, predictions_text
from archlab.training.recipes import Recipe


def probabilities(model: Model, head: Head, images: np.ndarray, recipe: Recipe, size: tuple[int, int]) -> np.ndarray:
    """Class probabilities, (N, classes), of uint8 images of shape (N, height, width, channels)."""
    labels = np.zeros((len(images), head.units), dtype="float32")
    outputs = [
        model.predict(evaluation_batches(view, labels, size, recipe.batch), verbose=0)
        for view in _views(images, recipe)
    ]
    return np.mean([head.probabilities(each) for each in outputs], axis=0)


@dataclass(frozen=True)
class Evaluated:
    """How many images are evaluated: in each validation, and after training, counted once for each view."""

    validation: int
    last: int


def _views(images: np.ndarray, recipe: Recipe) -> Iterator[np.ndarray]:
    """The views of test-time augmentation: the images or five crops of each, with mirror images if the recipe flips."""
    for crop in _crops(images, recipe.test_crop):
        yield crop
        if recipe.test_flip:
            yield crop[:, :, ::-1]


def _crops(images: np.ndarray, fraction: float) -> Iterator[np.ndarray]:
    """The images, or five crops of each at the corners and the centre; `fraction` is relative to the sides."""
    height, width = (max(1, round(side * fraction)) for side in images.shape[1:3])
    low, right = images.shape[1] - height, images.shape[2] - width
    if not low and not right:
        yield images
        return
    for top, left in ((0, 0), (0, right), (low, 0), (low, right), (low // 2, right // 2)):
        yield images[:, top : top + height, left : left + width]


def predict_split(model: object, head: Head, split: Split, recipe: Recipe, size: tuple[int, int]) -> Outcome:
    """The predictions of a model for a split."""
    return Outcome(split.names, split.labels, probabilities(model, head, split.pixels, recipe, size))


def finish(run: Run, model: Model, head: Head, images: ImageSet, progress: Progress) -> None:
    """Test a model with its best weights, and write the results; the summary is the last file written."""
    about, recipe = run.record, run.recipe
    size = test_size(recipe, about.input)
    validated = predict_split(model, head, images.validation, recipe, size)
    outcome = predict_split(model, head, images.test, recipe, size)
    write_text(run.folder / PREDICTIONS, predictions_text(outcome, images.classes))
    best = progress.history[progress.best_epoch - 1]
    summary = Summary(
        reference=about.reference,
        name=about.name,
        recipe=about.recipe,
        seed=about.seed,
        data=images.title,
        synthetic=images.synthetic,
        fingerprint=images.test.fingerprint,
        classes=images.classes,
        input=about.input,
        epochs=progress.epochs,
        best_epoch=progress.best_epoch,
        validation_accuracy=float(validated.correct.mean()),
        validation_loss=float("nan") if best.val_loss is None else best.val_loss,
        test_accuracy=float(outcome.correct.mean()),
        test_images=len(outcome.labels),
        params=int(model.count_params()),
        seconds=progress.elapsed,
        images_per_second=float(median(record.images_per_second for record in progress.history)),
        settings=about.settings,
    )
    write_json(run.folder / SUMMARY, summary.to_dict())
