"""A difference as a picture: both graphs drawn as one, with what is the same in a row as one small box."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from archlab.render._picture import Box, Cluster, Edge, Mark, Part, Picture
from archlab.units import format_count

if TYPE_CHECKING:
    from archlab.diffing import Fold, GraphDiff, Row

SIGNS: dict[Mark, str] = {"added": "+ ", "removed": "− ", "changed": "~ ", "kept": "", "": ""}
"""What a mark is besides its colour."""

Place = tuple[str, str]


def diff_picture(diff: GraphDiff) -> Picture:
    """The picture of a difference.

    >>> from archlab import diff
    >>> picture = diff("resnet50", "resnet101").picture()
    >>> [box.title for box in picture.boxes]
    ['143 layers the same', '+ stage3/block7 … stage3/block23', '34 layers the same']
    """
    folds = diff.folds
    boxes = [_box(diff, number, fold) for number, fold in enumerate(folds)]
    places = [_place([diff.rows[i] for i in fold.rows], fold) for fold in folds]
    counts = {"added": len(diff.added), "removed": len(diff.removed), "changed": len(diff.changed)}
    said = ", ".join(f"{count} {mark}" for mark, count in counts.items() if count) or "nothing differs"
    return Picture(
        f"{diff.before.name} → {diff.after.name}",
        tuple(_clustered(list(zip(places, boxes, strict=True)))),
        tuple(_edges(diff, [box.id for box in boxes])),
        f"What differs between {diff.before.name} and {diff.after.name}, both drawn as one graph. "
        f"Layers: {said}, {len(diff.kept)} the same.",
    )


def _box(diff: GraphDiff, number: int, fold: Fold) -> Box:
    rows = [diff.rows[i] for i in fold.rows]
    mark: Mark = fold.mark
    first, layer = f"row{number}", rows[0].layer
    sign = SIGNS[mark]
    if fold.blocks:
        each = len(rows) // len(fold.blocks)
        several = len(fold.blocks) > 1
        title = f"{fold.blocks[0]} … {fold.blocks[-1]}" if several else fold.blocks[0]
        what = f"{len(fold.blocks)} blocks of {each} layers" if several else f"{each} layers"
        return Box(first, sign + title, (what, *_numbers(rows)), "block", layer.stage, fold.rows, mark=mark)
    if len(rows) > 1:
        if mark == "kept":
            return Box(first, f"{len(rows)} layers the same", (), "other", "", fold.rows, mark=mark)
        lines = ("on other shapes only", *_numbers(rows))
        return Box(first, f"{sign}{len(rows)} layers", lines, "other", "", fold.rows, mark=mark)
    return Box(first, sign + layer.op, (*_lines(rows[0]), *_numbers(rows)), "other", layer.name, fold.rows, mark=mark)


def _lines(row: Row) -> Iterator[str]:
    """What there is to say of one layer: its name, and what was changed or what makes it."""
    yield row.name.rpartition("/")[2] if row.layer.block else row.name
    if row.mark in ("added", "removed"):
        arguments = row.layer.code.removeprefix(row.layer.op)[1:-1]
        if arguments:
            yield arguments
    elif row.edits:
        yield from map(str, row.edits)
    else:
        yield from map(str, row.follows)


def _numbers(rows: Sequence[Row]) -> tuple[str, ...]:
    params = sum(row.params for row in rows)
    return (f"{'+' if params > 0 else '−'}{format_count(abs(params))} parameters",) if params else ()


def _place(rows: Sequence[Row], fold: Fold) -> Place:
    """The stage and the block that all of the rows stand in; of whole blocks the stage."""
    stages, blocks = ({getattr(row.layer, what) for row in rows} for what in ("stage", "block"))
    stage = stages.pop() if len(stages) == 1 else ""
    block = blocks.pop() if len(blocks) == 1 and not fold.blocks else ""
    return stage, block


def _clustered(placed: Sequence[tuple[Place, Box]]) -> Iterator[Part]:
    """Boxes in frames of their stages and, within them, of their blocks."""
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
    """Connections between boxes, once for each mark; the way through the nearest box is the flow, others pass it by."""
    box_of = {row: number for number, fold in enumerate(diff.folds) for row in fold.rows}
    found = {(box_of[link.tail], box_of[link.head], link.mark): None for link in diff.links}
    between = [(tail, head, mark) for tail, head, mark in found if tail != head]
    nearest: dict[int, int] = {}
    for tail, head, _ in between:
        nearest[head] = max(nearest.get(head, -1), tail)
    for tail, head, mark in between:
        # A connection that is broken only because something was put in between says nothing: both ways are shown.
        yield Edge(ids[tail], ids[head], "", "flow" if nearest[head] == tail else "shortcut", mark)
