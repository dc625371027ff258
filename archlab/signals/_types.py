"""The moments by which a signal is predicted: how strong it is, and how alike it is at two places.

Over random kernels a channel of a wide layer is a Gaussian process over samples and positions (Lee et al. 2018, 'Deep
Neural Networks as Gaussian Processes'; Xiao et al. 2018, 'Dynamical Isometry and a Mean Field Theory of CNNs', who
carry one covariance for each pair of positions). Here such a covariance is carried at the lags 0, 1, 2, 4, 8 …: as a
function of the distance of two positions, once within an example and once between two, and read between its lags by
interpolation over the logarithm of the distance. What the edges of a map do to it is carried as a profile along each
axis.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, sqrt
from typing import Generic, NamedTuple, TypeVar

from archlab.signals._edges import Profile
from archlab.signals._gaussian import Nonlinearity
from archlab.signals._lags import Table, times
from archlab.signals._walk import Law


class Spread(NamedTuple):
    """How the output channels of a kernel differ in variance, as each has drawn its own weights.

    A channel's variance is w'Mw, where M is the covariance of what the kernel sees: of the taps of each of so many
    channels, whose mean correlation is `near`, and by chance, as the batch is small, of different channels (`chance`,
    a squared correlation).
    """

    channels: int
    taps: int
    near: float
    squared: float
    """The mean squared correlation of two taps."""
    chance: float


P = TypeVar("P")


@dataclass(frozen=True, eq=False, slots=True)
class Joined(Generic[P]):
    """What a map is made of, channel by channel; it holds as long as the map has this very table."""

    table: Table
    parts: tuple[P, ...]


class Signal(NamedTuple):
    """A feature map as random numbers: per channel, over samples and positions, before the kernels are drawn.

    `same` are products of two positions of one example, `cross` of two examples; neither is centred.
    """

    size: tuple[int, ...]
    channels: int
    batch: int
    mean: float
    """The mean over everything, channels included."""
    same: Table
    cross: Table
    profiles: tuple[Profile, ...] = ()
    spread: Spread | None = None
    """How much the channels differ in variance, straight behind a kernel."""
    before: tuple[Signal, Nonlinearity] | None = None
    """Where it comes straight out of an activation: what went in."""
    law: Law | None = None
    """How one element is distributed: of a sum with a part that has been rectified, and of such a sum rectified."""
    scatter: float = 0.0
    """Over draws of the kernels, the variance of the natural logarithm of the mean square, as widths are finite."""
    own: float = 0.0
    """The part of it that channels do not share: of the last kernel."""
    pinned: bool = False
    """Whether each channel has just been given its variance: straight out of batch normalization."""
    picked: bool = False
    """Whether it comes straight out of a maximum."""
    aligned: bool = False
    """Whether it comes of a sum of signals that each have a mean of their own, and nothing has taken that away."""
    joined: Joined[Signal] | None = None
    """What stands side by side in its channels, straight out of a concatenation: see `parts`."""

    @property
    def parts(self) -> tuple[Signal, ...]:
        """The signals that its channels are, one behind the other; none if it is of one kind."""
        return self.joined.parts if self.joined is not None and self.joined.table is self.same else ()

    @property
    def square(self) -> float:
        """The mean square."""
        return self.same[0]

    @property
    def typical(self) -> float:
        """The median of the mean square over draws of the kernels, over its mean: of a log-normal number."""
        return exp(-self.scatter / 2)

    @property
    def variance(self) -> float:
        """The variance over everything."""
        return max(self.same[0] - self.mean * self.mean, 0.0)


class ErrorSignal(NamedTuple):
    """The gradient of the loss with respect to a feature map, times the batch size, in the same way.

    `along` are the products g·x of two places, x being the map itself; None where g does not know x, as behind a
    kernel: then they are the products of both tables.
    """

    same: Table
    cross: Table
    profiles: tuple[Profile, ...] = ()
    along: tuple[Table, Table] | None = None
    open: float | None = None
    """Behind a maximum: the mean square slope of the activation where the maximum stands, which is seldom shut."""
    lasting: float = 1.0
    """Straight out of a normalization: how much of what it has gained a kernel hands on."""
    scatter: float = 0.0
    """Over draws of the kernels, the variance of the natural logarithm of the mean square."""
    likeness: float = 0.0
    """Of the errors of two samples, the mean squared correlation that the loss begins with: 1 for a single output."""
    over: tuple[float, ...] | None = None
    """Where the map has a law, or is the sum of one that has: the mean square for each of its atoms, 1 on average."""
    joined: Joined[ErrorSignal] | None = None
    """What it is at each part of a concatenation, where that differs: see `parts`."""

    @property
    def parts(self) -> tuple[ErrorSignal, ...]:
        """The errors at the signals that stand side by side; none where all have the same."""
        return self.joined.parts if self.joined is not None and self.joined.table is self.same else ()

    @property
    def typical(self) -> float:
        """The median of the mean square over draws of the kernels, over its mean."""
        return exp(-self.scatter / 2)

    @property
    def of_any_sign(self) -> Table:
        """Products of two samples' errors in size: those of opposite labels point along one line, and add up to 0.

        From one position to a far one and from one sample to another the same share of the units stays open.
        """
        scale = sqrt(self.likeness)
        return tuple([max(value, scale * other) for value, other in zip(
            self.cross, (self.same[-1], *self.same[1:]), strict=True
        )])  # fmt: skip

    def times(self, factor: float) -> ErrorSignal:
        """The error times a number whose square is `factor`, at a map that it knows nothing of."""
        same, cross = times(self.same, factor), times(self.cross, factor)
        return ErrorSignal(same, cross, self.profiles, scatter=self.scatter, likeness=self.likeness)


Errors = tuple[ErrorSignal | None, ...]
Squares = tuple[float | None, ...]


def handed_back(error: ErrorSignal) -> tuple[Errors, Squares]:
    """The error at the input of what changes nothing: that at its output."""
    return (error,), ()


class Passed(NamedTuple):
    """What a layer makes of its inputs, and how it hands an error back.

    `back` takes the error at the output, and gives that at each input and, for each trainable weight, the expected
    squared norm of the mean loss's gradient (None where it is not known).
    """

    output: Signal
    back: Callable[[ErrorSignal], tuple[Errors, Squares]]
