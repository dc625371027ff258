"""Means of windows, and of whole maps."""

from __future__ import annotations

from math import prod

from archlab.graph import Axis
from archlab.signals._edges import per_window
from archlab.signals._lags import average, lag_count, times
from archlab.signals._types import Errors, ErrorSignal, Passed, Signal, Squares
from archlab.signals._windows import smoothed


def averaged(
    x: Signal, kernel: tuple[int, ...], stride: tuple[int, ...], out: tuple[int, ...], axes: tuple[Axis, ...]
) -> Passed:
    """The mean of every window, of the positions that are not padding."""
    step = prod(stride) ** (1 / len(stride))
    count = lag_count(out)
    same, cross = (smoothed(table, kernel, step, count) for table in (x.same, x.cross))
    made = x._replace(size=out, same=same, cross=cross, profiles=(None,) * len(out), before=None)
    larger = prod([k * per_window(n, m, axis) for k, n, m, axis in zip(kernel, x.size, out, axes, strict=True)])

    def handed(error: ErrorSignal) -> tuple[Errors, Squares]:
        # Each position is read by as many windows as a window has steps, and gets its part of the error of each.
        reads = tuple([max(1, round(k / s)) for k, s in zip(kernel, stride, strict=True)])
        # Where a window hangs over the edge fewer share its error.
        part = (prod(out) / prod(x.size)) ** 2 * larger
        back = lag_count(x.size)
        same, cross = (times(smoothed(t, reads, 1 / step, back), part) for t in (error.same, error.cross))
        return (ErrorSignal(same, cross, (None,) * len(x.size), scatter=error.scatter, likeness=error.likeness),), ()

    return Passed(made, handed)


def averaged_over_all(x: Signal, axes: int) -> Passed:
    """The mean of every channel over all positions; `axes` of size 1 are left."""
    out = (1,) * axes
    cross = (average(x.cross, x.size),)
    # What positions have of their own does not cancel: the tables are too coarse to tell a mean of nearly 0.
    own = max(0.0, x.same[0] - max(0.0, x.cross[0])) / prod(x.size)
    same = (max(average(x.same, x.size), max(0.0, cross[0]) + own),)
    made = x._replace(size=out, same=same, cross=cross, profiles=(None,) * axes, before=None)

    def handed(error: ErrorSignal) -> tuple[Errors, Squares]:
        # Every position gets the same error, its part of it.
        part, count = prod(x.size) ** -2, lag_count(x.size)
        same, cross = (error.same[0] * part,) * count, (error.cross[0] * part,) * count
        return (ErrorSignal(same, cross, (None,) * len(x.size), scatter=error.scatter, likeness=error.likeness),), ()

    return Passed(made, handed)
