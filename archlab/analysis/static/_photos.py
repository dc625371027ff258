"""The moments of the synthetic batch that gradients are measured on by default."""

from __future__ import annotations

from functools import lru_cache
from math import atan, cos, pi, sqrt

from archlab.graph import Graph
from archlab.ops import Normalization, Rescaling
from archlab.ops._signal import Signal, Table, lag_count, lags, pair_weights
from archlab.ops._signal._gaussian import smooth

BATCH = 8
"""Examples in the batch, as when gradients are measured."""


def synthetic_signal(graph: Graph, position: int, batch: int = BATCH) -> Signal:
    """The input as random numbers: noise whose spectrum falls as 1/f (Field 1987), of mean 0 and variance 1.

    A net that scales its own input gets pixels: 127.5 + 64 times that, cut off at 0 and 255. An input that is no image
    is standard normal.
    """
    shape = graph.nodes[position].shape
    size: tuple[int, ...] = shape[:-1]  # pyright: ignore[reportAssignmentType]
    channels = shape[-1] or 1
    count = lag_count(size)
    flat = (None,) * len(size)
    if len(shape) != 3:
        return Signal(size, channels, batch, 0.0, (1.0, *(0.0,) * (count - 1)), (0.0,) * count, flat)
    alike = _alike(size)
    if not any(isinstance(node.op, Rescaling | Normalization) for node in graph):
        return Signal(size, channels, batch, 0.0, alike, (0.0,) * count, flat)
    pixels = smooth(lambda x: min(255.0, max(0.0, x)), 127.5, 64.0**2)
    same = tuple([pixels.values(c) for c in alike])
    return Signal(size, channels, batch, pixels.mean, same, (pixels.values(0.0),) * count, flat)


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
