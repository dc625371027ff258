"""Formats of fractions, levels and numbers of images in sentences."""

from __future__ import annotations

SYNTHETIC = "measured on synthetic images, does not transfer to natural images"


def points(share: float, digits: int = 1, signed: bool = False) -> str:
    """A fraction or a difference in percentage points.

    >>> points(-0.0258, signed=True), points(0.0241, signed=True), points(0.041)
    ('−2.6', '+2.4', '4.1')
    """
    text = f"{100 * share:+.{digits}f}" if signed else f"{100 * share:.{digits}f}"
    # Zero has no sign.
    return text.lstrip("+-") if not float(text) else text.replace("-", "−")


def percent(level: float) -> str:
    """A level in percent."""
    return f"{100 * level:g} %"


def image_count(count: int | None, synthetic: bool) -> str:
    """A number of images, marked if they are synthetic."""
    noun = "synthetic image" if synthetic else "image"
    return f"{noun}s" if count is None else f"{count:,} {noun}{'' if count == 1 else 's'}"
