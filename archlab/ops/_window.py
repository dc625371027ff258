"""Where an operation looks: for each axis, which input units an output unit reads, and the sizes that follow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import gcd
from typing import Literal, TypeAlias, cast

from archlab.arguments import choice, whole_each
from archlab.errors import ArgumentError, ShapeError
from archlab.graph import Axis, Shape, format_shape

Padding = Literal["same", "valid", "causal"]
"""Zeros on both sides, so that the size is that of the input over the stride; none; all of them in front."""

Margins: TypeAlias = int | tuple[int | tuple[int, int], ...]
"""Positions at the edges: a number for all sides, one for each axis, or (before, after) for each axis."""

Edge: TypeAlias = Padding | tuple[int, int]
"""What lies around one axis: a kind of padding, or so many positions before and after it."""


@dataclass(frozen=True, slots=True)
class Pointwise:
    """An output unit reads the input unit at the same place."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """An output unit reads no unit of the input."""


@dataclass(frozen=True, slots=True)
class Whole:
    """An output unit reads all of the input."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """An output unit reads the input unit at the same place, scaled by statistics taken over all of the input."""


@dataclass(frozen=True, slots=True)
class Merged:
    """An output unit reads the units at the same place in several inputs."""


@dataclass(frozen=True, slots=True)
class Permuted:
    """The same units with the axes in another order: output axis i runs along input axis `order[i]`, from 0."""

    order: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Windows:
    """An output unit reads a window of the input: an `Axis` for each spatial axis."""

    axes: tuple[Axis, ...]


Window: TypeAlias = Pointwise | Nothing | Whole | Statistics | Merged | Permuted | Windows
"""Which input units an output unit reads: one of seven kinds, none of which is another."""

POINTWISE = Pointwise()
NOTHING = Nothing()
WHOLE = Whole()
STATISTICS = Statistics()
MERGED = Merged()


MOST_UNITS = 2**18
"""How many units of a period are told apart, and taps of them. No image is enlarged that far: beyond it a window is
unknown, and costs nothing to find that out."""


def reach(kernel: int, dilation: int) -> int:
    """The extent of a dilated kernel: k taps d apart."""
    return (kernel - 1) * dilation + 1


def edges(padding: Padding | Margins, axes: int) -> tuple[Edge, ...]:
    """What lies around each axis."""
    if isinstance(padding, str):
        return (padding,) * axes
    return margins("padding", padding, axes)


def margins(what: str, sides: Margins, axes: int) -> tuple[tuple[int, int], ...]:
    """(before, after) for each axis."""
    each = sides if isinstance(sides, tuple) else (sides,) * axes
    if len(each) != axes:
        raise ShapeError(f"{what} names {len(each)} axes and the input has {axes}")
    return tuple((side, side) if isinstance(side, int) else side for side in each)


def check_margins(what: str, given: Margins) -> None:
    """Check positions at the edges: whole numbers, or pairs of them."""
    for side in given if isinstance(given, tuple) else (given,):
        if isinstance(side, tuple) and len(side) != 2:
            raise ArgumentError(f"{what} is a number or (before, after), got {side}")
        whole_each(what, side, 0)


def check_padding(padding: object, kinds: tuple[str, ...]) -> None:
    """Check a padding: one of these kinds, or positions at the edges."""
    if isinstance(padding, int | tuple) and not isinstance(padding, bool):
        check_margins("padding", cast("Margins", padding))
    else:
        choice("padding", padding, kinds)


def alike_margins(
    padding: Padding | Margins, kernel: object, stride: object, dilation: object = 1
) -> Padding | Margins:
    """The one spelling of a padding by which two are compared: 'same' or 'valid' where the positions are those."""
    if isinstance(padding, str):
        return padding
    flat = [side for each in (padding if isinstance(padding, tuple) else (padding,)) for side in _pair(each)]
    if not any(flat):
        return "valid"
    spans = kernel, stride, dilation
    if all(isinstance(each, int) for each in spans) and stride == 1:
        covered = reach(cast("int", kernel), cast("int", dilation)) - 1
        if all(side == covered / 2 for side in flat):
            return "same"
    return flat[0] if len(set(flat)) == 1 else padding


def _pair(side: int | tuple[int, int]) -> tuple[int, int]:
    return (side, side) if isinstance(side, int) else side


def slid(size: int | None, kernel: int, stride: int, dilation: int, padding: Edge) -> int | None:
    """The output's size of a sliding window."""
    if size is None:
        return None
    if isinstance(padding, tuple):
        return (size + sum(padding) - reach(kernel, dilation)) // stride + 1
    if padding != "valid":
        return -(-size // stride)
    return (size - reach(kernel, dilation)) // stride + 1


def same_padding(size: int, kernel: int, stride: int, dilation: int) -> int:
    """The zeros in front under 'same' padding, as TensorFlow places them: the odd one goes behind."""
    return max((-(-size // stride) - 1) * stride + reach(kernel, dilation) - size, 0) // 2


def slide(size: int | None, kernel: int, stride: int, dilation: int, padding: Edge) -> Axis:
    """A sliding window along an axis of that size."""
    before, placed = 0, True
    if isinstance(padding, tuple):
        before = padding[0]
    elif padding == "same":
        if stride == 1:
            before = (reach(kernel, dilation) - 1) // 2
        elif size is None:
            placed = False
        else:
            before = same_padding(size, kernel, stride, dilation)
    elif padding == "causal":
        before = reach(kernel, dilation) - 1
    return Axis(stride, (range(-before, reach(kernel, dilation) - before, dilation),), placed)


def shift(before: int) -> Axis:
    """Padding (or, negative, cropping) in front."""
    return Axis(1, (range(-before, 1 - before),))


def transposed(
    size: int | None, out: int | None, kernel: int, stride: int, dilation: int, padding: Edge
) -> Axis | None:
    """A transposed convolution: the convolution from `out` back to `size`, read the other way."""
    if stride * kernel > MOST_UNITS:
        return None
    before = 0
    if isinstance(padding, tuple):
        before = padding[0]
    elif padding == "same":
        if size is None or out is None:
            before = max(reach(kernel, dilation) - stride, 0) // 2
        else:
            before = max((size - 1) * stride + reach(kernel, dilation) - out, 0) // 2
    taps = tuple(
        [
            tuple(
                sorted(
                    {
                        (r + before - j * dilation) // stride
                        for j in range(kernel)
                        if (r + before - j * dilation) % stride == 0
                    }
                )
            )
            for r in range(stride)
        ]
    )
    return Axis(1, taps)


def stretched(factor: int, interpolation: str) -> Axis | None:
    """Upsampling by a whole factor."""
    return resized(1, factor, interpolation)


def resized(size: int, out: int, interpolation: str) -> Axis | None:
    """Resizing from `size` to `out` with the centres of pixels aligned, each pixel read with a weight above 0."""
    common = gcd(size, out)
    step, period = size // common, out // common
    if period > MOST_UNITS:
        return None
    taps: list[Sequence[int]] = []
    for r in range(period):
        if interpolation == "nearest":
            # The pixel that holds the centre of the new one: floor((r + 1/2) · step / period).
            taps.append((((2 * r + 1) * step) // (2 * period),))
        else:
            # The centre falls at c = (r + 1/2) · step / period − 1/2: its two neighbours, or one where it hits it.
            doubled = (2 * r + 1) * step - period
            low, rest = divmod(doubled, 2 * period)
            taps.append((low, low + 1) if rest else (low,))
    return Axis(step, tuple(taps))


def every(axes: Iterable[Axis | None]) -> Windows | None:
    """The window along all axes, if it is known along each."""
    known: list[Axis] = []
    for axis in axes:
        if axis is None:
            return None
        known.append(axis)
    return Windows(tuple(known))


def check_fits(
    shape: Shape, kernels: tuple[int, ...], dilations: tuple[int, ...], padding: tuple[Edge, ...], what: str
) -> None:
    """Raise where a window is larger than what it slides over."""
    for size in shape[:-1]:
        if size is not None and size < 1:
            raise ShapeError(f"{what} has nothing to slide over in {format_shape(shape)}")
    for size, kernel, dilation, edge in zip(shape, kernels, dilations, padding, strict=False):
        if size is None or edge in ("same", "causal"):
            continue
        covers = reach(kernel, dilation)
        around = sum(edge) if isinstance(edge, tuple) else 0
        if size + around < covers:
            spans = f"{what} {kernel}" + (f" with dilation {dilation} spans {covers} and" if dilation > 1 else "")
            raise ShapeError(
                f"{spans} does not fit into {format_shape(shape)}: with padding={edge!r} "
                f"no side may be smaller than {covers - around}"
            )
