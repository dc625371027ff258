"""The moments by which a signal is predicted: how strong it is, and how alike it is at two places.

Over random kernels a channel of a wide layer is a Gaussian process over examples and positions (Lee et al. 2018, 'Deep
Neural Networks as Gaussian Processes'; Xiao et al. 2018, 'Dynamical Isometry and a Mean Field Theory of CNNs', who
carry one covariance for each pair of positions). Here such a covariance is carried at the lags 0, 1, 2, 4, 8 …: as a
function of the distance of two positions, once within an example and once between two, and read between its lags by
interpolation over the logarithm of the distance. What the edges of a map do to it is carried as a profile along each
axis.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from math import acos, exp, hypot, log2, pi, prod, sin, sqrt
from typing import NamedTuple

from archlab.ops._gaussian import Nonlinearity, Response, upper
from archlab.ops._window import Axis

Table = tuple[float, ...]
"""A covariance at the lags 0, 1, 2, 4 … positions; at lag 0 the mean square."""

Profile = tuple[float, ...] | None
"""How the square is spread along an axis, 1 on average; None where it is the same everywhere."""


class Signal(NamedTuple):
    """A feature map as random numbers: per channel, over examples and positions, before the kernels are drawn.

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
    scatter: float = 0.0
    """Over draws of the kernels, the variance of the natural logarithm of the mean square, as widths are finite."""
    own: float = 0.0
    """The part of it that channels do not share: of the last kernel."""
    pinned: bool = False
    """Whether each channel has just been given its variance: straight out of batch normalization."""
    aligned: bool = False
    """Whether it comes of a sum of signals that each have a mean of their own, and nothing has taken that away."""

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


class Error(NamedTuple):
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

    @property
    def typical(self) -> float:
        """The median of the mean square over draws of the kernels, over its mean."""
        return exp(-self.scatter / 2)


Errors = tuple[Error | None, ...]
Squares = tuple[float | None, ...]


class Passed(NamedTuple):
    """What a layer makes of its inputs, and how it hands an error back.

    `back` takes the error at the output, and gives that at each input and, for each trainable weight, the expected
    squared norm of the mean loss's gradient (None where it is not known).
    """

    output: Signal
    back: Callable[[Error], tuple[Errors, Squares]]


# Lags.


def lag_count(size: tuple[int, ...]) -> int:
    """How many lags a map of that size is carried at.

    >>> lag_count((1, 1)), lag_count((2, 2)), lag_count((7, 7))
    (1, 2, 4)
    """
    side = max(size, default=1)
    return 1 if side <= 1 else 2 + int(log2(side - 1))


def at(table: Table, lag: float) -> float:
    """The table at any lag."""
    last = len(table) - 1
    if lag <= 0 or not last:
        return table[0]
    if lag < 1:
        return table[0] + (table[1] - table[0]) * lag
    place = log2(lag) + 1
    low = int(place)
    if low >= last:
        return table[last]
    return table[low] + (table[low + 1] - table[low]) * (place - low)


def lags(count: int) -> tuple[int, ...]:
    """The lags of a table: 0, 1, 2, 4, 8 and so on."""
    return (0, *[1 << i for i in range(count - 1)])


def resampled(table: Table, scale: float, count: int) -> Table:
    """A table read at `scale` times the lags."""
    if scale == 1 and count == len(table):
        return table
    return tuple([at(table, scale * lag) for lag in lags(count)])


@lru_cache(maxsize=4096)
def pair_weights(size: tuple[int, ...]) -> Table:
    """The share that each lag has among all pairs of positions, a position with itself included."""
    found = [0.0] * lag_count(size)
    unit = tuple(1.0 if i == len(found) - 1 else 0.0 for i in range(len(found)))
    combined: list[tuple[float, float]] = [(0.0, 1.0)]
    for side in size:
        steps = _distances(side)
        combined = [(hypot(a, b), p * q) for a, p in combined for b, q in steps]
        # Equal distances once: the four quadrants and the two axes give the same.
        merged: dict[float, float] = {}
        for distance, share in combined:
            key = round(distance, 3)
            merged[key] = merged.get(key, 0.0) + share
        combined = list(merged.items())
    last = len(unit) - 1
    for distance, share in combined:
        if distance <= 0 or not last:
            found[0] += share
            continue
        place = min(float(last), log2(distance) + 1 if distance >= 1 else distance)
        low = min(int(place), last - 1)
        found[low] += share * (1 - (place - low))
        found[low + 1] += share * (place - low)
    return tuple(found)


