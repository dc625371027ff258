"""Slopes and verdicts on curves whose answer is known."""

from __future__ import annotations

import pytest

from archlab.analysis import LIMIT, trend

DEPTHS = list(range(1, 31))
SAME = [1024] * 30


@pytest.mark.parametrize(
    ("per_layer", "verdict"),
    [(0.1505, "vanishing"), (0.1, "stable"), (0.0, "stable"), (-0.0832, "stable"), (-0.15, "exploding")],
)
def test_a_straight_curve(per_layer: float, verdict: str) -> None:
    found = trend(DEPTHS, SAME, [[10 ** (per_layer * depth) for depth in DEPTHS]])
    assert found.slope == pytest.approx(per_layer)
    assert found.decades == pytest.approx(29 * per_layer)
    assert found.verdict == verdict


def test_batch_normalization_passes_the_limit_at_42_layers() -> None:
    def verdict(layers: int) -> str:
        depths = list(range(1, layers + 1))
        return trend(depths, [64] * layers, [[10 ** (-0.0832 * depth) for depth in depths]]).verdict

    assert (verdict(42), verdict(44)) == ("stable", "exploding")


def test_what_a_larger_map_shares_out_is_no_fading() -> None:
    # Five halvings of both sides: the same whole error over 1,024 times as many units, each with a thirty-second of it.
    depths = [1, 2, 3, 4, 5, 6]
    units = [4**n for n in range(10, 4, -1)]
    found = trend(depths, units, [[n**-0.5 for n in units]])
    assert found.slope == pytest.approx(0.30103)
    assert found.decades == pytest.approx(found.sharing)
    deep = trend(depths, units, [[n**-0.5 * 10 ** (0.8 * depth) for depth, n in zip(depths, units, strict=True)]])
    assert deep.decades is not None and deep.decades > LIMIT + 1
    assert deep.verdict == "vanishing"


def test_seeds_are_summed_up_by_their_median() -> None:
    found = trend([1, 2], [4, 4], [[1.0, 10.0], [1.0, 100.0], [1.0, 1000.0]])
    assert found.slope == pytest.approx(2.0)
    assert found.slopes == pytest.approx((1.0, 2.0, 3.0))


def test_a_signal_that_is_exactly_zero_has_vanished() -> None:
    found = trend([1, 2, 3], [4] * 3, [[0.0, 0.0, 0.1]])
    assert (found.slope, found.silent, found.verdict) == (None, 2, "vanishing")


def test_a_signal_beyond_all_numbers_explodes() -> None:
    assert trend([1, 2, 3], [4] * 3, [[float("inf"), 1.0, 0.1]]).verdict == "exploding"


def test_too_little_to_fit() -> None:
    assert trend([], [], [[]]).verdict == "undefined"
    assert trend([1], [4], [[0.5]]).verdict == "undefined"
    assert trend([1, 1], [4, 4], [[0.5, 0.6]]).slope is None
    assert trend([1, 2], [4, 4], [[None, 0.6]]).verdict == "undefined"


def test_zeros_that_the_signal_passes_by_are_no_trend() -> None:
    # Blocks that begin as the identity: exactly zero inside, and alive before them.
    found = trend([1, 2, 3, 4], [4] * 4, [[0.1, 0.0, 0.0, 0.1]])
    assert (found.silent, found.verdict, found.slope) == (2, "stable", pytest.approx(0.0))
    assert trend([1, 2, 3], [4] * 3, [[0.0, 0.0, 0.0]]).verdict == "undefined"
    assert trend([1, 2, 3], [4] * 3, [[0.1, 0.0, 0.0]]).verdict == "undefined"


def test_what_is_not_finite_outranks_zeros() -> None:
    assert trend([1, 2, 3], [4] * 3, [[0.0, float("inf"), 0.1]]).verdict == "exploding"
    assert trend([1, 2, 3], [4] * 3, [[0.0, 1.0, 0.1], [float("nan"), 1.0, 0.1]]).verdict == "exploding"


def test_first_layers_that_no_gradient_reaches_have_no_verdict() -> None:
    assert trend([1, 2, 3], [4] * 3, [[None, 1.0, 1.1]]).verdict == "undefined"
    # A branch without a loss of its own cuts nothing off.
    assert trend([1, 1, 2, 3], [4] * 4, [[0.9, None, 1.0, 1.1]]).verdict == "stable"
