"""Runs on the same images: what must hold of any, and what can be worked out in another way."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from archlab.errors import UsageError
from archlab.statistics import accuracy, compare_accuracies, compare_runs, further_run, wilson
from archlab.statistics._crossed import components, welch

RUNS = hnp.arrays(bool, st.tuples(st.integers(1, 4), st.just(30)))
SEVERAL = hnp.arrays(bool, st.tuples(st.integers(2, 4), st.just(30)))


@given(SEVERAL)
def test_the_components_are_those_of_a_two_way_analysis_of_variance(correct: np.ndarray) -> None:
    """By fitting the two factors one after the other, as a regression does."""
    seeds, images = correct.shape
    y = correct.astype(float).ravel()
    seed = np.kron(np.eye(seeds), np.ones((images, 1)))
    image = np.kron(np.ones((seeds, 1)), np.eye(images))

    def left(*columns: np.ndarray) -> float:
        design = np.hstack([np.ones((y.size, 1)), *columns])
        return float(((y - design @ np.linalg.lstsq(design, y, rcond=None)[0]) ** 2).sum())

    rest = left(seed, image) / ((seeds - 1) * (images - 1))
    found = components(correct)
    assert found.interaction == pytest.approx(rest, abs=1e-9)
    assert found.seed == pytest.approx(((left() - left(seed)) / (seeds - 1) - rest) / images, abs=1e-9)
    assert found.image == pytest.approx(((left() - left(image)) / (images - 1) - rest) / seeds, abs=1e-9)


def test_the_components_find_what_was_put_in() -> None:
    rng = np.random.default_rng(3)
    seed, image = rng.normal(0, 0.2, (300, 1)), rng.normal(0, 0.5, (1, 400))
    found = components(seed + image + rng.normal(0, 1, (300, 400)))
    assert sqrt(found.seed) == pytest.approx(0.2, rel=0.1)
    assert sqrt(found.image) == pytest.approx(0.5, rel=0.1)
    assert sqrt(found.interaction) == pytest.approx(1, rel=0.01)


def test_welchs_degrees_of_freedom() -> None:
    a, b = [0.70, 0.74, 0.72, 0.75], [0.71, 0.62, 0.69]
    freedom = welch((float(np.var(a, ddof=1)) / 4, 4), (float(np.var(b, ddof=1)) / 3, 3))
    assert freedom == pytest.approx(float(stats.ttest_ind(a, b, equal_var=False).df))  # pyright: ignore
    assert welch((0.0, 4), (0.0, 3)) == 2


def test_one_run_is_wilsons_interval_and_says_nothing_of_seeds() -> None:
    found = accuracy(np.arange(2000) < 1486)
    assert (found.mean, found.runs, found.images) == (0.743, (0.743,), 2000)
    assert found.interval == wilson(0.743, 2000)
    assert found.over_seeds is None and found.deviation is None


@given(SEVERAL, st.randoms(use_true_random=False))
def test_an_accuracys_interval_holds_it_and_knows_no_order(correct: np.ndarray, random) -> None:
    found = accuracy(correct)
    assert 0 <= found.interval.low <= found.mean <= found.interval.high <= 1
    assert found.interval.high - found.interval.low > 0
    rows, columns = list(range(correct.shape[0])), list(range(correct.shape[1]))
    random.shuffle(rows)
    random.shuffle(columns)
    other = accuracy(correct[rows][:, columns])
    assert (other.interval.low, other.interval.high) == pytest.approx((found.interval.low, found.interval.high))
    wrong = accuracy(~correct)
    assert (1 - wrong.interval.high, 1 - wrong.interval.low) == pytest.approx((found.interval.low, found.interval.high))


def test_seeds_that_agree_on_every_image_count_as_one() -> None:
    run = np.arange(200) < 150
    found, one = accuracy(np.stack([run] * 3)).interval, wilson(0.75, 200)
    assert (found.low, found.high) == pytest.approx((one.low, one.high), abs=2e-4)


def test_seeds_alone_where_images_hardly_differ() -> None:
    rng = np.random.default_rng(1)
    shares = np.array([0.5, 0.6, 0.7])
    correct = rng.random((3, 20_000)) < shares[:, None]
    found = accuracy(correct)
    assert found.over_seeds is not None
    assert (found.interval.low, found.interval.high) == pytest.approx(
        (found.over_seeds.low, found.over_seeds.high), abs=1e-4
    )


@given(RUNS, RUNS)
def test_a_comparison_is_the_same_from_either_side(one: np.ndarray, two: np.ndarray) -> None:
    found, other = compare_runs(one, two), compare_runs(two, one)
    assert found.difference == pytest.approx(-other.difference)
    assert (found.interval.low, found.interval.high) == pytest.approx((-other.interval.high, -other.interval.low))
    assert (found.shown, found.p_value, found.same) == (other.shown, other.p_value, other.same)
    assert (found.needed.images, found.needed.seeds) == (other.needed.images, other.needed.seeds)
    assert found.interval.low <= found.difference <= found.interval.high
    assert found.interval.high - found.interval.low > 0
    assert found.needed.to_dict() == found.to_dict()["needed"]


@given(RUNS)
def test_nothing_differs_from_itself(runs: np.ndarray) -> None:
    found = compare_runs(runs, runs)
    assert found.difference == 0 and not found.shown
    assert found.interval.low == pytest.approx(-found.interval.high)
    assert found.same == (runs == runs[0]).all()


@settings(max_examples=20)
@given(SEVERAL, SEVERAL)
def test_the_bootstrap_is_the_same_every_time_and_holds_the_difference(one: np.ndarray, two: np.ndarray) -> None:
    assume(one.std() and two.std())
    found = compare_runs(one, two, method="bootstrap")
    assert found == compare_runs(one, two, method="bootstrap")
    assert found.interval.low <= found.difference + 0.02 and found.difference - 0.02 <= found.interval.high


def test_the_bootstrap_of_one_run_is_that_of_its_images() -> None:
    found = accuracy(np.arange(2000) < 1486, method="bootstrap").interval
    margin = 1.96 * sqrt(0.743 * 0.257 / 2000)
    assert (found.low, found.high) == pytest.approx((0.743 - margin, 0.743 + margin), abs=1e-3)


def test_the_bootstraps_variance_is_what_owen_says() -> None:
    """Owen 2007, theorem 1, for a whole table: the seeds' and images' parts once, the interaction's three times."""
    rng = np.random.default_rng(5)
    correct = rng.random((40, 50)) < 0.5 + 0.2 * rng.choice([-1, 1], (40, 1)) + 0.2 * rng.choice([-1, 1], (1, 50))
    parts = components(correct)
    interval = accuracy(correct, method="bootstrap", level=0.6827).interval
    expected = parts.seed / 40 + parts.image / 50 + 3 * parts.interaction / 2000
    assert ((interval.high - interval.low) / 2) ** 2 == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize(("seeds", "others"), [(1, 1), (1, 3), (3, 3)])
