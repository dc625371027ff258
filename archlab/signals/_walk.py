"""Sums behind a ReLU, rectified again: the trunk of a network with residual blocks that end in a ReLU.

What comes out of a ReLU is never negative, and what a block adds is Gaussian, so that the trunk is a random walk with
a barrier at 0 (Lindley 1952, 'The theory of queues with a single server'): after many blocks half-normal, and not the
Gaussian that the theory of wide layers takes every sum for. The law of one element is carried as a few atoms. Of two
elements, what lies between independent and equal ones is taken from a Gaussian that is as often positive.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, pi, sqrt
from typing import NamedTuple

from archlab.signals._gaussian import Response, all_below, kinked, upper

Atoms = tuple[tuple[float, float], ...]
"""Values, each with its probability."""

_BINS = 20
_POINTS = 60


class Law(NamedTuple):
    """How one element is distributed: as one of the atoms, to which an independent Gaussian is added."""

    atoms: Atoms
    mean: float = 0.0
    variance: float = 0.0


class Rectified(NamedTuple):
    """What a ReLU makes of a law."""

    atoms: Atoms
    """The first of them is 0: what has been cut off."""
    steps: tuple[tuple[float, ...], ...]
    """For each atom of the law the probabilities of these."""


def gaussian(mean: float, variance: float) -> Law:
    """A Gaussian as a law."""
    return Law(((0.0, 1.0),), mean, variance)


def rectified(law: Law) -> Rectified:
    """max(x, 0) as atoms: 0, and bins of equal width, each with its own mean."""
    sigma = sqrt(max(law.variance, 1e-24))
    top = max(value for value, _ in law.atoms) + law.mean + 4 * sigma
    if top <= 0:
        return Rectified(((0.0, 1.0),), ((1.0,),) * len(law.atoms))
    edges = [top * k / _BINS for k in range(_BINS + 1)]
    steps: list[list[float]] = []
    firsts = [0.0] * _BINS
    for value, probability in law.atoms:
        centre = value + law.mean
        share, density = _normal(-centre / sigma)
        row = [share]
        for bin_, edge in enumerate(edges[1:]):
            more, thinner = _normal((edge - centre) / sigma)
            row.append(more - share)
            firsts[bin_] += probability * (centre * (more - share) - sigma * (thinner - density))
            share, density = more, thinner
        steps.append(row)
    shares = [sum([p * row[j] for (_, p), row in zip(law.atoms, steps, strict=True)]) for j in range(_BINS + 1)]
    middles = [
        first / share if share > 1e-12 else edge for first, share, edge in zip(firsts, shares[1:], edges, strict=False)
    ]
    total = sum(shares)
    atoms = tuple([(value, share / total) for value, share in zip([0.0, *middles], shares, strict=True)])
    return Rectified(atoms, tuple(map(tuple, steps)))


def _normal(z: float) -> tuple[float, float]:
    """The share of a standard normal below z, and its density there."""
    return upper(-z), exp(-z * z / 2) / sqrt(2 * pi)


def moments_of(atoms: Atoms) -> tuple[float, float]:
    """The mean and the variance."""
    mean = sum([value * share for value, share in atoms])
    return mean, sum([value * value * share for value, share in atoms]) - mean * mean


def matched(atoms: Atoms, mean: float, variance: float) -> Atoms:
    """The same atoms moved and stretched to this mean and this variance."""
    own, spread = moments_of(atoms)
    if spread <= 0 or variance <= 0:
        return tuple((mean, share) for _, share in atoms)
    stretch = sqrt(variance / spread)
    return tuple((mean + (value - own) * stretch, share) for value, share in atoms)


def highest_of(law: Law, of: float, shared: float) -> Atoms:
    """The largest of `of` elements of a law, each two alike by `shared`: as of Gaussians in the same order."""
    sigma = sqrt(max(law.variance, 1e-12))
    values = [value + law.mean for value, _ in law.atoms]
    low, high = min(values) - 4 * sigma, max(values) + 4 * sigma
    found: list[tuple[float, float]] = []
    below = 0.0
    for k in range(1, _POINTS + 1):
        edge = low + (high - low) * k / _POINTS
        share = sum([p * upper((v - edge) / sigma) for v, (_, p) in zip(values, law.atoms, strict=True)])
        under = all_below(_quantile(share), of, shared) if k < _POINTS else 1.0
        found.append((edge - (high - low) / (2 * _POINTS), max(0.0, under - below)))
        below = max(below, under)
    return tuple(found)


def _quantile(share: float) -> float:
    """Below which a standard normal is with this probability."""
    low, high = -8.0, 8.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if upper(-middle) < share else (low, middle)
    return (low + high) / 2


def law_of(law: Law | None, mean: float, variance: float) -> Law | None:
    """The law, if it is still that of an element with this mean and variance: a rule may have changed both since."""
    if law is None:
        return None
    own, spread = moments_of(law.atoms)
    close = abs(own + law.mean - mean) <= 1e-6 * (abs(mean) + sqrt(abs(variance)))
    return law if close and abs(spread + law.variance - variance) <= 1e-6 * abs(variance) else None


def rectified_response(law: Law) -> Response:
    """What a ReLU makes of it, as of a Gaussian that is as often positive where two elements are alike in part."""
    mean = square = open_ = 0.0
    for value, share in law.atoms:
        each = kinked(0.0, 1.0, value + law.mean, law.variance)
        mean, square, open_ = mean + share * each.mean, square + share * each.square, open_ + share * each.slope
    like = kinked(0.0, 1.0, _threshold(open_), 1.0)
    apart, together = like.values(0.0), like.values(1.0)

    def values(c: float) -> float:
        return mean * mean + (square - mean * mean) * (like.values(c) - apart) / (together - apart)

    return Response(mean, square, open_, values, like.slopes, values, 1.0, like.fourth, like.slope_fourth)


def surviving(law: Law, made: Rectified, over: tuple[float, ...] | None) -> tuple[tuple[float, ...], float, float]:
    """How an error on its way back through a ReLU is spread over the atoms of what went in.

    An element that is far from 0 stays on this side of it in many blocks, so that the masks of their ReLUs are alike.

    Args:
        law: of what went in.
        made: what came out.
        over: the error's mean square for each atom of it, 1 on average; None where it is the same for all.

    Returns:
        The mean square for each atom of what went in, 1 on average; the share of the mean square that is left; and the
        share that is left of the product of two independent elements.
    """
    rows = over or (1.0,) * len(made.atoms)
    each = [sum([p * q for p, q in zip(row[1:], rows[1:], strict=True)]) for row in made.steps]
    left = sum([share * value for (_, share), value in zip(law.atoms, each, strict=True)])
    apart = sum([share * sqrt(q) for (_, share), q in zip(made.atoms[1:], rows[1:], strict=True)]) ** 2
    return tuple([value / left if left > 0 else 1.0 for value in each]), left, apart


def _threshold(share: float) -> float:
    """The mean of a Gaussian of variance 1 that is positive so often, by bisection."""
    low, high = -8.0, 8.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if _normal(middle)[0] < share else (low, middle)
    return (low + high) / 2


def added(parts: Sequence[tuple[Atoms | None, float, float, float]]) -> Law | None:
    """The law of a sum: at most one part has been rectified, the others are Gaussian.

    Args:
        parts: of each its atoms, if it has been rectified; the factor that it is multiplied by; its mean, its variance.
    """
    walks = [part for part in parts if part[0] is not None]
    if len(walks) != 1 or walks[0][1] <= 0:
        return None
    atoms, factor, mean, variance = walks[0]
    assert atoms is not None
    rest = [part for part in parts if part[0] is None]
    return Law(
        matched(atoms, factor * mean, factor * factor * variance),
        sum([factor * mean for _, factor, mean, _ in rest]),
        sum([factor * factor * variance for _, factor, _, variance in rest]),
    )
