"""Kernels of independent weights, forward and back, and the gradients of their weights."""

from __future__ import annotations

from math import prod
from typing import NamedTuple

from archlab.graph import Axis
from archlab.signals._edges import Profile, evenness, overlaps, through_edges
from archlab.signals._lags import Table, lag_count, lags, overall, products, resampled, times
from archlab.signals._scatter import moved_together
from archlab.signals._types import ErrorSignal, Signal


class Sliding(NamedTuple):
    """The geometry of a kernel that slides: what goes in, what comes out, where it looks."""

    size: tuple[int, ...]
    out: tuple[int, ...]
    axes: tuple[Axis, ...]
    taps: int

    @property
    def step(self) -> float:
        """How many positions of the input one of the output is, as a number for all axes."""
        if not self.axes:
            return 1.0
        return prod(axis.stride / len(axis.taps) for axis in self.axes) ** (1 / len(self.axes))


def slid_forward(x: Signal, where: Sliding, gain: float, channels: int, loose: float = 1.0) -> Signal:
    """A kernel of independent weights: `gain` is the variance of a weight times the channels that it sums over."""
    profiles, read = through_edges(x.profiles, where.axes, where.size, where.out, False)
    count = lag_count(where.out)
    step = where.step
    scale = gain * read
    if step < 1:
        # Between the positions of one input different taps read it: only a whole step apart are they the same ones.
        thin = step ** len(where.axes)
        shares = tuple([1.0 if not lag else 0.0 if lag * step < 1 else thin for lag in lags(count)])
    else:
        shares = overlaps(where.size, where.out, where.axes, count)
    same = products(times(resampled(x.same, step, count), scale), shares)
    cross = products(times(resampled(x.cross, step, count), scale), shares)
    # Each output channel's mean square is a draw of χ², as far as all places move together: 2 of one over the channels.
    scatter = x.scatter + 2 * loose / channels * moved_together(x.same, x.cross, x.size, x.batch)
    return Signal(
        where.out,
        channels,
        x.batch,
        0.0,
        same,
        cross,
        profiles,
        scatter=scatter,
        own=scatter - x.scatter,
        aligned=x.aligned,
    )


def slid_back(error: ErrorSignal, where: Sliding, gain: float, x: Signal, loose: float = 1.0) -> ErrorSignal:
    """The way back through such a kernel to `x`: `gain` is a weight's variance times the channels that read one."""
    profiles, read = through_edges(error.profiles, where.axes, where.size, where.out, True)
    count = lag_count(where.size)
    scale = gain * read
    step = where.step
    if step > 1:
        thin = step ** -len(where.axes)
        shares = tuple([1.0 if not lag else 0.0 if lag < step else thin for lag in lags(count)])
    else:
        shares = overlaps(where.size, where.out, where.axes, count, True)
    # The square falls with the share of positions that are read at all; `read` has that in it already.
    same = products(times(resampled(error.same, 1 / step, count), scale), shares)
    cross = products(times(resampled(error.cross, 1 / step, count), scale), (1.0, *shares[1:]))
    together = moved_together(error.same, error.of_any_sign, where.out, x.batch)
    scatter = error.scatter + 2 * loose / x.channels * together
    return ErrorSignal(same, cross, profiles, scatter=scatter, likeness=error.likeness)


def kernel_square(x: Signal, error: ErrorSignal, where: Sliding, weights: int) -> float:
    """The expected squared norm of a kernel's gradient: over all pairs of places, what came in times what came back."""
    step, batch = where.step, x.batch
    ours, theirs = (x.same, x.cross), (error.same, error.cross)
    read = tapped(x.profiles, error.profiles, where)
    if step < 1:
        # A kernel that enlarges meets each position of the input once with each tap, and of the output every few.
        size = where.size
        theirs = resampled(theirs[0], 1 / step, lag_count(size)), resampled(theirs[1], 1 / step, lag_count(size))
        read *= prod(where.out) * step ** len(size) / prod(size)
    else:
        size = where.out
        ours = resampled(ours[0], step, lag_count(size)), resampled(ours[1], step, lag_count(size))
    # What all places share of the signal meets what all share of the error; the rest meets the rest, place by place.
    # Taken apart, because the first is often the small difference of large numbers.
    shared = max(0.0, overall(ours[0], ours[1], size, batch))
    rest = [tuple([value - shared for value in table]) for table in ours]
    apart = overall(products(rest[0], theirs[0]), products(rest[1], theirs[1]), size, batch)
    alone = max(0.0, rest[0][0]) * theirs[0][0] / (prod(size) * batch)
    together = shared * max(0.0, overall(*theirs, size, batch)) + max(apart, alone)
    return weights * prod(size) ** 2 * together * read * x.typical * error.typical


def tapped(forward: tuple[Profile, ...], back: tuple[Profile, ...], where: Sliding) -> float:
    """The share of a kernel's taps that read something, weighed by the error at the output."""
    found = 1.0
    seen: dict[tuple[int, int, Axis, int], float] = {}
    for f, g, axis, n, m in zip(forward, back, where.axes, where.size, where.out, strict=True):
        share = seen.get((id(f), id(g), axis, n))
        if share is None:
            taps = sum(len(taps) for taps in axis.taps) / len(axis.taps)
            (read,), reads = through_edges((f,), (axis,), (n,), (m,), False)
            if read is not None and g is not None:
                reads *= sum([a * b for a, b in zip(read, g, strict=True)]) / m
            share = seen[id(f), id(g), axis, n] = reads / taps if taps else 0.0
        found *= share
    return found


def bias_square(x: Signal, error: ErrorSignal) -> float:
    """The expected squared norm of the gradient of a number added to every channel."""
    together = max(0.0, overall(error.same, error.cross, x.size, x.batch, evenness(error.profiles)))
    return x.channels * prod(x.size) ** 2 * together * error.typical


def scale_square(x: Signal, error: ErrorSignal, gain: float = 1.0) -> float:
    """The same of a number that multiplies every channel: `gain` times the map is what it multiplies, squared."""
    same, cross = along(x, error)
    together = max(0.0, overall(same, cross, x.size, x.batch)) * x.typical * error.typical
    return gain * x.channels * prod(x.size) ** 2 * together


def along(x: Signal, error: ErrorSignal) -> tuple[Table, Table]:
    """The products g·x of two places."""
    if error.along is not None:
        return error.along
    return products(x.same, error.same), products(x.cross, error.cross)
