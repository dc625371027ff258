"""The error that the loss begins with, in expectation over kernels and labels."""

from __future__ import annotations

from math import exp, prod

from archlab.signals import ErrorSignal, Signal
from archlab.signals.moments import plus, times


def first_error(z: Signal, function: str) -> ErrorSignal:
    """The error at what goes into the last activation (or comes out, where there is none), in expectation.

    With p = sigmoid or softmax of z and labels y the gradient of the crossentropy is p − y (Glorot & Bengio 2010,
    section 2.2); of the squared error, 2 (z − y). Labels are those of the synthetic batch: as many of each class as
    there can be, classes at random, or standard normal.
    """
    units, places = z.channels, prod(z.size)
    # What all examples share of a few outputs is one draw of a kernel: its square is below its mean more often than
    # above, and what is measured is the median over such draws.
    factor = typical(units * places) * z.typical
    z = z._replace(same=times(z.same, factor), cross=times(z.cross, factor))
    if function == "sigmoid":
        # p − ½ is about z/4, less where the sigmoid saturates; balanced labels know of one another.
        pull = 1 / (16 + 2 * z.square)
        same, cross = times(z.same, pull), times(z.cross, pull)
        pairs = z.batch * units * places - 1
        other = -0.25 / pairs if pairs else 0.0
        same = (same[0] + 0.25, *[value + other for value in same[1:]])
        cross = plus(cross, (0.0,) * len(cross), other)
        scale = 1 / (units * places) ** 2
    elif function == "softmax":
        strong = [_softmax(value, units) for value in z.same]
        same = (strong[0] + (1 - 2 / units) / units, *[value - 1 / units**2 for value in strong[1:]])
        cross = tuple([_softmax(value, units) - 1 / units**2 for value in z.cross])
        scale = 1 / places**2
    else:
        same = (4 * (z.square + 1), *times(z.same, 4.0)[1:])
        cross = times(z.cross, 4.0)
        scale = 1 / (units * places) ** 2
    # Errors of two samples: of a single output on one line, whatever their labels; of classes, alike or nearly square.
    like = 1 / units
    if function == "softmax" and units > 1:
        like += (1 - 1 / units) / (units - 1) ** 2
    return ErrorSignal(times(same, scale), times(cross, scale), (None,) * len(z.size), likeness=min(1.0, like))


def typical(degrees: float) -> float:
    """The median of a mean of so many squared normals (Wilson & Hilferty 1931).

    >>> round(typical(1), 2), round(typical(1000), 2)
    (0.47, 1.0)
    """
    return (1 - 2 / (9 * degrees)) ** 3


def _softmax(product: float, units: int) -> float:
    """The mean of p·p' over classes, for logits with that covariance: log-normal, and at most 1 in all."""
    return min(exp(min(product, 50.0)) / units, 1.0) / units


def output_square(z: Signal, function: str) -> float:
    """The mean square of the loss's gradient with respect to what comes out of the last activation."""
    units, places = z.channels, prod(z.size)
    spread = min(z.square * z.typical, 8.0)
    if function == "sigmoid":
        # 1/p or 1/(1 − p), whichever belongs to the label: 1 + e^±z. What examples share of z is one number, of either
        # sign for half of the labels; the rest is Gaussian.
        shared = min(1.0, max(0.0, z.cross[0] / z.square)) if z.square > 0 else 0.0
        common = (typical(units * places) * shared * spread) ** 0.5
        own = (1 - shared) * spread
        found = [1 + 2 * exp(at + own / 2) + exp(2 * at + 2 * own) for at in (common, -common)]
        return sum(found) / 2 / (units * places) ** 2
    # 1/p at the label's class and 0 elsewhere: p is e^z over the sum of all.
    return units * exp(2 * spread + spread) / places**2
