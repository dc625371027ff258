"""Windows without weights: maxima, enlarging, padding and cropping."""

from __future__ import annotations

from functools import lru_cache
from math import hypot, prod, sqrt
from typing import NamedTuple

from archlab.graph import Axis
from archlab.signals._activations import activated, correlation
from archlab.signals._edges import through_edges
from archlab.signals._gaussian import upper
from archlab.signals._kernels import Sliding
from archlab.signals._lags import Table, at, average, lag_count, lags, products, resampled, times
from archlab.signals._types import Errors, ErrorSignal, Passed, Signal, Squares, handed_back
from archlab.signals._walk import Law, highest_of, law_of, moments_of


def smoothed(table: Table, kernel: tuple[int, ...], step: float, count: int) -> Table:
    """The table between the means of two windows that far apart, `step` positions a lag."""
    offsets = [(0.0, 0.0, 1.0)]
    for axis, side in enumerate(kernel):
        steps = [(abs(i), (side - abs(i)) / side**2) for i in range(1 - side, side)]
        # The lag runs along the first axis; the sign counts there alone.
        if axis == 0:
            offsets = [(float(i), 0.0, (side - abs(i)) / side**2) for i in range(1 - side, side)]
        else:
            offsets = [(a, hypot(b, d), p * q) for a, b, p in offsets for d, q in steps]
    merged: dict[tuple[float, float], float] = {}
    for a, b, p in offsets:
        merged[a, round(b, 3)] = merged.get((a, round(b, 3)), 0.0) + p
    return tuple(
        [sum([p * at(table, hypot(step * lag + a, b)) for (a, b), p in merged.items()]) for lag in lags(count)]
    )


def unchanged(x: Signal) -> Passed:
    """What comes in goes out."""
    return Passed(x, handed_back)


def relocated(x: Signal, where: Sliding) -> Passed:
    """Positions moved, left out or surrounded by zeros: padding and cropping."""
    profiles, read = through_edges(x.profiles, where.axes, where.size, where.out, False)
    count = lag_count(where.out)
    made = x._replace(
        size=where.out,
        mean=x.mean * read,
        same=times(resampled(x.same, 1, count), read),
        cross=times(resampled(x.cross, 1, count), read),
        profiles=profiles,
    )

    def handed(error: ErrorSignal) -> tuple[Errors, Squares]:
        behind, kept = through_edges(error.profiles, where.axes, where.size, where.out, True)
        back = lag_count(where.size)
        same, cross = times(resampled(error.same, 1, back), kept), times(resampled(error.cross, 1, back), kept)
        return (ErrorSignal(same, cross, behind, open=error.open, scatter=error.scatter, likeness=error.likeness),), ()

    return Passed(made, handed)


def flattened(x: Signal, axes: int, channels: int) -> Passed:
    """Every element a channel of one position: what was alike at two places no longer counts as one channel's."""
    size = (1,) * axes
    flat = (None,) * len(size)
    made = x._replace(size=size, channels=channels, same=x.same[:1], cross=x.cross[:1], profiles=flat, before=None)

    def handed(error: ErrorSignal) -> tuple[Errors, Squares]:
        rest = (0.0,) * (lag_count(x.size) - 1)
        back = ErrorSignal(
            (*error.same, *rest),
            (*error.cross, *rest),
            (None,) * len(x.size),
            scatter=error.scatter,
            likeness=error.likeness,
        )
        return (back,), ()

    return Passed(made, handed)


def reshaped(x: Signal, output: tuple[int, ...]) -> Passed | None:
    """The same elements in another shape, the last size being the channels; None where positions become channels."""
    if prod(x.size) * x.channels != prod(output):
        return None
    if x.size == output[:-1]:
        return unchanged(x)
    # To one position each element becomes a channel; any other shape mixes the two in its own way.
    return flattened(x, len(output) - 1, output[-1]) if prod(output[:-1]) == 1 else None


