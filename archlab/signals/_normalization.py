"""Layers that centre and scale: over the batch, over a position's channels, over a group of channels."""

from __future__ import annotations

from collections.abc import Callable
from math import copysign, exp, inf, prod, sqrt
from typing import NamedTuple

from archlab.signals._arithmetic import scaled
from archlab.signals._division import centred, divided
from archlab.signals._draw import Start, start
from archlab.signals._edges import Profile, evenness
from archlab.signals._kernels import along, bias_square, scale_square
from archlab.signals._lags import Table, average, overall, products, times
from archlab.signals._merging import concatenated, side_by_side
from archlab.signals._types import Errors, ErrorSignal, Passed, Signal, Squares

_MOST = 3.0
"""By how much few degrees of freedom enlarge an error at most: of three or fewer the mean of 1/χ² does not exist."""


class Normalizing(NamedTuple):
    """What every normalization says of itself."""

    epsilon: float
    gamma: object
    """The initializer of the learned scale, as Keras has it; None where there is none."""
    beta: object
    """That of the learned shift."""

    def learned(self, x: Signal, error: ErrorSignal) -> Squares:
        """The squared gradients of the scale and the shift."""
        gamma = () if self.gamma is None else (scale_square(x, error),)
        return gamma if self.beta is None else (*gamma, bias_square(x, error))

    def begun(self, x: Signal) -> Passed | None:
        """The signal times what the scale begins with, plus what the shift does: 1 and 0 where they have no rule.

        None where that changes nothing, as in most layers.
        """
        scale = start(self.gamma) or Start(1.0, 0.0)
        shift = start(self.beta) or Start(0.0, 0.0)
        if scale == (1.0, 0.0) and shift == (0.0, 0.0):
            return None
        found = scaled(x, copysign(sqrt(scale.mean**2 + scale.variance), scale.mean), shift.mean)
        if not shift.variance:
            return found
        # Every channel has a shift of its own, which all samples and positions share.
        more = found.output
        same, cross = [tuple([value + shift.variance for value in table]) for table in (more.same, more.cross)]
        return found._replace(output=more._replace(same=same, cross=cross))


def _learned(found: Passed, how: Normalizing) -> Passed:
    """Followed by the learned scale and shift."""
    made, begun = found.output, how.begun(found.output)

    def handed(error: ErrorSignal) -> tuple[Errors, Squares]:
        inner = begun.back(error)[0][0] if begun else error
        assert inner is not None
        return found.back(inner)[0], how.learned(made, error)

    return Passed(begun.output if begun else made, handed)


def batch_normalized(x: Signal, how: Normalizing) -> Passed:
    """Each channel over the batch and all positions, as in training (Yang et al. 2019, section 3).

    Each channel's mean goes; on the way back the error's mean and the part of it along the normalized signal.
    """
    if not x.parts:
        return _learned(_batch_normalized(x, how), how)
    # What stands side by side has been made by different kernels: each part is divided by what it varies by itself.
    found = [_batch_normalized(part, how) for part in x.parts]
    widths = [part.channels for part in x.parts]
    made = concatenated(tuple([each.output for each in found]))
    if made is None:
        return _learned(_batch_normalized(x._replace(joined=None), how), how)

    def handed(error: ErrorSignal) -> tuple[Errors, Squares]:
        backs = [each.back(error)[0][0] for each in found]
        return (side_by_side([back for back in backs if back is not None], widths),), ()

    return _learned(Passed(made.output._replace(joined=None, pinned=True), handed), how)


def _batch_normalized(x: Signal, how: Normalizing) -> Passed:
    same, cross, _, rest = centred(x)
    # Channels of little variance are enlarged more than those of much are lessened.
    left, gain, lasting = divided(x.spread, rest * exp(-(x.scatter - x.own) / 2), how.epsilon)
    made = _normalized(x, times(same, left), times(cross, left), x.profiles)

    def handed(error: ErrorSignal) -> tuple[Errors, Squares]:
        mean = overall(error.same, error.cross, x.size, x.batch, evenness(error.profiles))
        own = overall(*along(made, error), x.size, x.batch)
        part = own * (2 - left)
        back = ErrorSignal(
            tuple([gain * max(0.0, g - mean - part * c) if not i else gain * (g - mean - part * c)
                   for i, (g, c) in enumerate(zip(error.same, same, strict=True))]),
            tuple([gain * (g - mean - part * c) for g, c in zip(error.cross, cross, strict=True)]),
            error.profiles,
            lasting=lasting,
            scatter=error.scatter, likeness=error.likeness,
        )  # fmt: skip
        return (back,), ()

    return Passed(made, handed)


def layer_normalized(x: Signal, how: Normalizing) -> Passed:
    """Every position over its channels: each has its own mean and variance, and what the edges did is undone."""
    mean = x.mean * x.mean + x.variance / x.channels
    share = 1 / x.channels
    return _levelled(x, how, mean, mean, mean, lambda error: (share, share), True, _enlarged(x))


