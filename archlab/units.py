"""What the numbers mean, and how they are written. The only place where either is decided.

**params** count each weight once, however often its layer is used.

**macs** are the multiply–accumulates of convolutions, dense layers and matrix products, for one sample.

**flops** are `2 × macs` plus every other arithmetic operation of the forward pass. One addition, subtraction,
multiplication, division, comparison or call of an elementary function (exp, log, sqrt, tanh, erf) is one operation.
Moving data (reshaping, padding, cropping, concatenating, repeating pixels) is none. Per element of the output:

| operation | flops | which |
| --- | --- | --- |
| bias | 1 | the addition |
| activation | see `ACTIVATION_FLOPS` | `relu`: one comparison; `sigmoid`: negate, exp, add, divide |
| batch normalization (inference) | 2 | a scale and a shift, both folded per channel ahead of time |
| layer and group normalization | 8 | mean 1, variance 3, centre and scale 2, gamma and beta 2 |
| maximum pooling, k × k | k² − 1 | comparisons |
| average pooling, k × k | k² | k² − 1 additions and one division |
| global pooling over n positions | n (average), n − 1 (maximum) | counted once per channel |
| merging n inputs | n − 1 (average: n) | element by element |
| rescaling, normalization of the input | 2 | multiply and add; subtract and divide |
| bilinear resizing | 9 | three interpolations of subtract, multiply, add |
| dropout, noise, random augmentation | 0 | identities at inference |

`tf.profiler` counts what stands in TensorFlow's graph. It agrees on convolutions, dense layers, biases, means, merges
and softmax, and differs by these rules and no others, in every model of `keras.applications`:

| operation | `tf.profiler` | here |
| --- | --- | --- |
| relu, relu6, sigmoid, tanh, exp, erf, roots | 0: it has no rule | as above: they are arithmetic |
| resizing | 0: it has no rule | as above |
| maximum of k² values | k² | k² − 1: the first is compared with nothing |
| batch normalization | also 6 a channel (5 without gamma) | 0: that folds its vectors, once and not for each sample |
| layer normalization | 9 an element and 4 a position, as Keras multiplies it out | 8 an element, by its definition |
| silu | also 1: TensorFlow multiplies by a β of 1 | 0 for that |
| normalization of the input | also 1 a channel, and a root that it counts as 0 | 0: the variance's root is a constant |
| in a function: grouped convolutions on a CPU, the steps of an LSTM or GRU | 0: it does not look in | counted |
| what is computed with that, until its shape is plain again | 0: it has no shape | counted |

Of what a layer computes with constants alone, such as rotary angles, only the products of matrices are counted: they
are made anew in every call. Functions of single elements of constants are not.

**A training step's flops** are an estimate: the forward pass, plus a backward pass of the same arithmetic twice
(once for the gradient with respect to a layer's input, once with respect to its weights), less the input gradients
that nobody asks for, those of layers with no trainable weight before them.

**memory** is bytes for one sample: of the weights; of the activations that the backward pass needs; and of the
live activations at once, at most, during inference. One KiB is 1,024 bytes.

**receptive field** is in pixels of the input, after Araujo, Norris and Sim, 'Computing Receptive Fields of
Convolutional Neural Networks', Distill 2019.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias

__all__ = [
    "ACTIVATION_FLOPS",
    "BYTES_PER_ELEMENT",
    "FLOPS_PER_MAC",
    "format_bytes",
    "format_count",
    "format_exact",
    "format_share",
    "format_small",
    "format_time",
]

FLOPS_PER_MAC = 2
BIAS_FLOPS = 1
BATCH_NORM_FLOPS = 2
LAYER_NORM_FLOPS = 8
RESCALE_FLOPS = 2
# Interpolating is a + w·(b − a), three operations: along one axis of two, on both edges, then across.
RESIZE_FLOPS = {"nearest": 0, "bilinear": 9, "bicubic": 35, "area": 9, "lanczos3": 71, "lanczos5": 199}

ACTIVATION_FLOPS: dict[str, int] = {
    "linear": 0,
    "relu": 1,
    "relu6": 2,
    "leaky_relu": 2,
    "prelu": 2,
    "elu": 4,
    "selu": 5,
    "celu": 5,
    "sigmoid": 4,
    "tanh": 1,
    "softplus": 3,
    "softsign": 3,
    "silu": 5,
    "swish": 5,
    "gelu": 5,
    "mish": 5,
    "exponential": 1,
    "hard_sigmoid": 4,
    "hard_silu": 5,
    "hard_swish": 5,
    "log_sigmoid": 5,
    "softmax": 5,
    "log_softmax": 5,
}

BYTES_PER_ELEMENT: dict[str, int] = {
    "bool": 1,
    "int8": 1,
    "uint8": 1,
    "float16": 2,
    "bfloat16": 2,
    "int16": 2,
    "uint16": 2,
    "float32": 4,
    "int32": 4,
    "uint32": 4,
    "float64": 8,
    "int64": 8,
    "uint64": 8,
}

_PREFIXES = ("", " k", " M", " G", " T", " P", " E")


def _significant(value: float, digits: int) -> str:
    """A number to so many significant digits, written without an exponent."""
    rounded = float(f"{value:.{digits - 1}e}")
    # The digits before the point count only from the first that is not zero.
    before = math.floor(math.log10(abs(rounded))) + 1 if rounded else 1
    return f"{rounded:.{max(0, digits - before)}f}"


def _scaled(value: float, base: int) -> tuple[str, int]:
    """`value` to three significant digits in the largest power of `base` that leaves it at least 1."""
    if abs(value) < base:
        return (f"{int(value)}" if value == int(value) else _significant(value, 3)), 0
    power, scaled = 0, float(value)
    while power < len(_PREFIXES) - 1 and abs(scaled) >= base:
        scaled /= base
        power += 1
    # 999.96 k rounds to 1000 k, which is 1.00 M.
    if power < len(_PREFIXES) - 1 and abs(float(_significant(scaled, 3))) >= base:
        scaled /= base
        power += 1
    return _significant(scaled, max(3, len(str(int(abs(scaled)))))), power


def format_count(value: float | None) -> str:
    """A count to three significant digits with an SI prefix.

    >>> format_count(991041), format_count(415288960), format_count(None)
    ('991 k', '415 M', '–')
    """
    if value is None:
        return "–"
    text, power = _scaled(value, 1000)
    return text + _PREFIXES[power]


def format_bytes(value: float | None) -> str:
    """Bytes to three significant digits, in powers of 1,024.

    >>> format_bytes(3964164), format_bytes(512)
    ('3.78 MiB', '512 B')
    """
    if value is None:
        return "–"
    text, power = _scaled(value, 1024)
    return f"{text} {('B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB')[power]}"


def format_exact(value: int | None) -> str:
    """A whole number with thousands separators, or a dash.

    >>> format_exact(991041)
    '991,041'
    """
    return "–" if value is None else f"{value:,}"


def format_share(value: float | None, digits: int = 1) -> str:
    """A share as a percentage.

    >>> format_share(78 / 180)
    '43.3 %'
    """
    return "–" if value is None else f"{100 * value:.{digits}f} %"


def format_sizes(sizes: Iterable[object]) -> str:
    """A size for each axis, with `?` for one that is not known.

    >>> format_sizes((None, 22, 128))
    '? × 22 × 128'
    """
    return " × ".join("?" if size is None else str(size) for size in sizes)


def format_sides(sizes: Iterable[object]) -> str:
    """A size for each axis; one for all where they are the same.

    >>> format_sides((191, 191)), format_sides((3, 5)), format_sides((4, 3, 4))
    ('191', '3 × 5', '4 × 3 × 4')
    """
    every = list(map(str, sizes))
    return every[0] if every and len(set(every)) == 1 else " × ".join(every)


def format_small(value: float | None, digits: int = 2) -> str:
    """A number of any size to two significant digits; zero, NaN and infinity by name.

    >>> format_small(8.1e-10), format_small(0.153), format_small(248.2)
    ('8.1e-10', '0.15', '250')
    """
    if value is None:
        return "–"
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == 0:
        return "0"
    if 1e-3 <= abs(value) < 1e4:
        return _significant(value, digits)
    return f"{value:.{digits - 1}e}"


def format_slope(slope: float | None, digits: int = 2) -> str:
    """A slope, or any difference, with its sign.

    >>> format_slope(0.047), format_slope(-0.0603, 3), format_slope(None)
    ('+0.05', '−0.060', '–')
    """
    return "–" if slope is None else f"{slope:+.{digits}f}".replace("-", "−")


def format_seconds(value: float | None) -> str:
    """A time as hours, minutes and seconds.

    >>> format_seconds(7.25), format_seconds(75), format_seconds(4000)
    ('7.2 s', '1:15', '1:06:40')
    """
    if value is None:
        return "–"
    if value < 60:
        return f"{value:.1f} s" if value < 10 else f"{value:.0f} s"
    minutes, seconds = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def format_time(value: float | None) -> str:
    """Seconds to three significant digits, with the prefix that fits.

    >>> format_time(0.00213), format_time(4.2e-5), format_time(1.5), format_time(0.0)
    ('2.13 ms', '42.0 µs', '1.50 s', '0 s')
    """
    if value is None:
        return "–"
    if not value:
        return "0 s"
    for unit, symbol in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if abs(value) >= unit:
            return f"{_significant(value / unit, 3)} {symbol}"
    return f"{_significant(value / 1e-9, 3)} ns"


Number: TypeAlias = int | float | Fraction


@dataclass(frozen=True)
class Unit:
    """A unit, and how numbers in it are written.

    Attributes:
        name: its symbol; empty for what is counted.
        write: a number, or a tuple with one for each axis, as text.
        prefix: what its prefixes are powers of, on an axis of a chart: 1,000, 1,024, or 1 where it takes none.
        write_brief: the same where many stand in a table, if it is another.
    """

    name: str
    write: Callable[[Any], str]
    prefix: int = 1
    write_brief: Callable[[Any], str] | None = None

    def text(self, number: object, brief: bool = False) -> str:
        """A number in this unit; brief where it stands in a table of many."""
        return (self.write_brief if brief and self.write_brief else self.write)(number)

    def scaled(self, largest: float) -> tuple[str, float]:
        """For a chart: the unit with the prefix that leaves the largest number at least 1, and what to divide by.

        >>> COUNT.scaled(991_041), BYTES.scaled(5e6)
        (('k', 1000.0), ('MiB', 1048576.0))
        """
        power = 0
        while self.prefix > 1 and largest >= self.prefix and power < len(_PREFIXES) - 1:
            largest /= self.prefix
            power += 1
        symbol = _PREFIXES[power].strip()
        if self.prefix == 1024 and symbol:
            symbol = f"{symbol.upper()}i"
        return symbol + self.name, float(self.prefix**power)


def _pixels(sizes: object) -> str:
    known = sizes if isinstance(sizes, tuple) else (sizes,)
    return format_sides(["?" if each is None else str(each).replace("-", "−") for each in known])


EXACT = Unit("", format_exact, 1000)
COUNT = Unit("", format_count, 1000)
BYTES = Unit("B", format_bytes, 1024)
SECONDS = Unit("s", format_time)
PIXELS = Unit("px", _pixels)
EXTENT = Unit("px", format_sizes, write_brief=_pixels)
SHAPE = Unit("", format_sizes)
SMALL = Unit("", format_small)
SLOPE = Unit("decades per layer", format_slope)
SHARE = Unit("%", lambda value: format_share(value, 0))
WORDS = Unit("", str)