def _distances(side: int) -> list[tuple[float, float]]:
    """Distances along one axis with the share of the pairs that have them; large ones in groups."""
    found: list[tuple[float, float]] = [(0.0, 1 / side)]
    start = 1
    while start < side:
        stop = min(side, max(start + 1, int(start * 1.3)))
        pairs = sum(2 * (side - d) for d in range(start, stop))
        middle = sum(2 * (side - d) * d for d in range(start, stop)) / pairs
        found.append((middle, pairs / side**2))
        start = stop
    return found


def average(table: Table, size: tuple[int, ...], alike: float = 1.0) -> float:
    """The mean over all pairs of positions; `alike` is by how much an uneven map lessens those that differ."""
    weights = pair_weights(size)
    far = sum([w * value for w, value in zip(weights[1:], table[1:], strict=False)])
    return weights[0] * table[0] + far * alike


def overall(same: Table, cross: Table, size: tuple[int, ...], batch: int, alike: float = 1.0) -> float:
    """The mean over all pairs of positions and examples: the square of the mean over the batch."""
    between = average(cross, size, alike) if batch > 1 else 0.0
    # Between examples a position meets itself as well as any other one, which `alike` lessens too.
    return (average(same, size, alike) + (batch - 1) * between) / batch


def evenness(profiles: Iterable[Profile]) -> float:
    """The mean of √(f f') over pairs of positions, less than 1 where a map is uneven."""
    found = 1.0
    for profile in profiles:
        if profile is not None:
            found *= (sum([sqrt(value) for value in profile]) / len(profile)) ** 2
    return found


def times(table: Table, factor: float) -> Table:
    """A table scaled."""
    return tuple([value * factor for value in table])


def plus(a: Table, b: Table, constant: float = 0.0) -> Table:
    """Two tables added, and a constant."""
    return tuple([x + y + constant for x, y in zip(a, b, strict=True)])


def products(a: Table, b: Table) -> Table:
    """Two tables multiplied lag by lag."""
    return tuple([x * y for x, y in zip(a, b, strict=True)])


# Edges.


def _gather(profile: Sequence[float], axis: Axis, out: int) -> list[float]:
    """For each output position the sum over the positions that it reads."""
    size = len(profile)
    if len(axis.taps) == 1:
        taps = axis.taps[0]
        if not taps:
            return [0.0] * out
        before = max(0, -min(taps))
        after = max(0, (out - 1) * axis.stride + max(taps) - size + 1)
        padded = [0.0] * before + list(profile) + [0.0] * after
        stop = (out - 1) * axis.stride + 1
        rows = [padded[before + t : before + t + stop : axis.stride] for t in taps]
        return rows[0] if len(rows) == 1 else [sum(values) for values in zip(*rows, strict=True)]
    period = len(axis.taps)
    found: list[float] = []
    for position in range(out):
        start = position // period * axis.stride
        found.append(sum([profile[start + t] for t in axis.taps[position % period] if 0 <= start + t < size]))
    return found


def _scatter(profile: Sequence[float], axis: Axis, size: int) -> list[float]:
    """For each input position the sum over the output positions that read it."""
    found = [0.0] * size
    period = len(axis.taps)
    if period == 1 and axis.stride == 1:
        mirrored = Axis(1, ([-t for t in axis.taps[0]],))
        return _gather(profile, mirrored, size)
    for position, value in enumerate(profile):
        start = position // period * axis.stride
        for t in axis.taps[position % period]:
            if 0 <= start + t < size:
                found[start + t] += value
    return found


def _normal(values: list[float]) -> tuple[Profile, float]:
    """A profile of mean 1, and the mean."""
    mean = sum(values) / len(values)
    if mean <= 0:
        return None, 0.0
    low, high = min(values), max(values)
    if high - low <= 1e-6 * mean:
        return None, mean
    return tuple([value / mean for value in values]), mean


