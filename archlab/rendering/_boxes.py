"""The boxes of a picture and the frames around them, and which box each node of the graph is drawn in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from archlab.analysis import Analysis, analyze
from archlab.analysis.static.outline import Section, Unit, chained
from archlab.graph import Graph, Shape
from archlab.rendering._fold import Fold, folded
from archlab.rendering._gates import gates
from archlab.rendering._picture import Box, Cluster, Part
from archlab.rendering._shortcuts import Shortcut, shortcuts
from archlab.rendering._words import block_lines, gate_words, layer_words, merge_words, stage_lines, value_lines
from archlab.units import format_sizes

_BEHIND = ("activation", "normalization", "regularization")
"""What may follow the merge of a residual block and still be drawn in its point."""


class Turn(NamedTuple):
    """Where a node stands among blocks that are drawn once."""

    drawn: int
    """The node that is drawn for it; itself outside of such blocks."""
    fold: int | None = None
    """Which blocks these are: the position of their first node."""
    number: int = 0
    is_last: bool = True


class Boxes:
    """Makes the boxes of a picture; knows afterwards where every node is drawn."""

    def __init__(self, graph: Graph, level: str, units: Sequence[Unit]):
        self.graph = chained(graph)
        self.level = level
        self.analysis: Analysis = analyze(graph)
        self.shortcuts = shortcuts(self.graph)
        self.gates = gates(self.graph)
        self.box_of: dict[int, Box] = {}
        """The box of every node that has one; nodes of folded blocks, and projections, have none of their own."""
        self.entry: dict[str, Shape] = {}
        """The shape that goes into each box."""
        self.detours: dict[tuple[int, int], int] = {}
        """Edges (tail, head) of the graph that are drawn from another node."""
        self._turns: dict[int, Turn] = {}
        self._copies: dict[int, tuple[int, ...]] = {}
        self.blocks_before: dict[int, tuple[int, bool]] = {}
        """For every node how many blocks come before it, and whether it stands in one."""
        self._number(units, 0)

    def _number(self, units: Sequence[Unit], count: int) -> int:
        for unit in units:
            if isinstance(unit, int):
                self.blocks_before[unit] = count, False
            elif unit.is_leaf:
                self.blocks_before.update((position, (count, True)) for position in unit.nodes)
                count += 1
            else:
                count = self._number(unit.parts, count)
        return count

    def turn_of(self, position: int) -> Turn:
        """Where a node stands among blocks that are drawn once."""
        return self._turns.get(position) or Turn(position)

    def put(self, nodes: Sequence[int], box: Box) -> None:
        """Say that nodes are drawn in a box."""
        self.box_of.update((position, box) for position in nodes)
        inputs = self.graph.nodes[nodes[0]].inputs
        self.entry.setdefault(box.id, self.graph.nodes[inputs[0]].shape if inputs else ())

    def parts(self, units: Sequence[Unit], within: str = "", top: bool = True) -> tuple[Part, ...]:
        """The boxes and frames of some units, which stand in the section of that name."""
        parts: list[Part] = []
        loose: list[int] = []
        for unit in folded(self.graph, units):
            if isinstance(unit, int):
                loose.append(unit)
                continue
            parts += self._loose(loose, "between" if parts else "stem")
            loose = []
            parts += self._fold(unit, within, top)
        parts += self._loose(loose, "head" if parts else "layers")
        return tuple(parts)

    def _loose(self, nodes: Sequence[int], name: str) -> Iterator[Part]:
        """Nodes outside of blocks: each a box where layers are drawn, else together; inputs always for themselves.

        The layers of a gate stand in a frame of their own.
        """
        together: list[int] = []
        framed = {gate.way[0]: gate for gate in self.gates if set(gate.way) <= set(nodes)}
        inside = {position for gate in framed.values() for position in gate.way}
        for position in nodes:
            if self.level == "layer" and position in inside:
                if position in framed:
                    boxes = tuple(self._layer(each) for each in framed[position].way)
                    title = gate_words(self.graph, framed[position])
                    yield Cluster(f"gate{position}", title, boxes, "block", self.graph.nodes[position].name)
            elif self.level == "layer" or not self.graph.nodes[position].inputs:
                yield from self._gathered(together, name)
                together = []
                yield self._layer(position)
            else:
                together.append(position)
        yield from self._gathered(together, name)

    def _gathered(self, nodes: Sequence[int], name: str) -> Iterator[Box]:
        if len(nodes) == 1:
            yield self._layer(nodes[0])
        elif nodes:
            yield self._box(nodes, name, "loose", "")

    def _fold(self, fold: Fold, within: str, top: bool) -> tuple[Part, ...]:
        section, turns = fold.first, len(fold.copies)
        if turns > 1:
            self._copies.update(zip(section.nodes, zip(*(c.nodes for c in fold.copies), strict=True), strict=True))
            for number, copy in enumerate(fold.copies):
                for one, other in zip(section.nodes, copy.nodes, strict=True):
                    self._turns[other] = Turn(one, section.nodes[0], number, number == turns - 1)
        title = " – ".join(
            _below(copy.name, within) for copy in (fold.copies[:: turns - 1] if turns > 1 else [section])
        )
        if self.level == "layer" or not (section.is_leaf or (self.level == "stage" and top)):
            frame = self.parts(section.parts, section.name, top=False)
            kind = section.kind
        else:
            frame = self._whole(fold, f"{title}  × {turns}" if turns > 1 else title)
            if turns == 1:
                return frame
            # What a frame says an arrow would run through: around a single box it is left to the box to say.
            title, kind = "", "repeat"
        return (Cluster(f"{kind}{section.nodes[0]}", title, frame, kind, section.name, turns),)

    def _whole(self, fold: Fold, title: str) -> tuple[Part, ...]:
        """A block or a stage as one box; where a shortcut leads around all of it, as two with a point."""
        section = fold.first
        around = self._around(section) if section.is_leaf else None
        if around is None:
            return (self._box(section.nodes, title, section.kind, section.name, fold),)
        behind = [position for position in section.nodes if position >= around.merge]
        body = [position for position in section.nodes if position < around.merge and position not in around.way]
        parts = [self._box(body, title, section.kind, section.name, fold)]
        if around.way:
            parts.append(self._box(around.way, "", "convolution", "", fold))
        words = merge_words([self.graph.nodes[position] for position in behind])
        path = self.graph.nodes[around.merge].name
        point = Box(f"n{around.merge}", words, kind="merging", path=path, members=_all(behind, fold), small=True)
        self.entry[point.id] = self.entry[parts[0].id]
        self.put(behind, point)
        if around.fork in section.nodes:
            # A block that normalizes first parts inside: outside of its box the way begins where the block does.
            self.detours[around.edges[0]] = self.graph.nodes[section.nodes[0]].inputs[0]
        return (*parts, point)

    def _around(self, section: Section) -> Shortcut | None:
        """The last shortcut around the layers of a block, if behind its merge there is but an activation."""
        inside = set(section.nodes)
        for found in reversed(self.shortcuts):
            if found.merge in inside and set(found.way) <= inside:
                behind = [self.graph.nodes[p].op.family for p in section.nodes if p > found.merge]
                body = [p for p in section.nodes if p < found.merge and p not in found.way]
                return found if body and all(family in _BEHIND for family in behind) else None
        return None

    def _box(self, nodes: Sequence[int], title: str, kind: str, path: str, fold: Fold | None = None) -> Box:
        """One box for several nodes, and for those at the same places of all blocks that are drawn as one."""
        members = _all(nodes, fold)
        lines = [*(self._blocks_of(fold) or block_lines(self.graph, nodes))]
        lines += value_lines(self.analysis, members, len(members) // len(nodes))
        box = Box(f"n{nodes[0]}", title, tuple(lines), kind, path, members)
        self.put(nodes, box)
        return box

    def _blocks_of(self, fold: Fold | None) -> tuple[str, ...]:
        """What the blocks of a stage that is one box are made of; shortcuts aside."""
        if fold is None or fold.first.is_leaf:
            return ()
        aside = {position for found in self.shortcuts for position in found.way}
        blocks = [part.nodes if isinstance(part, Section) else (part,) for part in fold.first.parts]
        return stage_lines(self.graph, [[at for at in block if at not in aside] for block in blocks])

    def _layer(self, position: int) -> Box:
        node = self.graph.nodes[position]
        if node.inputs:
            title, lines = layer_words(node), value_lines(self.analysis, [position])
        else:
            title, lines = "Input", (format_sizes(node.shape),)
        said = tuple(filter(None, lines))
        members = self._copies.get(position, (position,))
        box = Box(f"n{position}", title, said, node.op.family, node.name, members)
        self.put([position], box)
        return box


def _all(nodes: Sequence[int], fold: Fold | None) -> tuple[int, ...]:
    """Nodes of the first of some equal blocks, and those at their places in the others."""
    if fold is None:
        return tuple(nodes)
    places = [fold.first.nodes.index(position) for position in nodes]
    return tuple(copy.nodes[place] for copy in fold.copies for place in places)


def _below(name: str, within: str) -> str:
    """A section's name without that of the one it stands in, which is written around it."""
    return name.removeprefix(f"{within}/") if within else name
