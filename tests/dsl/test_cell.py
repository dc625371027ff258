"""Cells: directed acyclic graphs of parts, and all that a tree of parts can be turned into."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import archlab
from archlab import (
    Add,
    Average,
    AvgPool,
    BatchNorm,
    Cell,
    Concatenate,
    Conv,
    Dense,
    GlobalAvgPool,
    Identity,
    Input,
    MaxPool,
    Multiply,
    Parallel,
    Part,
    ReLU,
    Residual,
    SeparableConv,
    Sequence,
    Stage,
    Zero,
    analyze,
    from_yaml,
    path_lengths,
    predict_gradient_flow,
    to_keras,
    to_python,
    to_yaml,
)
from archlab.errors import ArgumentError, DesignError, SourceError
from archlab.ops import Arithmetic
from archlab.rendering import draw

IMAGE = Input(8, 8, 4)
CELL = Cell((0, 1, Conv(4)), (0, 2, Identity()), (1, 2, MaxPool(3, stride=1)))
BRIDGE = Cell((0, 1, Conv(4)), (0, 2, Conv(4, kernel=1)), (1, 2, ReLU()), (1, 3, BatchNorm()), (2, 3, AvgPool(3, 1)))
"""The Wheatstone bridge: no nesting of sequences and branches makes it."""


def names(net: Part) -> list[str]:
    return [node.name for node in net.to_graph()]


def read(net: Part) -> dict[str, list[str]]:
    """What each node reads, by name."""
    graph = net.to_graph()
    return {node.name: [graph.nodes[source].name for source in node.inputs] for node in graph}


def test_nodes_merge_their_edges_in_the_order_in_which_they_are_written() -> None:
    assert read(IMAGE >> Stage(CELL)) == {
        "input": [],
        "stage1/block1/edge0-1/conv": ["input"],
        "stage1/block1/edge1-2/max_pool": ["stage1/block1/edge0-1/conv"],
        "stage1/block1/node2": ["input", "stage1/block1/edge1-2/max_pool"],
    }
    found = read(IMAGE >> BRIDGE)
    assert found["block1/edge1-2/relu"] == found["block1/edge1-3/batch_norm"] == ["block1/edge0-1/conv"]
    assert found["block1/node2"] == ["block1/edge0-2/conv", "block1/edge1-2/relu"]
    assert found["block1/node3"] == ["block1/edge1-3/batch_norm", "block1/edge2-3/avg_pool"]


def test_another_merge() -> None:
    cell = Cell((0, 1, Conv(2)), (0, 2, Sequence()), (1, 2, ReLU()), merge=Concatenate())
    assert (IMAGE >> cell).to_graph().nodes[-1].shape == (8, 8, 6)
    assert Cell(*CELL.edges, merge=Add()) == CELL != Cell(*CELL.edges, merge=Average())


def test_a_width_left_open_is_filled_in_by_the_stage() -> None:
    cell = Cell((0, 1, Conv(kernel=1)), (0, 2, Conv()), (1, 2, Identity()))
    assert (IMAGE >> Stage(cell, 16)).to_graph().nodes[-1].shape == (8, 8, 16)


def test_what_nothing_reads_is_left_out() -> None:
    cell = Cell((0, 1, Conv(4)), (0, 2, Conv(4, kernel=1)), (2, 3, ReLU()))
    assert names(IMAGE >> cell) == ["input", "block1/edge0-2/conv", "block1/edge2-3/relu"]


def test_zeros_drop_out_of_a_sum_that_has_other_edges() -> None:
    cell = Cell((0, 1, Conv(4)), (0, 2, Conv(4, kernel=1)), (1, 2, Zero()))
    assert names(IMAGE >> cell) == ["input", "block1/edge0-2/conv"]
    # Zeros of another size would not add up; what is not there has no size.
    smaller = Cell((0, 1, Conv(4, stride=2)), (0, 2, Zero()), (1, 2, Identity()))
    assert (IMAGE >> smaller).to_graph().nodes[-1].shape == (4, 4, 4)


def test_zeros_stay_where_they_count() -> None:
    only = Cell((0, 1, Conv(4)), (0, 2, Zero()), (1, 2, Zero()))
    assert names(IMAGE >> only) == ["input", "block1/edge0-2/zero"]
    wide = Cell((0, 1, Conv(4)), (0, 2, Zero()), (1, 2, Identity()), merge=Concatenate())
    assert (IMAGE >> wide).to_graph().nodes[-1].shape == (8, 8, 8)
    product = Cell((0, 1, Conv(4)), (0, 2, Zero()), (1, 2, Identity()), merge=Multiply())
    assert "block1/edge0-2/zero" in names(IMAGE >> product)


def test_a_cell_of_one_chain_is_the_chain() -> None:
    chain = Cell((0, 1, Conv(4)), (1, 2, ReLU()))
    ours, theirs = (IMAGE >> chain).to_graph(), (IMAGE >> Conv(4) >> ReLU()).to_graph()
    assert [(n.op, n.inputs, n.shape) for n in ours] == [(n.op, n.inputs, n.shape) for n in theirs]


def test_parallel_branches_are_a_cell() -> None:
    a, b = Conv(4), Conv(4, kernel=1)
    cell = Cell((0, 1, a), (0, 2, b), (1, 2, Identity()), merge=Add())
    ours, theirs = analyze(IMAGE >> cell), analyze(IMAGE >> Parallel(a, b, merge=Add()))
    assert ours.params.total == theirs.params.total
    assert (ours.compute.macs, ours.compute.flops) == (theirs.compute.macs, theirs.compute.flops)
    assert path_lengths(IMAGE >> cell, "layers").counts == ((1, 2),)


def test_a_node_added_to_itself_is_twice_the_node() -> None:
    double = Cell((0, 1, Identity()), (0, 2, Identity()), (1, 2, Identity()))
    head = BatchNorm() >> ReLU() >> GlobalAvgPool() >> Dense(3, activation="softmax")
    ours, theirs = (
        predict_gradient_flow(Input(16, 16, 3) >> Conv(16) >> part >> Conv(16) >> head)
        for part in (double, Arithmetic(2.0))
    )
    assert [layer.activation_gradient_rms for layer in ours.layers] == pytest.approx(
        [layer.activation_gradient_rms for layer in theirs.layers]
    )
    assert [layer.weight_gradient_norm for layer in ours.layers] == pytest.approx(
        [layer.weight_gradient_norm for layer in theirs.layers]
    )


@pytest.mark.parametrize("cell", [CELL, BRIDGE, Cell(*BRIDGE.edges, merge=Average())], ids=["three", "bridge", "mean"])
def test_every_form_is_read_back(cell: Cell) -> None:
    net = IMAGE >> cell
    assert eval(repr(net), {**vars(archlab)}) == net
    assert from_yaml(to_yaml(net)) == net
    model = to_keras(net)
    scope: dict[str, object] = {}
    exec(to_python(net), scope)
    made = scope["model"]
    assert [w.shape for w in made.weights] == [w.shape for w in model.weights]  # pyright: ignore
    made.set_weights(model.get_weights())  # pyright: ignore
    batch = np.random.default_rng(0).standard_normal((2, 8, 8, 4), "float32")
    assert np.allclose(made.predict(batch, verbose=0), model.predict(batch, verbose=0), atol=1e-5)  # pyright: ignore
    dot = draw(net.to_graph(), "layer").dot
    assert dot.count(" -> ") == sum(len(node.inputs) for node in net.to_graph())


def test_the_yaml_form_is_one_line_an_edge() -> None:
    assert to_yaml(IMAGE >> CELL).splitlines()[2:] == [
        "  - Cell:",
        "      - [0, 1, {Conv: 4}]",
        "      - [0, 2, Identity]",
        "      - [1, 2, {MaxPool: {size: 3, stride: 1}}]",
    ]


def test_transforms_reach_into_a_cell() -> None:
    assert CELL.replace(Conv, SeparableConv) == Cell((0, 1, SeparableConv(4)), *CELL.edges[1:])
    assert CELL.without(MaxPool) == Cell(*CELL.edges[:2], (1, 2, Sequence()))
    assert names(IMAGE >> CELL.without(MaxPool)) == ["input", "block1/edge0-1/conv", "block1/node2"]
    assert (Conv(4) >> CELL).without(Cell) == Conv(4)


def test_an_error_inside_names_the_edge() -> None:
    with pytest.raises(DesignError, match=r"^block1/edge0-1/conv: 4 channels in and 4 out must both divide"):
        (IMAGE >> Cell((0, 1, Conv(4, groups=3)), (1, 2, ReLU()))).to_graph()
    with pytest.raises(DesignError, match=r"^block1/node2: cannot add \(8, 8, 4\) and \(4, 4, 4\)"):
        (IMAGE >> Cell((0, 1, MaxPool()), (0, 2, Identity()), (1, 2, ReLU()))).to_graph()
    with pytest.raises(DesignError, match="a Cell needs something to come in"):
        CELL.to_graph()


A, B = ReLU(), Conv(4)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Cell(), "a Cell needs edges between at least three nodes, (0, 1, a), (1, 2, b), got no edge"),
        (lambda: Cell((0, 1, A)),
         "a Cell needs edges between at least three nodes, (0, 1, a), (1, 2, b), got one edge, (0, 1, ReLU()): write "
         "its part alone"),
        (lambda: Cell((0, 1, A), (1, 3, A)),
         "no edge of a Cell leads to node 2: nodes are numbered 0 to 3 without a gap"),
        (lambda: Cell((0, 2, A), (1, 2, A)),
         "no edge of a Cell leads to node 1: nodes are numbered 0 to 2 without a gap"),
        (lambda: Cell((0, 1, A), (10**9, 10**9 + 1, A)),
         "no edge of a Cell leads to node 2: nodes are numbered 0 to 1000000001 without a gap"),
        (lambda: Cell((0, 1, A), (2, 1, A)),
         "edge 2 of a Cell leads from node 2 back to node 1: an edge leads from a lower to a higher node"),
        (lambda: Cell((0, 1, A), (1, 1, A)),
         "edge 2 of a Cell leads from node 1 to itself: an edge leads from a lower to a higher node"),
        (lambda: Cell((0, 1, A), (0, 1, B), (1, 2, A)),
         "edge 2 of a Cell leads from node 0 to node 1, as edge 1 does: join both parts on one edge, Parallel(a, b, "
         "merge=Add())"),
        (lambda: Cell((0, 1)),  # pyright: ignore
         "edge 1 of a Cell must be (source, target, part), such as (0, 1, Conv(16)), got (0, 1)"),
        (lambda: Cell(A),  # pyright: ignore
         "edge 1 of a Cell must be (source, target, part), such as (0, 1, Conv(16)), got ReLU()"),
        (lambda: Cell((-1, 1, A)), "the source of edge 1 of a Cell must be a whole number of at least 0, got -1"),
        (lambda: Cell((0, "b", A)),  # pyright: ignore
         "the target of edge 1 of a Cell must be a whole number of at least 0, got 'b'"),
        (lambda: Cell((0, 1, "ReLU")),  # pyright: ignore
         "the part of edge 1 of a Cell must be a part, such as Conv(32) >> ReLU(), got 'ReLU'"),
        (lambda: Cell((0, 1, A), (1, 2, A), merge=ReLU()),
         "merge of a Cell must be a layer with several inputs, such as Add(), got ReLU()"),
        (lambda: Cell((0, 1, A), (1, 2, A), merge="sum"),  # pyright: ignore
         "merge of a Cell must be a layer with several inputs, such as Add(), got 'sum'"),
        (lambda: Parallel(A, A, merge=BatchNorm()),
         "merge of Parallel must be a layer with several inputs, such as Add(), got BatchNorm()"),
        (lambda: Residual(A, merge=ReLU()),
         "merge of a Residual must be a layer with several inputs, such as Add(), got ReLU()"),
    ],
)  # fmt: skip
def test_what_is_no_cell_is_refused_in_one_line(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ArgumentError) as refused:
        make()
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Cell: [[0, 1], [1, 2, ReLU]]", "n.yaml:1:8: architecture.Cell.edges[1] must be a list of 3, got a list of 2"),
        ("Cell: [[0, 1, ReLU], [1, 3, ReLU]]",
         "n.yaml:1:7: architecture.Cell: no edge of a Cell leads to node 2: nodes are numbered 0 to 3 without a gap"),
        ("Cell: [[0, 1, Relo], [1, 2, ReLU]]",
         "n.yaml:1:15: architecture.Cell.edges[1][3]: no part named 'Relo': did you mean ReLU or PReLU or ELU?"),
        ("Cell: [[0, one, ReLU]]", "n.yaml:1:12: architecture.Cell.edges[1][2] must be a whole number, got one"),
        ("Cell: {edges: [[0, 1, ReLU], [1, 2, ReLU]], merge: ReLU}",
         "n.yaml:1:52: architecture.Cell: merge of a Cell must be a layer with several inputs, such as Add(), got "
         "ReLU()"),
    ],
)  # fmt: skip
def test_a_cell_in_a_file_that_is_wrong_names_the_place(text: str, message: str) -> None:
    with pytest.raises(SourceError) as refused:
        from_yaml(text, "n.yaml")
    assert str(refused.value) == message
