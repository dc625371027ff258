"""A difference as a picture: both graphs drawn as one, with what is the same in a row as one small box."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from archlab.diffing._fold import Fold
from archlab.diffing._matched import MatchedGraphs
from archlab.diffing._row import Row
from archlab.graph import Node
from archlab.rendering._picture import Box, Cluster, Edge, Mark, Part, Picture
from archlab.rendering._shortcuts import shortcuts
from archlab.rendering._words import content_lines, layer_words
from archlab.units import COUNT, format_count

_MOST_CHANGES = 4


class _Told(NamedTuple):
    """Rows that are drawn as one box."""

    rows: tuple[int, ...]
    mark: Mark
    blocks: tuple[str, ...]
    place: tuple[str, str]


def diff_picture(diff: MatchedGraphs) -> Picture:
    """The picture of a difference.

    >>> from archlab import diff
    >>> [(box.mark, box.title) for box in diff_picture(diff("resnet50", "resnet101")).boxes[1:]]
    [('kept', '143 layers the same'), ('added', 'stage3/block7 … block23'), ('kept', '34 layers the same')]
    """
    told = list(_chained(diff, [_told(diff, fold) for fold in diff.folds]))
    boxes = [_box(diff, f"d{number}", each) for number, each in enumerate(told)]
    placed = [(each.place, box) for each, box in zip(told, boxes, strict=True)]
    return Picture(
        f"{diff.before.name} → {diff.after.name}",
        (_header(diff), *_clustered(placed)),
        tuple(_edges(diff, told, boxes)),
        f"What differs between {diff.before.name} and {diff.after.name}, both drawn as one graph. "
        f"Layers: {', '.join([*_counts(diff), f'{len(diff.kept)} the same'])}.",
    )


def _counts(diff: MatchedGraphs) -> Iterator[str]:
    counts = {
        "added": len(diff.added),
        "removed": len(diff.removed),
        "changed": len(diff.edited),
        "on other shapes only": len(diff.following),
    }
    yield from (f"{count} {what}" for what, count in counts.items() if count)


def _header(diff: MatchedGraphs) -> Box:
    """What is drawn, and what the signs mean."""
    (was, now), lines = diff.totals["params"], []
    if diff.added:
        lines.append(f"+ only in {diff.after.name}")
    if diff.removed:
        lines.append(f"− only in {diff.before.name}")
    if diff.edited:
        lines.append("~ changed")
    params = " → ".join(dict.fromkeys(value.text(COUNT) for value in (was, now))) + " parameters"
    return Box("about", f"{diff.before.name} → {diff.after.name}", (params, *lines), "loose")


def _told(diff: MatchedGraphs, fold: Fold) -> _Told:
    rows = [diff.rows[i] for i in fold.rows]
    stages, blocks = ({getattr(row.layer, what) for row in rows} for what in ("stage", "block"))
    stage = stages.pop() if len(stages) == 1 else ""
    block = blocks.pop() if len(blocks) == 1 and not fold.blocks else ""
    # What merely follows from another change is drawn like what is the same: the eye is for what was done.
    mark: Mark = "kept" if fold.mark == "changed" and not fold.edited else fold.mark
    return _Told(fold.rows, mark, fold.blocks, (stage, block))


def _chained(diff: MatchedGraphs, told: Sequence[_Told]) -> Iterator[_Told]:
    """The same with rows of layers together that were added or removed one after another in one place."""
    readers: dict[int, set[int]] = {}
    sources: dict[int, set[int]] = {}
    for link in diff.links:
        readers.setdefault(link.tail, set()).add(link.head)
        sources.setdefault(link.head, set()).add(link.tail)
    pending: _Told | None = None
    for each in told:
        if pending is not None:
            last, first = pending.rows[-1], each.rows[0]
            alone = readers.get(last) == {first} and sources.get(first) == {last}
            if _is_loose(each) and alone and pending.mark == each.mark and pending.place == each.place:
                pending = pending._replace(rows=pending.rows + each.rows)
                continue
            yield pending
            pending = None
        if _is_loose(each):
            pending = each
        else:
            yield each
    if pending is not None:
        yield pending


def _is_loose(told: _Told) -> bool:
    return told.mark in ("added", "removed") and not told.blocks


def _box(diff: MatchedGraphs, name: str, told: _Told) -> Box:
    rows = [diff.rows[i] for i in told.rows]
    numbers, layer = _numbers(rows), rows[0].layer
    if told.blocks:
        each = len(rows) // len(told.blocks)
        several = len(told.blocks) > 1
        title = told.blocks[0]
        title += f" … {told.blocks[-1].removeprefix(f'{layer.stage}/')}" if several else ""
        lines = [f"{len(told.blocks)} blocks of {each} layers"] if several else []
        lines += content_lines([_node(diff, row) for row in rows[:each]])
        return Box(name, title, (*lines, *numbers), "block", layer.stage, told.rows, mark=told.mark)
    if len(rows) > 1:
        lines = () if told.mark == "kept" else content_lines([_node(diff, row) for row in rows])
        what = "" if told.mark != "kept" else " the same" if rows[0].mark == "kept" else " on other shapes"
        return Box(name, f"{len(rows)} layers{what}", (*lines, *numbers), "other", "", told.rows, mark=told.mark)
    node = _node(diff, rows[0])
    lines = (*_lines(rows[0]), *numbers)
    return Box(name, layer_words(node), lines, node.op.family, layer.name, told.rows, mark=told.mark)


def _node(diff: MatchedGraphs, row: Row) -> Node:
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


def _edges(diff: MatchedGraphs, told: Sequence[_Told], boxes: Sequence[Box]) -> Iterator[Edge]:
    """The connections between boxes, once for each mark."""
    box_of = {row: number for number, each in enumerate(told) for row in each.rows}
    around = _around(diff)
    found: dict[tuple[int, int, Mark], bool] = {}
    for link in diff.links:
        tail, head = box_of[link.tail], box_of[link.head]
        if tail != head:
            key = tail, head, link.mark
            found[key] = found.get(key, True) and (link.tail, link.head) in around
    for (tail, head, mark), is_shortcut in found.items():
        # At a layer that is new or gone so are its connections; elsewhere a sign says so besides the colour.
        plain = mark == "kept" or mark in (told[tail].mark, told[head].mark)
        sign = "" if plain else "+" if mark == "added" else "−"
        yield Edge(boxes[tail].id, boxes[head].id, sign, "shortcut" if is_shortcut else "flow", mark)


def _around(diff: MatchedGraphs) -> set[tuple[int, int]]:
    """The connections, from row to row, that are shortcuts in one of the two graphs."""
    found: set[tuple[int, int]] = set()
    for result, side in ((diff.before, "before"), (diff.after, "after")):
        rows = {layer.position: number for number, row in enumerate(diff) if (layer := getattr(row, side)) is not None}
        for shortcut in shortcuts(result.analysis.graph):
            found.update((rows[tail], rows[head]) for tail, head in shortcut.edges)
    return found
