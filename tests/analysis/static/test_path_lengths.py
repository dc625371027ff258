"""Paths counted by length: binomials, an oracle that walks every one of them, and what is a shortcut."""

from __future__ import annotations

import time
from collections import Counter
from itertools import pairwise
from math import comb
from pathlib import Path
from typing import Any

import pytest

from archlab import (
    Add,
    BatchNorm,
    Concatenate,
    Conv,
    Dense,
    GlobalAvgPool,
    Graph,
    Input,
    Multiply,
    Parallel,
    Part,
    PathLengths,
    ReLU,
    Residual,
    Sequence,
    load,
    path_lengths,
)
from archlab.analysis.static._facts import gather
from archlab.analysis.static.path_lengths import residual_blocks
from archlab.errors import SourceError, UsageError


def walked(graph: Graph) -> list[list[tuple[int, int]]]:
    """Every path from an input to an output, as (node, which of its inputs); one at a time."""

    def back(position: int) -> list[list[tuple[int, int]]]:
        node = graph.nodes[position]
        if not node.inputs:
            return [[(position, 0)]]
        return [[*path, (position, number)] for number, source in enumerate(node.inputs) for path in back(source)]

    return [path for end in graph.outputs for path in back(end)]


def by_walking(graph: Graph, by: str) -> tuple[tuple[int, int], ...]:
    facts = gather(graph)
    shortcuts = {block.merge: block.shortcut for block in residual_blocks(graph)}
    found: Counter[int] = Counter()
    for path in walked(graph):
        assert all(one in graph.nodes[other].inputs for (one, _), (other, _) in pairwise(path))
        if by == "layers":
            found[sum(facts[position].kernel for position, _ in path)] += 1
        else:
            found[sum(position in shortcuts and shortcuts[position] != number for position, number in path)] += 1
    return tuple(sorted(found.items()))


BODY = Conv(4) >> BatchNorm() >> ReLU() >> Conv(4)


@pytest.mark.parametrize("blocks", [1, 2, 7, 54])
def test_blocks_in_a_row_give_the_binomial(blocks: int) -> None:
    found = path_lengths(Input(8, 8, 4) >> Residual(BODY) * blocks)
    assert found.counts == tuple((k, comb(blocks, k)) for k in range(blocks + 1))
    assert found.blocks == blocks
    assert found.total == 2**blocks
    assert found.mean == blocks / 2


def test_by_layers_a_body_of_two_convolutions_is_two_longer() -> None:
    net = Input(8, 8, 4) >> Conv(4) >> Residual(BODY) * 5 >> GlobalAvgPool() >> Dense(1)
    assert path_lengths(net, by="layers").counts == tuple((2 + 2 * k, comb(5, k)) for k in range(6))


NETS: dict[str, Part] = {
    "chain": Input(8, 8, 4) >> Conv(4) * 3,
    "projection": Input(8, 8, 4) >> Residual(Conv(8, stride=2) >> Conv(8)) * 3,
    "projection of one": Input(8, 8, 4) >> Residual(Conv(8)) * 2,
    "branches": Input(8, 8, 4) >> Parallel(Conv(4), Conv(4) * 2, Sequence()) * 3,
    "parallel sums": Input(8, 8, 4) >> Parallel(Conv(4), Conv(4), merge=Add()) * 3,
    "dense": Input(8, 8, 4) >> Parallel(Sequence(), Conv(4)) * 4,
    "gated": Input(8, 8, 4) >> Residual(Conv(4) >> Parallel(Sequence(), Conv(4, kernel=1), merge=Multiply())) * 3,
    "nested": Input(8, 8, 4) >> Residual(Conv(4) >> Residual(Conv(4)) * 2) * 2,
    "three ways": Input(8, 8, 4) >> Parallel(Sequence(), Conv(4), Conv(4) * 2, merge=Add()) * 3,
}


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("by", ["blocks", "layers"])
def test_against_walking_every_path(name: str, by: Any) -> None:
    graph = NETS[name].to_graph()
    assert path_lengths(graph, by).counts == by_walking(graph, by)


@pytest.mark.parametrize(
    ("name", "blocks"),
    [
        ("chain", 0),
        ("projection", 3),
        ("projection of one", 2),
        ("branches", 3),
        ("parallel sums", 0),
        ("dense", 4),
        ("gated", 3),
        ("nested", 6),
        ("three ways", 3),
    ],
)
def test_what_is_a_block(name: str, blocks: int) -> None:
    assert len(residual_blocks(NETS[name].to_graph())) == blocks


def test_a_projection_is_the_shortcut_though_it_is_as_deep_as_the_body() -> None:
    graph = NETS["projection of one"].to_graph()
    block = residual_blocks(graph)[0]
    assert graph.nodes[graph.nodes[block.merge].inputs[block.shortcut]].name == "block1/shortcut"


def test_two_inputs_that_meet_are_no_block() -> None:
    from archlab import Node

    start = Node("a", Input(8, 8, 4), (), (8, 8, 4)), Node("b", Input(8, 8, 4), (), (8, 8, 4))
    conv = Node("conv", Conv(4), (0,), (8, 8, 4))
    graph = Graph((*start, conv, Node("add", Add(), (2, 1), (8, 8, 4))), (3,))
    assert residual_blocks(graph) == ()
    assert path_lengths(graph, "layers").counts == ((0, 1), (1, 1))


@pytest.mark.parametrize(("name", "blocks"), [("resnet50", 16), ("resnet152", 50), ("xception", 12), ("vgg16", 0)])
def test_the_zoo(name: str, blocks: int) -> None:
    found = path_lengths(name)
    assert found.counts == tuple((k, comb(blocks, k)) for k in range(blocks + 1))
    assert found.name == name


def test_the_longest_path_by_layers_is_the_depth() -> None:
    for name in ("resnet50", "xception", "residual", "mobilenet_v2"):
        from archlab import analyze

        assert path_lengths(name, by="layers").longest == analyze(name).depth


def test_the_paper_most_paths_of_54_blocks_are_about_half_as_long() -> None:
    """Veit et al. 2016, section 5: more than 95 % of paths go through 19 to 35 of 54 modules."""
    found = path_lengths(Input(8, 8, 4) >> Residual(BODY) * 54)
    assert sum(found.share(length) for length in range(19, 36)) > 0.95
    assert found.quantile(0.025) >= 19 and found.quantile(0.975) <= 35


def test_resnet_152_takes_milliseconds() -> None:
    graph = load("resnet152").graph
    gather(graph)
    start = time.perf_counter()
    path_lengths(graph)
    assert time.perf_counter() - start < 0.1


def test_there_and_back(tmp_path: Path) -> None:
    found = path_lengths("resnet152")
    found.save(tmp_path / "paths.json")
    assert PathLengths.load(tmp_path / "paths.json") == found
    (tmp_path / "other.json").write_text("[1]")
    with pytest.raises(SourceError, match="holds no path lengths"):
        PathLengths.load(tmp_path / "other.json")


def test_bad_input_is_one_line() -> None:
    wrong: Any = "steps"
    with pytest.raises(UsageError, match="'blocks' or 'layers', got 'steps'"):
        path_lengths("residual", by=wrong)
    with pytest.raises(UsageError, match="between 0 and 1"):
        path_lengths("residual").quantile(2)


def test_a_concatenation_with_what_it_is_made_of_is_a_block() -> None:
    net = Input(8, 8, 4) >> Parallel(Conv(4), Conv(4, kernel=5), merge=Concatenate())
    assert residual_blocks(net.to_graph()) == ()
