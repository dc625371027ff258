"""A difference in fewer lines: what is the same in a row, and blocks that are new or gone as a whole, as one each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from archlab.diffing._row import Mark, Row

_SAME = 2
_FOLLOWING = 2
_WHOLE = 3
"""Rows of a kind that are folded, from so many on."""


@dataclass(frozen=True)
class Fold:
    """Rows that are told as one.

    Attributes:
        rows: their positions in the difference.
        mark: what all of them are.
        edited: whether they were edited, where they are changed.
        blocks: the blocks that they make up, where whole blocks were added or removed.
    """

    rows: tuple[int, ...]
    mark: Mark
    edited: bool = False
    blocks: tuple[str, ...] = ()


def folded(rows: Sequence[Row]) -> tuple[Fold, ...]:
    """The rows in order, those that say the same together."""
    members = Counter(
        (side, layer.block) for row in rows for side, layer in enumerate((row.before, row.after)) if layer
    )
    found: list[Fold] = []
    for (mark, edited, block), run in _runs(range(len(rows)), lambda i: _what(rows[i])):
        fold = Fold(run, mark, edited)
        if block:
            side = 0 if mark == "removed" else 1
            if len(run) >= _WHOLE and members[side, block] == len(run):
                fold = Fold(run, mark, edited, (block,))
                before = found[-1] if found else None
                if before and before.blocks and before.mark == mark and _alike(rows, before, fold):
                    found[-1] = Fold(before.rows + run, mark, edited, (*before.blocks, block))
                    continue
                found.append(fold)
                continue
        least = _SAME if mark == "kept" else _FOLLOWING if mark == "changed" and not edited else len(run) + 1
        found += [fold] if len(run) >= least else [Fold((i,), mark, edited) for i in run]
    return tuple(found)


def _what(row: Row) -> tuple[Mark, bool, str]:
    """What rows of one run have in common; of those added or removed also the block."""
    return row.mark, row.edited, row.layer.block if row.mark in ("added", "removed") else ""


def _runs(
    items: Sequence[int], key: Callable[[int], tuple[Mark, bool, str]]
) -> Iterator[tuple[tuple[Mark, bool, str], tuple[int, ...]]]:
    for value, run in groupby(items, key):
        yield value, tuple(run)


def _alike(rows: Sequence[Row], before: Fold, fold: Fold) -> bool:
    """Whether the block is like each of those before it, layer for layer, and stands in the same stage."""

    def said(i: int) -> Hashable:
        return rows[i].layer.stage, rows[i].layer.code, rows[i].layer.output

    last = before.rows[-len(fold.rows) :]
    return len(before.rows) == len(before.blocks) * len(fold.rows) and [said(i) for i in last] == [
        said(i) for i in fold.rows
    ]
