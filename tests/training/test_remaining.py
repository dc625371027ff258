"""The remaining time that a run reports counts validation and test."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy
import pytest

from archlab.training._outcome import Evaluated
from archlab.training.recipes import Recipe


def callback(recipe: Recipe, evaluated: Evaluated) -> Any:
    from archlab.training._callback import RunCallback

    batches: Any = SimpleNamespace(recipe=recipe, labels=range(90), size=lambda epoch: (32, 32), steps=9)
    progress: Any = SimpleNamespace(elapsed=0.0)
    made: Any = RunCallback(Path(), batches, progress, None, evaluated, None)
    made.on_epoch_begin(0)
    return made


@pytest.mark.parametrize(("every", "validations"), [(1, 4), (2, 2), (3, 2)])
def test_validations_and_the_test_are_counted(every: int, validations: int) -> None:
    run = callback(Recipe("r", epochs=4, validate_every=every), Evaluated(validation=30, last=100))
    # 360 training images at 10 a second, and what is evaluated at three times that.
    assert run._left(10.0) == pytest.approx(36 + (validations * 30 + 100) / 30)
    run._evaluation_rate = 50.0
    assert run._left(10.0) == pytest.approx(36 + (validations * 30 + 100) / 50)


def test_after_the_last_epoch_the_test_is_left() -> None:
    run = callback(Recipe("r", epochs=1), Evaluated(validation=30, last=100))
    run._images, run._evaluation_rate = 90, 50.0
    assert run._left(10.0, finished=True) == pytest.approx(2)


def test_the_first_step_does_not_count_for_the_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([0.0, 0.0, 100.0, 101.0, 102.0])
    monkeypatch.setattr("archlab.training._callback.time.perf_counter", lambda: next(now))
    run = callback(Recipe("r", epochs=1), Evaluated(0, 0))
    run._images = 10
    assert run._current_rate() == pytest.approx(10 / 100)
    run._images = 20
    assert run._current_rate() == pytest.approx(10)
    run._images = 40
    assert run._current_rate() == pytest.approx(30 / 2)


@pytest.mark.parametrize(
    ("crop", "flip", "views"), [(1.0, False, 1), (1.0, True, 2), (0.85, False, 5), (0.85, True, 10)]
)
def test_views_are_those_of_the_test(crop: float, flip: bool, views: int) -> None:
    from archlab.training._outcome import _views

    recipe = Recipe("r", test_crop=crop, test_flip=flip)
    images = numpy.zeros((2, 40, 40, 3), "uint8")
    assert recipe.views == views == len(list(_views(images, recipe)))
