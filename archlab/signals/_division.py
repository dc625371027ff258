"""Dividing each channel by its own standard deviation, where channels differ as kernels are drawn."""

from __future__ import annotations

from math import exp, pi, prod, sqrt
from typing import NamedTuple

from archlab.signals._edges import evenness
from archlab.signals._lags import Table, average, lag_count, overall, products, resampled
from archlab.signals._types import Signal, Spread


def centred(x: Signal) -> tuple[Table, Table, float, float]:
    """Correlations within and between examples once each channel's mean is taken away, that mean squared, the rest."""
    mean = min(max(0.0, overall(x.same, x.cross, x.size, x.batch, evenness(x.profiles))), x.square)
    rest = x.square - mean
    if rest <= 0:
        return tuple([0.0] * len(x.same)), tuple([0.0] * len(x.cross)), mean, 0.0
    return (
        tuple([max(-1.0, min(1.0, (value - mean) / rest)) for value in x.same]),
        tuple([max(-1.0, min(1.0, (value - mean) / rest)) for value in x.cross]),
        mean,
        rest,
    )


def spread(x: Signal, kernel: tuple[int, ...], dilation: float, channels: int) -> Spread:
    """How much the outputs of a kernel over `channels` channels of this map differ."""
    same, cross, _, _ = centred(x)
    count = lag_count(kernel)
    squares = products(same, same)
    near = average(resampled(same, dilation, count), kernel)
    squared = average(resampled(squares, dilation, count), kernel)
    chance = (1 - 1 / channels) * overall(squares, products(cross, cross), x.size, x.batch)
    return Spread(channels, prod(kernel), near, squared, chance)


class Divided(NamedTuple):
    """What dividing each channel by its own standard deviation does on average, for a mean variance of 1."""

    left: float
    """Of the variance: σ²/(σ² + ε)."""
    gain: float
    """Of an error's square: 1/(σ² + ε)."""
    lasting: float
    """The part of that gain that is left behind the kernel, whose weights are long where σ² is large."""


def divided(spread: Spread | None, variance: float, epsilon: float) -> Divided:
    """Dividing every channel by √(σ² + ε), where the channels' variances differ as a kernel makes them."""
    plain = variance / (variance + epsilon)
    scale = 1 / (variance + epsilon)
    if spread is None or variance <= 0:
        return Divided(plain, scale, 1.0)
    if spread.channels == 1 and spread.taps > 1:
        return _depthwise(spread, variance, epsilon)
    length = 2 / (spread.channels * spread.taps)
    differ = 2 * (spread.squared / spread.channels + spread.chance)
    gain = lessened(differ * plain * plain)
    rest = max(0.0, (differ - length) * plain * plain - length * plain * (1 - plain))
    return Divided(plain, scale * gain, lessened(rest) / gain)


def _depthwise(spread: Spread, variance: float, epsilon: float) -> Divided:
    """For a kernel of one channel: one direction that is common to its taps, and the others, which are few.

    With correlation c of its k taps M has an eigenvalue 1 + (k − 1) c and k − 1 of 1 − c: integrated over the weight
    in the first direction and, at three points, over the length in the others.
    """
    taps = spread.taps
    alike = max(0.0, min(1.0, (spread.near - 1 / taps) / (1 - 1 / taps)))
    first, others = (1 + (taps - 1) * alike) / taps, (1 - alike) / taps
    left = gain = lasting = 0.0
    # A χ² of k − 1 degrees, at its mean and √3 of its standard deviation to either side (Gauss's three points).
    degrees = taps - 1
    wide = sqrt(3 * 2 * degrees)
    for z, weight in _COARSE:
        for length, share in ((degrees, 2 / 3), (degrees + wide, 1 / 6), (max(0.0, degrees - wide), 1 / 6)):
            sigma = variance * (first * z * z + others * length)
            part = weight * share / (sigma + epsilon)
            left += part * sigma
            gain += part
            lasting += part * (z * z + length) / taps
    return Divided(left, gain, lasting / gain)


_COARSE = tuple((z / 4, exp(-z * z / 32) / sqrt(2 * pi) / 4) for z in range(-20, 21))


def lessened(share: float) -> float:
    """The mean of 1/s over the mean of s, for a variance s that differs by `share` (of a χ² distribution)."""
    return 1 / (1 - min(share, 0.7))