def test_far_apart_is_shown(seeds: int, others: int) -> None:
    rng = np.random.default_rng(0)
    one, two = rng.random((seeds, 1000)) < 0.9, rng.random((others, 1000)) < 0.7
    found = compare_runs(one, two)
    assert found.shown and found.interval.low > 0
    assert (found.p_value is None) == ((seeds, others) != (1, 1))


def test_a_difference_is_shown_only_where_the_test_agrees_with_the_interval() -> None:
    one, two = np.arange(21) < 2, np.r_[False, np.arange(20) < 8]
    found = compare_runs(two, one)
    assert found.only == (7, 1)
    assert found.interval.low > 0 and found.p_value == pytest.approx(0.0703, abs=5e-5)
    assert not found.shown


def test_a_further_run_by_hand() -> None:
    # 0.70, 0.75 and 0.74: mean 0.73, standard deviation 0.026458, t 4.3027, times the root of 4/3.
    correct = np.arange(100) < np.array([[70], [75], [74]])
    found = further_run(correct, 0.743)
    assert found.interval is not None and found.inside
    margin = 4.302653 * 0.02645751 * sqrt(4 / 3)
    assert (found.interval.low, found.interval.high) == pytest.approx((0.73 - margin, 0.73 + margin), abs=1e-6)
    other = further_run(correct, 0.743, other_images=100).interval
    assert other is not None and other.low < found.interval.low and other.high > found.interval.high
    assert further_run(correct, 0.95).inside is False
    assert further_run(correct[0], 0.743).inside is None


def test_images_needed_as_a_table_has_them() -> None:
    # Fleiss, Levin and Paik 2003, table A.4 without its continuity correction: 0.5 against 0.6 takes 388 of each.
    assert compare_accuracies(0.5, 0.6, 100).needed.images == 388
    lecture = compare_accuracies(0.743, 0.744, 2000)
    assert lecture.needed.images == pytest.approx(2 * 0.743 * 0.257 * (1.96 + 0.8416) ** 2 / 0.001**2, rel=0.01)
    assert compare_accuracies(0.7, 0.7, 100).needed.images is None


def test_more_images_or_more_seeds_than_needed_show_it() -> None:
    rng = np.random.default_rng(0)
    one, two = rng.random((3, 1000)) < 0.78, rng.random((3, 1000)) < 0.75
    needed = compare_runs(one, two).needed
    assert needed.images is not None and needed.seeds is not None
    images, seeds = 2 * needed.images, 2 * needed.seeds
    assert compare_runs(rng.random((3, images)) < 0.78, rng.random((3, images)) < 0.75).shown
    assert compare_runs(rng.random((seeds, 1000)) < 0.78, rng.random((seeds, 1000)) < 0.75).shown


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: accuracy(np.zeros((2, 0))), "correct must have the shape (seeds, images), got (2, 0)"),
        (lambda: accuracy([[1, 0], [1]]), "all seeds must be tested on the same number of images"),
        (lambda: accuracy([0.3, 0.7]), "correct must hold booleans: whether each image was classified correctly"),
        (lambda: accuracy([[1], [0]]), "several seeds need at least 2 test images, got 1"),
        (lambda: accuracy([1, 0], method="bootstrp"), "no method named 'bootstrp': did you mean bootstrap?"),
        (lambda: compare_runs([1, 0], [1, 0, 1]), "both must have been tested on the same images, got 2 and 3"),
        (lambda: further_run([1, 0], 74.3), "an accuracy must lie between 0 and 1, got 74.3"),
        (lambda: further_run([1, 0], 0.7, other_images=0), "other_images must be at least 1, got 0"),
    ],
)
def test_what_makes_no_sense_is_one_line(call, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        call()
    assert str(caught.value) == message