@lru_cache(maxsize=4096)
def _flat(size: int, out: int, axis: _Key, back: bool) -> tuple[Profile, float]:
    window = Axis(axis[0], axis[1])
    values = _scatter([1.0] * out, window, size) if back else _gather([1.0] * size, window, out)
    return _normal(values)


_Key = tuple[int, tuple[tuple[int, ...], ...]]


@lru_cache(maxsize=4096)
def _key(axis: Axis) -> _Key:
    return axis.stride, tuple(tuple(taps) for taps in axis.taps)


def through_edges(
    profiles: tuple[Profile, ...], axes: tuple[Axis, ...], size: tuple[int, ...], out: tuple[int, ...], back: bool
) -> tuple[tuple[Profile, ...], float]:
    """Profiles after a window, and the number of taps that read something, on average.

    Exact for a kernel of independent weights where the square is a product of one function for each axis: what falls
    on padding adds nothing.
    """
    found: list[Profile] = []
    factor = 1.0
    seen: dict[tuple[int, int], tuple[Profile, float]] = {}
    for profile, axis, n, m in zip(profiles, axes, size, out, strict=True):
        known = seen.get((id(profile), id(axis))) if profile is not None else None
        if known is None:
            if profile is None:
                known = _flat(n, m, _key(axis), back)
            else:
                known = _normal(_scatter(profile, axis, n) if back else _gather(profile, axis, m))
            seen[id(profile), id(axis)] = known
        found.append(known[0])
        factor *= known[1]
    return tuple(found), factor


