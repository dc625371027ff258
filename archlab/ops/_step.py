from __future__ import annotations

from math import ceil
from typing import NamedTuple


class Step(NamedTuple):
    """What a layer holds and makes in a compiled training step: bytes for one sample.

    It differs from `Kept`, which is what TensorFlow's operations hand on as they are called: a compiled step makes each
    value once, computes some in the memory of others, and needs memory while it computes.
    """

    inputs: bool = False
    """Whether the backward pass needs what the layer reads."""
    output: bool = False
    """Whether the backward pass needs what the layer makes."""
    held: int = 0
    """Of what else is made in the forward pass and needed in the backward pass."""
    forward: int = 0
    """Temporary while it runs forward, besides inputs and output."""
    backward: int = 0
    """Temporary while it runs backward, besides what arrives and what is handed on."""
    in_place: bool = False
    """Whether the output takes the memory of an input that nobody else needs."""
    error_in_place: bool = False
    """Whether the gradient with respect to the input takes the memory of that with respect to the output."""
    handed_on: bool = False
    """Whether the gradient with respect to the output is that with respect to each input, unchanged."""
    workspace: int = 0
    """Temporary while it computes the kernel's gradient, for each sample that it works on at a time."""
    at_a_time: int = 1
    """Samples that it works on at a time, at most."""


FLOAT, HALF = 4, 2
"""Bytes of a number in float32, and in float16 or bfloat16."""

_WORKING_SET = 30 << 20
"""Bytes of patches, errors and kernel that TensorFlow's own convolution aims at (`conv_grad_filter_ops.cc`)."""


def patches(positions: int, fan_in: int, filters: int) -> tuple[int, int]:
    """Bytes of the patches of a sample that TensorFlow copies out to compute a kernel's gradient in half precision.

    oneDNN has kernels for bfloat16 from AVX-512 on; without them a matrix product does it, over patches copied from as
    many samples as together with the errors and the kernel fill 30 MiB.

    Args:
        positions: of the output.
        fan_in: the numbers that an output is computed from.
        filters: output channels.

    Returns:
        The bytes, and the samples at a time.

    >>> patches(2025, 288, 64)
    (1166400, 22)
    """
    numbers = positions * fan_in + positions * filters + fan_in * filters
    return HALF * positions * fan_in, max(1, ceil(_WORKING_SET / HALF / max(numbers, 1)))
