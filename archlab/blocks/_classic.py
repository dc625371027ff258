from __future__ import annotations

from typing import Literal

from archlab.dsl import Block, Part, Sequence
from archlab.errors import ArgumentError, did_you_mean
from archlab.ops import BatchNorm, Conv, GroupNorm, LayerNorm, MaxPool, SeparableConv

Norm = Literal["batch", "layer", "group", "none"]
Kind = Literal["separable", "ordinary"]

_NORMS: dict[str, Part] = {
    "batch": BatchNorm(),
    "layer": LayerNorm(),
    "group": GroupNorm(groups=8),
    "none": Sequence(),
}


def normalization(kind: Norm = "batch") -> Part:
    """A normalization by name; 'none' is the empty part.

    >>> normalization("batch"), normalization("none")
    (BatchNorm(), Sequence())
    """
    if kind not in _NORMS:
        raise ArgumentError(f"normalization {kind!r} is not known: {did_you_mean(str(kind), _NORMS)}")
    return _NORMS[kind]


def convolution(kind: Kind = "separable", bias: bool | None = None, initializer: str = "glorot_uniform") -> Part:
    """A 3 × 3 convolution by name, 'separable' or 'ordinary', its width left open.

    >>> convolution("separable", bias=False)
    SeparableConv(bias=False)
    """
    kinds = {"separable": SeparableConv, "ordinary": Conv}
    if kind not in kinds:
        raise ArgumentError(f"convolution {kind!r} is not known: {did_you_mean(str(kind), kinds)}")
    return kinds[kind](bias=bias, initializer=initializer)


def conv_stack(depth: int = 2) -> Part:
    """3 × 3 convolutions with ReLU, then a maximum over 2 × 2 (Simonyan & Zisserman 2015, section 2.1).

    >>> conv_stack(2)
    Block(Conv(activation='relu') * 2 >> MaxPool(padding='valid'))
    """
    return Block(Conv(kernel=3, activation="relu") * depth >> MaxPool(2, padding="valid"))
