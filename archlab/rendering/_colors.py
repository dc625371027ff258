"""The colours of pictures: tints that stay apart for every kind of colour vision, for light and for dark pages.

Hues are those of Okabe and Ito (2008). What a box is stands on it in words too; a print in black and white loses
nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Tint(NamedTuple):
    """A box's fill and border on a light page, and on a dark one."""

    fill: str
    line: str
    dark_fill: str
    dark_line: str


_GREY = Tint("#f0f0f0", "#8a8a8a", "#33363b", "#8a8f98")
TINTS: Mapping[str, Tint] = {
    "input": Tint("#ffffff", "#333333", "#17191c", "#d0d0d0"),
    "outside": Tint("#ffffff", "#8a8a8a", "#17191c", "#8a8f98"),
    "convolution": Tint("#d3e6f5", "#0072b2", "#12405c", "#56a8d8"),
    "dense": Tint("#fadfce", "#b34f00", "#5c2f0d", "#e08a4a"),
    "sequence": Tint("#f6dfec", "#a0427a", "#54263f", "#d591b6"),
    "normalization": Tint("#ebebeb", "#777777", "#3a3d42", "#9a9fa8"),
    "activation": Tint("#fdf3cf", "#9a7400", "#4d3f0c", "#d8b13e"),
    "pooling": Tint("#d2eee4", "#00795a", "#0d4636", "#43b893"),
    "merging": Tint("#ffffff", "#333333", "#17191c", "#d0d0d0"),
    "unknown": Tint("#ffffff", "#b34f00", "#17191c", "#e08a4a"),
    "stage": Tint("#d3e6f5", "#0072b2", "#12405c", "#56a8d8"),
    "block": Tint("#d3e6f5", "#0072b2", "#12405c", "#56a8d8"),
    "loose": _GREY,
    "preprocessing": _GREY,
    "regularization": _GREY,
    "arithmetic": _GREY,
    "shape": _GREY,
    "other": _GREY,
    # What a comparison of two graphs says.
    "added": Tint("#d2eee4", "#00795a", "#0d4636", "#43b893"),
    "removed": Tint("#fadfce", "#b34f00", "#5c2f0d", "#e08a4a"),
    "changed": Tint("#fdf3cf", "#9a7400", "#4d3f0c", "#d8b13e"),
    "kept": Tint("#ffffff", "#8a8a8a", "#17191c", "#8a8f98"),
}
"""By the kind of a box, and by its mark."""

INK, DARK_INK = "#1a1a1a", "#ececec"
PAPER, DARK_PAPER = "#ffffff", "#17191c"
FRAME, DARK_FRAME = "#8a8a8a", "#70757d"

_RAMP = ("#f7fbff", "#d6e6f4", "#abd0e6", "#6aaed6", "#3787c0", "#105ba4", "#08306b")
STEPS = len(_RAMP)
"""One hue from light to dark: its order survives without colour."""


def ramp(value: float) -> tuple[str, str]:
    """The fill for a value between 0 and 1, and the ink that can be read on it."""
    step = min(int(value * STEPS), STEPS - 1)
    return _RAMP[step], INK if step < 4 else "#ffffff"
