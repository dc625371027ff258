"""Which pixels of the image units really read: no padding, and no pixel that every window leaves over.

A field is worked out as if maps had no end. Here every unit of every map is followed: one that lies beyond its map is
padding, and reads nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from archlab.analysis.static._facts import Facts
from archlab.graph import Graph, Shape, is_known
from archlab.ops import Axis, Permuted, Windows

Span: TypeAlias = tuple[int, int] | None
"""The first and last pixel that a unit reads along one axis of the image; None where it reads none."""
Line: TypeAlias = Sequence[Span]
"""The spans of all units along one axis of a map."""


MOST_FOLLOWED = 2**14
"""Units along one axis of a map that are followed each: of longer ones nothing is said."""


class _Look(NamedTuple):
    """A window along one axis of a map, by what is told apart: the same line, window and size give the same line."""

    line: int
    axis: Axis
    units: int


def pixels_read(
    graph: Graph, facts: Sequence[Facts], placed: Sequence[bool], image: int
) -> tuple[tuple[Line, ...] | None, ...]:
    """For each node, and each axis of its map, what its units read.

    Args:
        graph: whose sizes are known; of a map with an unknown one there is nothing to be said.
        facts: of its nodes.
        placed: for each node whether its units have a place in the image.
        image: the position of the input.
    """
    known: dict[_Look, Line] = {}

    def through(line: Line, axis: Axis, units: int) -> Line:
        key = _Look(id(line), axis, units)
        if key not in known:
            known[key] = _through(line, axis, units)
        return known[key]

    found: list[tuple[Line, ...] | None] = []
    for position, (node, fact) in enumerate(zip(graph.nodes, facts, strict=True)):
        paths = [(found[source], graph.nodes[source].shape) for source in node.inputs]
        lines = [(line, shape) for line, shape in paths if line is not None]
        sizes = node.shape[:-1]
        if not placed[position] or not is_known(sizes) or max(sizes, default=0) > MOST_FOLLOWED:
            found.append(None)
        elif position == image:
            found.append(tuple([[(pixel, pixel) for pixel in range(size)] for size in sizes]))
        elif not lines:
            found.append(None)
        elif len(node.inputs) > 1:
            found.append(_merged(lines, node.shape))
        elif isinstance(fact.window, Windows):
            axes = zip(lines[0][0], fact.window.axes, sizes, strict=True)
            found.append(tuple([through(line, axis, units) for line, axis, units in axes]))
        elif isinstance(fact.window, Permuted):
            found.append(tuple([lines[0][0][axis] for axis in fact.window.order]))
        else:
            found.append(lines[0][0])
    return tuple(found)


def _through(line: Line, axis: Axis, units: int) -> Line:
    stride, taps, _ = axis
    size = len(line)
    found: list[Span] = []
    if len(taps) == 1 and isinstance(taps[0], range) and _ordered(line):
        # Nearly always: a window's first unit on the map reads the first pixel, and its last one the last.
        before, step, count = taps[0].start, taps[0].step, len(taps[0])
        for place in range(before, before + units * stride, stride):
            first = place if place >= 0 else place % step
            last = min(place + (count - 1) * step, size - 1)
            last -= (last - place) % step
            one, other = (line[first], line[last]) if first <= last else (None, None)
            found.append((one[0], other[1]) if one and other else None)
        return found
    for unit in range(units):
        turn, phase = divmod(unit, len(taps))
        first = turn * stride
        hit = [span for tap in taps[phase] if 0 <= first + tap < size and (span := line[first + tap])]
        found.append(_hull(hit))
    return found


def _ordered(line: Line) -> bool:
    """Whether all units read something, and none begins or ends before the one in front of it."""
    spans = [span for span in line if span is not None]
    return len(spans) == len(line) and all(a[0] <= b[0] and a[1] <= b[1] for a, b in pairwise(spans))


def _merged(paths: Sequence[tuple[tuple[Line, ...], Shape]], shape: Shape) -> tuple[Line, ...]:
    merged: list[Line] = []
    for axis, units in enumerate(shape[:-1]):
        # What is stretched along an axis reads all of it: the field leaves that out, as it does a gate.
        lines = [lines[axis] for lines, came in paths if came[axis] == units]
        alike = all([line is lines[0] for line in lines])
        merged.append(lines[0] if alike else [_hull(list(filter(None, spans))) for spans in zip(*lines, strict=True)])
    return tuple(merged)


def _hull(spans: Sequence[tuple[int, int]]) -> Span:
    return (min([first for first, _ in spans]), max([last for _, last in spans])) if spans else None
