"""Receptive fields: which pixels of the input each unit can see.

Follows A. Araujo, W. Norris, J. Sim, 'Computing Receptive Fields of Convolutional Neural Networks', Distill 2019, and
goes on where that ends: sizes on both axes, paths that merge, dilation, cropping, upsampling and transposed
convolutions (where the units of a period see differently), gates through which every unit sees the whole image.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

from archlab.analysis.static._extent import PIXEL, Extent, through, union
from archlab.analysis.static._facts import State, gather
from archlab.graph import Graph, Shape
from archlab.ops import Axis, Permuted

T = TypeVar("T")


class Misaligned(NamedTuple):
    """A merge of paths whose units look at different places.

    `offset` is the distance of the centres for each axis, in pixels of the input; where the strides themselves
    disagree it is None and `strides` lists them, path by path.
    """

    name: str
    offset: tuple[Fraction | int, ...] | None
    strides: tuple[tuple[Fraction | int, ...], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        if self.offset is None:
            return {"name": self.name, "offset": None, "strides": [list(map(_number, each)) for each in self.strides]}
        return {"name": self.name, "offset": list(map(_number, self.offset))}


class Seen(NamedTuple):
    """What the units of one map see: an extent for each axis of the map (None after a global pooling), how surely.

    `axes` names, for each axis of the map, the axis of the image that it runs along: not its own after a permutation.
    """

    extents: tuple[Extent, ...] | None
    whole: bool = False
    """Whether every unit sees the whole image: after global pooling, or through a gate."""
    unknown: bool = False
    """Whether a layer without a rule stands before: then this is a lower bound."""
    axes: tuple[int, ...] = ()

    def by_image(self, values: Sequence[T]) -> tuple[T, ...]:
        """Values for each axis of the map, in the order of the image's axes."""
        return tuple(values[self.axes.index(axis)] for axis in range(len(self.axes)))


class FieldRow(NamedTuple):
    """The field of a layer's units, in pixels for each axis; None where it has none or it is not known."""

    name: str
    state: State
    size: tuple[int, ...] | None
    stride: tuple[Fraction | int, ...] | None
    start: tuple[int | None, ...] | None
    coverage: tuple[float | None, ...] | None
    clipped: tuple[int | None, ...] | None
    whole: bool


@dataclass(frozen=True)
class ReceptiveField:
    """Receptive fields of a graph with respect to its first spatial input.

    Attributes:
        at: the last layer whose units still have a place (before global pooling or flattening); the figures of the
            whole architecture are those of this layer. None where no layer has any.
        misaligned: merges of paths whose fields disagree in centre or stride, in order.
        undecided: merges of paths whose places depend on the input's size, which is not known.
        gates: layers that scale or normalize by something taken over the whole map. The sizes leave these ways out;
            through them every later unit sees the whole image.
        covering: the first layer whose field is at least as large as the image on every axis (Richter et al. 2021,
            'Should you go deeper?'); None where there is none or the image's size is unknown.
    """

    graph: Graph
    seen: tuple[Seen, ...]
    input: Shape | None
    at: str | None
    misaligned: tuple[Misaligned, ...]
    undecided: tuple[str, ...]
    gates: tuple[str, ...]
    unknown: tuple[str, ...]
    covering: str | None

    @cached_property
    def layers(self) -> tuple[FieldRow, ...]:
        """Layer by layer."""
        return tuple(self._row(i) for i in range(len(self.graph)))

    def _row(self, position: int) -> FieldRow:
        node, seen = self.graph.nodes[position], self.seen[position]
        state = State.UNKNOWN if seen.unknown else State.COUNTED
        if seen.extents is None or self.input is None:
            return FieldRow(node.name, state, None, None, None, None, None, seen.whole)
        extents, units = seen.by_image(seen.extents), seen.by_image(node.shape[:-1])
        size = tuple(extent.size for extent in extents)
        return FieldRow(
            node.name,
            state,
            size,
            tuple(extent.stride for extent in extents),
            tuple(extent.start for extent in extents),
            tuple(None if n is None else min(1.0, s / n) for s, n in zip(size, self.input, strict=False)),
            tuple(_clipped(e, n, m) for e, n, m in zip(extents, self.input, units, strict=False)),
            seen.whole,
        )

    @cached_property
    def last(self) -> FieldRow | None:
        """The row of the layer `at`."""
        return None if self.at is None else self._row(self.graph.position(self.at))

    def to_dict(self) -> dict[str, Any]:
        """As plain data. `clipped` is the field of the central unit as far as it lies inside the image."""
        row = self.last
        return {
            "at": self.at,
            "size": None if row is None or row.size is None else list(row.size),
            "stride": None if row is None or row.stride is None else list(map(_number, row.stride)),
            "start": None if row is None or row.start is None else list(row.start),
            "coverage": None if row is None or row.coverage is None else list(row.coverage),
            "clipped": None if row is None or row.clipped is None else list(row.clipped),
            "covering": self.covering,
            "misaligned": [each.to_dict() for each in self.misaligned],
            "undecided": list(self.undecided),
            "gates": list(self.gates),
        }

    def rows(self) -> list[dict[str, Any]]:
        """Layer by layer as plain data."""
        return [
            {
                "name": row.name,
                "state": row.state.name.lower(),
                "size": row.size and list(row.size),
                "stride": row.stride and list(map(_number, row.stride)),
                "start": row.start and list(row.start),
                "coverage": row.coverage and list(row.coverage),
                "clipped": row.clipped and list(row.clipped),
                "whole": row.whole,
            }
            for row in self.layers
        ]


def _number(value: Fraction | int) -> int | float:
    return int(value) if value.denominator == 1 else float(value)


