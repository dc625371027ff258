"""Multiplying and adding by numbers: fixed, learned or drawn at random."""

from __future__ import annotations

from archlab.signals._kernels import scale_square
from archlab.signals._lags import times
from archlab.signals._types import Errors, ErrorSignal, Passed, Signal, Squares


def scaled(x: Signal, scale: float, offset: float = 0.0) -> Passed:
    """Every element times a number, plus a number."""
    square = scale * scale  # infinite beyond 1e308, where `**` raises
    constant = offset * offset + 2 * scale * offset * x.mean
    made = x._replace(
        mean=scale * x.mean + offset,
        same=tuple([square * value + constant for value in x.same]),
        cross=tuple([square * value + constant for value in x.cross]),
        before=None,
    )

    def handed(error: ErrorSignal) -> tuple[Errors, Squares]:
        return (
            ErrorSignal(
                times(error.same, square),
                times(error.cross, square),
                error.profiles,
                scatter=error.scatter,
                likeness=error.likeness,
            ),
        ), ()

    return Passed(made, handed)


def rescaled(x: Signal, scales: tuple[float, ...], offsets: tuple[float, ...]) -> Passed:
    """Scaled by one number, or by one for each channel: then by their mean square."""
    count = max(len(scales), len(offsets))
    pairs = list(zip(scales * (count // len(scales)), offsets * (count // len(offsets)), strict=False))
    found = [scaled(x, s, o) for s, o in pairs]
    if len(found) == 1:
        return found[0]
    tables = [tuple([sum(v) / count for v in zip(*each, strict=True)])
              for each in ([f.output.same for f in found], [f.output.cross for f in found])]  # fmt: skip
    mean = sum([f.output.mean for f in found]) / count
    factor = (sum([s * s for s in scales]) / len(scales)) ** 0.5
    return Passed(found[0].output._replace(mean=mean, same=tables[0], cross=tables[1]), scaled(x, factor).back)


def silenced(x: Signal) -> Passed:
    """Zeros, whatever comes in: no error goes back."""
    return Passed(scaled(x, 0.0).output._replace(spread=None, scatter=0.0, own=0.0, aligned=False), _nothing_back)


def _nothing_back(error: ErrorSignal) -> tuple[Errors, Squares]:
    return (None,), ()


def scaled_by_weight(x: Signal, initial: float) -> Passed:
    """Every channel times a learned number that begins at `initial`."""
    found = scaled(x, initial)

    def handed(error: ErrorSignal) -> tuple[Errors, Squares]:
        return found.back(error)[0], (scale_square(x, error),)

    return found._replace(back=handed)


def noisy(x: Signal, factor: float, share: bool = False) -> Passed:
    """Times noise of mean 1 and mean square `factor`, drawn for each element, or one that a whole channel shares."""

    def drawn(same: tuple[float, ...]) -> tuple[float, ...]:
        return tuple([value * factor if share or not lag else value for lag, value in enumerate(same)])

    def handed(error: ErrorSignal) -> tuple[Errors, Squares]:
        return (
            ErrorSignal(drawn(error.same), error.cross, error.profiles, scatter=error.scatter, likeness=error.likeness),
        ), ()

    return Passed(x._replace(same=drawn(x.same), before=None), handed)


def with_noise(x: Signal, stddev: float) -> Passed:
    """Plus independent noise of a standard deviation, drawn for each element."""

    def handed(error: ErrorSignal) -> tuple[Errors, Squares]:
        return (error._replace(along=None, open=None),), ()

    return Passed(x._replace(same=(x.same[0] + stddev**2, *x.same[1:]), before=None), handed)


def dropped_to_floor(x: Signal, rate: float) -> Passed:
    """Dropout that keeps mean and variance (Klambauer et al. 2017): what is dropped goes to the floor of SELU."""
    # x → a · (x where kept, else floor) + b, by Keras's constants.
    keep, floor = 1 - rate, -1.7580993408473766
    scale = (keep * (1 + rate * floor**2)) ** -0.5
    offset = -scale * floor * rate
    linear = scale * floor * rate + offset

    def pair(value: float) -> float:
        kept = (scale * keep) ** 2 * value
        return kept + 2 * scale * keep * linear * x.mean + linear**2

    alone = scale**2 * (keep * x.square + rate * floor**2) + offset**2
    alone += 2 * scale * offset * (keep * x.mean + rate * floor)
    made = x._replace(
        mean=scale * keep * x.mean + linear,
        same=(alone, *[pair(value) for value in x.same[1:]]),
        cross=tuple([pair(value) for value in x.cross]),
        before=None,
    )

    def handed(error: ErrorSignal) -> tuple[Errors, Squares]:
        both = (scale * keep) ** 2
        same = tuple([value * (scale**2 * keep if not lag else both) for lag, value in enumerate(error.same)])
        return (
            ErrorSignal(
                same,
                tuple([value * both for value in error.cross]),
                error.profiles,
                scatter=error.scatter,
                likeness=error.likeness,
            ),
        ), ()

    return Passed(made, handed)
