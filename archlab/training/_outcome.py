"""The end of a run: its best weights, on the photos that nothing was chosen by."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from typing import Any

import numpy as np

from archlab.files import write_json, write_text
from archlab.training._batches import held_out, test_size
from archlab.training._head import Head
from archlab.training._run import PREDICTIONS, SUMMARY, Outcome, Run, Summary, predictions_text
from archlab.training._state import Progress
from archlab.training.data import PhotoSet, Split
from archlab.training.recipes import Recipe


def probabilities(model: Any, head: Head, photos: np.ndarray, how: Recipe, size: tuple[int, int]) -> np.ndarray:
    """What a model says of photos, uint8 of shape (N, height, width, channels): (N, classes)."""
    labels = np.zeros((len(photos), head.units), dtype="float32")
    found = [model.predict(held_out(view, labels, size, how.batch), verbose=0) for view in _views(photos, how)]
    return np.mean([head.probabilities(outputs) for outputs in found], axis=0)


def _views(photos: np.ndarray, how: Recipe) -> Iterator[np.ndarray]:
    """What a recipe has predicted of each photo: the photo, or cuts of it; each with its mirror image if it says so."""
    for cut in _cuts(photos, how.test_crop):
        yield cut
        if how.test_flip:
            yield cut[:, :, ::-1]


def _cuts(photos: np.ndarray, share: float) -> Iterator[np.ndarray]:
    """The photos themselves, or of each the four corners and the middle, of this share of its sides."""
    height, width = (max(1, round(side * share)) for side in photos.shape[1:3])
    low, right = photos.shape[1] - height, photos.shape[2] - width
    if not low and not right:
        yield photos
        return
    for top, left in ((0, 0), (0, right), (low, 0), (low, right), (low // 2, right // 2)):
        yield photos[:, top : top + height, left : left + width]


def tested(model: Any, head: Head, split: Split, how: Recipe, size: tuple[int, int]) -> Outcome:
    """What a model says of the photos of a split."""
    return Outcome(split.names, split.labels, probabilities(model, head, split.pixels, how, size))


def finish(run: Run, model: Any, head: Head, photos: PhotoSet, progress: Progress) -> None:
    """Test a model that has its best weights, and write down what came of the run; the summary last of all."""
    about, how = run.about, run.recipe
    size = test_size(how, tuple(about["input"]))
    validated = tested(model, head, photos.validation, how, size)
    outcome = tested(model, head, photos.test, how, size)
    write_text(run.folder / PREDICTIONS, predictions_text(outcome, photos.classes))
    best = progress.history[progress.best_epoch - 1]
    summary = Summary(
        reference=about["reference"],
        name=about["name"],
        recipe=about["recipe"],
        seed=about["seed"],
        data=photos.title,
        synthetic=photos.synthetic,
        fingerprint=photos.test.fingerprint,
        classes=photos.classes,
        input=tuple(about["input"]),
        epochs=progress.epochs,
        best_epoch=progress.best_epoch,
        validation_accuracy=float(validated.correct.mean()),
        validation_loss=best["val_loss"],
        test_accuracy=float(outcome.correct.mean()),
        test_photos=len(outcome.labels),
        params=int(model.count_params()),
        seconds=progress.elapsed,
        images_per_second=float(median(record["images_per_second"] for record in progress.history)),
        settings=about["settings"],
    )
    write_json(run.folder / SUMMARY, summary.to_dict())
