"""The search within a family: against brute force over whole graphs, and against counts of single architectures."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

import archlab
from archlab import Conv, Dense, GlobalAvgPool, Input, Pyramid
from archlab.analysis.cost import SHIPPED
from archlab.analysis.fitting import MEASURES, Bound, Space, fit, measures, pareto, scale
from archlab.blocks import separable_residual
from archlab.errors import UsageError

FAMILY = Input(48, 48, 3) >> Conv(16) >> Pyramid(separable_residual(), (16, 32)) >> GlobalAvgPool() >> Dense(4)
BOUNDS = [Bound("max", "macs", 8e6), Bound("max", "params", 9e3), Bound("min", "receptive_field", 30)]


def space() -> Space:
    return Space(archlab.load(FAMILY), (0.5, 1.0, 1.5), (1, 2), (3, 5), SHIPPED["cpu"], MEASURES)


def test_sums_of_tables_are_what_each_graph_has() -> None:
    every = space()
    chosen, values = every.within([])
    assert len(chosen) == every.size
    for row, summed in zip(chosen[::5], values[::5], strict=True):
        own = every.candidate([int(each) for each in row]).values
        assert summed == pytest.approx([own[name] - (0.00001 if name == "time_inference" else 0) for name in MEASURES])


def test_the_front_is_that_of_brute_force() -> None:
    every = space()
    rows = [
        (k, *[each for pair in zip(widths, blocks, strict=True) for each in pair])
        for k in range(2)
        for widths in product(*[range(len(each)) for each in every.widths])
        for blocks in product(range(2), repeat=2)
    ]
    candidates = [every.candidate(row) for row in rows]
    made = [each.values for each in candidates]
    trains = {id(each.values) for each in candidates if max(p or 0.0 for p in each.forecast) >= 0.5}
    kept = [
        each
        for each in made
        if all(
            each[bound.measure] <= bound.number if bound.side == "max" else each[bound.measure] >= bound.number
            for bound in BOUNDS
        )
    ]
    best = {
        (each["macs"], each["params"])
        for each in kept
        if id(each) in trains
        and not any(
            (other["macs"] <= each["macs"] and other["params"] >= each["params"])
            and (other["macs"] < each["macs"] or other["params"] > each["params"])
            for other in kept
            if id(other) in trains
        )
    }
    found = fit(
        FAMILY, BOUNDS, scales=(0.5, 1.0, 1.5), repeats=(1, 2), kernels=(3, 5), device="cpu", most=100
    )  # fmt: skip
    assert found.kept == len(kept) and 0 < len(kept) < len(made)
    assert {(each.values["macs"], each.values["params"]) for each in found.front} == best


def test_every_result_keeps_the_bounds_by_its_own_graph() -> None:
    found = fit("residual", [Bound("max", "params", 300_000), Bound("max", "macs", 2e8)], device="cpu", vary=["widths"])
    assert found.front
    for each in found.front:
        counted = archlab.analyze(each.tree)
        assert counted.params.total == each.values["params"] <= 300_000
        assert counted.compute.macs == each.values["macs"] <= 2e8


def test_measures_are_those_of_the_analyses() -> None:
    counted, found = archlab.analyze("residual"), measures("residual", "cpu")
    assert found["params"] == counted.params.total
    assert found["macs"] == counted.compute.macs
    assert found["depth"] == counted.depth
    # The lecture's net: published beside it, 191 px.
    assert found["receptive_field"] == 191


def test_pareto_by_hand() -> None:
    values = np.array([[3.0, 3.0], [1.0, 1.0], [2.0, 0.5], [2.0, 2.0], [2.0, 2.0]])
    assert pareto(values, ["min", "max"]) == [1, 3, 0]


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_scaling_comes_near(factor: float) -> None:
    found = scale("residual", factor, device="cpu")
    assert found.values["macs"] / 383_028_992 == pytest.approx(factor, rel=0.15)


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(UsageError, match=r"none of .* keeps params ≤ 5: params is between"):
        fit("residual", [Bound("max", "params", 5)], device="cpu", vary=["widths"])
    with pytest.raises(UsageError, match="has no stages with widths"):
        fit("baseline", device="cpu")
    with pytest.raises(UsageError, match="no bound on 'param': did you mean params"):
        Bound("max", "param", 5)
    with pytest.raises(UsageError, match="vary 'width': did you mean widths"):
        fit("residual", vary=["width"], device="cpu")
    with pytest.raises(UsageError, match="above 0"):
        scale("residual", 0)
