"""How often the intervals hold the truth, in simulated runs whose truth is known."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from scipy.special import ndtr

from archlab.statistics import accuracy, compare_runs, further_run

TRIALS = 300
# Of 300 intervals of 95 % at least 272 hold the truth in all but one of 20,000 such simulations (binomial).
ENOUGH = 272 / TRIALS


def runs(rng: np.random.Generator, hard: np.ndarray, seeds: int, scatter: float) -> np.ndarray:
    """A probit model: images are hard or easy, seeds better or worse, and each net has its own blind spots."""
    own = rng.normal(0, scatter, (seeds, 1)) + rng.normal(0, 1, (seeds, hard.size))
    return 1.5 + hard + own > 0


def truth(hardness: float, scatter: float) -> float:
    return float(ndtr(1.5 / sqrt(hardness**2 + scatter**2 + 1)))


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize("scatter", [0.02, 0.1, 0.3])  # 0.3 to 4 points from run to run
@pytest.mark.parametrize("images", [200, 2000])
def test_intervals_over_seeds_and_images(seeds: int, scatter: float, images: int) -> None:
    rng = np.random.default_rng([seeds, images, int(100 * scatter)])
    one, two = truth(1.8, scatter), truth(1.9, scatter)
    held = {"accuracy": 0, "difference": 0}
    for _ in range(TRIALS):
        hard = rng.normal(0, 1, images)
        a, b = runs(rng, 1.8 * hard, seeds, scatter), runs(rng, 1.9 * hard, seeds, scatter)
        held["accuracy"] += one in accuracy(a).interval
        held["difference"] += one - two in compare_runs(a, b).interval
    assert {what: count / TRIALS >= ENOUGH for what, count in held.items()} == dict.fromkeys(held, True), held


@pytest.mark.slow
def test_the_bootstrap_of_few_seeds_holds_too_little() -> None:
    """The reason why it is not the default."""
    rng = np.random.default_rng(0)
    held = {"margins": 0, "bootstrap": 0}
    for _ in range(60):
        found = runs(rng, rng.normal(0, 1.8, 400), 3, 0.6)
        for method in held:
            held[method] += truth(1.8, 0.6) in accuracy(found, method=method).interval
    assert held["margins"] >= 54 and held["bootstrap"] <= 52, held


@pytest.mark.slow
@pytest.mark.parametrize("other", [None, 500])
def test_a_further_run_comes_out_inside(other: int | None) -> None:
    rng = np.random.default_rng(4)
    held = 0
    for _ in range(TRIALS):
        hard = rng.normal(0, 1.8, 1000)
        scatter = rng.normal(0, 0.1, 4)
        ours = 1.5 + hard + scatter[:3, None] + rng.normal(0, 1, (3, 1000)) > 0
        theirs = hard if other is None else rng.normal(0, 1.8, other)
        further = float((1.5 + theirs + scatter[3] + rng.normal(0, 1, theirs.size) > 0).mean())
        held += bool(further_run(ours, further, other_images=other).inside)
    assert held / TRIALS >= ENOUGH, held


@pytest.mark.slow
def test_one_run_each_and_no_difference_is_rarely_called_one() -> None:
    rng = np.random.default_rng(6)
    shown = 0
    for _ in range(1000):
        hard = rng.normal(0, 1.8, 300)
        shown += compare_runs(runs(rng, hard, 1, 0), runs(rng, hard, 1, 0)).shown
    # McNemar's exact test calls at most 1 in 20; 70 of 1,000 would be more than that in all but 1 of 300 simulations.
    assert shown <= 70


@pytest.mark.slow
def test_as_many_seeds_as_needed_show_it_four_times_in_five() -> None:
    rng = np.random.default_rng(8)
    hard = rng.normal(0, 1.0, 2000)
    # So many that the difference comes out as large as it is.
    pilot = compare_runs(runs(rng, hard + 0.1, 200, 0.1), runs(rng, hard, 200, 0.1))
    needed = pilot.needed.seeds
    assert needed is not None
    shown = 0
    for _ in range(200):
        hard = rng.normal(0, 1.0, 2000)
        shown += compare_runs(runs(rng, hard + 0.1, needed, 0.1), runs(rng, hard, needed, 0.1)).shown
    assert 0.65 < shown / 200 < 0.95, (needed, shown)
