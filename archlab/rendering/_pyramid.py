"""The pyramid: feature maps shrinking as filters grow, drawn to scale."""

from __future__ import annotations

from collections.abc import Sequence

from archlab.analysis import Analysis
from archlab.graph import Graph
from archlab.rendering._colors import TINTS
from archlab.rendering._maps import Field, Map, feature_maps, field_of
from archlab.rendering._shapes import Point, ShapeDrawing, group, image, line, polygon, text
from archlab.units import format_sizes

_LARGEST = 190.0
"""Units of the picture for the longest side of any map."""
_DEPTH = 460.0
"""Units for the channels of all maps together."""
_ACROSS = (0.42, -0.26)
"""Where the width of a map runs to, drawn from the side, for each unit of its length."""
_GAP, _MARGIN, _LEAST = 34.0, 48.0, 2.0
_SEEN = "#a0427a"
"""Neither the colour of maps nor that of vectors: one colour has one meaning."""
_LETTER = 7.0
"""Units for a bold letter, at most."""
_ROW = 32.0


def pyramid(graph: Graph, analysis: Analysis, name: str, layer: str | None = None, photo: str = "") -> ShapeDrawing:
    """The feature maps of a graph from left to right. Each has its channels as length, its sides to one scale.

    On the input is drawn what the central unit of a layer sees; `photo` is an image to show there, as a data URI. A
    vector longer than every map has channels is drawn as long as they are, broken in the middle.
    """
    maps = feature_maps(graph)
    side = _LARGEST / max(max(each.height, each.width) for each in maps)
    longest = max((each.channels for each in maps if not each.is_vector), default=maps[-1].channels)
    depth = _DEPTH / sum(min(each.channels, longest) for each in maps)
    placed: list[_Cuboid] = []
    left = _MARGIN
    middle = 42 + _LARGEST * (0.5 - _ACROSS[1])
    for each in maps:
        placed.append(_Cuboid(each, left, middle, side, depth, longest))
        left += placed[-1].length + placed[-1].across[0] + _GAP
    low = max(each.bottom for each in placed) + 18
    labels = [_label(each.shown, graph) for each in placed]
    rows = _rows(placed, labels)
    shapes = [
        _labelled(each, graph, words, low + _ROW * row, photo)
        for each, words, row in zip(placed, labels, rows, strict=True)
    ]
    said = f"{len(maps)} feature maps: sides to one scale, length for channels to another"
    if any(not each.is_vector for each in maps[1:]):
        field = field_of(graph, analysis.receptive_field, layer)
        shapes.append(_sight(graph, placed, field))
        said += f"; the central unit of {field.name} sees {field.words} px of the input (purple)"
    foot = low + _ROW * max(rows) + 56
    shapes.append(text((_MARGIN / 2, foot), said, "start", font_size="11"))
    ends = [each.middle + _wide(words) / 2 for each, words in zip(placed, labels, strict=True)]
    width = max(left, *[end + 8 for end in ends], _MARGIN + 5.6 * len(said))
    return ShapeDrawing(name, f"{name}: {said}", width, foot + 16, shapes)


def _label(shown: Map, graph: Graph) -> tuple[str, str]:
    """A map's name and shape; the first one is the input."""
    node = graph.nodes[shown.position]
    stage, _, block = shown.label.rpartition("/")
    return (stage or block) if node.inputs else "input", format_sizes(node.shape)


def _wide(words: tuple[str, str]) -> float:
    return max(_LETTER * len(words[0]), 6.0 * len(words[1]))


def _rows(placed: Sequence[_Cuboid], labels: Sequence[tuple[str, str]]) -> list[int]:
    """The row below the maps that each name stands in: the first with room for all of it."""
    ends: list[float] = []
    found: list[int] = []
    for cuboid, words in zip(placed, labels, strict=True):
        start, end = cuboid.middle - _wide(words) / 2, cuboid.middle + _wide(words) / 2
        row = next((row for row, taken in enumerate(ends) if taken + 8 <= start), len(ends))
        ends[row : row + 1] = [end]
        found.append(row)
    return found


