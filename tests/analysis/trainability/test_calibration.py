"""The forecast against the networks that were trained: on families that nothing was fitted to, and family by family."""

from __future__ import annotations

import json

import numpy as np
import pytest

from archlab.analysis.trainability._calibration import CALIBRATION, NETWORKS
from archlab.analysis.trainability._obstacles import MEASURES, OPTIMIZERS
from tests.benchmarks.trainability.calibrate import (
    auc,
    calibration_error,
    fit,
    left_out,
    probabilities,
    trained_nets,
)
from tests.benchmarks.trainability.first_nets import first_nets
from tests.benchmarks.trainability.nets import HELD_OUT, grid
from tests.benchmarks.trainability.train import OUTCOMES

LINES = OUTCOMES.read_text(encoding="utf-8").splitlines()


def test_every_outcome_is_of_a_network_that_can_be_made_again() -> None:
    known = {name for name, _, _ in first_nets()} | {net.name for net in grid()}
    names = [json.loads(line)["net"] for line in LINES]
    assert set(names) <= known and len(set(names)) == len(names)
    assert len(names) >= 79 + 150


@pytest.mark.slow
def test_the_forecast_holds_where_it_was_not_fitted() -> None:
    nets = trained_nets(LINES)
    inner = [net for net in nets if net.family not in HELD_OUT]
    outer = [net for net in nets if net.family in HELD_OUT]
    assert len(inner) == NETWORKS and len(outer) > 40
    for name, least in zip(OPTIMIZERS, (0.90, 0.85), strict=True):
        found = fit(inner, name)
        terms = CALIBRATION[name]["terms"]
        for kind, limit, weight in zip(MEASURES[name], found.limits, found.weights, strict=True):
            # What is shipped is this fit.
            assert weight < 0.02 if kind not in terms else terms[kind] == pytest.approx((limit, weight), abs=0.05)
        chances = probabilities(found, outer, name)
        outcome = np.array([net.trained[name] for net in outer])
        assert auc(chances, outcome) >= least
        every = np.concatenate([left_out(inner, name), chances])
        came = np.array([net.trained[name] for net in (*inner, *outer)])
        assert calibration_error(every, came) <= 0.1
        fails = every <= CALIBRATION[name]["fails"]
        assert fails.sum() >= 10 and (~came[fails]).mean() >= 0.95
