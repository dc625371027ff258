"""Graphs for a page: what is drawn of each architecture, and what unfolds out of each box."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple
from xml.etree import ElementTree

from markupsafe import Markup

from archlab.graph import Graph
from archlab.rendering import LEVELS, Box, Cluster, GraphDrawing, Picture, draw
from archlab.report.html import _svg

_TITLES = {"stage": "Stages", "block": "Blocks", "layer": "Layers"}
_FOLDED = ("stage", "block")


class Drawn(NamedTuple):
    """A drawing, and the name that boxes which unfold into it know it by: the digest of what it shows."""

    key: str
    svg: Markup


@dataclass(frozen=True)
class View:
    """The graph of an architecture: the levels it can be seen at, by name, and the first of them drawn."""

    levels: tuple[tuple[str, str], ...]
    first: Drawn


@dataclass
class Shelf:
    """All drawings of a page: what looks the same, be it in another block or another architecture, is kept once."""

    drawn: dict[str, Markup] = field(default_factory=dict)
    style: str = ""
    """The rules that drawings bring for a dark page."""
    _shown: set[str] = field(default_factory=set)

    @property
    def folded(self) -> list[Drawn]:
        """The drawings that are not in the page from the start."""
        return [Drawn(key, svg) for key, svg in self.drawn.items() if key not in self._shown]

    def view(self, graph: Graph, name: str) -> View:
        """Draw an architecture at every level, and the inside of every stage and block."""
        inside: dict[str, str] = {}
        levels: dict[str, str] = {}
        for level in LEVELS:
            drawing = draw(graph, level, name=name)
            key = self._keep(graph, drawing, "", inside)
            # A net without stages looks the same with and without them.
            levels.setdefault(key, _TITLES[level])
        first = next(iter(levels))
        self._shown.add(first)
        return View(tuple((title, key) for key, title in levels.items()), Drawn(first, self.drawn[first]))

    def _keep(self, graph: Graph, drawing: GraphDrawing, path: str, inside: dict[str, str]) -> str:
        """Put a drawing, and before it all that it unfolds into, on the shelf."""
        boxes = drawing.picture.boxes
        for box in boxes:
            if box.kind in _FOLDED and box.path not in ("", path) and box.path not in inside:
                inside[box.path] = ""  # nothing unfolds into itself
                inside[box.path] = self._keep(graph, _inside(graph, box), box.path, inside)
        root = ElementTree.fromstring(drawing.svg)
        self.style = self.style or _rules(root)
        svg = _adapted(root, drawing.picture, path, inside)
        key = f"drawing-{sha256(svg.encode()).hexdigest()[:12]}"
        self.drawn.setdefault(key, svg)
        return key


def _inside(graph: Graph, box: Box) -> GraphDrawing:
    """A stage or block alone: its blocks where it has several, else its layers."""
    blocks = draw(graph, "block", only=box.path)
    deeper = {each.path for each in blocks.picture.boxes if each.kind in _FOLDED} - {box.path}
    several = len(deeper) > 1 or any(isinstance(part, Cluster) and part.times > 1 for part in blocks.picture.parts)
    return blocks if deeper and several else draw(graph, "layer", only=box.path)


def _rules(root: ElementTree.Element) -> str:
    """The drawing's own style, for screens alone: paper is white."""
    rules = "".join(each.text or "" for each in root.iter() if _svg.local(each) == "style")
    return rules.replace("@media (prefers-color-scheme", "@media screen and (prefers-color-scheme")


def _adapted(root: ElementTree.Element, picture: Picture, path: str, inside: Mapping[str, str]) -> Markup:
    """A drawing as the page holds it: on the page's own paper, its boxes named from where it is unfolded.

    A box that unfolds has `data-inside`, the drawing that it unfolds into, and `data-path`, its name; with `data-below`
    that begins where the name of what is drawn ends, so that blocks which look the same are the same.
    """
    boxes = {box.id: box for box in picture.boxes}
    under = f"{path}/" if path else ""
    for element in _svg.walk(root):
        name = element.attrib.pop("id", "")
        for attribute in ("font-family", "{http://www.w3.org/XML/1998/namespace}space"):
            element.attrib.pop(attribute, None)
        box = boxes.get(name)
        if box is None:
            continue
        title = element.find(f"{{{_svg.SVG}}}title")
        if title is not None and title.text:
            title.text = title.text.removeprefix(under)
        if inside.get(box.path) and box.kind in _FOLDED and box.path != path:
            element.set("data-inside", inside[box.path])
            element.set("data-path", box.path.removeprefix(under))
            if box.path.startswith(under):
                element.set("data-below", "")
    _bare(root)
    root.set("data-caption", picture.caption.rpartition(": ")[2])
    return _svg.written(root)


def _bare(root: ElementTree.Element) -> None:
    """Take the paper out, and what says to the page what it knows already."""
    for name in ("role", "width", "height"):
        root.attrib.pop(name, None)
    for child in list(root):
        if _svg.local(child) in ("title", "desc"):
            root.remove(child)
    for child in root:
        for shape in list(child):
            if _svg.local(shape) == "polygon" and shape.get("stroke") == "none":
                child.remove(shape)
