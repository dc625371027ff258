"""How large the weights are at initialization: what Keras's initializers draw, from the fans as Keras counts them."""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import Any, NamedTuple

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
    name, config = _described(initializer)
    fan_in, fan_out = fans(shape)
    scale, mode = _SCALING.get(name, (0.0, ""))
    if name == "variance_scaling":
        scale, mode = config.get("scale", 1.0), config.get("mode", "fan_in")
    if mode:
        return scale / max(1.0, {"fan_in": fan_in, "fan_out": fan_out}.get(mode, (fan_in + fan_out) / 2))
    if name == "orthogonal" and len(shape) > 1:
        # Columns (or rows, whichever are fewer) of length 1: the sum over all elements is the smaller of the two.
        return config.get("gain", 1.0) ** 2 / max(prod(shape[:-1]), shape[-1])
    begins = _distribution(name, config)
    return None if begins is None or begins.mean else begins.variance


class Start(NamedTuple):
    """What the elements of a variable begin with."""

    mean: float
    variance: float


@lru_cache(maxsize=256)
def start(initializer: object) -> Start | None:
    """The mean and variance of what an initializer draws, whatever the shape; None where it has no rule.

    >>> start("ones")
    Start(mean=1.0, variance=0.0)
    """
    return _distribution(*_described(initializer)) if isinstance(initializer, str) else None


def _described(initializer: str) -> tuple[str, dict[str, Any]]:
    """The name, in small letters with underscores, and the configuration."""
    name = initializer
    config: dict[str, Any] = {}
    if initializer.startswith("{"):
        import json  # few variables are described by it, and loading it takes milliseconds

        data = json.loads(initializer)
        name, config = data["class_name"], data["config"]
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).strip("_"), config


def _distribution(name: str, config: dict[str, Any]) -> Start | None:
    """Of the initializers that do not look at the shape."""
    if name in ("zeros", "ones"):
        return Start(float(name == "ones"), 0.0)
    if name == "constant":
        value = config.get("value", 0.0)
        return Start(float(value), 0.0) if isinstance(value, int | float) else None
    if name in ("random_normal", "truncated_normal"):
        kept = _TRUNCATED if name == "truncated_normal" else 1.0
        return Start(config.get("mean", 0.0), config.get("stddev", 0.05) ** 2 * kept)
    if name == "random_uniform":
        low, high = config.get("minval", -0.05), config.get("maxval", 0.05)
        return Start((high + low) / 2, (high - low) ** 2 / 12)
    return None
