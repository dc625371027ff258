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
from operator import is_
from typing import Any, NamedTuple, TypeVar

from archlab.analysis._state import State
from archlab.analysis.static._extent import PIXEL, Extent, through, union
from archlab.analysis.static._facts import gather
from archlab.analysis.static._pixels import Line, pixels_read
from archlab.errors import UsageError
from archlab.graph import Graph, Shape, format_shape, is_known
from archlab.ops import Axis, Merged, Nothing, Permuted, Pointwise, Statistics, Whole, Windows

T = TypeVar("T")


class Misaligned(NamedTuple):
    """A merge of paths whose units have misaligned receptive fields.

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
        if self.axes == _IN_ORDER[: len(self.axes)]:  # nearly always
            return tuple(values[: len(self.axes)])
        return tuple([values[self.axes.index(axis)] for axis in range(len(self.axes))])


_UNSEEN = Seen(None)
"""Of a map through which no pixel of the image is seen."""
_IN_ORDER = tuple(range(16))


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
        extents = seen.by_image(seen.extents)
        size = tuple(extent.size for extent in extents)
        return FieldRow(
            node.name,
            state,
            size,
            tuple(extent.stride for extent in extents),
            tuple(extent.start for extent in extents),
            tuple(None if n is None else min(1.0, s / n) for s, n in zip(size, self.input, strict=False)),
            self._clipped(position),
            seen.whole,
        )

    def _clipped(self, position: int) -> tuple[int | None, ...]:
        """How many pixels of the image the central unit reads along each axis of the image."""
        lines = self._lines[position]
        if lines is None:
            return (None,) * (len(self.input or ()) - 1)
        # A map may be cut down to nothing, and then has no centre.
        pixels = self._pixels(position, [(len(line) - 1) // 2 for line in lines]) if all(lines) else None
        return (0,) * len(lines) if pixels is None else tuple([last - first + 1 for first, last in pixels])

    def pixels(self, layer: str, unit: Sequence[int]) -> tuple[tuple[int, int], ...] | None:
        """The first and last pixel that a unit reads, for each axis of the image: its field without any padding.

        Args:
            layer: the name of a layer whose units have a place in the image.
            unit: its place in the layer's map, from 0.

        Returns:
            A pair for each axis; None where the unit reads nothing but padding.

        Raises:
            UsageError: the layer's units have no place in the image, or none that is known; or it has no such unit.

        >>> from archlab import Conv, Input
        >>> field = receptive_field((Input(32, 32, 3) >> Conv(8) >> Conv(8)).to_graph())
        >>> field.pixels("conv_2", (0, 8))
        ((0, 2), (6, 10))
        """
        position = self.graph.position(layer)
        lines = self._lines[position]
        if lines is None:
            raise UsageError(f"the units of {layer} have no known place in the image")
        if len(unit) != len(lines) or any(not 0 <= place < len(line) for place, line in zip(unit, lines, strict=False)):
            shape = format_shape(self.graph.nodes[position].shape)
            raise UsageError(f"{layer} has no unit {tuple(unit)}: its map is {shape}")
        return self._pixels(position, unit)

    def _pixels(self, position: int, unit: Sequence[int]) -> tuple[tuple[int, int], ...] | None:
        spans = [line[place] for line, place in zip(self._lines[position] or (), unit, strict=True)]
        read = [span for span in spans if span is not None]
        return self.seen[position].by_image(read) if len(read) == len(spans) else None

    @cached_property
    def _lines(self) -> tuple[tuple[Line, ...] | None, ...]:
        placed = [seen.extents is not None and all([each.placed for each in seen.extents]) for seen in self.seen]
        image = next((i for i, node in enumerate(self.graph.nodes) if not node.inputs and placed[i]), 0)
        return pixels_read(self.graph, gather(self.graph), placed, image)

    @cached_property
    def last(self) -> FieldRow | None:
        """The row of the layer `at`; a lower bound also where an unknown layer behind it leaves no place to units."""
        if self.at is None:
            return None
        row = self._row(self.graph.position(self.at))
        behind = any(self.seen[output].unknown for output in self.graph.outputs)
        return row._replace(state=State.UNKNOWN) if behind else row

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

    def rows(self) -> list[dict[str, object]]:
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
                seen = _UNSEEN
        elif len(node.inputs) == 1:
            seen = _UNSEEN if isinstance(window, Nothing) else found[node.inputs[0]]
            if seen.extents is None or isinstance(window, Pointwise):
                pass
            elif isinstance(window, Whole):
                seen = Seen(None, True, seen.unknown)
            elif isinstance(window, Statistics):
                gates.append(node.name)
                seen = seen._replace(whole=True)
            elif isinstance(window, Permuted):
                seen = seen._replace(
                    extents=tuple([seen.extents[axis] for axis in window.order]),
                    axes=tuple([seen.axes[axis] for axis in window.order]),
                )
            elif isinstance(window, Windows):
                looked = _looked(seen.extents, window.axes, len(found))
                if looked is None:
                    window = None
                else:
                    seen = Seen(looked, seen.whole, seen.unknown, seen.axes)
        else:
            paths = [found[source] for source in node.inputs]
            if isinstance(window, Merged):
                # Through a path that shows nothing of the image nothing is added to what the others show.
                showing = [pair for pair in zip(paths, facts.inputs, strict=True) if pair[0] != _UNSEEN]
                seen = _merged(node.name, node.shape, showing, len(found), misaligned, undecided, gates)
            else:
                whole, behind = any([path.whole for path in paths]), any([path.unknown for path in paths])
                widest = max(paths, key=_extent_sizes)
                seen = Seen(None, True, behind) if window else Seen(widest.extents, whole, behind, widest.axes)
        if window is None and seen.extents is not None:
            unknown.append(node.name)
            # A map of the same size has most likely kept its scale; of another one there is no telling.
            stays = is_known(node.shape[:-1]) and any([came[:-1] == node.shape[:-1] for came in facts.inputs])
            seen = Seen(seen.extents, seen.whole, True, seen.axes) if stays else Seen(None, seen.whole, True)
        found.append(seen)
        if seen.extents is not None:
            at = node.name
            if covering is None and image is not None and _covers(seen.by_image(seen.extents), image):
                covering = node.name
    return ReceptiveField(
        graph, tuple(found), image, at, tuple(misaligned), tuple(undecided), tuple(gates), tuple(unknown), covering
    )  # fmt: skip


def _extent_sizes(seen: Seen) -> tuple[int, ...]:
    """How far it is seen on each axis: nothing where units have no place."""
    return tuple([extent.size for extent in seen.extents or ()])


def _covers(extents: tuple[Extent, ...], image: Shape) -> bool:
    return all([size is not None and extent.size >= size for extent, size in zip(extents, image, strict=False)])


def _looked(extents: tuple[Extent, ...], window: tuple[Axis, ...], anchor: int) -> tuple[Extent, ...] | None:
    """What is seen through a window on every axis, if that can be told; `anchor` is the layer's own number."""
    if len(extents) != len(window):
        return None
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
    showing: list[tuple[Seen, Shape]],
    anchor: int,
    misaligned: list[Misaligned],
    undecided: list[str],
    gates: list[str],
) -> Seen:
    """What is seen where paths meet, each given with the shape of its map."""
    paths = [path for path, _ in showing]
    placed = [(path, path.extents, came) for path, came in showing if path.extents is not None]
    # What is stretched along an axis has no place on it: through it a unit sees all that lies there, as by a gate.
    stretched = [
        came != shape and any([a == 1 != b for a, b in zip(came, shape[:-1], strict=False)]) for _, _, came in placed
    ]
    whole = any([path.whole for path in paths]) or any(stretched)
    unknown = any([path.unknown for path in paths])
    if not placed:
        return Seen(None, whole, unknown)
    # Where all are stretched each has a place on some axis, and the first to have one on all stands for the others.
    first = placed[stretched.index(False) if False in stretched else 0][0]
    # Where one path has swapped its axes and another has not, a unit has no place that one extent an axis could give.
    swapped = any([path.axes != first.axes for path, _, _ in placed])
    if whole and (any(stretched) or not all([path.whole for path in paths])):
        gates.append(name)
    extents = [extents for _, extents, _ in placed]
    if not any(stretched) and all([each is extents[0] or each == extents[0] for each in extents]):
        return Seen(extents[0], whole, unknown or swapped, first.axes)
    columns: list[list[Extent]] = []
    for axis, size in enumerate(shape[:-1]):
        columns.append([each[axis] for _, each, came in placed if not came[axis] == 1 != size])
    unions: list[tuple[Extent, Fraction | None]] = []
    for column in columns:
        # Square maps, as nearly always, are worked out once.
        same = unions and len(column) == len(columns[0]) and all(map(is_, column, columns[0]))
        unions.append(unions[0] if same else union(column, anchor))
    seen = Seen(tuple([extent for extent, _ in unions]), whole, unknown or swapped, first.axes)
    if unknown and not all([path.unknown for path in paths]):
        return seen  # a layer without a rule may have moved one of them
    offsets = [offset for _, offset in unions]
    if any([offset is None for offset in offsets]):
        strides = tuple(path.by_image([extent.stride for extent in each]) for path, each, _ in placed)
        misaligned.append(Misaligned(name, None, strides))
    elif any([extent.anchor != column[0].anchor for column in columns for extent in column]):
        undecided.append(name)
    elif any(offsets):
        misaligned.append(Misaligned(name, first.by_image([offset or Fraction(0) for offset in offsets])))
    return seen