@lru_cache(maxsize=8192)
def _overlap(size: int, out: int, axis: _Key, lag: int) -> float:
    """Of the taps of two outputs that far apart, the share that both have: less than 1 at the edges of a map."""
    stride, taps = axis
    if lag >= out or len(taps) > 1:
        return 1.0
    counts = [0] * out
    shared = 0
    for t in taps[0]:
        first = max(0, -(t // stride))
        last = min(out - 1, (size - 1 - t) // stride)
        shared += max(0, last - lag - first + 1)
        for position in range(first, last + 1):
            counts[position] += 1
    roots = [sqrt(n) for n in counts]
    both = sum([a * b for a, b in zip(roots, roots[lag:], strict=False)])
    return shared / both if both else 1.0


def overlaps(
    size: tuple[int, ...], out: tuple[int, ...], axes: tuple[Axis, ...], count: int, back: bool = False
) -> Table:
    """For each lag the share of taps that two positions have in common, averaged over the axes."""
    return _overlaps(size, out, tuple([_key(axis) for axis in axes]), count, back)


@lru_cache(maxsize=4096)
def _overlaps(size: tuple[int, ...], out: tuple[int, ...], keys: tuple[_Key, ...], count: int, back: bool) -> Table:
    found = [1.0]
    for lag in lags(count)[1:]:
        each = []
        for n, m, (stride, taps) in zip(size, out, keys, strict=True):
            if back:
                mirrored = (1, (tuple(-t for t in taps[0]),))
                each.append(_overlap(m, n, mirrored, lag) if stride == 1 and len(taps) == 1 else 1.0)
            else:
                each.append(_overlap(n, m, (stride, taps), lag))
        found.append(sum(each) / len(each) if each else 1.0)
    return tuple(found)


def joint(a: tuple[Profile, ...], b: tuple[Profile, ...]) -> float:
    """The mean of the product of two maps' profiles."""
    found = 1.0
    for x, y in zip(a, b, strict=True):
        if x is not None and y is not None:
            found *= sum([p * q for p, q in zip(x, y, strict=True)]) / len(x)
    return found


def mixed(parts: Sequence[tuple[float, tuple[Profile, ...]]]) -> tuple[Profile, ...]:
    """Profiles of a sum of maps, each with its square."""
    total = sum(weight for weight, _ in parts)
    found: list[Profile] = []
    for profiles in zip(*[profiles for _, profiles in parts], strict=True):
        first = profiles[0]
        if all([profile is first for profile in profiles]):
            found.append(first)
            continue
        length = len(next(profile for profile in profiles if profile is not None))
        values = [0.0] * length
        for (weight, _), profile in zip(parts, profiles, strict=True):
            share = weight / total if total > 0 else 1 / len(parts)
            values = [v + share * p for v, p in zip(values, profile or (1.0,) * length, strict=True)]
        found.append(tuple(values))
    return tuple(found)


# Finite widths.


def alike(same: Table, cross: Table, size: tuple[int, ...], batch: int) -> float:
    """The mean squared correlation of two places: how far one draw of weights moves all of them together."""
    if same[0] <= 0:
        return 0.0
    squares = [tuple([(value / same[0]) ** 2 for value in table]) for table in (same, cross)]
    return min(1.0, max(0.0, overall(squares[0], squares[1], size, batch)))


def added_scatter(parts: Sequence[tuple[float, float]]) -> float:
    """The scatter of a sum, from the square and the scatter of each part: what they have in common, and the rest.

    Parts of one network have come through the same kernels as far back as the least scattered of them has.
    """
    total = sum(square for square, _ in parts)
    common = min(scatter for _, scatter in parts)
    if total <= 0:
        return common
    return common + sum((square / total) ** 2 * (scatter - common) for square, scatter in parts)


# Kernels.


class Sliding(NamedTuple):
    """The geometry of a kernel that slides: what goes in, what comes out, where it looks."""

    size: tuple[int, ...]
    out: tuple[int, ...]
    axes: tuple[Axis, ...]
    taps: int

    @property
    def step(self) -> float:
        """How many positions of the input one of the output is, as a number for all axes."""
        if not self.axes:
            return 1.0
        return prod(axis.stride / len(axis.taps) for axis in self.axes) ** (1 / len(self.axes))


def slid_forward(x: Signal, where: Sliding, gain: float, channels: int) -> Signal:
    """A kernel of independent weights: `gain` is the variance of a weight times the channels that it sums over."""
    profiles, read = through_edges(x.profiles, where.axes, where.size, where.out, False)
    count = lag_count(where.out)
    step = where.step
    scale = gain * read
    if step < 1:
        # Between the positions of one input different taps read it: only a whole step apart are they the same ones.
        thin = step ** len(where.axes)
        shares = tuple([1.0 if not lag else 0.0 if lag * step < 1 else thin for lag in lags(count)])
    else:
        shares = overlaps(where.size, where.out, where.axes, count)
    same = products(times(resampled(x.same, step, count), scale), shares)
    cross = products(times(resampled(x.cross, step, count), scale), shares)
    # Each output channel's mean square is a draw of χ², as far as all places move together: 2 of one over the channels.
    scatter = x.scatter + 2 / channels * alike(x.same, x.cross, x.size, x.batch)
    return Signal(
        where.out,
        channels,
        x.batch,
        0.0,
        same,
        cross,
        profiles,
        scatter=scatter,
        own=scatter - x.scatter,
        aligned=x.aligned,
    )


def slid_back(error: Error, where: Sliding, gain: float, x: Signal) -> Error:
    """The way back through such a kernel to `x`: `gain` is the variance of a weight times the channels that read one."""
    profiles, read = through_edges(error.profiles, where.axes, where.size, where.out, True)
    count = lag_count(where.size)
    scale = gain * read
    step = where.step
    if step > 1:
        thin = step ** -len(where.axes)
        shares = tuple([1.0 if not lag else 0.0 if lag < step else thin for lag in lags(count)])
    else:
        shares = overlaps(where.size, where.out, where.axes, count, True)
    # The square falls with the share of positions that are read at all; `read` has that in it already.
    same = products(times(resampled(error.same, 1 / step, count), scale), shares)
    cross = products(times(resampled(error.cross, 1 / step, count), scale), (1.0, *shares[1:]))
    scatter = error.scatter + 2 / x.channels * alike(error.same, error.cross, where.out, x.batch)
    return Error(same, cross, profiles, scatter=scatter)


def kernel_square(x: Signal, error: Error, where: Sliding, weights: int) -> float:
    """The expected squared norm of a kernel's gradient: over all pairs of places, what came in times what came back."""
    step = where.step
    count = lag_count(where.out)
    same = products(resampled(x.same, step, count), error.same)
    cross = products(resampled(x.cross, step, count), error.cross)
    read = tapped(x.profiles, error.profiles, where)
    together = max(0.0, overall(same, cross, where.out, x.batch)) * x.typical * error.typical
    return weights * prod(where.out) ** 2 * together * read


def tapped(forward: tuple[Profile, ...], back: tuple[Profile, ...], where: Sliding) -> float:
    """The share of a kernel's taps that read something, weighed by the error at the output."""
    found = 1.0
    for f, g, axis, n, m in zip(forward, back, where.axes, where.size, where.out, strict=True):
        values = _gather(f or (1.0,) * n, axis, m)
        weighed = sum([a * b for a, b in zip(values, g, strict=True)]) if g is not None else sum(values)
        taps = sum(len(taps) for taps in axis.taps) / len(axis.taps)
        found *= weighed / (m * taps) if taps else 0.0
    return found


def bias_square(x: Signal, error: Error) -> float:
    """The expected squared norm of the gradient of a number added to every channel."""
    together = max(0.0, overall(error.same, error.cross, x.size, x.batch, evenness(error.profiles)))
    return x.channels * prod(x.size) ** 2 * together * error.typical


def scale_square(x: Signal, error: Error, gain: float = 1.0) -> float:
    """The same of a number that multiplies every channel: `gain` times the map is what it multiplies, squared."""
    same, cross = along(x, error)
    together = max(0.0, overall(same, cross, x.size, x.batch)) * x.typical * error.typical
    return gain * x.channels * prod(x.size) ** 2 * together


def along(x: Signal, error: Error) -> tuple[Table, Table]:
    """The products g·x of two places."""
    if error.along is not None:
        return error.along
    return products(x.same, error.same), products(x.cross, error.cross)


def centred(x: Signal) -> tuple[Table, Table, float, float]:
    """Correlations within and between examples once each channel's mean is taken away, that mean squared, the rest."""
    mean = min(max(0.0, overall(x.same, x.cross, x.size, x.batch, evenness(x.profiles))), x.square)
    rest = x.square - mean
    if rest <= 0:
        return tuple([0.0] * len(x.same)), tuple([0.0] * len(x.cross)), mean, 0.0
    return (
        tuple([max(-1.0, min(1.0, (value - mean) / rest)) for value in x.same]),
        tuple([max(-1.0, min(1.0, (value - mean) / rest)) for value in x.cross]),
        mean,
        rest,
    )


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


def spread(x: Signal, kernel: tuple[int, ...], dilation: float, channels: int) -> Spread:
    """How much the outputs of a kernel over `channels` channels of this map differ."""
    same, cross, _, _ = centred(x)
    count = lag_count(kernel)
    squares = products(same, same)
    near = average(resampled(same, dilation, count), kernel)
    squared = average(resampled(squares, dilation, count), kernel)
    chance = (1 - 1 / channels) * overall(squares, products(cross, cross), x.size, x.batch)
    return Spread(channels, prod(kernel), near, squared, chance)


class Divided(NamedTuple):
    """What dividing each channel by its own standard deviation does on average, for a mean variance of 1."""

    left: float
    """Of the variance: σ²/(σ² + ε)."""
    gain: float
    """Of an error's square: 1/(σ² + ε)."""
    lasting: float
    """The part of that gain that is left behind the kernel, whose weights are long where σ² is large."""


def divided(spread: Spread | None, variance: float, epsilon: float) -> Divided:
    """Dividing every channel by √(σ² + ε), where the channels' variances differ as a kernel makes them."""
    plain = variance / (variance + epsilon)
    scale = 1 / (variance + epsilon)
    if spread is None or variance <= 0:
        return Divided(plain, scale, 1.0)
    if spread.channels == 1 and spread.taps > 1:
        return _depthwise(spread, variance, epsilon)
    length = 2 / (spread.channels * spread.taps)
    differ = 2 * (spread.squared / spread.channels + spread.chance)
    gain = lessened(differ * plain * plain)
    rest = max(0.0, (differ - length) * plain * plain - length * plain * (1 - plain))
    return Divided(plain, scale * gain, lessened(rest) / gain)


def _depthwise(spread: Spread, variance: float, epsilon: float) -> Divided:
    """For a kernel of one channel: one direction that is common to its taps, and the others, which are few.

    With correlation c of its k taps M has an eigenvalue 1 + (k − 1) c and k − 1 of 1 − c: integrated over the weight
    in the first direction and, at three points, over the length in the others.
    """
    taps = spread.taps
    alike = max(0.0, min(1.0, (spread.near - 1 / taps) / (1 - 1 / taps)))
    first, others = (1 + (taps - 1) * alike) / taps, (1 - alike) / taps
    left = gain = lasting = 0.0
    # A χ² of k − 1 degrees, at its mean and √3 of its standard deviation to either side (Gauss's three points).
    degrees = taps - 1
    wide = sqrt(3 * 2 * degrees)
    for z, weight in _COARSE:
        for length, share in ((degrees, 2 / 3), (degrees + wide, 1 / 6), (max(0.0, degrees - wide), 1 / 6)):
            sigma = variance * (first * z * z + others * length)
            part = weight * share / (sigma + epsilon)
            left += part * sigma
            gain += part
            lasting += part * (z * z + length) / taps
    return Divided(left, gain, lasting / gain)


_COARSE = tuple((z / 4, exp(-z * z / 32) / sqrt(2 * pi) / 4) for z in range(-20, 21))


def lessened(share: float) -> float:
    """The mean of 1/s over the mean of s, for a variance s that differs by `share` (of a χ² distribution)."""
    return 1 / (1 - min(share, 0.7))


# Windows without weights.


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
    return Passed(x, lambda error: ((error,), ()))


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

    def handed(error: Error) -> tuple[Errors, Squares]:
        behind, kept = through_edges(error.profiles, where.axes, where.size, where.out, True)
        back = lag_count(where.size)
        same, cross = times(resampled(error.same, 1, back), kept), times(resampled(error.cross, 1, back), kept)
        return (Error(same, cross, behind, open=error.open, scatter=error.scatter),), ()

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

    def handed(error: Error) -> tuple[Errors, Squares]:
        # A position gets the sum of the errors of all that came of it.
        kernel = tuple([max(1, round(m / n)) for n, m in zip(x.size, out, strict=True)])
        back = lag_count(x.size)
        same, cross = (times(smoothed(t, kernel, 1 / step, back), ratio * ratio) for t in (error.same, error.cross))
        return (Error(same, cross, (None,) * len(x.size), scatter=error.scatter),), ()

    return Passed(made, handed)


class Highest(NamedTuple):
    """The largest of a number of independent standard normals: its mean and its variance."""

    mean: float
    variance: float


@lru_cache(maxsize=1024)
def highest(of: float) -> Highest:
    """The largest of `of` standard normals, by integrating its density.

    >>> [round(number, 4) for number in highest(4)]
    [1.0294, 0.4917]
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

    def handed(error: Error) -> tuple[Errors, Squares]:
        same, cross = _routed(error, x.size, kernel, stride, out)
        step = (prod(x.size) / prod(out)) ** (1 / len(out))
        values = [resampled(table, 1 / step, len(same)) for table in (made.same, made.cross)]
        own = products(same, values[0]), products(cross, values[1])
        open_ = response.slope if response else None
        return (Error(same, cross, (None,) * len(x.size), own, open_, scatter=error.scatter),), ()

    return Passed(made, handed)


def _taken(x: Signal, kernel: tuple[int, ...], stride: tuple[int, ...], out: tuple[int, ...], of: float) -> Signal:
    places = prod(kernel)
    mean, variance = x.mean, x.variance
    same = [_correlation(value, mean, variance) for value in x.same]
    cross = [_correlation(value, mean, variance) for value in x.cross]
    shared = (average(tuple(same), kernel) - 1 / places) / (1 - 1 / places) if places > 1 else 1.0
    shared = max(0.0, min(1.0, shared))
    own = 1 - shared
    top = highest(of)
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
    return x._replace(
        size=out,
        mean=centre,
        same=tuple([variance * value + centre * centre for value in inside]),
        cross=tuple([variance * value + centre * centre for value in between]),
        profiles=(None,) * len(out),
        before=None,
    )


def _routed(
    error: Error, size: tuple[int, ...], kernel: tuple[int, ...], stride: tuple[int, ...], out: tuple[int, ...]
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


# Activations.


def activated(x: Signal, function: Nonlinearity) -> Passed | None:
    """A function of every element."""
    if function.name == "linear":
        return Passed(x, lambda error: ((error,), ()))
    variance = x.variance
    response = function.response(x.mean, variance)
    if response is None:
        return None
    correlations = [[_correlation(value, x.mean, variance) for value in table] for table in (x.same, x.cross)]
    same, cross = ([response.values(c) for c in table] for table in correlations)
    same[0] = response.square
    profiles = x.profiles
    if response.power < 0.999:
        profiles = tuple([_raised(profile, response.power) for profile in profiles])
    # Of Gaussian channels the square of what a ReLU lets through scatters more: by the arc-cosine kernel of order 2.
    fourth = [[rectified_fourth(c) for c in table] for table in correlations]
    plain = alike(x.same, x.cross, x.size, x.batch)
    more = max(0.0, overall(tuple(fourth[0]), tuple(fourth[1]), x.size, x.batch) - 1 - 2 * plain) / x.channels
    more = 0.0 if x.pinned else more
    output = x._replace(
        scatter=x.scatter + more,
        own=x.own + more,
        pinned=False,
        mean=response.mean,
        same=tuple(same),
        cross=tuple(cross),
        profiles=profiles,
        before=(x, function),
        spread=None,
    )
    return Passed(output, lambda error: ((_activated_back(x, error, response, correlations),), ()))


def rectified_fourth(c: float) -> float:
    """E max(u, 0)² max(v, 0)² over the product of the means, for standard normals correlated by c: 1 to 6."""
    angle = acos(c)
    return (2 / pi) * (3 * sin(angle) * c + (pi - angle) * (1 + 2 * c * c))


def _activated_back(x: Signal, error: Error, response: Response, correlations: list[list[float]]) -> Error:
    slopes = [[response.slopes(c) for c in table] for table in correlations]
    slopes[0][0] = response.slope
    if error.open is not None:
        # Two maxima are both where the activation is open, or nearly.
        slopes[0] = [error.open] * len(slopes[0])
        slopes[1] = [error.open] * len(slopes[1])
    own = error.along if error.open is not None else None
    if own is None:
        tables = [[response.along(c) for c in table] for table in correlations]
        own = products(error.same, tuple(tables[0])), products(error.cross, tuple(tables[1]))
    same, cross = products(error.same, tuple(slopes[0])), products(error.cross, tuple(slopes[1]))
    scatter = error.scatter
    if error.open is None and error.same[0] > 0 and response.slope > 0:
        # As on the way forward: which units are open decides over the squares of the errors of all places together.
        moved = []
        for table, open_ in zip((error.same, error.cross), slopes, strict=True):
            own_ = [value / error.same[0] for value in table]
            moved.append(tuple([(1 + 2 * c * c) * s / slopes[0][0] ** 2 for c, s in zip(own_, open_, strict=True)]))
        plain = alike(error.same, error.cross, x.size, x.batch)
        scatter += max(0.0, overall(moved[0], moved[1], x.size, x.batch) - 1 - 2 * plain) / x.channels
    return Error(same, cross, error.profiles, own, scatter=scatter)


def _correlation(product: float, mean: float, variance: float) -> float:
    if variance <= 0:
        return 0.0
    return max(-1.0, min(1.0, (product - mean * mean) / variance))


def _raised(profile: Profile, power: float) -> Profile:
    if profile is None:
        return None
    return _normal([max(value, 0.0) ** power for value in profile])[0]


def then(first: Passed, function: Nonlinearity | None) -> Passed | None:
    """A layer with an activation of its own behind it."""
    if function is None or function.name == "linear":
        return first
    second = activated(first.output, function)
    if second is None:
        return None

    def back(error: Error) -> tuple[Errors, Squares]:
        (inner,), _ = second.back(error)
        assert inner is not None
        return first.back(inner)

    return Passed(second.output, back)
