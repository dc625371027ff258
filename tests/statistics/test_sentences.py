"""The sentences, word for word: each claims what its runs allow, and says of what."""

from __future__ import annotations

import numpy as np
import pytest

from archlab.statistics import accuracy, compare_accuracies, compare_runs, further_run

NAMES = ("residual", "baseline")
NETS = "valid for these two trained networks, not for the architectures"


def run(images: int, *right: tuple[int, int]) -> np.ndarray:
    """A run that got these ranges of images right."""
    found = np.zeros(images, bool)
    for start, stop in right:
        found[start:stop] = True
    return found


def test_one_run_each_and_no_difference() -> None:
    # 200 right by the first alone, 202 by the second: a margin of 1.96 √402 of 2,000 images, or 2.0 points.
    found = compare_runs(run(2000, (0, 1486)), run(2000, (200, 1688)), names=NAMES)
    assert str(found) == (
        "no difference can be shown at n = 2,000: residual 0.743 against baseline 0.744, 95 % interval of the "
        f"difference −2.1 to +1.9 points, McNemar's exact p = 0.96; one run each: {NETS}"
    )
    assert found.only == (200, 202)


def test_one_run_each_and_a_difference() -> None:
    # 182 against 100: a margin of 1.96 √(282 − 82²/2000) of 2,000 images, or 1.6 points.
    better, worse = run(2000, (0, 1568)), run(2000, (0, 1386), (1700, 1800))
    assert str(compare_runs(better, worse, names=NAMES)) == (
        "this run of residual is more accurate than this run of baseline by 4.1 points (95 % interval 2.5 to 5.7; "
        f"McNemar's exact p < 0.001, 2,000 images): {NETS}"
    )
    # The better one comes first, whoever was asked about first; without names by its place.
    assert str(compare_runs(worse, better)).startswith(
        "this run of the second is more accurate than this run of the first by 4.1"
    )


def test_several_seeds() -> None:
    one = np.stack([run(2000, (0, 1570)), run(2000, (20, 1584)), run(2000, (40, 1610))])
    two = np.stack([run(2000, (80, 1566)), run(2000, (100, 1590)), run(2000, (120, 1600))])
    assert str(compare_runs(one, two, names=NAMES)) == (
        "residual is more accurate than baseline by 4.1 points (95 % interval 3.3 to 5.0; 3 seeds each, 2,000 images)"
    )
    assert str(compare_runs(one, one[[0, 1]], names=("a", "b"))) == (
        "no difference can be shown at n = 2,000 with 3 and 2 seeds: a 0.784 against b 0.783, 95 % interval of the "
        "difference −0.8 to +0.9 points"
    )


def test_one_of_them_ran_once() -> None:
    one = np.stack([run(2000, (0, 1570)), run(2000, (20, 1584))])
    assert str(compare_runs(one, run(2000, (0, 1486)), names=NAMES)) == (
        "residual is more accurate than baseline by 4.0 points (95 % interval 3.1 to "
        "5.0; 2 and 1 seeds, 2,000 images): valid for these trained networks, not for the architectures"
    )
    assert str(compare_runs(one, one[0])).endswith(
        "points; one run of one of them: valid for these trained networks, not for the architectures"
    )


def test_the_same_images_right() -> None:
    right = run(2000, (0, 1486))
    assert str(compare_runs(right, right, names=NAMES)) == (
        "no difference can be shown at n = 2,000: residual 0.743 against baseline 0.743, correct on exactly the same "
        f"images, 95 % interval of the difference −0.1 to +0.1 points; one run each: {NETS}"
    )


def test_very_few_images() -> None:
    assert str(compare_runs(run(5, (0, 5)), run(5))) == (
        "no difference can be shown at n = 5: 1.000 against 0.000, 95 % interval of the difference +38.6 to +100.0 "
        "points, McNemar's exact p = 0.062; with fewer than 6 images, no difference can be shown at all; one run each: "
        f"{NETS}"
    )
    assert "; so few images show only differences above about 20 points; " in str(
        compare_runs(run(40, (0, 30)), run(40, (10, 38)))
    )


def test_drawings_are_never_images() -> None:
    one, two = run(2000, (0, 1568)), run(2000, (0, 1386), (1700, 1800))
    for sentence in (
        str(compare_runs(one, two, synthetic=True)),
        str(compare_runs(one, one, synthetic=True)),
        str(accuracy(one, synthetic=True)),
        str(compare_accuracies(0.743, 0.9, 2000, synthetic=True)),
    ):
        assert sentence.endswith("; measured on synthetic images, does not transfer to natural images")
        assert "2,000 images" not in sentence and "same images" not in sentence


def test_two_published_accuracies() -> None:
    found = compare_accuracies(0.743, 0.744, 2000, names=NAMES)
    assert str(found) == (
        "no difference can be shown at n = 2,000: residual 0.743 against baseline 0.744, 95 % interval of the "
        f"difference −2.8 to +2.6 points, from the accuracies alone; one run each: {NETS}"
    )
    assert str(found.needed) == (
        "to show a difference of 0.1 points (95 % interval, power 80 %) takes roughly 3,000,000 test images"
    )


def test_what_would_be_needed() -> None:
    rng = np.random.default_rng(0)
    one, two = rng.random((3, 1000)) < 0.78, rng.random((3, 1000)) < 0.75
    assert str(compare_runs(one, two).needed).endswith(" test images or 5 seeds each")
    assert str(compare_runs(one, one).needed) == "equal accuracies: there is no difference to show"
    # Seeds that scatter by ten points and images on which everything differs: neither alone will do.
    far = np.arange(30) < np.array([[10], [20], [15]])
    assert str(compare_runs(far, np.roll(far, 9, axis=1) & (np.arange(30) != 14)).needed) == (
        "a difference of 3.3 points is too small to be shown with more images alone or more seeds alone"
    )


@pytest.mark.parametrize(("published", "side"), [(0.743, "inside"), (0.5, "below"), (0.95, "above")])
def test_a_published_figure(published: float, side: str) -> None:
    ours = np.arange(2000) < np.array([[1500], [1452], [1471]])
    assert str(further_run(ours, published)) == (
        f"{published:.3f} lies {side} 0.677 to 0.797, the 95 % prediction interval of one further run "
        "on the same 2,000 images (from 3 seeds)"
    )
    assert "one further run on 500 other images" in str(further_run(ours, published, other_images=500))
    assert str(further_run(ours[0], published)) == (
        f"one run has no spread to compare {published:.3f} with: at least 2 seeds are needed"
    )


def test_plain_data_holds_the_sentence() -> None:
    one, two = run(200, (0, 150)), run(200, (20, 160))
    for found in (accuracy(one), compare_runs(one, two), further_run(np.stack([one, two]), 0.7)):
        assert found.to_dict()["sentence"] == str(found)
