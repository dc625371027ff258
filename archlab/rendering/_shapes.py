"""A picture made of shapes at places, as SVG."""

from __future__ import annotations

import html
from collections.abc import Sequence

from archlab.rendering._colors import DARK_INK, DARK_PAPER, INK, PAPER
from archlab.rendering._drawing import Drawing
from archlab.rendering._plain import FONTS, escaped
from archlab.rendering._tikz import to_tikz

Point = tuple[float, float]


class ShapeDrawing(Drawing):
    """A drawing of shapes that have been given their places; `caption` says what is seen."""

    forms = {**Drawing.forms, ".tex": "tex"}

    def __init__(self, title: str, caption: str, width: float, height: float, shapes: Sequence[str]):
        self.title = title
        self.caption = caption
        size = f'width="{_n(width)}" height="{_n(height)}" viewBox="0 0 {_n(width)} {_n(height)}"'
        self._svg = "\n".join(
            [
                f'<svg class="archlab-shapes" role="img" xmlns="http://www.w3.org/2000/svg" {size}'
                f' font-family="{FONTS}" font-size="12">',
                f"<title>{escaped(title)}</title><desc>{escaped(caption)}</desc>",
                f"<style>@media (prefers-color-scheme:dark){{{_DARK}}}</style>",
                f'<rect class="paper" width="{_n(width)}" height="{_n(height)}" fill="{PAPER}"/>',
                *shapes,
                "</svg>\n",
            ]
        )

    @property
    def svg(self) -> str:
        return self._svg

    @property
    def tex(self) -> str:
        """As TikZ, a document of its own."""
        return to_tikz(self._svg)

    def __repr__(self) -> str:
        return f"<drawing of {self.caption}>"


_DARK = (
    f"svg.archlab-shapes .paper{{fill:{DARK_PAPER}}}svg.archlab-shapes text{{fill:{DARK_INK}}}"
    f"svg.archlab-shapes .ink{{stroke:{DARK_INK}}}"
)


def polygon(points: Sequence[Point], css: str, fill: str, stroke: str = INK, **more: str) -> str:
    """A closed shape."""
    said = " ".join(f"{_n(x)},{_n(y)}" for x, y in points)
    return f'<polygon class="{css}" points="{said}" fill="{fill}" stroke="{stroke}"{_attributes(more)}/>'


def line(start: Point, end: Point, css: str, stroke: str = INK, **more: str) -> str:
    """A straight line."""
    ends = f'x1="{_n(start[0])}" y1="{_n(start[1])}" x2="{_n(end[0])}" y2="{_n(end[1])}"'
    return f'<line class="{css}" {ends} stroke="{stroke}"{_attributes(more)}/>'


def text(at: Point, words: str, anchor: str = "middle", title: str = "", **more: str) -> str:
    """A line of text."""
    told = f"<title>{escaped(title)}</title>" if title else ""
    place = f'x="{_n(at[0])}" y="{_n(at[1])}" text-anchor="{anchor}" fill="{INK}"'
    return f"<text {place}{_attributes(more)}>{told}{escaped(words)}</text>"


def group(shapes: Sequence[str], title: str, id: str = "") -> str:
    """Shapes that are one thing, with its name."""
    named = f' id="{html.escape(id)}"' if id else ""
    return f"<g{named}><title>{escaped(title)}</title>{''.join(shapes)}</g>"


def image(source: str, corner: Point, across: Point, down: Point) -> str:
    """An image in a parallelogram: its corner, and its edges as vectors."""
    matrix = " ".join(_n(value) for value in (*across, *down, *corner))
    return f'<image href="{source}" width="1" height="1" preserveAspectRatio="none" transform="matrix({matrix})"/>'


def _attributes(more: dict[str, str]) -> str:
    return "".join(f' {name.replace("_", "-")}="{html.escape(value)}"' for name, value in more.items())


def _n(value: float) -> str:
    """A number of the picture: two decimals, no zeros behind them, so that the same picture is the same text."""
    said = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if said in ("-0", "") else said
