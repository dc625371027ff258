"""How alike two layers are: a table of all pairs of kinds, worked out once, and what their shapes add to it.

A layer of the same kind and arguments counts 20, each argument that differs takes 4, and a kindred kind (a separable
convolution for a convolution) begins at 10. Agreeing shapes add up to 4, and each level of the pyramid that lies
between the two takes 2. Below `LEAST` two layers are not the same layer changed, but one removed and another added.
A name that somebody gave to both adds 2. Among ways to match that are equally good in all this, names decide, made up
or not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from archlab.diffing._layers import Kind, Layer

SAME = 20
ARGUMENT = 4
KIN = 10
KIN_ARGUMENT = 2
FARTHEST = 3
LEAST = 6
NAMED = 2
NAMES = 1 << 20
"""What one point of likeness is worth, in names that agree."""
UNLIKE = -(1 << 50)
"""Two layers that are never the same one."""


def likeness(one: Kind, other: Kind) -> int:
    """How alike two kinds are; 0 where neither can have become the other.

    >>> from archlab import Conv, ReLU, SeparableConv
    >>> from archlab.diffing._layers import kind_of
    >>> conv = kind_of(Conv(32))
    >>> [likeness(conv, kind_of(op)) for op in (Conv(32), Conv(64), Conv(64, kernel=5), SeparableConv(32), ReLU())]
    [20, 16, 12, 10, 0]
    """
    if one == other:
        return SAME
    if one.type is other.type and one.title == other.title:
        return max(1, SAME - ARGUMENT * sum(one.named[name] != other.named[name] for name in one.named))
    kin = one.type in other.families or other.type in one.families or not set(one.families).isdisjoint(other.families)
    if not kin:
        return 0
    shared = one.named.keys() & other.named.keys()
    return max(1, KIN - KIN_ARGUMENT * sum(one.named[name] != other.named[name] for name in shared))


class Similarity:
    """The likeness of every layer of one graph to every layer of another."""

    def __init__(self, ours: Sequence[Layer], theirs: Sequence[Layer]):
        kinds = _numbered(layer.kind for layer in (*ours, *theirs))
        self._kinds = list(kinds)
        self._ours = _Columns(ours, kinds)
        self._theirs = _Columns(theirs, kinds)
        numbers: dict[Any, int] = {}
        for columns in (self._ours, self._theirs):
            columns.number(numbers)

    @cached_property
    def _table(self) -> np.ndarray:
        """Pairs of kinds; those that do not occur on the two sides are left at 0."""
        table = np.zeros((len(self._kinds), len(self._kinds)), np.int64)
        for i in np.unique(self._ours.kinds):
            for j in np.unique(self._theirs.kinds):
                table[i, j] = likeness(self._kinds[i], self._kinds[j])
        return table

    def row(self, i: int) -> np.ndarray:
        """The likeness of layer `i` of the one graph to every layer of the other, in `NAMES`."""
        a, b = self._ours, self._theirs
        alike = self._table[a.kinds[i], b.kinds]
        away = np.minimum(np.abs(b.levels - a.levels[i]), FARTHEST)
        shapes = np.where(b.shapes == a.shapes[i], 4, np.where((b.channels == a.channels[i]) & (away == 0), 2, 0))
        value = alike + shapes - 2 * away
        same = b.names == a.names[i]
        names = 2 * same + (b.scopes == a.scopes[i])
        worth = (value + NAMED * (same & b.named & a.named[i])) * NAMES + names
        return np.where((alike > 0) & (value >= LEAST), worth, UNLIKE)


class _Columns:
    """What is asked of every layer of a graph, as numbers."""

    def __init__(self, layers: Sequence[Layer], kinds: dict[Kind, int]):
        self._layers = layers
        self.kinds = np.array([kinds[layer.kind] for layer in layers], np.int64)
        self.named = np.array([layer.named for layer in layers], np.bool_)
        self.levels = np.array([layer.level for layer in layers], np.int64)
        self.channels = np.array([layer.node.shape[-1] or -1 for layer in layers], np.int64)

    def number(self, numbers: dict[Any, int]) -> None:
        """Give everything that can only be equal or not a number that both graphs share."""

        def column(what: Iterable[Any]) -> np.ndarray:
            return np.array([numbers.setdefault(each, len(numbers)) for each in what], np.int64)

        self.shapes = column(("shapes", layer.inputs, layer.node.shape) for layer in self._layers)
        self.names = column(("name", layer.node.name) for layer in self._layers)
        self.scopes = column(("scope", layer.node.scope and layer.node.scope.path) for layer in self._layers)


def _numbered(kinds: Iterable[Kind]) -> dict[Kind, int]:
    found: dict[Kind, int] = {}
    for kind in kinds:
        found.setdefault(kind, len(found))
    return found
