"""The end of a run: its best weights, on the photos that nothing was chosen by."""

from __future__ import annotations

from statistics import median
from typing import Any

import numpy as np

from archlab.files import write_json, write_text
from archlab.training._batches import held_out
from archlab.training._head import Head
from archlab.training._run import PREDICTIONS, SUMMARY, Outcome, Run, Summary, predictions_text
from archlab.training._state import Progress
from archlab.training.data import PhotoSet, Split
from archlab.training.recipes import Recipe


def test_size(how: Recipe, input: tuple[int, ...]) -> tuple[int, int]:
    """Height and width of photos that are validated or tested on."""
    side = how.test_size or (how.size[-1][1] if how.size else 0)
    return (side, side) if side else (input[0], input[1])


def probabilities(model: Any, head: Head, photos: np.ndarray, how: Recipe, size: tuple[int, int]) -> np.ndarray:
    """What a model says of photos, uint8 of shape (N, height, width, channels): (N, classes)."""
    views = (photos, photos[:, :, ::-1]) if how.test_flip else (photos,)
    labels = np.zeros((len(photos), head.units), dtype="float32")
    found = [model.predict(held_out(view, labels, size, how.batch), verbose=0) for view in views]
    return np.mean([head.probabilities(outputs) for outputs in found], axis=0)


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
