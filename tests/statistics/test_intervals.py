"""Intervals against the figures that their papers print, and against what can be worked out by hand."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from archlab.errors import UsageError
from archlab.statistics import mcnemar, mean_over_seeds, newcombe, newcombe_paired, wilson


@pytest.mark.parametrize(
    ("right", "images", "low", "high"),
    # Newcombe 1998, 'Two-sided confidence intervals for the single proportion', table I, method 3.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0000, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_as_newcombe_tabulates_it(right: int, images: int, low: float, high: float) -> None:
    found = wilson(right / images, images)
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 3000), st.data(), st.sampled_from([0.8, 0.95, 0.99]))
def test_wilson_as_scipy_has_it(images: int, data: st.DataObject, level: float) -> None:
    right = data.draw(st.integers(0, images))
    theirs = stats.binomtest(right, images).proportion_ci(level, method="wilson")
    found = wilson(right / images, images, level)
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)
    assert right / images in found


@pytest.mark.parametrize(
    ("first", "images", "second", "others", "low", "high"),
    # Newcombe 1998, 'Interval estimation for the difference between independent proportions', table II, method 10.
    [
        (56, 70, 48, 80, 0.0524, 0.3339),
        (9, 10, 3, 10, 0.1705, 0.8090),
        (6, 7, 2, 7, 0.0582, 0.8062),
        (5, 56, 0, 29, -0.0381, 0.1926),
        (0, 10, 0, 20, -0.1611, 0.2775),
        (10, 10, 0, 20, 0.6791, 1.0000),
    ],
)
def test_newcombe_as_he_tabulates_it(
    first: int, images: int, second: int, others: int, low: float, high: float
) -> None:
    found = newcombe(first / images, second / others, images, others)
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("both", "first", "second", "neither", "low", "high"),
    [
        # Newcombe 1998, 'Improved confidence intervals … based on paired data', table II, method 10.
        (36, 12, 2, 0, 0.0569, 0.3404),
        # Fagerland, Lydersen and Laake 2014, 'Recommended tests and confidence intervals for paired binomial
        # proportions', table 3: airway reactivity before and after a transplantation.
        (1, 1, 7, 12, -0.507, -0.026),
    ],
)
def test_newcombe_paired_as_it_is_printed(
    both: int, first: int, second: int, neither: int, low: float, high: float
) -> None:
    found = newcombe_paired(both, first, second, neither)
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-4)


COUNT = st.integers(0, 400)


@given(COUNT, COUNT, COUNT, COUNT)
def test_newcombe_paired_is_the_same_from_either_side(both: int, first: int, second: int, neither: int) -> None:
    images = both + first + second + neither
    if not images:
        return
    found, other = newcombe_paired(both, first, second, neither), newcombe_paired(both, second, first, neither)
    assert (found.low, found.high) == pytest.approx((-other.high, -other.low), abs=1e-12)
    assert -1 <= found.low <= (first - second) / images + 1e-12
    assert (first - second) / images - 1e-12 <= found.high <= 1
    # Counting failures in place of successes turns the difference round, too.
    other = newcombe_paired(neither, second, first, both)
    assert (found.low, found.high) == pytest.approx((-other.high, -other.low), abs=1e-12)


def test_nets_that_fail_on_the_same_images_are_told_apart_more_closely() -> None:
    # 0.743 and 0.744 of 2,000 images: 1,486 and 1,488, first with almost the same ones right, then with unrelated ones.
    alike = newcombe_paired(1470, 16, 18, 496)
    unrelated = newcombe_paired(1106, 380, 382, 132)
    unpaired = newcombe(0.743, 0.744, 2000)
    assert alike.high - alike.low < 0.3 * (unpaired.high - unpaired.low)
    assert (unrelated.low, unrelated.high) == pytest.approx((unpaired.low, unpaired.high), abs=1e-3)


def test_mcnemar_as_a_textbook_has_it() -> None:
    # Fagerland, Lydersen and Laake 2013, 'The McNemar test for binary matched-pairs data', table 5: 1 and 7 of 21.
    assert mcnemar(1, 7) == pytest.approx(0.0703, abs=5e-5)
    # Six images, all won by one: two outcomes of sixty-four. Five cannot do it.
    assert mcnemar(6, 0) == pytest.approx(2 / 64)
    assert mcnemar(0, 5) == pytest.approx(2 / 32)
    assert mcnemar(0, 0) == 1 and mcnemar(7, 7) == 1


@given(COUNT, COUNT)
def test_mcnemar_is_the_binomial_test_of_the_images_that_only_one_got_right(first: int, second: int) -> None:
    expected = stats.binomtest(first, first + second).pvalue if first + second else 1.0
    assert mcnemar(first, second) == pytest.approx(expected, rel=1e-9)


def test_the_mean_over_seeds_by_hand() -> None:
    # Deviations 0.01, standard deviation 0.01, t of two degrees of freedom 4.3027.
    found = mean_over_seeds([0.73, 0.74, 0.75])
    assert (found.low, found.high) == pytest.approx(
        (0.74 - 4.3027 * 0.01 / sqrt(3), 0.74 + 4.3027 * 0.01 / sqrt(3)), abs=1e-6
    )
    theirs = stats.ttest_1samp([0.73, 0.74, 0.75], 0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high))


def test_plain_data() -> None:
    found = wilson(0.5, 4, level=0.9)
    assert found.to_dict() == {"low": found.low, "high": found.high, "level": 0.9, "method": "Wilson score (1927)"}
    assert 0.5 in found and 2 not in found and "0.5" not in found


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: wilson(74.3, 2000), "an accuracy must lie between 0 and 1, got 74.3"),
        (lambda: wilson(float("nan"), 2000), "an accuracy must lie between 0 and 1, got nan"),
        (lambda: wilson(0.7, 0), "an accuracy needs at least 1 test image, got 0"),
        (lambda: wilson(0.7, 10, level=95), "level must lie between 0 and 1, such as 0.95, got 95"),
        (lambda: newcombe_paired(1, -1, 0, 0),
         "the numbers of images must not be negative, nor all be zero, got (1, -1, 0, 0)"),
        (lambda: mcnemar(-1, 2), "the numbers of images must not be negative, got -1 and 2"),
        (lambda: mean_over_seeds([0.7]), "an interval over seeds needs at least 2 values, got 1"),
        (lambda: mean_over_seeds([0.7, np.nan]), "the values of the seeds must be finite"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_one_line(call, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        call()
    assert str(caught.value) == message