def _labelled(cuboid: _Cuboid, graph: Graph, words: tuple[str, str], low: float, photo: str) -> str:
    """A map with its name and shape at the height `low`."""
    shown, at = cuboid.shown, cuboid.middle
    drawn = [
        *cuboid.faces("" if graph.nodes[shown.position].inputs else photo),
        line((at, cuboid.bottom + 3), (at, low - 13), "ink", opacity="0.35"),
        text((at, low), words[0], font_weight="bold"),
        text((at, low + 14), words[1], font_size="11"),
    ]
    return group(drawn, f"{shown.label}: {words[1]}", f"m{shown.position}")


class _Cuboid:
    """A map with its channels as length, seen from the right: the far end is the face with all its positions."""

    def __init__(self, shown: Map, left: float, middle: float, side: float, depth: float, longest: int):
        self.shown = shown
        self.is_broken = shown.channels > longest
        self.left, self.length = left, max(min(shown.channels, longest) * depth, _LEAST)
        self.height, wide = max(shown.height * side, _LEAST), max(shown.width * side, _LEAST)
        self.across: Point = (_ACROSS[0] * wide, _ACROSS[1] * wide)
        self.top = middle - self.height / 2
        self.bottom = middle + self.height / 2

    @property
    def middle(self) -> float:
        """Where its name stands, along the picture."""
        return self.left + self.length / 2

    def on_face(self, row: float, column: float) -> Point:
        """A place on the far face, both as shares of its sides: 0 to 1 lies on it."""
        x, y = self.left + self.length, self.top
        return x + self.across[0] * column, y + self.across[1] * column + self.height * row

    def faces(self, photo: str) -> list[str]:
        """Its front, its top and its far face."""
        x, y, dx, dy = self.left, self.top, *self.across
        length, height = self.length, self.height
        tint = TINTS["convolution"] if not self.shown.is_vector else TINTS["dense"]
        front = [(x, y), (x + length, y), (x + length, y + height), (x, y + height)]
        top = [(x, y), (x + dx, y + dy), (x + length + dx, y + dy), (x + length, y)]
        far = [self.on_face(0, 0), self.on_face(0, 1), self.on_face(1, 1), self.on_face(1, 0)]
        drawn = [
            polygon(front, "face", tint.fill, tint.line),
            polygon(top, "face", "#ffffff", tint.line),
            polygon(far, "face", tint.fill, tint.line),
        ]
        if photo:
            drawn.append(image(photo, self.on_face(0, 0), self.across, (0.0, height)))
        if self.is_broken:
            cut = x + length / 2
            drawn += [line((cut + at, y + height + 5), (cut + at + 5, y - 5), "ink") for at in (-5, 0)]
        return drawn


def _sight(graph: Graph, placed: Sequence[_Cuboid], field: Field) -> str:
    """The field on the input's face, cut off at its edges, and lines from it to the unit that sees it."""
    first = placed[0]
    high, wide = first.shown.height, first.shown.width
    top, left, bottom, right = field.box
    seen = _square(first, max(top / high, 0), max(left / wide, 0), min(bottom / high, 1), min(right / wide, 1))
    drawn = [polygon(seen, "seen", "none", _SEEN, stroke_width="2.5")]
    # The unit stands on the map that is drawn for its layer: the first of its size from there on.
    position, size = graph.position(field.name), graph[field.name].shape[:2]
    seers = [each for each in placed[1:] if (each.shown.height, each.shown.width) == size]
    seer = next((each for each in seers if each.shown.position >= position), seers[-1] if seers else None)
    if seer is not None:
        row, column, rows, columns = *field.unit, seer.shown.height, seer.shown.width
        unit = _square(seer, row / rows, column / columns, (row + 1) / rows, (column + 1) / columns)
        dashes = {"stroke_dasharray": "3 3", "opacity": "0.7"}
        drawn += [line(start, end, "sight", _SEEN, **dashes) for start, end in zip(seen, unit, strict=True)]
        drawn.append(polygon(unit, "seen", _SEEN, _SEEN))
    return group(drawn, f"the receptive field of {field.name}: {field.words} px")


def _square(cuboid: _Cuboid, top: float, left: float, bottom: float, right: float) -> list[Point]:
    """A rectangle on the far face of a map, in shares of its sides."""
    return [cuboid.on_face(*place) for place in ((top, left), (top, right), (bottom, right), (bottom, left))]
