"""Drawings inside a page: nothing in them but shapes and words, colours that follow light and dark."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from xml.etree import ElementTree

from markupsafe import Markup

from archlab.charts import COLOURS, STEPS

SVG = "http://www.w3.org/2000/svg"
ElementTree.register_namespace("", SVG)

_SHAPES = (
    "svg g path line rect text tspan circle ellipse polygon polyline defs marker clipPath linearGradient stop title"
)
SHAPES = frozenset(_SHAPES.split(" "))
"""What may stand in a page; whatever else a drawing holds is left out."""

_HUES: Mapping[str, str] = {
    **{colour: f"var(--hue-{place})" for place, colour in enumerate(COLOURS)},
    **{colour: f"var(--step-{place})" for place, colour in enumerate(STEPS)},
    "white": "none",
    "#ffffff": "var(--paper)",
    "#000": "var(--ink)",
    "#666666": "var(--faint)",
    "#888": "var(--faint)",
    "#999999": "var(--faint)",
    "#999": "var(--faint)",
    "#e8e8e8": "var(--rule)",
}
_LOOKS = (
    "d x y x1 y1 x2 y2 cx cy r width height viewBox transform text-anchor font-size font-weight opacity clip-path id "
)
_PAINT = "fill fill-opacity stroke stroke-opacity stroke-width stroke-dasharray stroke-miterlimit"
_KEPT = frozenset((_LOOKS + _PAINT).split(" "))
_PLACED = "d points transform x y x1 y1 x2 y2 cx cy r width height"
_PLACES = frozenset(_PLACED.split(" "))
_EXACT = re.compile(r"(\.\d\d)\d+")
_VALUES = ("point", "bar")
"""What Vega calls the marks that stand for one value each."""


def chart(svg: str) -> Markup:
    """A chart as Vega draws it, for a page: each value a mark with `data-said`, axes and lines without labels.

    The words of the values are read out where the page is asked for them, not all at once.
    """
    root = ElementTree.fromstring(svg)
    for element in root.iter():
        said = element.get("aria-label") if element.get("aria-roledescription") in _VALUES else None
        kept = {name: _HUES.get(value, value) for name, value in element.attrib.items() if name in _KEPT}
        element.attrib.clear()
        element.attrib.update(kept)
        if said is not None:
            element.set("data-said", said)
            # A point's opacity hides it; the page shows it when it is its turn.
            if kept.get("opacity") == "0":
                element.attrib.pop("opacity")
                element.set("class", "value")
    _prune(root)
    root.attrib.pop("id", None)
    root.set("aria-hidden", "true")
    root.set("class", "marks")
    return written(root)


def _prune(element: ElementTree.Element) -> None:
    for child in list(element):
        _prune(child)
        name = local(child)
        empty = (name == "g" and not len(child)) or (name == "path" and child.get("d", "") in ("", "M0,0h0v0h0Z"))
        if name not in SHAPES or empty:
            element.remove(child)


def local(element: ElementTree.Element) -> str:
    """An element's name without its namespace."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def walk(element: ElementTree.Element) -> Iterator[ElementTree.Element]:
    """An element and all below it, those that are no shapes or words taken out with what they hold."""
    for child in list(element):
        if local(child) not in SHAPES:
            element.remove(child)
    yield element
    for child in element:
        yield from walk(child)


def written(root: ElementTree.Element) -> Markup:
    """An element as HTML has it inside: no declaration, no place more exact than a screen can show."""
    for element in root.iter():
        for name in _PLACES & element.attrib.keys():
            element.set(name, _EXACT.sub(r"\1", element.attrib[name]))
    return Markup(ElementTree.tostring(root, encoding="unicode"))
