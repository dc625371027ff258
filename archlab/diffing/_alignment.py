"""The best way to match two sequences in order: no two matches cross, and few gaps are better than many."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

_FAR = -(1 << 60)
# For each cell, which way the best score came.
_MATCH, _DOWN, _DOWN_OPENED, _RIGHT_OPENED = 1, 2, 4, 8


def align(rows: int, columns: int, worth: Callable[[int], np.ndarray], gap: int) -> tuple[int, list[tuple[int, int]]]:
    """The matching of greatest worth, as its score and pairs of positions in order.

    After Gotoh 1982 ('An improved algorithm for matching biological sequences'): a gap costs `gap` however long it is.
    Takes time and memory in proportion to `rows × columns`, a row at a time. Of matchings that are equally good, it is
    the one that matches early.

    Args:
        rows: length of the one sequence.
        columns: length of the other.
        worth: what it is worth to match a position of the one with each position of the other.
        gap: what it costs to leave out any number of neighbours on one side.

    >>> equal = lambda i: np.where(np.array(list("acd")) == "abcd"[i], 10, -99)
    >>> align(4, 3, equal, 3)
    (27, [(0, 0), (2, 1), (3, 2)])
    """
    ways = np.zeros((rows + 1, columns + 1), np.uint8)
    best = np.full(columns + 1, -gap, np.int64)
    best[0] = 0
    down = np.full(columns + 1, _FAR, np.int64)
    right = np.full(columns + 1, _FAR, np.int64)
    # From the end to the beginning, so that the way back, which prefers matches, makes the early ones.
    for row in range(1, rows + 1):
        opened = best - gap
        way = (opened >= down) * np.uint8(_DOWN_OPENED)
        down = np.maximum(down, opened)
        match = np.full(columns + 1, _FAR, np.int64)
        match[1:] = best[:-1] + worth(rows - row)[::-1]
        ahead = np.maximum(match, down)
        reach = np.maximum.accumulate(ahead[:-1]) - gap
        right[1:] = reach
        way[1:] |= (reach == ahead[:-1] - gap) * np.uint8(_RIGHT_OPENED)
        best = np.maximum(ahead, right)
        way |= (match == best) * np.uint8(_MATCH) | (down == best) * np.uint8(_DOWN)
        ways[row] = way
    return int(best[columns]), _walked(ways, rows, columns)


def _walked(ways: np.ndarray, rows: int, columns: int) -> list[tuple[int, int]]:
    """The pairs along the best way, in the sequences' own order."""
    pairs: list[tuple[int, int]] = []
    i, j = rows, columns
    while i and j:
        way = ways[i, j]
        if way & _MATCH:
            pairs.append((rows - i, columns - j))
            i, j = i - 1, j - 1
        elif way & _DOWN:
            while not ways[i, j] & _DOWN_OPENED:
                i -= 1
            i -= 1
        else:
            while not ways[i, j] & _RIGHT_OPENED:
                j -= 1
            j -= 1
    return pairs