def group_normalized(x: Signal, how: Normalizing, groups: int) -> Passed:
    """Every example over the positions and channels of a group."""
    # The mean of a group: what all channels share, and of the rest what the mean over so many channels leaves.
    each = x.channels // groups
    shared = x.mean * x.mean
    alike = evenness(x.profiles)
    mean = shared + max(0.0, average(x.same, x.size, alike) - shared) / each
    other = shared + (average(x.cross, x.size, alike) - shared) / each
    alike_x = _centred(x, mean)

    def taken(error: ErrorSignal) -> tuple[float, float]:
        if error.same[0] <= 0:
            return 0.0, 0.0
        alike_error = tuple([value / error.same[0] for value in error.same])
        along = average(products(alike_error, alike_x), x.size)
        return max(0.0, average(alike_error, x.size)) / each, max(0.0, along) / each

    more = _enlarged_by_group(x, alike_x, each, groups)
    return _levelled(x, how, mean, other, mean, taken, False, more)


def _levelled(
    x: Signal,
    how: Normalizing,
    same: float,
    cross: float,
    lag: float,
    taken: Callable[[ErrorSignal], tuple[float, float]],
    flat: bool,
    more: float,
) -> Passed:
    """Divided by one number for many channels; `taken` is the part of an error that lies along the mean, and along x.

    Errors are enlarged by `more`, on average, where that number differs from place to place.
    """
    rest = max(x.square - same, 0.0)
    plain = 1 / (rest * x.typical + how.epsilon)
    forward = plain * x.typical
    scale = plain * more
    left = rest * forward
    made = _normalized(
        x,
        (left, *[(value - lag) * forward for value in x.same[1:]]),
        tuple([(value - cross) * forward for value in x.cross]),
        (None,) * len(x.size) if flat else x.profiles,
    )

    def handed(error: ErrorSignal) -> tuple[Errors, Squares]:
        constant, along = taken(error)
        kept = max(0.0, 1 - constant - along * (2 - left) * left)
        profiles = error.profiles
        if flat:
            profiles = tuple([_over(g, f) for g, f in zip(error.profiles, x.profiles, strict=True)])
        back = ErrorSignal(
            times(error.same, scale * kept),
            times(error.cross, scale * kept),
            profiles,
            scatter=error.scatter,
            likeness=error.likeness,
        )
        return (back,), ()

    return _learned(Passed(made, handed), how)


def _enlarged(x: Signal) -> float:
    """The mean of 1/σ² over the inverse of its mean: of χ², (n − 1)/(n − 3) for n channels whose mean is taken away.

    What all places share of it is in the median over draws already.
    """
    whole = min((x.channels - 1) / (x.channels - 3) if x.channels > 3 else inf, _MOST)
    return max(1.0, whole * exp(-x.own))


def _centred(x: Signal, mean: float) -> Table:
    """How alike two places of one example are once the mean of their group is taken away."""
    rest = x.square - mean
    return tuple([max(0.0, value - mean) / rest if rest > 0 else 0.0 for value in x.same])


def _enlarged_by_group(x: Signal, alike: Table, each: int, groups: int) -> float:
    """The same of groups of channels: of χ² with as many degrees of freedom as channels and places that move alone.

    Of few groups the median over draws lies behind the mean, as of a number whose logarithm is normal.
    """
    if each < 2:
        return 1.0
    together = average(tuple([value**2 for value in alike]), x.size)
    freedom = (each - 1) / max(together, 1 / prod(x.size))
    # Mean and variance of the logarithm of χ² over its degrees of freedom: digamma and trigamma of their half.
    half = freedom / 2
    behind, scatter = 1 / (2 * half) + 1 / (12 * half**2), 1 / half + 1 / (2 * half**2) + 1 / (6 * half**3)
    typical = exp(min(behind + scatter / 2, 2.0)) / sqrt(1 + (exp(min(scatter, 4.0)) - 1) / groups)
    return max(1.0, min(typical * exp(-x.own / 2), _MOST))


def _normalized(x: Signal, same: Table, cross: Table, profiles: tuple[Profile, ...]) -> Signal:
    """A signal centred and scaled to these moments: what was known of where it stood and how it was spread is over."""
    return x._replace(
        mean=0.0,
        same=same,
        cross=cross,
        profiles=profiles,
        spread=None,
        before=None,
        scatter=0.0,
        own=0.0,
        pinned=True,
        picked=False,
        aligned=False,
    )


def _over(g: Profile, f: Profile) -> Profile:
    """The profile of an error that each position divides by its own variance."""
    if f is None:
        return g
    values = [a / max(b, 1e-12) for a, b in zip(g or (1.0,) * len(f), f, strict=True)]
    mean = sum(values) / len(values)
    return tuple([value / mean for value in values]) if mean > 0 else None