def _clipped(extent: Extent, image: int | None, units: int | None) -> int | None:
    """How many pixels of the image the central unit sees."""
    if image is None or units is None or not extent.placed:
        return None
    span = extent.span((units - 1) // 2)
    return 0 if span is None else max(0, min(span[1], image - 1) - max(span[0], 0) + 1)


def receptive_field(graph: Graph) -> ReceptiveField:
    """Work out the receptive field of every layer.

    >>> from archlab import Conv, Input, MaxPool
    >>> field = receptive_field((Input(32, 32, 3) >> Conv(8) >> MaxPool(2) >> Conv(8)).to_graph())
    >>> field.last.size, field.last.stride == (2, 2), field.last.start
    ((8, 8), True, (-3, -3))
    """
    found: list[Seen] = []
    misaligned: list[Misaligned] = []
    undecided: list[str] = []
    gates: list[str] = []
    unknown: list[str] = []
    image: Shape | None = None
    at = covering = None
    for node, facts in zip(graph.nodes, gather(graph), strict=True):
        window = facts.window
        if not node.inputs:
            if image is None and len(node.shape) > 1:
                image = node.shape
                axes = len(node.shape) - 1
                seen = Seen((PIXEL,) * axes, axes=tuple(range(axes)))
            else:
                # Another input, or one without axes: no pixel of the image is seen through it.
                seen = Seen(None)
        elif len(node.inputs) == 1:
            seen = found[node.inputs[0]]
            if window == "pointwise" or seen.extents is None:
                pass
            elif window == "whole":
                seen = Seen(None, True, seen.unknown)
            elif window == "statistics":
                gates.append(node.name)
                seen = seen._replace(whole=True)
            elif isinstance(window, Permuted):
                seen = seen._replace(
                    extents=tuple([seen.extents[axis] for axis in window.order]),
                    axes=tuple([seen.axes[axis] for axis in window.order]),
                )
            elif isinstance(window, tuple):
                looked = _looked(seen.extents, window, len(found))
                if looked is None:
                    window = None
                else:
                    seen = Seen(looked, seen.whole, seen.unknown, seen.axes)
        else:
            paths = [found[source] for source in node.inputs]
            seen = _merged(node.name, node.shape, facts.inputs, paths, len(found), misaligned, undecided, gates)
        if window is None:
            unknown.append(node.name)
            kept = seen.extents if seen.extents is not None and len(node.shape) == len(seen.extents) + 1 else None
            seen = Seen(kept, seen.whole, True, seen.axes if kept else ())
        found.append(seen)
        if seen.extents is not None:
            at = node.name
            if covering is None and image is not None and _covers(seen.by_image(seen.extents), image):
                covering = node.name
    return ReceptiveField(
        graph, tuple(found), image, at, tuple(misaligned), tuple(undecided), tuple(gates), tuple(unknown), covering
    )  # fmt: skip


def _covers(extents: tuple[Extent, ...], image: Shape) -> bool:
    return all([size is not None and extent.size >= size for extent, size in zip(extents, image, strict=False)])


def _looked(extents: tuple[Extent, ...], window: tuple[Axis, ...], anchor: int) -> tuple[Extent, ...] | None:
    """What is seen through a window on every axis, if that can be told; `anchor` is the layer's own number."""
    extent, axis = extents[0], window[0]
    seen = [through(extent, axis, anchor)]
    for other, along in zip(extents[1:], window[1:], strict=True):
        # Square images and windows, as nearly always, are worked out once.
        seen.append(seen[0] if other is extent and along is axis else through(other, along, anchor))
    known = [each for each in seen if each is not None]
    return tuple(known) if len(known) == len(seen) else None


def _merged(
    name: str,
    shape: Shape,
    inputs: tuple[Shape, ...],
    paths: list[Seen],
    anchor: int,
    misaligned: list[Misaligned],
    undecided: list[str],
    gates: list[str],
) -> Seen:
    """What is seen where paths meet."""
    placed: list[Seen] = []
    whole = unknown = False
    narrow = False
    for path, came in zip(paths, inputs, strict=True):
        whole = whole or path.whole
        narrow = narrow or not path.whole
        unknown = unknown or path.unknown
        if path.extents is None:
            continue
        if came != shape and all(size == 1 for size in came[:-1]) and any(size != 1 for size in shape[:-1]):
            whole = True  # stretched over the map: no place of its own
        else:
            placed.append(path)
    if not placed:
        return Seen(None, whole, unknown)
    first = placed[0]
    # Where one path has swapped its axes and another has not, a unit has no place that one extent an axis could give.
    unknown = unknown or any([path.axes != first.axes for path in placed])
    if whole and narrow:
        gates.append(name)
    extents = [path.extents for path in placed if path.extents is not None]
    if all([each is extents[0] or each == extents[0] for each in extents]):
        return Seen(extents[0], whole, unknown, first.axes)
    unions = [union([each[0] for each in extents], anchor)]
    for axis in range(1, len(extents[0])):
        alike = all([each[axis] is each[0] for each in extents])
        unions.append(unions[0] if alike else union([each[axis] for each in extents], anchor))
    offsets = [offset for _, offset in unions]
    if any(offset is None for offset in offsets):
        strides = tuple(path.by_image([extent.stride for extent in path.extents or ()]) for path in placed)
        misaligned.append(Misaligned(name, None, strides))
    elif any(one.anchor != other.anchor for each in extents for one, other in zip(each, extents[0], strict=True)):
        undecided.append(name)
    elif any(offsets):
        misaligned.append(Misaligned(name, first.by_image([offset or Fraction(0) for offset in offsets])))
    return Seen(tuple([extent for extent, _ in unions]), whole, unknown, first.axes)
