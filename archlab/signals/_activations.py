"""Functions of every element."""

from __future__ import annotations

from functools import cached_property
from math import exp, sqrt

from archlab.signals._edges import raised
from archlab.signals._gaussian import RELU, Nonlinearity, Response
from archlab.signals._lags import Table, overall, products, times
from archlab.signals._scatter import moved_together
from archlab.signals._types import Errors, ErrorSignal, Passed, Signal, Squares, handed_back
from archlab.signals._walk import Law, Rectified, law_of, rectified, rectified_response, surviving

_STRAIGHT = 1e-3
"""By how much a power may differ from that of a ReLU and count as equal."""


def activated(x: Signal, function: Nonlinearity) -> Passed | None:
    """A function of every element."""
    if function.name == "linear":
        return Passed(x, handed_back)
    variance = x.variance
    law = law_of(x.law, x.mean, variance) if function == RELU else None
    walk = rectified(law) if law else None
    response = rectified_response(law) if law else _over_draws(function, x)
    if response is None:
        return None
    correlations = [[correlation(value, x.mean, variance) for value in table] for table in (x.same, x.cross)]
    same, cross = ([response.values(c) for c in table] for table in correlations)
    same[0] = response.square
    profiles, lift = x.profiles, 1.0
    if abs(response.power - 1) > _STRAIGHT:
        # Where the square is larger than elsewhere, more or less than in proportion comes out.
        profiles, lift = raised(x.profiles, response.power)
        lift *= _mean_over_median(response.power**2 * x.scatter)
        same, cross = list(times(tuple(same), lift)), list(times(tuple(cross), lift))
    # Of Gaussian channels the square of what a ReLU lets through scatters more than the channels' own.
    fourth = [[response.fourth(c) for c in table] for table in correlations]
    plain = moved_together(x.same, x.cross, x.size, x.batch)
    more = max(0.0, overall(tuple(fourth[0]), tuple(fourth[1]), x.size, x.batch) - 1 - 2 * plain) / x.channels
    more = 0.0 if x.pinned else more
    output = x._replace(
        # A square that is larger by chance comes out larger by that power.
        scatter=x.scatter * response.power**2 + more,
        own=x.own * response.power**2 + more,
        pinned=False,
        mean=response.mean * sqrt(lift),
        same=tuple(same),
        cross=tuple(cross),
        profiles=profiles,
        before=(x, function),
        law=Law(walk.atoms) if walk else None,
        spread=None,
    )

    inner = _Slopes(response, correlations)

    def back(error: ErrorSignal) -> tuple[Errors, Squares]:
        back = _activated_back(x, error, response, inner)
        return (_walked_back(law, back, error, response, walk) if law and walk else back,), ()

    return Passed(output, back)


def _walked_back(law: Law, back: ErrorSignal, error: ErrorSignal, response: Response, made: Rectified) -> ErrorSignal:
    """The same for a sum that has been rectified again and again: an error is where the element is far from 0."""
    over, left, apart = surviving(law, made, error.over)
    own, other = left / response.slope, apart / response.slope**2
    same = (back.same[0] * own, *[value * other for value in back.same[1:]])
    return back._replace(same=same, cross=tuple([value * other for value in back.cross]), over=over)


def rectified_with_slopes(x: Signal) -> Passed | None:
    """A ReLU whose slopes below 0 are learned and begin at 0; what their own gradients are is left open."""
    relu = activated(x, Nonlinearity("relu"))
    if relu is None:
        return None

    def handed(error: ErrorSignal) -> tuple[Errors, Squares]:
        return relu.back(error)[0], (None,)

    return Passed(relu.output, handed)


class _Slopes:
    """What a response makes of the correlations of its input, within an example and between two.

    Worked out when it is asked for, and once for all errors that come back.
    """

    def __init__(self, response: Response, correlations: list[list[float]]):
        self._response = response
        self._correlations = correlations

    @cached_property
    def slopes(self) -> tuple[Table, Table]:
        same, cross = (tuple(map(self._response.slopes, table)) for table in self._correlations)
        return (self._response.slope, *same[1:]), cross

    @cached_property
    def along(self) -> tuple[Table, Table]:
        same, cross = (tuple(map(self._response.along, table)) for table in self._correlations)
        return same, cross

    @cached_property
    def fourth(self) -> tuple[Table, Table]:
        same, cross = (tuple(map(self._response.slope_fourth, table)) for table in self._correlations)
        return same, cross


def _activated_back(x: Signal, error: ErrorSignal, response: Response, inner: _Slopes) -> ErrorSignal:
    slopes = inner.slopes
    if error.open is not None:
        # Two maxima are both where the activation is open, or nearly.
        slopes = (error.open,) * len(slopes[0]), (error.open,) * len(slopes[1])
    own = error.along if error.open is not None else None
    if own is None:
        own = products(error.same, inner.along[0]), products(error.cross, inner.along[1])
    same, cross = products(error.same, slopes[0]), products(error.cross, slopes[1])
    scatter = error.scatter + x.scatter * response.slope_power**2
    if error.open is None and error.same[0] > 0 and response.slope > 0:
        # As on the way forward: which units are open decides over the squares of the errors of all places together.
        moved: list[Table] = []
        for table, both in zip((error.same, error.of_any_sign), inner.fourth, strict=True):
            # Divided first: the square of an error may be beyond what a number holds.
            alike = [value / error.same[0] for value in table]
            moved.append(tuple([(1 + 2 * c * c) * s for c, s in zip(alike, both, strict=True)]))
        plain = moved_together(error.same, error.of_any_sign, x.size, x.batch)
        scatter += max(0.0, overall(moved[0], moved[1], x.size, x.batch) - 1 - 2 * plain) / x.channels
    profiles = error.profiles
    if abs(response.slope_power) > _STRAIGHT:
        profiles, lift = raised(x.profiles, response.slope_power, error.profiles)
        lift *= _mean_over_median(response.slope_power**2 * x.scatter)
        same, cross, *own = [times(table, lift) for table in (same, cross, *own)]
        own = own[0], own[1]
    return ErrorSignal(same, cross, profiles, own, scatter=scatter, likeness=error.likeness)


def _over_draws(function: Nonlinearity, x: Signal) -> Response | None:
    """What a function makes of the signal: where it is not of degree 1, of the median over draws of the kernels."""
    response = function.response(x.mean, x.variance)
    if response is None or not x.scatter or abs(response.power - 1) <= _STRAIGHT:
        return response
    return function.response(x.mean * sqrt(x.typical), x.variance * x.typical)


def _mean_over_median(scatter: float) -> float:
    """Of a number whose logarithm is normal, with this variance."""
    return exp(min(scatter / 2, 3.0))


def correlation(product: float, mean: float, variance: float) -> float:
    """The correlation of two values, from their mean product."""
    if variance <= 0:
        return 0.0
    return max(-1.0, min(1.0, (product - mean * mean) / variance))


def then(first: Passed, function: Nonlinearity | None) -> Passed | None:
    """A layer with an activation of its own behind it."""
    if function is None or function.name == "linear":
        return first
    second = activated(first.output, function)
    if second is None:
        return None

    def back(error: ErrorSignal) -> tuple[Errors, Squares]:
        (inner,), _ = second.back(error)
        assert inner is not None
        return first.back(inner)

    return Passed(second.output, back)
