"""Limits and weights of the forecast: written by `tests.benchmarks.trainability.calibrate --write`."""

from __future__ import annotations

from typing import Any

NETWORKS = 202
"""How many trained networks they were fitted to."""

CALIBRATION: dict[str, dict[str, Any]] = {
    "sgd": {
        "intercept": 4.000,
        "trains": 0.6,
        "fails": 0.02,
        "terms": {
            "slow": (-1.430, 0.472),
            "curved": (2.565, 0.784),
            "fading": (1.780, 3.225),
            "growing": (2.960, 3.419),
            "weak": (0.568, 1.137),
            "strong": (1.387, 1.636),
            "collapse": (1.146, 1.527),
            "dead": (0.000, 2.700),
            "saturated": (0.051, 2.576),
        },
    },
    "adam": {
        "intercept": 3.462,
        "trains": 0.6,
        "fails": 0.02,
        "terms": {
            "slow": (-0.654, 0.425),
            "fading": (3.660, 1.868),
            "growing": (3.650, 3.868),
            "weak": (1.827, 0.451),
            "collapse": (2.420, 1.246),
            "dead": (0.000, 6.000),
        },
    },
}
"""For each optimizer: the logarithm of the odds with nothing in the way, the probability from which a network is said
to train and the one up to which to fail, and for each measure its limit and weight."""
