"""NAS-Bench-201: its cells by their strings, its published figures, and cells without a path."""

from __future__ import annotations

import random
from itertools import product

import pytest

from archlab import Input, Stage, analyze, forecast, load
from archlab.analysis.trainability._causes import unconnected
from archlab.errors import ArchlabError
from archlab.zoo.nas_bench import cell_of

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))


def string(operations: tuple[str, ...]) -> str:
    edges = [(end, f"{name}~{source}") for name, (source, end) in zip(operations, EDGES, strict=True)]
    return "+".join(f"|{'|'.join(edge for end, edge in edges if end == target)}|" for target in (1, 2, 3))


def connected(operations: tuple[str, ...]) -> bool:
    """Whether edges other than none lead from node 0 to node 3: a search over the string alone."""
    open_ = {edge for edge, name in zip(EDGES, operations, strict=True) if name != "none"}
    reached, before = {0}, set[int]()
    while reached != before:
        before = set(reached)
        reached |= {end for start, end in open_ if start in reached}
    return 3 in reached


def test_the_published_parameters_and_macs() -> None:
    # 1.53 M and 220.12 M by the paper's code. By hand, C = 16: stem 27C + 2C; a cell 6 (9C² + 2C), 5 of them at C, 2C
    # and 4C; between stages C → 2C: 9·2C² + 9·4C² + 2·4C + 2C²; at the end 8C + 40C + 10.
    found = analyze("nas201:" + string(("nor_conv_3x3",) * 6))
    stem, head = 29 * 16, 48 * 16 + 10
    cells = sum(5 * 6 * (9 * c * c + 2 * c) for c in (16, 32, 64))
    between = sum(56 * c * c + 8 * c for c in (16, 32))
    assert found.params.trainable == stem + cells + between + head == 1_531_546
    assert found.compute.macs == 220_119_680


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [("skip_connect", 73_306), ("avg_pool_3x3", 73_306), ("none", 73_306),
     ("nor_conv_1x1", 73_306 + sum(5 * 6 * (c * c + 2 * c) for c in (16, 32, 64)))],
)  # fmt: skip
def test_parameters_of_one_operation_on_all_edges(operation: str, parameters: int) -> None:
    # 73,306: stem, two reductions and the head alone.
    assert analyze("nas201:" + string((operation,) * 6)).params.trainable == parameters


def test_the_string_is_the_first_argument() -> None:
    text = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|nor_conv_1x1~1|none~2|"
    by_name, alone = load(f"nas201:cell={text},classes=100"), load(f"nas201:{text},classes=100")
    assert by_name.tree == alone.tree
    assert alone.graph.nodes[-1].shape == (100,)
    names = [node.name for node in alone.graph if node.name.startswith("stage1/block1/")]
    # Nothing reads node 2: its edge drops out of the sum.
    assert [name.removeprefix("stage1/block1/") for name in names] == [
        "edge0-1/relu", "edge0-1/conv", "edge0-1/batch_norm", "edge0-3/avg_pool",
        "edge1-3/relu", "edge1-3/conv", "edge1-3/batch_norm", "node3",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("|nor_conv_3x4~0|+|none~0|none~1|+|none~0|none~1|none~2|",
         "nas201: cell: edge 1 of node 1: no operation 'nor_conv_3x4': did you mean nor_conv_3x3 or nor_conv_1x1?"),
        ("|none~0|+|none~0|none~0|+|none~0|none~1|none~2|",
         "nas201: cell: edge 2 of node 2 comes from node 1, none~1, got 'none~0'"),
        ("|none~0|+|none~0|none~1|",
         "nas201: cell must have three nodes, |op~0|+|op~0|op~1|+|op~0|op~1|op~2|, got '|none~0|+|none~0|none~1|'"),
        ("|none~0|+|none~0|none~1|+|none~0|none~2|",
         "nas201: cell: node 3 must be written |op~0|op~1|op~2|, got '|none~0|none~2|'"),
        ("resnet", "nas201: cell must have three nodes, |op~0|+|op~0|op~1|+|op~0|op~1|op~2|, got 'resnet'"),
        ("cel=x", "nas201 has no argument 'cel': did you mean cell?"),
        ("width=0", "nas201: width must be a whole number of at least 1, got 0"),
    ],
)  # fmt: skip
def test_a_misspelt_cell_names_the_place(reference: str, message: str) -> None:
    with pytest.raises(ArchlabError) as refused:
        load(f"nas201:{reference}")
    assert str(refused.value) == message


def test_dead_cells_are_those_without_a_path() -> None:
    for operations in product(OPERATIONS, repeat=6):
        graph = (Input(4, 4, 2) >> Stage(cell_of(string(operations)), 2)).to_graph()
        assert unconnected(graph) != connected(operations), operations


def test_dead_networks_are_those_of_dead_cells() -> None:
    # Residual blocks stand between the stages, and every stage has a cell that cuts it off.
    drawn = random.Random(0).sample(sorted(product(OPERATIONS, repeat=6)), 40)
    dead = [each for each in product(("none", "nor_conv_1x1"), repeat=6) if not connected(each)][::6]
    for operations in (*drawn, *dead):
        graph = load(f"nas201:{string(operations)},repeats=1").graph
        assert unconnected(graph) != connected(operations), operations
    found = forecast("nas201:" + string(dead[-1]))
    assert found.sgd.probability == found.adam.probability == 0
