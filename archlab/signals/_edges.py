"""What the edges of a map do: how the square is spread along each axis, and what two windows have in common."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from math import sqrt

from archlab.graph import Axis
from archlab.signals._lags import Table, lags

_LAID_OUT = 16

Profile = tuple[float, ...] | None
"""How the square is spread along an axis, 1 on average; None where it is the same everywhere."""


def gathered(profile: Sequence[float], axis: Axis, out: int) -> list[float]:
    """For each output position the sum over the positions that it reads."""
    size = len(profile)
    if not any(axis.taps):
        return [0.0] * out
    before = max(0, -min(axis.taps[0], default=0))
    after = max(0, (out - 1) * axis.stride + max(axis.taps[0], default=0) - size + 1)
    # Padding may be of any size, and is laid out only where it costs no more than what is read.
    if len(axis.taps) == 1 and before + after <= _LAID_OUT * (size + out):
        taps = axis.taps[0]
        padded = [0.0] * before + list(profile) + [0.0] * after
        stop = (out - 1) * axis.stride + 1
        rows = [padded[before + t : before + t + stop : axis.stride] for t in taps]
        return rows[0] if len(rows) == 1 else [sum(values) for values in zip(*rows, strict=True)]
    period = len(axis.taps)
    found: list[float] = []
    for position in range(out):
        start = position // period * axis.stride
        found.append(sum([profile[start + t] for t in axis.taps[position % period] if 0 <= start + t < size]))
    return found


def _scatter(profile: Sequence[float], axis: Axis, size: int) -> list[float]:
    """For each input position the sum over the output positions that read it."""
    found = [0.0] * size
    period = len(axis.taps)
    if period == 1 and axis.stride == 1:
        mirrored = Axis(1, (tuple([-t for t in axis.taps[0]]),))
        return gathered(profile, mirrored, size)
    for position, value in enumerate(profile):
        start = position // period * axis.stride
        for t in axis.taps[position % period]:
            if 0 <= start + t < size:
                found[start + t] += value
    return found


def normal(values: list[float]) -> tuple[Profile, float]:
    """A profile of mean 1, and the mean."""
    mean = sum(values) / len(values)
    if mean <= 0:
        return None, 0.0
    low, high = min(values), max(values)
    if high - low <= 1e-6 * mean:
        return None, mean
    return tuple([value / mean for value in values]), mean


def raised(
    profiles: tuple[Profile, ...], power: float, others: tuple[Profile, ...] | None = None
) -> tuple[tuple[Profile, ...], float]:
    """Profiles to a power, times `others` where there are any: of mean 1, and what the mean over the map was."""
    found: list[Profile] = []
    factor = 1.0
    for profile, other in zip(profiles, others or (None,) * len(profiles), strict=True):
        if profile is None:
            found.append(other)
            continue
        values = [max(value, 1e-12) ** power for value in profile]
        made, mean = normal([a * b for a, b in zip(values, other, strict=True)] if other else values)
        found.append(made)
        factor *= mean
    return tuple(found), factor


@lru_cache(maxsize=4096)
def _flat(size: int, out: int, axis: _Key, back: bool) -> tuple[Profile, float]:
    window = Axis(axis[0], axis[1])
    values = _scatter([1.0] * out, window, size) if back else gathered([1.0] * size, window, out)
    return normal(values)


_Key = tuple[int, tuple[tuple[int, ...], ...]]


@lru_cache(maxsize=4096)
def _key(axis: Axis) -> _Key:
    return axis.stride, tuple(tuple(taps) for taps in axis.taps)


def _reading(axis: Axis, size: int, out: int) -> Axis:
    """The same window without the taps that no output position reads anything with: a kernel may be of any size."""
    first, last = -((out - 1) // len(axis.taps)) * axis.stride, size - 1
    if all([not taps or (min(taps[0], taps[-1]) >= first and max(taps[0], taps[-1]) <= last) for taps in axis.taps]):
        return axis  # nearly always; taps are in order, one way or the other
    return axis._replace(taps=tuple([_between(taps, first, last) for taps in axis.taps]))


def _between(taps: Sequence[int], first: int, last: int) -> Sequence[int]:
    if isinstance(taps, range) and taps.step > 0:
        start = max(0, -((taps.start - first) // taps.step))
        return taps[start : max(start, (last - taps.start) // taps.step + 1)]
    return tuple([tap for tap in taps if first <= tap <= last])


def through_edges(
    profiles: tuple[Profile, ...], axes: tuple[Axis, ...], size: tuple[int, ...], out: tuple[int, ...], back: bool
) -> tuple[tuple[Profile, ...], float]:
    """Profiles after a window, and the number of taps that read something, on average.

    Exact for a kernel of independent weights where the square is a product of one function for each axis: what falls
    on padding adds nothing.
    """
    found: list[Profile] = []
    factor = 1.0
    seen: dict[tuple[int, Axis, int], tuple[Profile, float]] = {}  # axes are often alike
    for profile, axis, n, m in zip(profiles, axes, size, out, strict=True):
        if n == m and axis.stride == 1 and len(axis.taps) == 1 and len(axis.taps[0]) == 1 and not axis.taps[0][0]:
            found.append(profile)  # position by position
            continue
        axis = _reading(axis, n, m)
        known = seen.get((id(profile), axis, n)) if profile is not None else None
        if known is None:
            if profile is None:
                known = _flat(n, m, _key(axis), back)
            else:
                known = normal(_scatter(profile, axis, n) if back else gathered(profile, axis, m))
            seen[id(profile), axis, n] = known
        found.append(known[0])
        factor *= known[1]
    return tuple(found), factor


@lru_cache(maxsize=4096)
def per_window(size: int, out: int, axis: Axis) -> float:
    """The mean of 1/n over windows along an axis, where n positions of each lie on the map."""
    counts = gathered([1.0] * size, _reading(axis, size, out), out)
    return sum([1 / max(1.0, n) for n in counts]) / out


@lru_cache(maxsize=8192)
def _overlap(size: int, out: int, axis: _Key, lag: int) -> float:
    """Of the taps of two outputs that far apart, the share that both have: less than 1 at the edges of a map."""
    stride, taps = axis
    if len(taps) > 1:
        return 1.0
    if lag >= out > 1:
        # Farther than along one axis: two positions that differ on both, by about as much on each.
        return _overlap(size, out, axis, int(0.71 * out)) ** 2
    counts = [0] * out
    shared = 0
    for t in next(iter(taps), ()):
        first = max(0, -(t // stride))
        last = min(out - 1, (size - 1 - t) // stride)
        shared += max(0, last - lag - first + 1)
        for position in range(first, last + 1):
            counts[position] += 1
    roots = [sqrt(n) for n in counts]
    both = sum([a * b for a, b in zip(roots, roots[lag:], strict=False)])
    return shared / both if both else 1.0


def overlaps(
    size: tuple[int, ...], out: tuple[int, ...], axes: tuple[Axis, ...], count: int, back: bool = False
) -> Table:
    """For each lag the share of taps that two positions have in common, averaged over the axes."""
    keys = [_key(_reading(axis, n, m)) for axis, n, m in zip(axes, size, out, strict=True)]
    return _overlaps(size, out, tuple(keys), count, back)


@lru_cache(maxsize=4096)
def _overlaps(size: tuple[int, ...], out: tuple[int, ...], keys: tuple[_Key, ...], count: int, back: bool) -> Table:
    found = [1.0]
    for lag in lags(count)[1:]:
        each: list[float] = []
        for n, m, (stride, taps) in zip(size, out, keys, strict=True):
            if back:
                mirrored = (1, (tuple(-t for t in taps[0]),))
                each.append(_overlap(m, n, mirrored, lag) if stride == 1 and len(taps) == 1 else 1.0)
            else:
                each.append(_overlap(n, m, (stride, taps), lag))
        found.append(sum(each) / len(each) if each else 1.0)
    return tuple(found)


def mixed(parts: Sequence[tuple[float, tuple[Profile, ...]]]) -> tuple[Profile, ...]:
    """Profiles of a sum of maps, each with its square."""
    total = sum(weight for weight, _ in parts)
    found: list[Profile] = []
    for profiles in zip(*[profiles for _, profiles in parts], strict=True):
        first = profiles[0]
        if all([profile is first for profile in profiles]):
            found.append(first)
            continue
        length = len(next(profile for profile in profiles if profile is not None))
        values = [0.0] * length
        for (weight, _), profile in zip(parts, profiles, strict=True):
            share = weight / total if total > 0 else 1 / len(parts)
            values = [v + share * p for v, p in zip(values, profile or (1.0,) * length, strict=True)]
        found.append(tuple(values))
    return tuple(found)


def evenness(profiles: Iterable[Profile]) -> float:
    """The mean of √(f f') over pairs of positions, less than 1 where a map is uneven."""
    found = 1.0
    for profile in profiles:
        if profile is not None:
            found *= (sum([sqrt(value) for value in profile]) / len(profile)) ** 2
    return found
