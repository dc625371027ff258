"""Multiply–accumulates counted from a Keras model's own layers, kernels and shapes."""

from __future__ import annotations

from math import prod
from typing import Any


def macs(model: Any) -> int:
    """Multiply–accumulates of the convolutions and dense layers of a model, nested ones included, for one example."""
    return sum(macs(layer) if hasattr(layer, "layers") else _layer(layer) for layer in model.layers)


def _layer(layer: Any) -> int:
    kind = type(layer).__name__
    if kind == "Dense":
        return prod(layer.output.shape[1:]) * layer.kernel.shape[0]
    if kind.startswith("Conv") and kind.endswith("Transpose"):
        # Every element that comes in meets the whole kernel of its channel.
        *taps, filters, _ = layer.kernel.shape
        return prod(layer.input.shape[1:]) * prod(taps) * filters
    if kind.startswith("Conv"):
        # The kernel of a grouped convolution holds the channels of one group only.
        *taps, depth, _ = layer.kernel.shape
        return prod(layer.output.shape[1:]) * prod(taps) * depth
    if kind.startswith("Depthwise"):
        return prod(layer.output.shape[1:]) * prod(layer.kernel.shape[:-2])
    if kind.startswith("Separable"):
        *taps, depth, times = layer.depthwise_kernel.shape
        places = prod(layer.output.shape[1:-1])
        return places * prod(taps) * depth * times + places * depth * times * layer.pointwise_kernel.shape[-1]
    return 0
