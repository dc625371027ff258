from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, groupby
from operator import itemgetter

from archlab.analysis.static._facts import gather
from archlab.analysis.static.outline._blocks import find_blocks
from archlab.analysis.static.outline._chains import chained
from archlab.analysis.static.outline._section import Section, Unit, positions
from archlab.graph import Graph, Scope
from archlab.ops import Whole, Windows

_LARGE = 12
"""Layers without a name of their own in a row, beside named blocks or within one, in which blocks are looked for."""


def outline(graph: Graph) -> tuple[Unit, ...]:
    """A graph as stages, blocks within them, and the nodes outside, in order.

    What the architecture itself calls stages and blocks stays so. Where it names none they are found: blocks by the
    nodes that every path goes through and by what repeats, stages by the size of the maps.

    >>> from archlab import load
    >>> [unit.name for unit in outline(load("residual").graph) if isinstance(unit, Section)]
    ['stage1', 'stage2', 'stage3', 'stage4', 'stage5']
    """
    return graph.fact("outline", lambda: _outline(chained(graph)))


def _outline(graph: Graph) -> tuple[Unit, ...]:
    units = _named(graph, range(len(graph.nodes)), None)
    bare = not any(isinstance(unit, Section) for unit in units)
    units = _searched(graph, units, 0 if bare else _LARGE)
    return units if any(unit.kind == "stage" for unit in units if isinstance(unit, Section)) else _staged(graph, units)


def _named(graph: Graph, nodes: Sequence[int], inside: Scope | None) -> tuple[Unit, ...]:
    """The stages and blocks that the nodes' scopes name, within one that has been taken."""
    units: list[Unit] = []
    for scope, members in groupby(nodes, key=lambda position: _below(graph.nodes[position].scope, inside)):
        if scope is None:
            units += members
            continue
        held = tuple(members)
        parts = _named(graph, held, scope)
        if scope.kind == "block":
            found = _searched(graph, parts, _LARGE)
            # One that holds all of it is this block itself.
            parts = parts if len(found) == 1 else found
        units.append(Section("stage" if scope.kind == "stage" else "block", scope.path, parts))
    return _joined(units)


def _searched(graph: Graph, units: Sequence[Unit], most: int) -> tuple[Unit, ...]:
    """The same with the blocks that are found in rows of more than so many nodes that no section holds."""
    found: list[Unit] = []
    for is_section, row in groupby(units, key=lambda unit: isinstance(unit, Section)):
        members = tuple(row)
        found += members if is_section or len(members) <= most else find_blocks(graph, tuple(positions(members)))
    return tuple(found)


def _below(scope: Scope | None, inside: Scope | None) -> Scope | None:
    """The outermost stage or block below `inside` that a scope stands in; blocks within blocks are one."""
    found = None
    while scope is not None and scope != inside:
        if scope.kind == "stage" or (scope.kind == "block" and not _within_block(scope)):
            found = scope
        scope = scope.parent
    return found


def _within_block(scope: Scope) -> bool:
    outer = scope.parent
    while outer is not None:
        if outer.kind == "block":
            return True
        outer = outer.parent
    return False


def _joined(units: Sequence[Unit]) -> tuple[Unit, ...]:
    """Pieces of one section that others stand between, as one, where its first piece is."""
    pieces: dict[str, list[Section]] = {}
    for unit in units:
        if isinstance(unit, Section):
            pieces.setdefault(unit.name, []).append(unit)
    found: list[Unit] = []
    for unit in units:
        if not isinstance(unit, Section):
            found.append(unit)
        elif pieces[unit.name][0] is unit:
            parts = tuple(part for piece in pieces[unit.name] for part in piece.parts)
            found.append(unit if len(pieces[unit.name]) == 1 else Section(unit.kind, unit.name, _joined(parts)))
    return tuple(found)


def _staged(graph: Graph, units: Sequence[Unit]) -> tuple[Unit, ...]:
    """Blocks in stages: those that follow one another with maps of one size, and the nodes between them."""
    blocks = [number for number, unit in enumerate(units) if isinstance(unit, Section)]
    if not blocks:
        return tuple(units)
    first, last = blocks[0], blocks[-1] + 1
    sizes = [_size(graph, unit) for unit in units[first:last]]
    if len(list(groupby(sizes))) > 2 * len(set(sizes)):
        # Cells that read the last two have branches of either size: what counts is how small the maps are by now.
        # (A U-Net comes through each size twice, which is no more than that.)
        sizes = list(accumulate(sizes, min))
    sized = zip(sizes, units[first:last], strict=True)
    stages = [tuple(unit for _, unit in group) for _, group in groupby(sized, key=itemgetter(0))]
    if len(stages) < 2:
        return tuple(units)
    made: list[Unit] = []
    number = 0
    for stage in stages:
        if any(isinstance(unit, Section) for unit in stage):
            number += 1
            made.append(Section("stage", f"stage{number}", stage))
        else:
            made += stage
    return (*units[:first], *made, *units[last:])


def _size(graph: Graph, unit: Unit) -> tuple[float, ...]:
    """The size of the maps that come out: all axes but the channels.

    Where the size of the input is not known it is taken for one, and strides say how small the maps are by now.
    """
    position = max(positions((unit,)))
    sizes = graph.nodes[position].shape[:-1]
    return tuple(_relative(graph)[position] if size is None else float(size) for size in sizes)


def _relative(graph: Graph) -> tuple[float, ...]:
    """The size of every map as a share of the input's, by the strides on the way to it alone."""

    def compute() -> tuple[float, ...]:
        found: list[float] = []
        for node, facts in zip(graph.nodes, gather(graph), strict=True):
            came = max((found[source] for source in node.inputs), default=1.0)
            window = facts.window
            if isinstance(window, Windows) and window.axes:
                came *= len(window.axes[0].taps) / window.axes[0].stride
            elif isinstance(window, Whole):
                came = 0.0
            found.append(came)
        return tuple(found)

    return graph.fact("relative sizes", compute)
