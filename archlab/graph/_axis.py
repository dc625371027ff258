from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Axis(NamedTuple):
    """How an operation looks along one axis.

    Output unit `q · period + r` reads the input units `q · stride + t` for t in `taps[r]`, the period being the number
    of entries. A convolution has a period of 1; one that enlarges its input (upsampling, a transposed convolution)
    treats the units of a period differently, and may leave some with nothing to read.
    """

    stride: int
    taps: tuple[Sequence[int], ...]
    placed: bool = True
    """False where 'same' padding depends on a size that is unknown: then the taps are right but for a shift."""
