"""The receptive field: what the units of each stage see, laid over the input."""

from __future__ import annotations

from itertools import cycle

from archlab.analysis import Analysis
from archlab.errors import UsageError
from archlab.graph import Graph
from archlab.rendering._maps import Field, feature_maps, field_of
from archlab.rendering._shapes import ShapeDrawing, group, image, polygon, text
from archlab.units import format_share, format_sides

_SIDE = 360.0
_MARGIN = 40.0
# From the smallest field to the largest: apart for every kind of colour vision, and each says its size beside it.
_LINES = ("#56b4e9", "#009e73", "#e69f00", "#d55e00", "#cc79a7", "#0072b2")


def field_view(graph: Graph, analysis: Analysis, name: str, layer: str | None = None, photo: str = "") -> ShapeDrawing:
    """The input with the fields of the central units of its feature maps, or of one layer, drawn on it to scale."""
    fields = _fields(graph, analysis, layer)
    height, width = feature_maps(graph)[0].height, feature_maps(graph)[0].width
    top, left = min(0.0, *(f.box[0] for f in fields)), min(0.0, *(f.box[1] for f in fields))
    bottom, right = max(height, *(f.box[2] for f in fields)), max(width, *(f.box[3] for f in fields))
    scale = _SIDE / max(bottom - top, right - left)

    def at(row: float, column: float) -> tuple[float, float]:
        return _MARGIN + (column - left) * scale, _MARGIN + 8 + (row - top) * scale

    frame = [at(0, 0), at(0, width), at(height, width), at(height, 0)]
    shapes = [polygon(frame, "ink", "#ececec", "#333333", stroke_width="1.5")]
    if photo:
        across, down = (width * scale, 0.0), (0.0, height * scale)
        shapes.append(image(photo, at(0, 0), across, down))
    x, y = _MARGIN + (right - left) * scale + 28, _MARGIN + 20
    shapes.append(text((x, y), f"input {height} × {width}", "start", font_weight="bold"))
    for field, color in zip(fields, cycle(_LINES), strict=False):
        words = f"{field.name}: {field.words} px, stride {_stride(field)}, {_share(field, height, width)} of the image"
        look = {"stroke_width": "2.5"} | ({"stroke_dasharray": "7 4"} if _leaves(field, height, width) else {})
        top_, left_, bottom_, right_ = field.box
        corners = [at(top_, left_), at(top_, right_), at(bottom_, right_), at(bottom_, left_)]
        shapes.append(group([polygon(corners, "seen", "none", color, **look)], words))
        y += 24
        key = [(x, y - 10), (x + 14, y - 10), (x + 14, y + 2), (x, y + 2)]
        shapes += [polygon(key, "seen", "none", color, **look), text((x + 22, y), words, "start")]
    if any(_leaves(field, height, width) for field in fields):
        shapes.append(text((x, y + 30), "dashed: reaches beyond the image, into padding", "start", font_size="11"))
    longest = max(len(f.name) for f in fields) + 52
    caption = f"{name}: what the central units see of the input, {len(fields)} layers"
    total = 2 * _MARGIN + (bottom - top) * scale + 8
    return ShapeDrawing(name, caption, x + 6.3 * longest, max(total, y + 60), shapes)


def _fields(graph: Graph, analysis: Analysis, layer: str | None) -> list[Field]:
    if layer is not None:
        return [field_of(graph, analysis.receptive_field, layer)]
    found: list[Field] = []
    for each in feature_maps(graph)[1:]:
        row = analysis.receptive_field.layers[each.position]
        if row.start and None not in row.start and len(row.start) == 2:
            field = field_of(graph, analysis.receptive_field, row.name)
            if not found or found[-1].size != field.size:
                found.append(field)
    if not found:
        raise UsageError("no layer has units with a place in the image")
    return found


def _leaves(field: Field, height: int, width: int) -> bool:
    top, left, bottom, right = field.box
    return top < 0 or left < 0 or bottom > height or right > width


def _share(field: Field, height: int, width: int) -> str:
    """How much of the image a field covers."""
    top, left, bottom, right = field.box
    rows, columns = min(bottom, height) - max(top, 0), min(right, width) - max(left, 0)
    share = max(rows, 0) * max(columns, 0) / (height * width)
    return format_share(share, 0 if share >= 0.1 else 1 if share >= 0.001 else 2)


def _stride(field: Field) -> str:
    return format_sides(field.stride)
