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
            "slow": (-1.656, 0.501),
            "curved": (3.181, 0.705),
            "fading": (1.804, 3.351),
            "growing": (2.895, 3.904),
            "weak": (0.643, 1.039),
            "strong": (1.351, 2.255),
            "collapse": (1.180, 1.558),
            "dead": (0.000, 2.368),
            "saturated": (0.010, 2.740),
        },
    },
    "adam": {
        "intercept": 3.565,
        "trains": 0.6,
        "fails": 0.02,
        "terms": {
            "slow": (-0.846, 0.472),
            "fading": (3.432, 1.443),
            "growing": (3.301, 3.018),
            "weak": (1.952, 0.345),
            "collapse": (2.333, 1.231),
            "dead": (0.000, 6.000),
        },
    },
}
"""For each optimizer: the logarithm of the odds with nothing in the way, the probability from which a network is said
to train and the one up to which to fail, and for each measure its limit and weight."""
