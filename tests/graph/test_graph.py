from __future__ import annotations

import pytest

from archlab import Add, Conv, Graph, Input, Node, load
from archlab.errors import DesignError, UnknownNameError
from archlab.graph import elements, format_shape, positions


def node(name: str, op: object, *inputs: int) -> Node:
    return Node(name, op, inputs, (8, 8, 3), layer=name)


def test_nodes_stand_after_their_inputs() -> None:
    with pytest.raises(DesignError, match=r"^add: input 2 does not stand before node 1$"):
        Graph((node("input", Input(8, 8, 3)), node("add", Add(), 0, 2), node("conv", Conv(3), 0)), (1,))


def test_names_are_unique() -> None:
    with pytest.raises(DesignError, match=r"^two nodes are named conv$"):
        Graph((node("input", Input(8, 8, 3)), node("conv", Conv(3), 0), node("conv", Conv(3), 1)), (2,))


def test_nodes_by_name_and_by_position() -> None:
    graph = load("residual").graph
    assert graph["stage2/block1/add"] is graph[graph.position("stage2/block1/add")]
    with pytest.raises(UnknownNameError, match="no node named 'stage2/block1/ad': did you mean stage2/block1/add"):
        _ = graph["stage2/block1/ad"]


def test_consumers_are_the_inputs_the_other_way_round() -> None:
    graph = load("residual").graph
    edges = [(source, i) for i, one in enumerate(graph) for source in one.inputs]
    assert sorted(edges) == sorted((i, reader) for i, readers in enumerate(graph.consumers) for reader in readers)
    assert graph.inputs == (0,)


def test_a_view_for_networkx() -> None:
    import networkx

    graph = load("residual").graph
    view = graph.to_networkx()
    assert networkx.is_directed_acyclic_graph(view)
    assert view.number_of_nodes() == len(graph)
    assert view.nodes["conv"]["shape"] == (176, 176, 32)
    # Every block's addition is passed by every path: a shortcut never leaves its block.
    dominators = networkx.immediate_dominators(networkx.DiGraph(view), "input")
    assert dominators["stage2/block1/add"] == "stage1/block1/add"


def test_nodes_and_shapes_as_text() -> None:
    assert str(load("residual").graph["conv"]) == (
        "conv: Conv(32, kernel=5, padding='valid', bias=False) → (176, 176, 32)"
    )
    assert format_shape((None, 3)) == "(?, 3)"
    assert (elements((4, 5, 6)), positions((4, 5, 6))) == (120, 20)


def test_a_graph_cannot_be_changed() -> None:
    graph = load("baseline").graph
    with pytest.raises(AttributeError):
        graph.nodes = ()  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(AttributeError):
        graph[0].name = "other"  # pyright: ignore[reportAttributeAccessIssue]
