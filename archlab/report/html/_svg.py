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
    """An element as HTML has it inside: no declaration, numbers no longer than a screen can show."""
    text = ElementTree.tostring(root, encoding="unicode")
    return Markup(re.sub(r"(?<=[ ,(\"hvMLHVC-])(\d+\.\d\d)\d+(?=[ ,)\"hvMLHVCZz-])", r"\1", text))
