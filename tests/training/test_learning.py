from __future__ import annotations

import pytest

from archlab.training import EpochRecord, Learning, common_target, learning


def _history(*accuracies: float | None, step: float = 10.0):
    return tuple(
        EpochRecord(n + 1, 0.5, 0.5, 0.1, (8, 8), step, 1.0, step * (n + 1), None if a is None else 0.5, a)
        for n, a in enumerate(accuracies)
    )


def test_the_curve_is_the_mean_of_the_runs_that_came_so_far() -> None:
    found = Learning("net", (_history(0.5, 0.7, 0.9), _history(0.6, None)))
    assert found.curve == (pytest.approx(0.55), 0.7, 0.9)


def test_the_time_to_an_accuracy_is_when_it_is_first_reached() -> None:
    found = Learning("net", (_history(0.5, 0.8, 0.7), _history(0.5, 0.7, 0.8, step=20)))
    assert found.time_to(0.8) == (20 + 60) / 2
    assert found.time_to(0.85) is None
    assert found.seconds_per_epoch == 15
    assert found.best == 0.8


def test_a_target_is_one_that_every_run_reaches() -> None:
    one, two = Learning("a", (_history(0.5, 0.812),)), Learning("b", (_history(0.779), _history(0.9)))
    assert common_target([one, two]) == 0.77
    assert all(each.time_to(common_target([one, two])) for each in (one, two))


def test_it_is_read_from_the_runs(finished) -> None:
    found = learning("net", [finished.folder, finished.folder])
    assert found.histories[0] == tuple(finished.history) and len(found.curve) == 3
    assert found.seconds_per_epoch > 0
