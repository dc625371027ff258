"""What stands in the way of training: statistics beyond a limit, and the probability of training in spite of them.

The probability is a logistic regression: with nothing in the way it is `intercept`, and every statistic lessens it by
so much for each decade beyond its limit. Limits and weights were fitted to networks that were trained (`_calibration`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import exp, log1p, log10
from typing import NamedTuple

from archlab.analysis.trainability._calibration import CALIBRATION
from archlab.analysis.trainability._statistics import Statistics

SHARPNESS = 4.0
"""A limit is rounded off over a quarter of a decade, so that the fit has a gradient there."""
MOMENTUM = 0.9
RATES = (0.004, 0.1)
"""The lowest and the highest learning rate of gradient descent that networks were trained with."""
STEPS = 300
LABELS = {"sgd": "SGD", "adam": "Adam"}
OPTIMIZERS = tuple(LABELS)


def highest_rate(found: Statistics) -> float:
    """The learning rate, in decades, beyond which SGD with momentum m diverges: 2 (1 + m) over the curvature.

    The curvature of the crossentropy is a quarter of the largest eigenvalue of the tangent kernel (Cohen et al. 2021,
    'Gradient Descent on Neural Networks Typically Occurs at the Edge of Stability', section 2), which nearly always is
    that of an output that all samples share.
    """
    return log10(2 * (1 + MOMENTUM)) - found.common


def slowness(found: Statistics) -> float:
    """Minus the decades by which 300 steps at the highest rate change the loss, to first order."""
    rate = min(log10(RATES[1]), highest_rate(found))
    return -_within(rate + log10(STEPS / (1 - MOMENTUM)) + found.learned, 6.0)


def _within(value: float, most: float) -> float:
    return max(-most, min(most, value))


def _dead(found: Statistics) -> float:
    """Minus the natural logarithm of the probability that the units live."""
    return -log1p(-min(found.dead.value, 0.99))


_BOTH: Mapping[str, Callable[[Statistics], float]] = {
    "fading": lambda found: min(found.fading.decades, 8.0),
    "growing": lambda found: min(found.growth.decades, 8.0),
    "weak": lambda found: _within(-found.distance, 8.0),
    "strong": lambda found: _within(found.head.value, 6.0),
    "collapse": lambda found: _within(-found.collapse.value, 10.0),
    "dead": _dead,
    "saturated": lambda found: found.saturated.value,
}
MEASURES: Mapping[str, Mapping[str, Callable[[Statistics], float]]] = {
    "sgd": {"slow": slowness, "curved": lambda found: _within(found.common, 10.0), **_BOTH},
    "adam": {"slow": lambda found: _within(-found.learned_sum, 4.0), **_BOTH},
}
"""What is measured of the statistics, for each optimizer: the more, the worse."""
EXACT = ("dead",)
"""Measures that count from 0, with no corner to round off."""


class Obstacle(NamedTuple):
    """A statistic and the limit that it should keep."""

    kind: str
    value: float
    limit: float
    weight: float

    @property
    def cost(self) -> float:
        """By how much it lessens the logarithm of the odds that the network trains."""
        beyond = self.value - self.limit
        return self.weight * (beyond if self.kind in EXACT else softened(beyond))


def softened(beyond: float) -> float:
    """What is beyond a limit, with its corner rounded off.

    >>> round(softened(2.0), 3), round(softened(-2.0), 3)
    (2.0, 0.0)
    """
    return beyond if beyond > 8 else log1p(exp(SHARPNESS * beyond)) / SHARPNESS


def obstacles(found: Statistics, optimizer: str) -> list[Obstacle]:
    """Every statistic that counts with an optimizer, the gravest first."""
    terms = CALIBRATION[optimizer]["terms"]
    each = [
        Obstacle(kind, measure(found), *terms[kind]) for kind, measure in MEASURES[optimizer].items() if kind in terms
    ]
    return sorted(each, key=lambda obstacle: -obstacle.cost)


def probability(found: Statistics, optimizer: str) -> float:
    """The probability that a network with these statistics trains."""
    return 1 / (1 + exp(-CALIBRATION[optimizer]["intercept"] + sum(each.cost for each in obstacles(found, optimizer))))