def selected(x: Signal, channels: int) -> Passed:
    """Some of the channels, in whatever order: each is as all are on average."""
    share = channels / x.channels
    # What is told of single channels behind a kernel or an activation is told of those that are left as well.
    made = x._replace(channels=channels, before=x.before if share == 1 else None)

    def handed(error: ErrorSignal) -> tuple[Errors, Squares]:
        # The others get none, and others who read them add theirs.
        return (error if share == 1 else error.times(share),), ()

    return Passed(made, handed)


def stopped(x: Signal) -> Passed:
    """What comes in goes out, and nothing comes back."""
    return Passed(x, _nothing_back)


def _nothing_back(error: ErrorSignal) -> tuple[Errors, Squares]:
    return (None,), ()


def transposed(x: Signal, order: tuple[int, ...]) -> Passed:
    """The spatial axes in another order."""
    made = x._replace(
        size=tuple([x.size[axis] for axis in order]),
        profiles=tuple([x.profiles[axis] for axis in order]),
        before=None,
    )

    def handed(error: ErrorSignal) -> tuple[Errors, Squares]:
        turned = tuple([error.profiles[order.index(axis)] for axis in range(len(order))])
        return (error._replace(profiles=turned),), ()

    return Passed(made, handed)


def enlarged(x: Signal, out: tuple[int, ...]) -> Passed:
    """Every position repeated, or neighbours interpolated, to another size."""
    ratio = prod(out) / prod(x.size)
    step = ratio ** (-1 / len(out))
    count = lag_count(out)
    made = x._replace(
        size=out,
        same=resampled(x.same, step, count),
        cross=resampled(x.cross, step, count),
        profiles=(None,) * len(out),
        before=None,
    )

    def handed(error: ErrorSignal) -> tuple[Errors, Squares]:
        # A position gets the sum of the errors of all that came of it.
        kernel = tuple([max(1, round(m / n)) for n, m in zip(x.size, out, strict=True)])
        back = lag_count(x.size)
        same, cross = (times(smoothed(t, kernel, 1 / step, back), ratio * ratio) for t in (error.same, error.cross))
        return (ErrorSignal(same, cross, (None,) * len(x.size), scatter=error.scatter, likeness=error.likeness),), ()

    return Passed(made, handed)


class Highest(NamedTuple):
    """The largest of a number of independent standard normals: its mean and its variance."""

    mean: float
    variance: float


@lru_cache(maxsize=1024)
def highest(of: float) -> Highest:
    """The largest of `of` standard normals, by integrating its density.

    >>> [round(number, 3) for number in highest(4)]
    [1.029, 0.492]
    """
    if of <= 1:
        return Highest(0.0, 1.0)
    first = second = 0.0
    below = 0.0
    # The share of maxima in each cell is the difference of the distribution function at its edges.
    for i in range(-320, 321):
        z = i / 40
        share = (1 - upper(z + 1 / 80)) ** of
        first += z * (share - below)
        second += z * z * (share - below)
        below = share
    return Highest(first, second - first * first)


def maximum(
    x: Signal, kernel: tuple[int, ...], stride: tuple[int, ...], out: tuple[int, ...], axes: tuple[Axis, ...] = ()
) -> Passed | None:
    """The largest of every window.

    The values of a window are taken as Gaussians that are equally correlated: a part that all share, and one of their
    own whose largest is a matter of order statistics. Behind an activation that never falls the maximum is taken in
    front of it, where the values are Gaussian. Its error goes to one position of each window.
    """
    inner, function = x.before if x.before is not None and x.before[1].rises else (x, None)
    # What hangs over the edge never wins: a window has a little less than its size to choose from.
    of = max(1.0, through_edges((None,) * len(out), axes, x.size, out, False)[1]) if axes else float(prod(kernel))
    taken = _taken(inner, kernel, stride, out, of)
    result: Passed | None = None
    made = taken
    if function is not None:
        result = activated(taken, function)
        if result is None:
            return None
        made = result.output
    response = function.response(taken.mean, taken.variance) if function is not None else None

    def handed(error: ErrorSignal) -> tuple[Errors, Squares]:
        same, cross = _routed(error, x.size, kernel, stride, out)
        step = (prod(x.size) / prod(out)) ** (1 / len(out))
        values = [resampled(table, 1 / step, len(same)) for table in (made.same, made.cross)]
        own = products(same, values[0]), products(cross, values[1])
        open_ = response.slope if response else None
        return (
            ErrorSignal(same, cross, (None,) * len(x.size), own, open_, scatter=error.scatter, likeness=error.likeness),
        ), ()

    return Passed(made, handed)


