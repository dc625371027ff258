"""Blocks that are the same and follow one another, drawn once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from archlab.analysis.static.outline import Section, Unit
from archlab.graph import Graph


@dataclass(frozen=True)
class Fold:
    """Sections that do the same, one behind the other; a single one is a fold of itself."""

    copies: tuple[Section, ...]

    @property
    def first(self) -> Section:
        """The one that is drawn."""
        return self.copies[0]


def folded(graph: Graph, units: Sequence[Unit]) -> Iterator[Fold | int]:
    """Units in order, equal blocks that follow one another as one fold.

    Two blocks are equal when their layers are, with all their arguments, on maps of one size, and read what stands
    inside and before them at the same places. What comes in may be wider (DenseNet), and may come from further back
    than the last block (cells that read two): only the distance has to be the same.
    """
    run: list[Section] = []
    for unit in units:
        if run and isinstance(unit, Section) and _follows(graph, run, unit):
            run.append(unit)
            continue
        if run:
            yield Fold(tuple(run))
            run = []
        if isinstance(unit, Section):
            run = [unit]
        else:
            yield unit
    if run:
        yield Fold(tuple(run))


def _follows(graph: Graph, run: Sequence[Section], other: Section) -> bool:
    last = run[-1]
    if not (last.is_leaf and other.is_leaf and last.kind == other.kind and len(last.nodes) == len(other.nodes)):
        return False
    for one, two in zip(last.nodes, other.nodes, strict=True):
        a, b = graph.nodes[one], graph.nodes[two]
        if a.op != b.op or a.shape[:-1] != b.shape[:-1] or len(a.inputs) != len(b.inputs):
            return False
        for source, twin in zip(a.inputs, b.inputs, strict=True):
            if not _alike(run, other, source, twin):
                return False
    return True


def _alike(run: Sequence[Section], other: Section, source: int, twin: int) -> bool:
    """Whether the next block reads `twin` as the last one of the run reads `source`."""
    before, after = _place(run, source), _place([*run, other], twin)
    # What the run's first blocks read of what stands before the run, the next ones read of the run.
    return before is None or before == after


def _place(sections: Sequence[Section], position: int) -> tuple[int, int] | None:
    """How many sections before the last one a node stands in, and where in it; None where it is in none."""
    for back, section in enumerate(reversed(sections)):
        if section.nodes[0] <= position <= section.nodes[-1] and position in section.nodes:
            return back, section.nodes.index(position)
    return None
