"""What an activation makes of Gaussian signals: moments of one value, and of two that are correlated.

Functions made of a straight line and one kink (ReLU and its kin) have closed forms: the arc-cosine kernels of Cho &
Saul 2009, 'Kernel Methods for Deep Learning', section 2, with a threshold. All others go by their Hermite series: with
z and w standard normal and correlated by c, E f(z) f(w) = Σ aₖ² cᵏ where aₖ = E f(z) hₖ(z) (Mehler's formula).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise
from math import acos, asin, cos, erf, erfc, exp, inf, log, pi, sin, sqrt, tanh
from typing import NamedTuple

Function = Callable[[float], float]

_TERMS = 24
_STEP = 0.125
_REACH = 64  # nodes on either side: 8 standard deviations
_NODES = tuple(i * _STEP for i in range(-_REACH, _REACH + 1))
_WEIGHTS = tuple(_STEP * exp(-z * z / 2) / sqrt(2 * pi) for z in _NODES)
# Gauss–Legendre, eight points on (0, 1).
_LEGENDRE = tuple(
    ((1 + sign * x) / 2, w / 2)
    for x, w in (
        (0.1834346424956498, 0.3626837833783620),
        (0.5255324099163290, 0.3137066458778873),
        (0.7966664774136267, 0.2223810344533745),
        (0.9602898564975363, 0.1012285362903763),
    )
    for sign in (-1, 1)
)


class Response(NamedTuple):
    """What comes out of a function of a Gaussian, and how its derivative passes a gradient back.

    The functions take the correlation of two inputs. With u and v the inputs: `values` is E f(u) f(v), `slopes` is
    E f'(u) f'(v), and `along` is E f'(u) u · f'(v) v, which says how far a gradient points along the signal itself.
    """

    mean: float
    square: float
    slope: float
    """E f'(u)²."""
    values: Callable[[float], float]
    slopes: Callable[[float], float]
    along: Callable[[float], float]
    power: float
    """By which power the output's square follows the input's: 1 for ReLU, less where the function saturates."""
    fourth: Callable[[float], float]
    """E f(u)² f(v)² over (E f²)²: how far the squares of two channels, or of one, are large together."""
    slope_fourth: Callable[[float], float]
    """The same of f'."""
    slope_power: float = 0.0
    """By which power E f'(u)² follows the input's square: 0 for ReLU."""


def upper(t: float) -> float:
    """The share of a standard normal above t."""
    return 0.5 * erfc(t / sqrt(2))


def all_below(z: float, count: float, shared: float) -> float:
    """The probability that so many standard normals, of which each two are correlated by `shared`, are all below z.

    >>> round(all_below(0.0, 2, 0.5), 4)  # 1/4 + asin(1/2) / 2π
    0.3333
    """
    if shared <= 0:
        return upper(-z) ** count
    if shared >= 1:
        return upper(-z)
    # What all share is integrated over; the rest of each is its own.
    own, common, step, total = sqrt(1 - shared), sqrt(shared), 0.05, 0.0
    for i in range(-120, 121):
        t = i * step
        total += step * exp(-t * t / 2) / sqrt(2 * pi) * upper((common * t - z) / own) ** count
    return total


def both_above(t: float, c: float) -> float:
    """The share of pairs, correlated by c, of which both are above t: by integrating the density over c (Drezner)."""
    if t == 0:
        return 0.25 + asin(c) / (2 * pi)
    angle = asin(c)
    total = sum([w * exp(-t * t / (1 + sin(angle * x))) for x, w in _LEGENDRE])
    return upper(t) ** 2 + angle * total / (2 * pi)


