"""Wide ReLU nets in closed form: how two inputs, and the gradients at them, correlate from layer to layer.

Cho & Saul 2009, 'Kernel Methods for Deep Learning', give the two functions; under He's initialization the variance of a
layer is that of the one before.
"""

from __future__ import annotations

from math import acos, pi, sqrt


def both_active(rho: float) -> float:
    """Of the inputs for which one unit is active, the share for which it is active at the other input as well."""
    return 1 - acos(max(-1.0, min(1.0, rho))) / pi


def after_relu(rho: float) -> float:
    """The correlation of two inputs behind a ReLU layer (products over squares, no mean taken off)."""
    rho = max(-1.0, min(1.0, rho))
    return (sqrt(1 - rho * rho) + (pi - acos(rho)) * rho) / pi


def plain(layers: int, rho: float = 0.0) -> float:
    """The correlation of the gradients with respect to two inputs through `layers` of a matrix and a ReLU."""
    found = 1.0
    for _ in range(layers):
        found *= both_active(rho)
        rho = after_relu(rho)
    return found


def residual(layers: int, rho: float = 0.0) -> float:
    """The same through x + W relu(x)."""
    found = 1.0
    for _ in range(layers):
        found *= (1 + both_active(rho)) / 2
        rho = (rho + after_relu(rho)) / 2
    return found


def normalized_residual(layers: int) -> float:
    """The same through x + W relu(normalize(x)), normalized over a batch of independent inputs.

    The normalization takes the mean off, so that the inputs of every ReLU are uncorrelated; each block adds the
    variance of a ReLU's output about its mean, 1 − 1/π of its mean square.
    """
    found = 1.0
    for layer in range(layers):
        variance = 1 + layer * (1 - 1 / pi)
        found *= (1 + 0.5 / variance) / (1 + 1 / variance)
    return found
