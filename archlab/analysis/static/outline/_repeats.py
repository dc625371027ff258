"""What repeats in a row of layers."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from itertools import accumulate
from types import MappingProxyType
from typing import NamedTuple, cast

from archlab.analysis.static._facts import Facts, gather
from archlab.graph import Graph

_LONGEST = 64
"""Layers of the longest turn that is looked for."""


def likeness(graph: Graph, position: int) -> Hashable:
    """What two layers have in common that do the same at different places: the kind and the kernel, not the width."""
    return cast("type[object]", type(graph.nodes[position].op)), _kernel(gather(graph)[position])


def _kernel(facts: Facts) -> Hashable:
    kernels = [weight.shape[:-2] for weight in facts.weights or () if weight.role == "kernel"]
    return tuple(kernels)


def repeats(
    graph: Graph, row: Sequence[int], gates: Mapping[int, Sequence[int]] = MappingProxyType({})
) -> list[tuple[int, int]]:
    """The turns (start, stop) in a row of nodes of what follows itself: the same layers again and again.

    The repetition that covers the most is taken first, then those in what is left of the row before and after it. A
    turn has a kernel, and more than one layer. Padding made apart belongs to the layer that it pads. No turn begins
    within one of the `gates`, which are by the nodes that they are made of.
    """
    places = [place for place, position in enumerate(row) if not graph.nodes[position].op.changes_margin]
    kinds: dict[Hashable, int] = {}
    inside = {position for gate in gates.values() for position in gate[1:]}
    layers = [
        _Layer(kinds.setdefault(likeness(graph, row[p]), len(kinds)), *_nature(graph, row[p]), row[p] in inside)
        for p in places
    ]
    begins = [0, *[place + 1 for place in places]]
    turns: list[tuple[int, int]] = []
    left = [(0, len(layers))]
    while left:
        start, stop = left.pop()
        found = _best(layers[start:stop])
        if found is not None:
            first, length, count = found
            first += start
            last = first + length * count
            turns += [(begins[at], begins[at + length]) for at in range(first, last, length)]
            left += [(start, first), (last, stop)]
    return sorted(turns)


class _Layer(NamedTuple):
    key: int
    """The same for layers that are alike."""
    kernel: bool
    bends: bool
    """Whether it is more than a linear map: an activation, a pool."""
    pools: bool
    inside: bool
    """Whether a gate has begun before it and goes on with it."""


def _nature(graph: Graph, position: int) -> tuple[bool, bool, bool]:
    op = graph.nodes[position].op
    pools = op.family == "pooling"
    return gather(graph)[position].kernel, pools or op.nonlinear, pools


def _best(layers: Sequence[_Layer]) -> tuple[int, int, int] | None:
    """Of all repetitions (start, length, turns) the one that covers the most, in the shortest turns."""
    best: tuple[int, int, int] | None = None
    covered = 0
    kernels = [0, *accumulate(layer.kernel for layer in layers)]
    bends = [0, *accumulate(layer.bends for layer in layers)]
    for length in range(2, min(len(layers) // 2, _LONGEST) + 1):
        run = 0
        for place in range(len(layers) - length - 1, -1, -1):
            # The stretch from here on in which everything returns after `length` places.
            run = run + 1 if layers[place].key == layers[place + length].key else 0
            turns = run // length + 1
            if turns < 2 or length * turns < covered:
                continue
            ends = layers[place : place + length * turns + 1 : length]
            if any(layer.inside for layer in ends):
                continue
            if kernels[place + length] == kernels[place] or bends[place + length] == bends[place]:
                continue
            found = place, length, turns
            if (
                best is None
                or length * turns > covered
                or (best[1] == length and _natural(layers, found) >= _natural(layers, best))
            ):
                best, covered = found, length * turns
    return best


def _natural(layers: Sequence[_Layer], found: tuple[int, int, int]) -> tuple[bool, bool]:
    """How natural a place to begin at this is: a turn ends with a pool, or begins with a kernel."""
    start, length, _ = found
    return layers[start + length - 1].pools, layers[start].kernel