def kinked(line: float, ramp: float, mean: float, variance: float) -> Response:
    """f(x) = line · x + ramp · max(x, 0) of a Gaussian: ReLU is (0, 1), the identity (1, 0), a leaky ReLU (s, 1 − s).

    >>> response = kinked(0.0, 1.0, 0.0, 2.0)
    >>> response.square, response.slope
    (1.0, 0.5)
    """
    if variance <= 0:
        slope = (line + ramp * (mean > 0)) ** 2
        value = (line * mean + ramp * max(mean, 0.0)) ** 2

        def constant(c: float) -> float:
            return value

        def level(c: float) -> float:
            return slope

        average = line * mean + ramp * max(mean, 0.0)
        return Response(average, value, slope, constant, level, constant, 1.0, _one, _one)
    sigma = sqrt(variance)
    t = -mean / sigma
    open_, density = upper(t), exp(-t * t / 2) / sqrt(2 * pi)
    rectified = sigma * (density - t * open_)

    def squares(c: float) -> float:
        if c >= 1:
            return variance * ((1 + t * t) * open_ - t * density)
        c = max(c, -1.0)
        if t == 0:
            return variance * (sqrt(1 - c * c) + c * (pi / 2 + asin(c))) / (2 * pi)
        if c <= -1:
            return 0.0
        tilt = t * sqrt((1 - c) / (1 + c))
        pair = sqrt(1 - c * c) * exp(-t * t / (1 + c)) / (2 * pi)
        return variance * ((c + t * t) * both_above(t, c) - 2 * t * density * upper(tilt) + pair)

    def values(c: float) -> float:
        product = line * line * (c * variance + mean * mean) + ramp * ramp * squares(c)
        # E u · max(v, 0) = cov · P(v > 0) + mean · E max(v, 0), by Stein's lemma.
        return product + 2 * line * ramp * (c * variance * open_ + mean * rectified) if line else product

    known: dict[float, float] = {}

    def crossed(c: float) -> float:
        found = known.get(c)
        if found is None:
            found = known[c] = open_ if c >= 1 else both_above(t, max(c, -1.0))
        return found

    def slopes(c: float) -> float:
        return line * line + 2 * line * ramp * open_ + ramp * ramp * crossed(c)

    # Below the kink f² is so many times x², and above it so many times more.
    low, more = line**2, 2 * line * ramp + ramp**2

    def fourth(c: float) -> float:
        # Of a mean of 0, which it is behind a kernel.
        both = (low * low + low * more) * (1 + 2 * c * c) + more * more * rectified_fourth(c) / 4
        return both / (low + more / 2) ** 2 if low + more else 1.0

    def slope_fourth(c: float) -> float:
        single = low + more * open_
        return (low * low + 2 * low * more * open_ + more * more * crossed(c)) / single**2 if single > 0 else 1.0

    average = line * mean + ramp * rectified
    return Response(average, values(1.0), slopes(1.0), values, slopes, values, 1.0, fourth, slope_fourth)


def rectified_fourth(c: float) -> float:
    """E max(u, 0)² max(v, 0)² over the product of the means, for standard normals correlated by c: 1 to 6.

    The arc-cosine kernel of order 2 (Cho & Saul 2009, section 2).
    """
    angle = acos(max(-1.0, min(1.0, c)))
    return (2 / pi) * (3 * sin(angle) * c + (pi - angle) * (1 + 2 * c * c))


def _one(c: float) -> float:
    return 1.0


def smooth(function: Function, mean: float, variance: float) -> Response:
    """Any other function of a Gaussian, by its Hermite series, integrated by the trapezoidal rule."""
    sigma = sqrt(max(variance, 1e-24))
    points = [mean + sigma * z for z in _NODES]
    made = [function(x) for x in points]
    # The slope over a cell rather than at its node: it then integrates to what the function rises by, kinks included.
    edges = [function(mean + sigma * (z - _STEP / 2)) for z in (*_NODES, _NODES[-1] + _STEP)]
    bent = [(b - a) / (_STEP * sigma) for a, b in pairwise(edges)]
    own = [d * x for d, x in zip(bent, points, strict=True)]
    basis = _basis()
    series: list[list[float]] = []
    numbers_of = (made, bent, own, [y * y for y in made], [d * d for d in bent])
    for numbers in numbers_of:
        series.append([sum([h * y for h, y in zip(row, numbers, strict=True)]) ** 2 for row in basis])
    squares = [sum([w * y * y for w, y in zip(_WEIGHTS, numbers, strict=True)]) for numbers in numbers_of]
    # d log E f² / d log variance = E f f' z σ / E f²
    tilt = sum([w * y * d * z for w, y, d, z in zip(_WEIGHTS, made, bent, _NODES, strict=True)]) * sigma
    power = max(0.0, tilt / squares[0]) if squares[0] > 0 else 1.0
    # The same of f'², without its derivative: d E g / d log variance = E g (z² − 1) / 2
    bend = sum([w * d * d * (z * z - 1) for w, d, z in zip(_WEIGHTS, bent, _NODES, strict=True)]) / 2
    slope_power = bend / squares[1] if squares[1] > 0 else 0.0
    values, slopes, along, both, both_slopes = (_series(a, total) for a, total in zip(series, squares, strict=True))
    average = sum([w * y for w, y in zip(_WEIGHTS, made, strict=True)])
    fourth, slope_fourth = _over(both, squares[0]), _over(both_slopes, squares[1])
    square, slope = squares[:2]
    return Response(average, square, slope, values, slopes, along, power, fourth, slope_fourth, slope_power)


def _over(products: Callable[[float], float], square: float) -> Callable[[float], float]:
    return lambda c: products(c) / square**2 if square > 0 else 1.0


