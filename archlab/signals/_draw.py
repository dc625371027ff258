"""How large the weights are at initialization: what Keras's initializers draw, from the fans as Keras counts them."""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import Any

# Keras cuts a normal distribution off at two standard deviations; this is the variance that is left of it.
_TRUNCATED = 0.7737413
_SCALING: dict[str, tuple[float, str]] = {
    "glorot_normal": (1.0, "fan_avg"),
    "glorot_uniform": (1.0, "fan_avg"),
    "he_normal": (2.0, "fan_in"),
    "he_uniform": (2.0, "fan_in"),
    "lecun_normal": (1.0, "fan_in"),
    "lecun_uniform": (1.0, "fan_in"),
}


def fans(shape: tuple[int, ...]) -> tuple[float, float]:
    """Fan-in and fan-out of a kernel as Keras counts them: all axes but the last two are the window.

    A depthwise 3 × 3 kernel over C channels has the shape (3, 3, C, 1): its fan-in is counted as 9 · C, though each
    output reads nine numbers.

    >>> fans((3, 3, 64, 1))
    (576.0, 9.0)
    """
    if len(shape) < 2:
        return float(prod(shape)), float(prod(shape))
    window = prod(shape[:-2])
    return float(shape[-2] * window), float(shape[-1] * window)


def looseness(initializer: object, shape: tuple[int, ...]) -> tuple[float, float]:
    """How far the length of what passes a kernel is left to chance, forward and back: 1 for independent weights.

    An orthogonal kernel keeps every length one way, and the other way as far as it keeps all directions.
    """
    if initializer != "orthogonal" or len(shape) < 2:
        return 1.0, 1.0
    rows, columns = prod(shape[:-1]), shape[-1]
    return (1 - columns / rows, 0.0) if rows >= columns else (0.0, 1 - rows / columns)


@lru_cache(maxsize=4096)
def variance(initializer: object, shape: tuple[int, ...]) -> float | None:
    """The variance of one element of a kernel around 0; None where the initializer has no rule or another mean.

    Args:
        initializer: a name that Keras knows, or its configuration as JSON.
        shape: of the kernel.

    >>> variance("he_normal", (3, 3, 64, 32)) == 2 / 576
    True
    """
    if not isinstance(initializer, str):
        return None
    config: dict[str, Any] = {}
    name = initializer
    if initializer.startswith("{"):
        import json  # few kernels are described by it, and loading it takes milliseconds

        data = json.loads(initializer)
        config = data["config"]
        name = "".join(f"_{c.lower()}" if c.isupper() else c for c in data["class_name"]).strip("_")
    fan_in, fan_out = fans(shape)
    scale, mode = _SCALING.get(name, (0.0, ""))
    if name == "variance_scaling":
        scale, mode = config.get("scale", 1.0), config.get("mode", "fan_in")
    if mode:
        return scale / max(1.0, {"fan_in": fan_in, "fan_out": fan_out}.get(mode, (fan_in + fan_out) / 2))
    if name == "orthogonal" and len(shape) > 1:
        # Columns (or rows, whichever are fewer) of length 1: the sum over all elements is the smaller of the two.
        return config.get("gain", 1.0) ** 2 / max(prod(shape[:-1]), shape[-1])
    if name == "zeros":
        return 0.0
    if config.get("mean", 0.0):
        return None
    if name == "random_normal":
        return config.get("stddev", 0.05) ** 2
    if name == "truncated_normal":
        return config.get("stddev", 0.05) ** 2 * _TRUNCATED
    if name == "random_uniform":
        low, high = config.get("minval", -0.05), config.get("maxval", 0.05)
        return (high - low) ** 2 / 12 if high == -low else None
    return None
