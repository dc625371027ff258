"""Where paths meet: signals that are added, multiplied, or put one behind the other."""

from __future__ import annotations

from math import prod

from archlab.signals._edges import mixed
from archlab.signals._gaussian import RELU
from archlab.signals._lags import average, lag_count, plus, products, times
from archlab.signals._scatter import added_scatter
from archlab.signals._types import Errors, ErrorSignal, Passed, Signal, Squares
from archlab.signals._walk import Atoms, added, gaussian, rectified

_ALIGNED = 0.02  # of a sum's square: what the means of its parts have to do with one another before it matters


def summed(inputs: tuple[Signal, ...], factors: tuple[float, ...]) -> Passed | None:
    """A weighted sum of independent signals: squares add, and so do the errors of all that read one (on its way back).

    A signal that is added to itself is one signal, times a number. None where a size of 1 is stretched to that of
    another.
    """
    first = inputs[0]
    if len(set(map(id, inputs))) < len(inputs):
        return _summed_again(inputs, factors)
    if any([x.size != first.size or x.channels != first.channels for x in inputs]):
        return None
    mean = together = 0.0
    same, cross = times(first.same, 0.0), times(first.cross, 0.0)
    for x, factor in zip(inputs, factors, strict=True):
        # Independent but for what all channels share: their means.
        twice = 2 * mean * factor * x.mean
        together += abs(twice)
        same = plus(same, times(x.same, factor**2), twice)
        cross = plus(cross, times(x.cross, factor**2), twice)
        mean += factor * x.mean
    profiles = mixed([(factor**2 * x.square, x.profiles) for x, factor in zip(inputs, factors, strict=True)])
    scatter = added_scatter([(factor**2 * x.square, x.scatter) for x, factor in zip(inputs, factors, strict=True)])
    walks = [_atoms(x) for x in inputs]
    law = added([(atoms, factor, x.mean, x.variance) for atoms, x, factor in zip(walks, inputs, factors, strict=True)])
    made = first._replace(
        mean=mean,
        same=same,
        cross=cross,
        profiles=profiles,
        spread=None,
        before=None,
        law=law,
        scatter=scatter,
        own=0.0,
        pinned=False,
        picked=False,
        aligned=any([x.aligned for x in inputs]) or together > _ALIGNED * abs(same[0]),
    )

    def handed(error: ErrorSignal) -> tuple[Errors, Squares]:
        backs = [error.times(factor**2) for factor in factors]
        if law is not None:
            backs = [
                back if atoms is None else back._replace(over=error.over)
                for back, atoms in zip(backs, walks, strict=True)
            ]
        return tuple(backs), ()

    return Passed(made, handed)


def _summed_again(inputs: tuple[Signal, ...], factors: tuple[float, ...]) -> Passed | None:
    """A sum in which one signal stands more than once: its factors add up, and its error goes back as a whole."""
    together: dict[int, tuple[Signal, float]] = {}
    for x, factor in zip(inputs, factors, strict=True):
        together[id(x)] = x, factor + (together[id(x)][1] if id(x) in together else 0.0)
    distinct = [x for x, _ in together.values()]
    found = summed(tuple(distinct), tuple([factor for _, factor in together.values()]))
    if found is None:
        return None

    def handed(error: ErrorSignal) -> tuple[Errors, Squares]:
        backs = dict(zip(together, found.back(error)[0], strict=True))
        return tuple([backs.pop(id(x), None) for x in inputs]), ()

    return found._replace(back=handed)


def _atoms(x: Signal) -> Atoms | None:
    """The law of one element, where it comes straight out of a ReLU."""
    if x.before is None or x.before[1] != RELU:
        return None
    before = x.before[0]
    return x.law.atoms if x.law is not None else rectified(gaussian(before.mean, before.variance)).atoms


def multiplied(inputs: tuple[Signal, ...]) -> Passed | None:
    """The product of two independent signals; one of a single position is a gate for all positions (Hu et al. 2018).

    None where they do not fit.
    """
    if len(inputs) != 2 or inputs[0].channels != inputs[1].channels:
        return None
    larger = max(inputs, key=lambda x: prod(x.size))
    if any([x.size != larger.size and set(x.size) > {1} for x in inputs]):
        return None
    count = lag_count(larger.size)
    wide = [x if x.size == larger.size else _stretched(x, larger.size, count) for x in inputs]
    a, b = wide
    same, cross = products(a.same, b.same), products(a.cross, b.cross)
    profiles = a.profiles if inputs[0] is larger else b.profiles
    made = larger._replace(mean=a.mean * b.mean, same=same, cross=cross, profiles=profiles, spread=None, before=None)

    def handed(error: ErrorSignal) -> tuple[Errors, Squares]:
        found: list[ErrorSignal] = []
        for x, other in zip(inputs, (b, a), strict=True):
            same, cross = products(error.same, other.same), products(error.cross, other.cross)
            back = ErrorSignal(
                same, cross, error.profiles, scatter=error.scatter + other.scatter, likeness=error.likeness
            )
            if x.size != larger.size:
                # All positions that the gate scales send it their error.
                all_ = prod(larger.size) ** 2
                same = (max(0.0, average(back.same, larger.size)) * all_,)
                back = ErrorSignal(
                    same,
                    (average(back.cross, larger.size) * all_,),
                    (None,) * len(x.size),
                    scatter=back.scatter,
                    likeness=back.likeness,
                )
            found.append(back)
        return tuple(found), ()

    return Passed(made, handed)


def _stretched(x: Signal, size: tuple[int, ...], count: int) -> Signal:
    """One position repeated over a whole map."""
    return x._replace(size=size, same=x.same[:1] * count, cross=x.cross[:1] * count, profiles=(None,) * len(size))


def concatenated(inputs: tuple[Signal, ...]) -> Passed | None:
    """One behind the other along the channels. None where their maps are of different sizes."""
    if any([x.size != inputs[0].size for x in inputs]):
        return None
    channels = sum([x.channels for x in inputs])
    shares = [x.channels / channels for x in inputs]
    same, cross = times(inputs[0].same, 0.0), times(inputs[0].cross, 0.0)
    for x, share in zip(inputs, shares, strict=True):
        same, cross = plus(same, times(x.same, share)), plus(cross, times(x.cross, share))
    made = inputs[0]._replace(
        channels=channels,
        mean=sum([share * x.mean for x, share in zip(inputs, shares, strict=True)]),
        same=same,
        cross=cross,
        profiles=mixed([(share * x.square, x.profiles) for x, share in zip(inputs, shares, strict=True)]),
        spread=None,
        before=None,
        scatter=added_scatter([(share * x.square, x.scatter) for x, share in zip(inputs, shares, strict=True)]),
    )

    def back(error: ErrorSignal) -> tuple[Errors, Squares]:
        return (error._replace(along=None, open=None, lasting=1.0),) * len(inputs), ()

    return Passed(made, back)


def selected(x: Signal, channels: int) -> Passed:
    """Some of the channels, whichever they are; to the others no error comes from here."""

    def back(error: ErrorSignal) -> tuple[Errors, Squares]:
        return (error.times(channels / x.channels),), ()

    return Passed(x._replace(channels=channels), back)