def _taken(x: Signal, kernel: tuple[int, ...], stride: tuple[int, ...], out: tuple[int, ...], of: float) -> Signal:
    places = prod(kernel)
    mean, variance = x.mean, x.variance
    same = [correlation(value, mean, variance) for value in x.same]
    cross = [correlation(value, mean, variance) for value in x.cross]
    shared = (average(tuple(same), kernel) - 1 / places) / (1 - 1 / places) if places > 1 else 1.0
    shared = max(0.0, min(1.0, shared))
    own = 1 - shared
    top = highest(of)
    law = law_of(x.law, mean, variance)
    chosen = highest_of(law, of, shared) if law else None
    step = prod(stride) ** (1 / len(stride)) if stride else 1.0
    side = places ** (1 / len(kernel)) if kernel else 1.0
    centre = mean + sqrt(variance * own) * top.mean
    count = lag_count(out)
    inside: list[float] = []
    between: list[float] = []
    for lag in lags(count):
        if not lag:
            inside.append(shared + own * top.variance)
            far = average(tuple(cross), kernel)
            far = (far - cross[0] / places) / (1 - 1 / places) if places > 1 else 0.0
            alike = max(0.0, min(1.0, (cross[0] - far) / own)) if own > 1e-9 else 0.0
            between.append(far + own * (alike / of + (top.variance - 1 / of) * alike * alike))
            continue
        apart = step * lag
        common = max(0.0, 1 - apart / side)
        inside.append(min(at(tuple(same), apart), shared) + own * top.variance * common)
        between.append(at(tuple(cross), apart))
    if chosen is not None and inside[0] > 0:
        centre, spread = moments_of(chosen)
        variance = spread / inside[0]
    return x._replace(
        size=out,
        mean=centre,
        same=tuple([variance * value + centre * centre for value in inside]),
        cross=tuple([variance * value + centre * centre for value in between]),
        profiles=(None,) * len(out),
        before=None,
        law=Law(chosen) if chosen is not None else None,
        picked=True,
    )


def _routed(
    error: ErrorSignal, size: tuple[int, ...], kernel: tuple[int, ...], stride: tuple[int, ...], out: tuple[int, ...]
) -> tuple[Table, Table]:
    """An error of each window handed to one position of it."""
    of = prod(kernel)
    share = prod(out) / prod(size)
    # Windows that overlap may pick the same position: their errors then add up before they are squared.
    more = 0.0
    reach = [range(-((k - 1) // s), (k - 1) // s + 1) for k, s in zip(kernel, stride, strict=True)]
    shifts: list[tuple[int, ...]] = [()]
    for each in reach:
        shifts = [(*shift, i) for shift in shifts for i in each]
    for shift in shifts:
        if any(shift) and error.same[0] > 0:
            common = prod(k - abs(i) * s for k, i, s in zip(kernel, shift, stride, strict=True))
            more += at(error.same, hypot(*shift)) / error.same[0] * common / (2 * of - common)
    step = share ** (-1 / len(out)) if out else 1.0
    side = max(kernel, default=1)
    inside: list[float] = []
    between: list[float] = []
    for lag in lags(lag_count(size)):
        if not lag:
            inside.append(error.same[0] * share * (1 + more))
            between.append(error.cross[0] * share / of)
            continue
        apart = min(1.0, lag / side)
        inside.append(at(error.same, lag / step) * share * share * apart)
        between.append(at(error.cross, lag / step) * share * share)
    return tuple(inside), tuple(between)
