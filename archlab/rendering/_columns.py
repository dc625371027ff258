"""A picture that is long and narrow, cut into columns side by side; or into rows, if it runs to the right."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from math import sqrt
from typing import Literal, NamedTuple

from archlab.errors import UsageError, did_you_mean
from archlab.rendering._colors import INK, PAPER
from archlab.rendering._picture import Box, Edge, Part, Picture, boxes_of

Direction = Literal["down", "right"]
DIRECTIONS: tuple[Direction, ...] = ("down", "right")

_PAGE = 1 / sqrt(2)
"""Width over height of a page of paper, which pictures are cut for where nothing is asked."""
_LONG, _SLENDER = 1900, 3.6
"""From this length in points, and this length for each unit of width, a picture is cut."""
_GUTTER, _EDGE = 34.0, 10.0
_MOST = 12


def read_aspect(text: str | None) -> float | None:
    """Width over height as it is written, `16:9`; 0 for `none`, one column whatever its length; None where it is open.

    Raises:
        UsageError: the text is neither.

    >>> read_aspect("4:3"), read_aspect("none"), read_aspect(None)
    (1.3333333333333333, 0.0, None)
    """
    if text is None:
        return None
    if text == "none":
        return 0.0
    match = re.fullmatch(r"\s*([0-9]{1,4}(?:\.[0-9]{1,4})?)\s*:\s*([0-9]{1,4}(?:\.[0-9]{1,4})?)\s*", text)
    found = float(match[1]) / float(match[2]) if match and float(match[2]) else 0.0
    if not 0.05 <= found <= 20:
        raise UsageError(f"aspect {text!r}: write width:height such as 16:9, between 1:20 and 20:1, or none")
    return found


def check_direction(direction: str) -> None:
    """Refuse what a picture cannot run to.

    Raises:
        UsageError: naming the closest of what it can.
    """
    if direction not in DIRECTIONS:
        raise UsageError(f"direction {direction!r}: {did_you_mean(direction, DIRECTIONS)}")


class Sheet(NamedTuple):
    """An SVG as Graphviz has written it, taken apart."""

    body: str
    width: float
    height: float

    @property
    def along(self) -> Mapping[str, tuple[float, float]]:
        """The middle of every box, by its id."""
        found: dict[str, tuple[float, float]] = {}
        for box in re.finditer(r'<g id="([^"]+)" class="node[^"]*">(.*?)</g>', self.body, re.DOTALL):
            places = re.findall(r"(-?[\d.]+),(-?[\d.]+)", box[2])
            round_ = re.search(r'cx="(-?[\d.]+)" cy="(-?[\d.]+)"', box[2])
            if round_:
                found[box[1]] = float(round_[1]), float(round_[2])
            elif places:
                xs, ys = [float(x) for x, _ in places], [float(y) for _, y in places]
                found[box[1]] = (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2
        return found

    @property
    def offset(self) -> tuple[float, float]:
        """Where the origin of its places lies."""
        match = re.search(r"translate\((-?[\d.]+)[ ,]+(-?[\d.]+)\)", self.body)
        return (float(match[1]), float(match[2])) if match else (0.0, 0.0)


def read_sheet(svg: str) -> Sheet:
    """What Graphviz has drawn, with its size in points."""
    size = re.search(r'viewBox="[-\d.]+ [-\d.]+ ([\d.]+) ([\d.]+)"', svg)
    assert size is not None
    start = svg.index(">", svg.index("<svg")) + 1
    return Sheet(svg[start : svg.rindex("</svg>")], float(size[1]), float(size[2]))


def paged(
    picture: Picture, whole: str, aspect: float | None, direction: Direction, lay_out: Callable[[Picture], str]
) -> str:
    """The SVG of a picture with the aspect that is asked for, cut where one line leads on.

    Args:
        picture: what is drawn.
        whole: it as one column, laid out.
        aspect: width over height; 0 for one column; None for one column too, if that is no longer than a page.
        direction: where it runs.
        lay_out: lays out a piece.
    """
    sheet = read_sheet(whole)
    long, wide = (sheet.height, sheet.width) if direction == "down" else (sheet.width, sheet.height)
    if aspect == 0.0 or (aspect is None and (long < _LONG or long < _SLENDER * wide)):
        return whole
    ratio = aspect or (_PAGE if direction == "down" else 1 / _PAGE)
    across = ratio if direction == "down" else 1 / ratio
    count = max(1, min(_MOST, round(sqrt(across * long / wide))))
    pieces = _cut(picture, sheet, count, direction)
    if len(pieces) == 1 and aspect is None:
        return whole
    sheets = [sheet] if len(pieces) == 1 else [read_sheet(lay_out(piece)) for piece in pieces]
    return _composed(sheets, direction, aspect)


def _cut(picture: Picture, sheet: Sheet, count: int, direction: Direction) -> list[Picture]:
    """The picture in so many pieces of about one length, or in fewer."""
    boxes = picture.boxes
    number = {box.id: place for place, box in enumerate(boxes)}
    axis = 1 if direction == "down" else 0
    middles = sheet.along
    ends: dict[int, float] = {}
    for after in range(1, len(boxes)):
        tails = {edge.tail for edge in picture.edges if number[edge.tail] < after <= number[edge.head]}
        if tails == {boxes[after - 1].id} and boxes[after - 1].id in middles and boxes[after].id in middles:
            ends[after] = (middles[boxes[after - 1].id][axis] + middles[boxes[after].id][axis]) / 2
    if not ends:
        return [picture]
    places = [middles[box.id][axis] for box in boxes if box.id in middles]
    low, high = min(places), max(places)
    chosen: list[int] = []
    for piece in range(1, count):
        wanted = low + (high - low) * piece / count
        left = [after for after in ends if not chosen or after > chosen[-1]]
        if left:
            chosen.append(min(left, key=lambda after: abs(ends[after] - wanted)))
    bounds = [0, *chosen, len(boxes)]
    return [
        _piece(picture, {box.id for box in boxes[start:stop]}, place, place == len(bounds) - 2)
        for place, (start, stop) in enumerate(pairwise(bounds))
    ]


def _piece(picture: Picture, inside: set[str], place: int, is_last: bool) -> Picture:
    parts = [kept for part in picture.parts if (kept := _kept(part, inside)) is not None]
    edges = [edge for edge in picture.edges if edge.tail in inside and edge.head in inside]
    into = [edge for edge in picture.edges if edge.head in inside and edge.tail not in inside]
    out = [edge for edge in picture.edges if edge.tail in inside and edge.head not in inside]
    if into:
        parts.insert(0, Box(f"in{place}", "", kind="turn"))
        edges = [*(replace(edge, tail=f"in{place}") for edge in into), *edges]
    if out:
        parts.append(Box(f"out{place}", "", kind="turn"))
        edges.append(Edge(out[0].tail, f"out{place}"))
    scale = picture.scale if is_last else None
    return Picture(picture.title, tuple(parts), tuple(edges), picture.caption, scale)


def _kept(part: Part, inside: set[str]) -> Part | None:
    if isinstance(part, Box):
        return part if part.id in inside else None
    parts = tuple(kept for each in part.parts if (kept := _kept(each, inside)) is not None)
    if not parts:
        return None
    first = next(boxes_of(part.parts))
    title = part.title if first.id in inside or not part.title else f"{part.title} (continued)"
    return replace(part, parts=parts, title=title)


def _composed(sheets: Sequence[Sheet], direction: Direction, aspect: float | None) -> str:
    """Pieces side by side, each joined to the next by a line through the gutter between them."""
    down = direction == "down"
    width = sum(s.width for s in sheets) + _GUTTER * (len(sheets) - 1) if down else max(s.width for s in sheets)
    height = max(s.height for s in sheets) if down else sum(s.height for s in sheets) + _GUTTER * (len(sheets) - 1)
    width, height = width + 2 * _EDGE, height + 2 * _EDGE
    full_width, full_height = width, height
    if aspect:
        full_width, full_height = max(width, height * aspect), max(height, width / aspect)
    left, top = (full_width - width) / 2 + _EDGE, (full_height - height) / 2 + _EDGE
    drawn = [f'<rect class="paper" width="{full_width:.2f}" height="{full_height:.2f}" fill="{PAPER}"/>']
    corners: list[tuple[float, float]] = []
    for number, sheet in enumerate(sheets):
        # What Graphviz numbers anew in every drawing stays unlike in the whole.
        body = re.sub(r'id="(graph|edge|clust)(\d+)"', rf'id="\g<1>{number}-\g<2>"', sheet.body)
        drawn.append(f'<g transform="translate({left:.2f} {top:.2f})">{body}</g>')
        corners.append((left, top))
        left, top = (left + sheet.width + _GUTTER, top) if down else (left, top + sheet.height + _GUTTER)
    for number in range(len(sheets) - 1):
        start = _place(sheets[number], f"out{number}", corners[number])
        end = _place(sheets[number + 1], f"in{number + 1}", corners[number + 1])
        if start is None or end is None:
            continue
        if down:
            x, low, high = corners[number + 1][0] - _GUTTER / 2, start[1] + 12, end[1] - 12
            points = [start, (start[0], low), (x, low), (x, high), (end[0], high), end]
        else:
            y, right, back = corners[number + 1][1] - _GUTTER / 2, start[0] + 12, end[0] - 12
            points = [start, (right, start[1]), (right, y), (back, y), (back, end[1]), end]
        path = "M" + " L".join(f"{x:.2f},{y:.2f}" for x, y in points)
        drawn.append(f'<g class="arrow turn"><path fill="none" stroke="{INK}" d="{path}"/></g>')
    size = f'width="{full_width:.0f}pt" height="{full_height:.0f}pt" viewBox="0 0 {full_width:.2f} {full_height:.2f}"'
    return f'<svg {size} xmlns="http://www.w3.org/2000/svg">\n{"".join(drawn)}\n</svg>\n'


def _place(sheet: Sheet, box: str, corner: tuple[float, float]) -> tuple[float, float] | None:
    found = sheet.along.get(box)
    if found is None:
        return None
    return found[0] + sheet.offset[0] + corner[0], found[1] + sheet.offset[1] + corner[1]
