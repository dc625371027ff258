"""What holds for the difference of any two architectures."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise
from typing import Any

import networkx as nx
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from archlab import CHANNELS, BatchNorm, Conv, Graph, GraphDiff, Part, ReLU, Residual, Sequence, diff
from archlab.diffing._alignment import align
from archlab.errors import DesignError
from tests.strategies import architectures


def renamed(graph: Graph) -> Graph:
    """The same under names that say nothing, and without scopes."""
    nodes = tuple(
        replace(node, name=f"layer{position}", layer=f"weights of {node.layer}", scope=None)
        for position, node in enumerate(graph)
    )
    return Graph(nodes, graph.outputs)


def shape_of(found: GraphDiff) -> list[tuple[str | None, str | None]]:
    """Which layers are matched with which."""
    return sorted((row.before.name if row.before else "", row.after.name if row.after else "") for row in found)


@settings(max_examples=120)
@given(architectures())
def test_an_architecture_does_not_differ_from_itself_whatever_its_names(net: Part) -> None:
    graph = net.to_graph()
    for found in (diff(graph, graph), diff(graph, net), diff(graph, renamed(graph)), diff(renamed(graph), graph)):
        assert found.identical and len(found) == len(graph)
        assert not found.links_added and not found.links_removed
        assert [row.before and row.before.position for row in found] == list(range(len(graph)))
        assert [row.after and row.after.position for row in found] == list(range(len(graph)))


@st.composite
def variants(draw: Any) -> tuple[Part, Part]:
    """Two architectures of which one has come of the other by a few edits of parts, small ones and large ones."""
    net = draw(architectures())
    parts = list(net.parts) if isinstance(net, Sequence) else [net]
    pool = [*parts[1:], ReLU(), BatchNorm(), Conv(4), Residual(Conv(CHANNELS) >> ReLU())]
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(1, len(parts)))
        edit = draw(st.sampled_from(("put in", "take out", "exchange", "move")))
        changed = list(parts)
        if edit == "put in":
            changed.insert(place, draw(st.sampled_from(pool)))
        elif place < len(parts):
            taken = changed.pop(place)
            if edit == "exchange":
                changed.insert(place, draw(st.sampled_from(pool)))
            elif edit == "move":
                changed.insert(draw(st.integers(1, len(changed))), taken)
        try:
            Sequence.of(*changed).to_graph()
            parts = changed
        except DesignError:
            pass
    return net, Sequence.of(*parts)


PAIRS = st.one_of(variants(), st.tuples(architectures(), architectures()))


@settings(max_examples=120)
@given(PAIRS)
def test_a_difference_the_other_way_is_the_same_turned_round(pair: tuple[Part, Part]) -> None:
    one, other = pair
    there, back = diff(one, other), diff(other, one)
    assert shape_of(there) == sorted((b, a) for a, b in shape_of(back))
    assert len(there.added) == len(back.removed) and len(there.edited) == len(back.edited)
    assert Counter(link.mark for link in there.links)["added"] == len(back.links_removed)
    assert sum(row.params for row in there) == -sum(row.params for row in back)


@settings(max_examples=120)
@given(PAIRS)
def test_every_layer_stands_in_one_row_and_rows_add_up(pair: tuple[Part, Part]) -> None:
    found = diff(*pair)
    for result, side in ((found.before, "before"), (found.after, "after")):
        layers = [layer for row in found if (layer := getattr(row, side)) is not None]
        assert sorted(layer.position for layer in layers) == list(range(len(result.analysis.graph)))
        assert {layer.name for layer in layers} == {node.name for node in result.analysis.graph}
    for name in ("params", "macs", "flops"):
        was, now = (value.number or 0 for value in found.totals[name])
        assert sum(getattr(row, name) for row in found) == now - was, name
    assert [i for fold in found.folds for i in fold.rows] == list(range(len(found)))


@settings(max_examples=120)
@given(PAIRS)
def test_rows_and_links_are_both_graphs_at_once(pair: tuple[Part, Part]) -> None:
    found = diff(*pair)
    # Every connection leads forward: there is an order in which both graphs flow.
    assert all(link.tail < link.head for link in found.links)
    for result, side, foreign in ((found.before, "before", "added"), (found.after, "after", "removed")):
        at = [getattr(row, side) for row in found]
        graph = nx.MultiDiGraph(
            (at[link.tail].position, at[link.head].position) for link in found.links if link.mark != foreign
        )
        nodes = result.analysis.graph
        expected = Counter((source, position) for position, node in enumerate(nodes) for source in node.inputs)
        assert Counter((tail, head) for tail, head, _ in graph.edges) == expected


@given(architectures(), st.integers(0, 100))
def test_a_layer_put_behind_any_other_is_the_only_one_added(net: Part, where: int) -> None:
    graph = net.to_graph()
    place = where % len(graph)
    longer = inserted(graph, place)
    found = diff(graph, longer)
    assert [row.mark for row in found].count("added") == 1
    assert not found.removed and not found.changed
    assert found.added[0].layer.op == "ReLU"
    back = diff(longer, graph)
    assert len(back.removed) == 1 and not back.added and not back.changed


def inserted(graph: Graph, place: int) -> Graph:
    """The graph with a ReLU that everybody reads who has read the node at that place."""
    nodes = list(graph.nodes[: place + 1])
    made = graph.nodes[place]
    nodes.append(replace(made, name="put in", layer="put in", op=ReLU(3.25), inputs=(place,), weights=None))
    for node in graph.nodes[place + 1 :]:
        nodes.append(replace(node, inputs=tuple(s + 1 if s >= place else s for s in node.inputs)))
    outputs = tuple(end + 1 if end >= place else end for end in graph.outputs)
    return Graph(tuple(nodes), outputs)


@given(st.lists(st.sampled_from("abc"), max_size=7), st.lists(st.sampled_from("abc"), max_size=7), st.integers(0, 6))
def test_an_alignment_is_worth_what_the_best_of_all_is(one: list[str], other: list[str], gap: int) -> None:
    worths = {"a": 10, "b": 7, "c": 4}

    def worth(i: int) -> np.ndarray:
        return np.array([worths[one[i]] if one[i] == letter else -1000 for letter in other], np.int64)

    score, pairs = align(len(one), len(other), worth, gap)
    assert score == max(value(found, one, other, worths, gap) for found in matchings(one, other))
    assert score == value(pairs, one, other, worths, gap)


Pairs = list[tuple[int, int]]


def matchings(one: list[str], other: list[str], i: int = 0, j: int = 0) -> list[Pairs]:
    """All matchings of equal letters that do not cross."""
    found: list[Pairs] = [[]]
    for a in range(i, len(one)):
        for b in range(j, len(other)):
            if one[a] == other[b]:
                found += [[(a, b), *rest] for rest in matchings(one, other, a + 1, b + 1)]
    return found


def value(pairs: Pairs, one: list[str], other: list[str], worths: dict[str, int], gap: int) -> int:
    """What a matching is worth: its letters, less each run on either side that is left out between two matches."""
    bounds = [(-1, -1), *pairs, (len(one), len(other))]
    runs = 0
    for (a, b), (c, d) in pairwise(bounds):
        runs += (c - a > 1) + (d - b > 1)
    return sum(worths[one[a]] for a, _ in pairs) - gap * runs
