"""Covariances as a function of the distance of two positions."""

from __future__ import annotations

from functools import lru_cache
from math import ceil, hypot, log2

Table = tuple[float, ...]
"""A covariance at the lags 0, 1, 2, 4 … positions; at lag 0 the mean square."""


def lag_count(size: tuple[int, ...]) -> int:
    """How many lags a map of that size is carried at.

    >>> lag_count((1, 1)), lag_count((2, 2)), lag_count((7, 7))
    (1, 3, 5)
    """
    side = max(size, default=1)
    return 1 if side <= 1 else 2 + ceil(log2(side))


def at(table: Table, lag: float) -> float:
    """The table at any lag."""
    last = len(table) - 1
    if lag <= 0 or not last:
        return table[0]
    if lag < 1:
        return table[0] + (table[1] - table[0]) * lag
    place = log2(lag) + 1
    low = int(place)
    if low >= last:
        return table[last]
    return table[low] + (table[low + 1] - table[low]) * (place - low)


def lags(count: int) -> tuple[int, ...]:
    """The lags of a table: 0, 1, 2, 4, 8 and so on."""
    return (0, *[1 << i for i in range(count - 1)])


def resampled(table: Table, scale: float, count: int) -> Table:
    """A table read at `scale` times the lags."""
    if scale == 1 and count == len(table):
        return table
    return tuple([at(table, scale * lag) for lag in lags(count)])


@lru_cache(maxsize=4096)
def pair_weights(size: tuple[int, ...]) -> Table:
    """The share that each lag has among all pairs of positions, a position with itself included."""
    found = [0.0] * lag_count(size)
    unit = tuple(1.0 if i == len(found) - 1 else 0.0 for i in range(len(found)))
    combined: list[tuple[float, float]] = [(0.0, 1.0)]
    for side in size:
        steps = _distances(side)
        combined = [(hypot(a, b), p * q) for a, p in combined for b, q in steps]
        # Equal distances once: the four quadrants and the two axes give the same.
        merged: dict[float, float] = {}
        for distance, share in combined:
            key = round(distance, 3)
            merged[key] = merged.get(key, 0.0) + share
        combined = list(merged.items())
    last = len(unit) - 1
    for distance, share in combined:
        if distance <= 0 or not last:
            found[0] += share
            continue
        place = min(float(last), log2(distance) + 1 if distance >= 1 else distance)
        low = min(int(place), last - 1)
        found[low] += share * (1 - (place - low))
        found[low + 1] += share * (place - low)
    return tuple(found)


def _distances(side: int) -> list[tuple[float, float]]:
    """Distances along one axis with the share of the pairs that have them; large ones in groups."""
    found: list[tuple[float, float]] = [(0.0, 1 / side)]
    start = 1
    while start < side:
        stop = min(side, max(start + 1, int(start * 1.3)))
        # Sums of the distances and of their squares in closed form: a kernel may be of any size.
        count, distances = stop - start, (stop * (stop - 1) - start * (start - 1)) // 2
        squares = ((stop - 1) * stop * (2 * stop - 1) - (start - 1) * start * (2 * start - 1)) // 6
        pairs = 2 * (count * side - distances)
        middle = 2 * (side * distances - squares) / pairs
        found.append((middle, pairs / side**2))
        start = stop
    return found


def average(table: Table, size: tuple[int, ...], alike: float = 1.0) -> float:
    """The mean over all pairs of positions; `alike` is by how much an uneven map lessens those that differ."""
    weights = pair_weights(size)
    far = sum([w * value for w, value in zip(weights[1:], table[1:], strict=False)])
    return weights[0] * table[0] + far * alike


def overall(same: Table, cross: Table, size: tuple[int, ...], batch: int, alike: float = 1.0) -> float:
    """The mean over all pairs of positions and examples: the square of the mean over the batch."""
    between = average(cross, size, alike) if batch > 1 else 0.0
    # Between examples a position meets itself as well as any other one, which `alike` lessens too.
    return (average(same, size, alike) + (batch - 1) * between) / batch


def times(table: Table, factor: float) -> Table:
    """A table scaled."""
    return tuple([value * factor for value in table])


def plus(a: Table, b: Table, constant: float = 0.0) -> Table:
    """Two tables added, and a constant."""
    return tuple([x + y + constant for x, y in zip(a, b, strict=True)])


def products(a: Table, b: Table) -> Table:
    """Two tables multiplied lag by lag."""
    return tuple([x * y for x, y in zip(a, b, strict=True)])
