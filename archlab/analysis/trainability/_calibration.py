"""Limits and weights of the forecast: written by `tests.benchmarks.trainability.calibrate --write`."""

from __future__ import annotations

from typing import Any

NETWORKS = 202
"""How many trained networks they were fitted to."""

CALIBRATION: dict[str, dict[str, Any]] = {
    "sgd": {
        "intercept": 4.000,
        "trains": 0.6,
        "fails": 0.11,
        "terms": {
            "slow": (-1.476, 0.464),
            "curved": (2.331, 0.778),
            "fading": (1.898, 3.424),
            "growing": (2.983, 3.328),
            "weak": (0.574, 1.208),
            "strong": (1.391, 1.533),
            "collapse": (1.139, 1.504),
            "dead": (0.000, 2.480),
            "saturated": (0.082, 2.406),
        },
    },
    "adam": {
        "intercept": 3.503,
        "trains": 0.6,
        "fails": 0.02,
        "terms": {
            "slow": (-0.748, 0.297),
            "fading": (3.455, 1.612),
            "growing": (3.655, 3.888),
            "weak": (1.896, 0.367),
            "collapse": (2.196, 1.165),
            "dead": (0.000, 6.000),
        },
    },
}
"""For each optimizer: the logarithm of the odds with nothing in the way, the probability from which a network is said
to train and the one up to which to fail, and for each measure its limit and weight."""