def _series(squares: list[float], total: float) -> Callable[[float], float]:
    # What the terms leave out is given to the next power, so that the series is exact where both values are one.
    rest = max(0.0, total - sum(squares))

    def value(c: float) -> float:
        if c >= 1:
            return total
        found = rest
        for a in reversed(squares):
            found = found * c + a
        return found

    return value


@lru_cache(maxsize=1)
def _basis() -> tuple[tuple[float, ...], ...]:
    """Weighted, normalized Hermite polynomials at the nodes."""
    rows = [[1.0] * len(_NODES), list(_NODES)]
    for k in range(1, _TERMS):
        last, before = rows[k], rows[k - 1]
        rows.append([(z * a - sqrt(k) * b) / sqrt(k + 1) for z, a, b in zip(_NODES, last, before, strict=True)])
    return tuple(tuple(w * h for w, h in zip(_WEIGHTS, row, strict=True)) for row in rows)


def _sigmoid(x: float) -> float:
    return 1 / (1 + exp(-x)) if x > -700 else 0.0


def _softplus(x: float) -> float:
    return x if x > 30 else log(1 + exp(x))


def _elu(alpha: float, scale: float = 1.0) -> Function:
    return lambda x: scale * (x if x > 0 else alpha * (exp(x) - 1))


def _hard_sigmoid(x: float) -> float:
    return min(1.0, max(0.0, x / 6 + 0.5))


_KINKED: dict[str, tuple[float, float]] = {
    "linear": (1.0, 0.0),
    "relu": (0.0, 1.0),
    "leaky_relu": (0.2, 0.8),
    "absolute": (-1.0, 2.0),
}
_SMOOTH: dict[str, Function] = {
    "elu": _elu(1.0),
    "celu": _elu(1.0),
    "selu": _elu(1.6732632423543772, 1.0507009873554805),
    "sigmoid": _sigmoid,
    "tanh": tanh,
    "softplus": _softplus,
    "softsign": lambda x: x / (1 + abs(x)),
    "silu": lambda x: x * _sigmoid(x),
    "swish": lambda x: x * _sigmoid(x),
    "gelu": lambda x: x * 0.5 * (1 + erf(x / sqrt(2))),
    "mish": lambda x: x * tanh(_softplus(x)),
    "hard_sigmoid": _hard_sigmoid,
    "hard_silu": lambda x: x * _hard_sigmoid(x),
    "hard_swish": lambda x: x * _hard_sigmoid(x),
    "log_sigmoid": lambda x: -_softplus(-x),
    "sin": sin,
    "cos": cos,
    "erf": erf,
}


_FALLING = ("silu", "swish", "gelu", "mish", "hard_silu", "hard_swish", "absolute", "sin", "cos")


def _limited(low: float, high: float, mean: float, variance: float) -> Response:
    """The nearest number between two limits. One that nothing reaches, within four standard deviations, is none."""
    reach = 4 * sqrt(max(variance, 0.0))
    if high > mean + reach and low == 0:
        return kinked(0.0, 1.0, mean, variance)
    if high > mean + reach and low <= mean - reach:
        return kinked(1.0, 0.0, mean, variance)
    return smooth(lambda x: min(max(x, low), high), mean, variance)


class Nonlinearity(NamedTuple):
    """An activation: its Keras name and one number where it takes one (a slope, an upper limit).

    A function of elements that is no activation goes by its name in `keras.ops`; `clip` by both of its limits, of which
    either may be None.
    """

    name: str
    number: float | None = None
    upper: float | None = None

    def response(self, mean: float, variance: float) -> Response | None:
        """What it makes of a Gaussian; None where it has no rule (a softmax, an exponential)."""
        name, number, upper = self
        if name == "clip":
            return _limited(-inf if number is None else number, inf if upper is None else upper, mean, variance)
        if name == "relu6":
            return _limited(0.0, 6.0 if number is None else number, mean, variance)
        if name == "leaky_relu" and number is not None:
            return kinked(number, 1 - number, mean, variance)
        if name in _KINKED:
            return kinked(*_KINKED[name], mean, variance)
        if name == "elu" and number is not None:
            return smooth(_elu(number), mean, variance)
        return smooth(_SMOOTH[name], mean, variance) if name in _SMOOTH else None

    @property
    def rises(self) -> bool:
        """Whether it never falls, so that a maximum may be taken before it as well as after it."""
        return self.name not in _FALLING


def between(low: object, high: object) -> Nonlinearity | None:
    """The nearest number between two limits, of which either may be None; None where one of them is no number."""
    if not isinstance(low, int | float | None) or not isinstance(high, int | float | None):
        return None
    return Nonlinearity("clip", None if low is None else float(low), None if high is None else float(high))


RELU = Nonlinearity("relu")
