"""A picture of shapes as TikZ, for papers in LaTeX: its lines are vectors, its words are in the paper's font."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree

from archlab.errors import UsageError
from archlab.text import in_latex, printable

_SVG = "{http://www.w3.org/2000/svg}"
_ANCHORS = {"middle": "base", "start": "base west", "end": "base east"}
_POINTS = 0.75
"""Points for each unit of the picture."""


def to_tikz(svg: str) -> str:
    """A drawing of polygons, lines and words as a document of the class `standalone`.

    `\\input` of it works too where the package `standalone` is loaded.

    Raises:
        UsageError: there is an image in it.
    """
    root = ElementTree.fromstring(svg)
    if root.find(f".//{_SVG}image") is not None:
        raise UsageError("an image cannot be written as '.tex': leave it out, or choose .svg, .png or .pdf")
    lines = list(_shapes(root))
    colors = sorted({color for element in root.iter() for color in _colors(element)})
    title = root.findtext(f"{_SVG}desc") or ""
    return "\n".join(
        [
            f"% {printable(title).replace('×', 'x')}",
            r"\documentclass[tikz,border=2pt]{standalone}",
            *[rf"\definecolor{{{_name(color)}}}{{HTML}}{{{color[1:].upper()}}}" for color in colors],
            r"\begin{document}",
            rf"\begin{{tikzpicture}}[x={_POINTS}pt,y=-{_POINTS}pt,line width=0.75pt,line join=round,inner sep=0pt]",
            *[f"  {line}" for line in lines],
            r"\end{tikzpicture}",
            r"\end{document}",
            "",
        ]
    )


def _shapes(root: ElementTree.Element) -> Iterator[str]:
    for element in root.iter():
        kind, get = element.tag.removeprefix(_SVG), element.get
        if kind == "polygon":
            corners = " -- ".join(f"({point})" for point in (get("points") or "").split())
            fill = get("fill", "none")
            look = [f"draw={_name(get('stroke', '#000000'))}", *([f"fill={_name(fill)}"] if fill != "none" else [])]
            yield rf"\path[{', '.join([*look, *_pen(element)])}] {corners} -- cycle;"
        elif kind == "line":
            look = [f"draw={_name(get('stroke', '#000000'))}", *_pen(element)]
            yield rf"\path[{', '.join(look)}] ({get('x1')},{get('y1')}) -- ({get('x2')},{get('y2')});"
        elif kind == "text":
            size = float(get("font-size", "12")) * _POINTS
            font = rf"\sffamily\fontsize{{{size:g}}}{{{1.2 * size:g}}}\selectfont"
            font += r"\bfseries" if get("font-weight") == "bold" else ""
            words = "".join(part for part in (element.text, *(child.tail for child in element)) if part)
            anchor = _ANCHORS[get("text-anchor", "start")]
            yield rf"\node[anchor={anchor}, font={font}] at ({get('x')},{get('y')}) {{{in_latex(printable(words))}}};"


def _pen(element: ElementTree.Element) -> Iterator[str]:
    if width := element.get("stroke-width"):
        yield f"line width={float(width) * _POINTS:g}pt"
    if dashes := element.get("stroke-dasharray"):
        on, off = dashes.split()
        yield f"dash pattern=on {float(on) * _POINTS:g}pt off {float(off) * _POINTS:g}pt"
    if opacity := element.get("opacity"):
        yield f"opacity={opacity}"


def _colors(element: ElementTree.Element) -> Iterator[str]:
    if element.tag.removeprefix(_SVG) in ("polygon", "line"):
        yield from (each for name in ("fill", "stroke") if (each := element.get(name, "none")) != "none")


def _name(color: str) -> str:
    return f"c{color[1:].lower()}"
