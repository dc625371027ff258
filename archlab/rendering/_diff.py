"""A difference as a picture: both graphs drawn as one, with what is the same in a row as one small box."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from archlab.graph import Node
from archlab.rendering._picture import Box, Cluster, Edge, Mark, Part, Picture
from archlab.rendering._shortcuts import shortcuts
from archlab.rendering._words import content_lines, layer_words
from archlab.units import format_count

if TYPE_CHECKING:
    from archlab.diffing import Fold, GraphDiff, Row

_MOST_CHANGES = 4


def diff_picture(diff: GraphDiff) -> Picture:
    """The picture of a difference.

    >>> from archlab import diff
    >>> [(box.mark, box.title) for box in diff_picture(diff("resnet50", "resnet101")).boxes]
    [('kept', '143 layers the same'), ('added', 'stage3/block7 … block23'), ('kept', '34 layers the same')]
    """
    boxes = [_box(diff, number, fold) for number, fold in enumerate(diff.folds)]
    places = [_place([diff.rows[i] for i in fold.rows], fold) for fold in diff.folds]
    counts = {"added": len(diff.added), "removed": len(diff.removed), "changed": len(diff.edited)}
    said = [f"{count} {mark}" for mark, count in counts.items() if count]
    following = len(diff.changed) - len(diff.edited)
    said += [f"{following} on other shapes only"] if following else []
    return Picture(
        f"{diff.before.name} → {diff.after.name}",
        tuple(_clustered(list(zip(places, boxes, strict=True)))),
        tuple(_edges(diff, [box.id for box in boxes])),
        f"What differs between {diff.before.name} and {diff.after.name}, both drawn as one graph. "
        f"Layers: {', '.join([*said, f'{len(diff.kept)} the same'])}.",
    )


def _box(diff: GraphDiff, number: int, fold: Fold) -> Box:
    rows = [diff.rows[i] for i in fold.rows]
    name, layer = f"d{number}", rows[0].layer
    # What merely follows from another change is drawn like what is the same: the eye is for what was done.
    mark: Mark = "kept" if fold.mark == "changed" and not fold.edited else fold.mark
    if fold.blocks:
        each = len(rows) // len(fold.blocks)
        last = fold.blocks[-1].removeprefix(f"{layer.stage}/")
        title = f"{fold.blocks[0]} … {last}" if len(fold.blocks) > 1 else last
        lines = [f"{len(fold.blocks)} blocks of {each} layers"] if len(fold.blocks) > 1 else []
        lines += content_lines([_node(diff, row) for row in rows[:each]])
        return Box(name, title, (*lines, *_numbers(rows)), "block", layer.stage, fold.rows, mark=mark)
    if len(rows) > 1:
        title = f"{len(rows)} layers {'the same' if fold.mark == 'kept' else 'on other shapes'}"
        return Box(name, title, _numbers(rows), "other", "", fold.rows, mark=mark)
    row, node = rows[0], _node(diff, rows[0])
    lines = (*_lines(row), *_numbers(rows))
    return Box(name, layer_words(node), lines, node.op.family, layer.name, fold.rows, mark=mark)


def _node(diff: GraphDiff, row: Row) -> Node:
    graph = (diff.before if row.after is None else diff.after).analysis.graph
    return graph.nodes[row.layer.position]


def _lines(row: Row) -> Iterator[str]:
    """What there is to say of one layer besides what it is: the name that it was given, and what was changed."""
    if row.layer.named:
        yield row.name.rpartition("/")[2]
    changes = [str(change) for change in row.edits or row.follows]
    shown = changes if len(changes) <= _MOST_CHANGES else changes[: _MOST_CHANGES - 1]
    yield from shown
    if len(shown) < len(changes):
        yield f"… {len(changes) - len(shown)} more"


def _numbers(rows: Sequence[Row]) -> tuple[str, ...]:
    params = sum(row.params for row in rows)
    return (f"{'+' if params > 0 else '−'}{format_count(abs(params))} params",) if params else ()


def _place(rows: Sequence[Row], fold: Fold) -> tuple[str, str]:
    """The stage and the block that all of the rows stand in; of whole blocks the stage."""
    stages, blocks = ({getattr(row.layer, what) for row in rows} for what in ("stage", "block"))
    stage = stages.pop() if len(stages) == 1 else ""
    block = blocks.pop() if len(blocks) == 1 and not fold.blocks else ""
    return stage, block


def _clustered(placed: Sequence[tuple[tuple[str, str], Box]]) -> Iterator[Part]:
    """Boxes in frames of their stages and, within them, of their blocks; no frame is drawn around a single box."""
    for stage, group in groupby(placed, key=lambda each: each[0][0]):
        members = list(group)
        inner: list[Part] = []
        for block, boxes in groupby(members, key=lambda each: each[0][1]):
            parts = tuple(box for _, box in boxes)
            if block and len(parts) > 1:
                inner.append(Cluster(f"in_{parts[0].id}", block, parts, "block", block))
            else:
                inner += parts
        if stage and len(inner) > 1:
            yield Cluster(f"around_{members[0][1].id}", stage, tuple(inner), "stage", stage)
        else:
            yield from inner


def _edges(diff: GraphDiff, ids: Sequence[str]) -> Iterator[Edge]:
    """The connections between boxes, once for each mark."""
    box_of = {row: number for number, fold in enumerate(diff.folds) for row in fold.rows}
    around = _around(diff)
    found: dict[tuple[int, int, Mark], bool] = {}
    for link in diff.links:
        tail, head = box_of[link.tail], box_of[link.head]
        if tail != head:
            key = tail, head, link.mark
            found[key] = found.get(key, True) and (link.tail, link.head) in around
    for (tail, head, mark), is_shortcut in found.items():
        yield Edge(ids[tail], ids[head], "", "shortcut" if is_shortcut else "flow", mark)


def _around(diff: GraphDiff) -> set[tuple[int, int]]:
    """The connections, from row to row, that are shortcuts in one of the two graphs."""
    found: set[tuple[int, int]] = set()
    for result, side in ((diff.before, "before"), (diff.after, "after")):
        rows = {layer.position: number for number, row in enumerate(diff) if (layer := getattr(row, side)) is not None}
        for shortcut in shortcuts(result.analysis.graph):
            found.update((rows[tail], rows[head]) for tail, head in shortcut.edges)
    return found
