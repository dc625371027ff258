"""The layers that a calibration measures: of each kind, sizes that span the caches and what networks are made of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from archlab.analysis.cost._work import Kind
from archlab.dsl import Parallel
from archlab.graph import Part
from archlab.ops import (
    Activation,
    Add,
    AvgPool,
    BatchNorm,
    Concatenate,
    Conv,
    Dense,
    DepthwiseConv,
    Flatten,
    GlobalAvgPool,
    Identity,
    Input,
    MaxPool,
    ReLU,
    ZeroPad,
)


class Point(NamedTuple):
    """One layer to measure."""

    kind: Kind
    part: Part
    batch: int


# Side, channels in, channels out, kernel, stride.
_CONVOLUTIONS = (
    (180, 3, 32, 5, 1), (112, 3, 32, 3, 2), (112, 3, 64, 7, 2), (64, 8, 8, 3, 1), (56, 16, 16, 3, 1),
    (56, 64, 64, 3, 1), (96, 32, 32, 3, 1), (44, 64, 128, 3, 1), (28, 32, 64, 3, 2), (28, 128, 128, 3, 1),
    (28, 64, 64, 5, 1), (16, 16, 16, 3, 1), (32, 16, 32, 3, 1), (14, 256, 256, 3, 1), (14, 64, 192, 3, 1),
    (8, 64, 64, 3, 1), (7, 512, 512, 3, 1), (7, 128, 128, 3, 1), (4, 64, 64, 3, 1),
)  # fmt: skip
_POINTWISE = (
    (112, 32, 16, 1, 1), (112, 16, 96, 1, 1), (90, 32, 64, 1, 2), (56, 24, 144, 1, 1), (56, 64, 256, 1, 1),
    (56, 256, 64, 1, 1), (45, 64, 128, 1, 1), (28, 128, 512, 1, 1), (28, 512, 128, 1, 1), (28, 256, 512, 1, 2),
    (14, 256, 1024, 1, 1), (14, 1024, 256, 1, 1), (14, 96, 576, 1, 1), (11, 256, 512, 1, 1), (8, 32, 32, 1, 1),
    (7, 512, 2048, 1, 1), (7, 960, 160, 1, 1), (16, 16, 64, 1, 1), (4, 64, 64, 1, 1),
)  # fmt: skip
# Side, channels, kernel, stride.
_DEPTHWISE = (
    (176, 32, 3, 1), (112, 32, 3, 1), (112, 96, 3, 2), (90, 64, 3, 1), (56, 144, 3, 1), (56, 96, 7, 1),
    (45, 128, 3, 1), (28, 192, 5, 2), (28, 256, 3, 1), (14, 512, 3, 1), (14, 480, 5, 1), (7, 960, 3, 1),
    (7, 1152, 5, 1), (16, 32, 3, 1), (8, 64, 3, 1),
)  # fmt: skip
# Side, channels.
_MAPS = (
    (176, 32), (112, 64), (90, 64), (56, 64), (56, 256), (32, 16), (28, 128), (28, 512), (16, 32), (14, 256),
    (14, 1024), (8, 64), (7, 512), (7, 2048),
)  # fmt: skip
_DENSE = ((64, 10), (512, 10), (512, 1), (2048, 1000), (1024, 1024), (4096, 2048), (12544, 1))
_LARGEST = 2.5e9
"""Multiply–accumulates of a layer above which it is measured on one sample only."""


def points(every: int = 1) -> Iterator[Point]:
    """What is measured, every so many-th of it: one layer on one sample, the next on eight where that is quick."""
    for number, (kind, part, macs) in enumerate(_layers()):
        if number % every:
            continue
        several = number // every % 2 and 8 * macs < _LARGEST
        yield Point(kind, part, 8 if several else 1)


def networks() -> Iterator[Part]:
    """Networks in which layers are measured together: deep and narrow, wide, with large weights, with paths that meet.

    Few of each, and none that anybody uses.
    """
    plain = Conv(24) >> BatchNorm() >> ReLU()
    yield Input(64, 64, 3) >> plain * 10
    yield Input(24, 24, 3) >> Conv(12) >> (Conv(12, bias=False) >> BatchNorm() >> ReLU()) * 24
    yield Input(28, 28, 3) >> Conv(160) >> (Conv(160) >> ReLU()) * 3
    narrowed = Conv(96, 1) >> BatchNorm() >> ReLU() >> Conv(96) >> BatchNorm() >> ReLU() >> Conv(384, 1) >> BatchNorm()
    yield Input(14, 14, 3) >> Conv(384) >> (Parallel(Identity(), narrowed, merge=Add()) >> ReLU()) * 5
    separable = DepthwiseConv(3) >> BatchNorm() >> ReLU(6.0) >> Conv(72, 1, bias=False) >> BatchNorm() >> ReLU(6.0)
    yield Input(48, 48, 3) >> Conv(72) >> separable * 8
    yield Input(7, 7, 3) >> Conv(640) >> (Conv(640, 1) >> ReLU() >> DepthwiseConv(3) >> Activation("silu")) * 6
    grown = Parallel(Identity(), BatchNorm() >> ReLU() >> Conv(20), merge=Concatenate())
    yield Input(32, 32, 3) >> Conv(40) >> grown * 8 >> AvgPool(2) >> GlobalAvgPool() >> Dense(50)
    yield (
        Input(16, 16, 3)
        >> Conv(32)
        >> MaxPool(2)
        >> Flatten()
        >> Dense(1500, activation="relu")
        >> Dense(1500, activation="relu")
    )


def _layers() -> Iterator[tuple[Kind, Part, float]]:
    for kind, layers in (("convolution", _CONVOLUTIONS), ("pointwise", _POINTWISE)):
        for side, read, made, kernel, stride in layers:
            part = Input(side, side, read) >> Conv(made, kernel, stride=stride)
            macs = side * side / stride**2 * kernel**2 * read * made
            yield "pointwise" if kind == "pointwise" else "convolution", part, macs
    for side, channels, kernel, stride in _DEPTHWISE:
        part = Input(side, side, channels) >> DepthwiseConv(kernel, stride=stride)
        yield "depthwise", part, side * side * kernel**2 * channels
    for side, channels, groups in ((28, 128, 32), (14, 256, 32), (56, 64, 8)):
        part = Input(side, side, channels) >> Conv(channels, 3, groups=groups)
        yield "grouped", part, side * side * 9 * channels * channels / groups
    for read, made in _DENSE:
        yield "dense", Input(read) >> Dense(made), read * made
    for side, channels in _MAPS:
        entry, work = Input(side, side, channels), 10.0 * side * side * channels
        yield "normalization", entry >> BatchNorm(), work
        yield "elementwise", entry >> ReLU(), work
        yield "pooling", entry >> MaxPool(3, stride=2), work
    for side, channels in _MAPS[::3]:
        entry, work = Input(side, side, channels), 10.0 * side * side * channels
        yield "elementwise", entry >> Activation("silu"), work
        yield "elementwise", entry >> Parallel(ReLU(), Identity(), merge=Add()), work
        yield "pooling", entry >> AvgPool(2), work
        yield "pooling", entry >> GlobalAvgPool(), work
        yield "movement", entry >> Parallel(Identity(), Identity(), merge=Concatenate()), work
        yield "movement", entry >> ZeroPad(1), work
