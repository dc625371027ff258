"""The moments of the synthetic batch that gradients are measured on by default."""

from __future__ import annotations

from functools import lru_cache
from math import atan, cos, pi, sqrt

from archlab.analysis._trend import fmean
from archlab.graph import Graph, spatial
from archlab.ops import Normalization
from archlab.signals import Signal
from archlab.signals.moments import Table, lag_count, lags, pair_weights, smooth

BATCH = 8
"""Examples in the batch, as when gradients are measured."""


def synthetic_signal(
    graph: Graph, position: int, batch: int = BATCH, moments: tuple[float, float] | None = None
) -> Signal:
    """The input as random numbers: noise whose spectrum falls as 1/f (Field 1987), of mean 0 and variance 1.

    A net that scales its own input gets pixels: 127.5 + 64 times that, cut off at 0 and 255; one that normalizes it
    gets images of the mean and variance that it expects. An input that is no image is standard normal.
    `moments` are the mean and the standard deviation of images of another range.
    """
    shape = graph.nodes[position].shape
    size = spatial(shape)
    channels = shape[-1] or 1
    count = lag_count(size)
    flat = (None,) * len(size)
    if len(shape) != 3:
        return Signal(size, channels, batch, 0.0, (1.0, *(0.0,) * (count - 1)), (0.0,) * count, flat)
    alike = _alike(size)
    if moments is not None:
        mean, deviation = moments
        same = tuple([mean**2 + deviation**2 * c for c in alike])
        return Signal(size, channels, batch, mean, same, (mean**2,) * count, flat)
    normalization = graph.nodes[at].op if (at := normalized(graph, position)) is not None else None
    if isinstance(normalization, Normalization):
        means, variances = normalization.statistics
        square, spread = fmean(mean * mean for mean in means), fmean(variances)
        same = tuple([square + spread * c for c in alike])
        return Signal(size, channels, batch, fmean(means), same, (square,) * count, flat)
    if not any(node.op.rescales_input for node in graph):
        return Signal(size, channels, batch, 0.0, alike, (0.0,) * count, flat)
    pixels = smooth(lambda x: min(255.0, max(0.0, x)), 127.5, 64.0**2)
    same = tuple([pixels.values(c) for c in alike])
    return Signal(size, channels, batch, pixels.mean, same, (pixels.values(0.0),) * count, flat)


def normalized(graph: Graph, position: int) -> int | None:
    """The normalization that an input goes into before anything is computed of it; None where there is none."""
    while len(graph.consumers[position]) == 1:
        position = graph.consumers[position][0]
        op = graph.nodes[position].op
        if isinstance(op, Normalization):
            return position
        # Moving data about and augmentation leave the range of values as it is.
        if not op.free:
            return None
    return None


@lru_cache(maxsize=256)
def _alike(size: tuple[int, ...]) -> Table:
    """The correlation of two pixels by their distance: the Fourier transform of 1/f² without its mean.

    Σ over all frequencies of cos(2πkd/n)/(k² + l²), the sum over l taken as an integral up to the highest frequency.
    """
    side = max(2, round(sqrt(size[0] * size[1])))
    half = side // 2
    powers = [pi * pi / 3, *[2 * (2 / k) * atan((half + 0.5) / k) for k in range(1, half + 1)]]
    if side % 2 == 0:
        powers[half] /= 2  # the highest frequency of an even side stands for one, not for two
    total = sum(powers)
    found = [1.0]
    for lag in lags(lag_count(size))[1:]:
        found.append(sum([p * cos(2 * pi * k * lag / side) for k, p in enumerate(powers)]) / total)
    # At the last lag, beyond what two pixels on one axis are apart, what makes the mean of every image 0.
    weights = pair_weights(size)
    if len(found) > 1 and weights[-1] > 0:
        rest = sum([w * value for w, value in zip(weights[:-1], found, strict=False)])
        found[-1] = max(-1.0, min(1.0, -rest / weights[-1]))
    return tuple(found)
