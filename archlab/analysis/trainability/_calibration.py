"""Limits and weights of the forecast: written by `tests.benchmarks.trainability.calibrate --write`."""

from __future__ import annotations

from typing import Any

NETWORKS = 202
"""How many trained networks they were fitted to."""

CALIBRATION: dict[str, dict[str, Any]] = {
    "sgd": {
        "intercept": 4.000,
        "trains": 0.6,
        "fails": 0.03,
        "terms": {
            "slow": (-1.437, 0.481),
            "curved": (2.564, 0.787),
            "fading": (1.969, 3.576),
            "growing": (2.976, 3.423),
            "weak": (0.561, 1.238),
            "strong": (1.389, 1.688),
            "collapse": (1.152, 1.487),
            "dead": (0.000, 2.745),
            "saturated": (0.063, 2.505),
        },
    },
    "adam": {
        "intercept": 3.459,
        "trains": 0.6,
        "fails": 0.02,
        "terms": {
            "slow": (-0.652, 0.424),
            "fading": (3.661, 1.870),
            "growing": (3.668, 3.925),
            "weak": (1.824, 0.451),
            "collapse": (2.419, 1.242),
            "dead": (0.000, 6.000),
        },
    },
}
"""For each optimizer: the logarithm of the odds with nothing in the way, the probability from which a network is said
to train and the one up to which to fail, and for each measure its limit and weight."""
