"""Two analyses, matched → the rows and connections of their difference."""

from __future__ import annotations

from archlab.analysis import Analysis
from archlab.analysis._state import State
from archlab.analysis.static.outline import Section, Unit, outline
from archlab.diffing._changes import Change, edits, follows, unexplained
from archlab.diffing._layers import is_named
from archlab.diffing._links import Link, links, rewired
from archlab.diffing._matching import match
from archlab.diffing._order import in_one_order
from archlab.diffing._row import LayerFacts, Row


def rows_and_links(ours: Analysis, theirs: Analysis) -> tuple[tuple[Row, ...], tuple[Link, ...]]:
    """Every layer of both graphs in exactly one row, and every connection between rows."""
    pairs = match(ours, theirs)
    order = in_one_order(ours.graph, theirs.graph, pairs)
    before, after = _facts(ours), _facts(theirs)
    rewiring = rewired(ours.graph, theirs.graph, pairs)
    rows = tuple(_row(ours, i, theirs, j, before, after, rewiring) for i, j in order)
    mine = {i: row for row, (i, _) in enumerate(order) if i is not None}
    yours = {j: row for row, (_, j) in enumerate(order) if j is not None}
    return rows, links(ours.graph, theirs.graph, (mine, yours))


def _row(
    ours: Analysis,
    i: int | None,
    theirs: Analysis,
    j: int | None,
    before: tuple[LayerFacts, ...],
    after: tuple[LayerFacts, ...],
    rewiring: dict[int, Change],
) -> Row:
    sides = (ours, i), (theirs, j)
    params = [0 if k is None else side.params.layers[k].total for side, k in sides]
    macs, flops = (_growth([_counted(side, k, what) for side, k in sides]) for what in ("macs", "flops"))
    changes = params[1] - params[0], macs, flops
    if i is None or j is None:
        if i is None:
            assert j is not None
            return Row("added", None, after[j], (), (), *changes)
        return Row("removed", before[i], None, (), (), *changes)
    edited = edits(ours, i, theirs, j) + ((rewiring[i],) if i in rewiring else ())
    followed = follows(ours, i, theirs, j)
    if not edited and not followed:
        edited = unexplained(ours, i, theirs, j)
    return Row("changed" if edited or followed else "kept", before[i], after[j], edited, followed, *changes)


def _counted(analysis: Analysis, position: int | None, what: str) -> int | None:
    """What a layer adds to the total: 0 where it has no rule, as there; None where it depends on an unknown size."""
    if position is None:
        return 0
    row = analysis.compute.layers[position]
    return None if row.state is State.UNSIZED else getattr(row, what) or 0


def _growth(counts: list[int | None]) -> int | None:
    before, after = counts
    return None if before is None or after is None else after - before


def _facts(analysis: Analysis) -> tuple[LayerFacts, ...]:
    places = _places(outline(analysis.graph))
    found: list[LayerFacts] = []
    for position, node in enumerate(analysis.graph):
        weights, cost = analysis.params.layers[position], analysis.compute.layers[position]
        field = analysis.receptive_field.layers[position]
        stage, block = places.get(position, ("", ""))
        found.append(
            LayerFacts(
                position,
                node.name,
                node.op.title,
                repr(node.op),
                stage,
                block,
                is_named(node, analysis.graph.input_shapes(node)),
                node.shape,
                None if weights.state is State.UNKNOWN else weights.total,
                cost.macs,
                cost.flops,
                field.size,
                field.whole,
            )
        )
    return tuple(found)


def _places(units: tuple[Unit, ...], stage: str = "", block: str = "") -> dict[int, tuple[str, str]]:
    """For each node in a stage or a block, their names."""
    found: dict[int, tuple[str, str]] = {}
    for unit in units:
        if isinstance(unit, Section):
            is_stage = unit.kind == "stage"
            found |= _places(unit.parts, unit.name if is_stage else stage, block if is_stage else unit.name)
        else:
            found[unit] = stage, block
    return found
