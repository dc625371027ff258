"""Stages and blocks: whatever the graph, each layer is in one place; and where nothing names them they are found."""

from __future__ import annotations

import pytest
from hypothesis import given

from archlab import BatchNorm, Concatenate, Conv, Dense, GlobalAvgPool, Graph, Input, MaxPool, ReLU, Residual, load
from archlab.analysis.static.outline import Section, Unit, outline, positions
from archlab.graph import Node
from tests.strategies import architectures


def _bare(graph: Graph) -> Graph:
    """The same graph as one that was read from elsewhere: no scopes, names that say nothing."""
    return Graph(
        tuple(Node(f"x{i}", n.op, n.inputs, n.shape, None, f"x{i}", n.dtype) for i, n in enumerate(graph)),
        graph.outputs,
        graph.name,
    )


def _sections(units: tuple[Unit, ...]) -> list[Section]:
    found = []
    for unit in units:
        if isinstance(unit, Section):
            found += [unit, *_sections(unit.parts)]
    return found


def _blocks(graph: Graph) -> list[tuple[int, ...]]:
    return [section.nodes for section in _sections(outline(graph)) if section.kind == "block"]


def _stages(graph: Graph) -> list[Section]:
    return [section for section in _sections(outline(graph)) if section.kind == "stage"]


@given(architectures())
def test_every_layer_is_in_one_place(net) -> None:
    for graph in (net.to_graph(), _bare(net.to_graph())):
        units = outline(graph)
        assert sorted(positions(units)) == list(range(len(graph)))
        names = [section.name for section in _sections(units)]
        assert len(set(names)) == len(names) and all(section.parts for section in _sections(units))


@pytest.mark.parametrize("name", ["residual", "resnet50", "mobilenet_v1", "vgg16", "xception"])
def test_what_the_zoo_names_is_found_again_without_names(name: str) -> None:
    """Each block that is found is the one that is named, but for where a stage begins or ends."""
    graph = load(name).graph
    named, found = _blocks(graph), _blocks(_bare(graph))
    same = {tuple(block) for block in found} & {tuple(block) for block in named}
    assert len(same) >= 0.6 * len(named), (len(same), len(named), len(found))


@pytest.mark.parametrize("name", ["residual", "resnet50", "resnet152", "vgg16"])
def test_stages_of_the_zoo_are_found_by_the_size_of_their_maps(name: str) -> None:
    graph = load(name).graph
    sizes = [graph.nodes[stage.nodes[-1]].shape[0] for stage in _stages(graph)]
    assert [graph.nodes[stage.nodes[-1]].shape[0] for stage in _stages(_bare(graph))] == sizes


def test_an_activation_behind_a_sum_is_the_blocks() -> None:
    block = Residual(Conv(8) >> BatchNorm()) >> ReLU()
    graph = _bare((Input(16, 16, 3) >> Conv(8) >> block * 3 >> GlobalAvgPool() >> Dense(2)).to_graph())
    assert _blocks(graph) == [(2, 3, 4, 5), (6, 7, 8, 9), (10, 11, 12, 13)]


def test_a_normalization_before_the_paths_part_is_the_blocks_unless_it_is_a_convolutions() -> None:
    block = BatchNorm() >> ReLU() >> Residual(Conv(8) >> BatchNorm() >> ReLU() >> Conv(8))
    graph = _bare((Input(16, 16, 3) >> Conv(8) >> block * 2 >> GlobalAvgPool() >> Dense(2)).to_graph())
    # The first follows a convolution: whose they are cannot be known, and they stay with it.
    assert _blocks(graph) == [(4, 5, 6, 7, 8), (9, 10, 11, 12, 13, 14, 15)]


def test_layers_that_repeat_in_a_row_are_blocks() -> None:
    graph = _bare(
        (Input(32, 32, 3) >> (Conv(8) >> ReLU() >> Conv(8) >> ReLU() >> MaxPool()) * 3 >> Dense(2)).to_graph()
    )
    assert _blocks(graph) == [(1, 2, 3, 4, 5), (6, 7, 8, 9, 10), (11, 12, 13, 14, 15)]
    assert [stage.nodes for stage in _stages(graph)] == _blocks(graph)


def _u_net(levels: int):
    """Nodes of a U-Net without scopes: two convolutions a level, down and up."""
    from archlab import Upsample

    nodes: list[Node] = []

    def add(op, *inputs: int) -> int:
        shape = op.output(*(nodes[i].shape for i in inputs))
        nodes.append(Node(f"x{len(nodes)}", op, inputs, shape, None, f"x{len(nodes)}"))
        return len(nodes) - 1

    at = add(Input(64, 64, 3))
    skips = []
    for level in range(levels):
        for _ in range(2):
            at = add(Conv(8 * 2**level, activation="relu"), at)
        skips.append(at)
        at = add(MaxPool(), at)
    for level in reversed(range(levels)):
        at = add(Concatenate(), add(Upsample(), at), skips[level])
        for _ in range(2):
            at = add(Conv(8 * 2**level, activation="relu"), at)
    return Graph(tuple(nodes), (at,))


@pytest.mark.parametrize("levels", [4, 5])
def test_a_u_net_comes_down_and_up_again(levels: int) -> None:
    """The whole of it is one region in which paths part and meet; as one block it would say nothing."""
    graph = _u_net(levels)
    sizes = [graph.nodes[stage.nodes[-1]].shape[0] for stage in _stages(graph)]
    turn = sizes.index(min(sizes))
    assert sizes[: turn + 1] == sorted({*sizes[: turn + 1]}, reverse=True)
    assert sizes[turn:] == sorted({*sizes[turn:]}) and sizes[-1] == 64 > sizes[0] > min(sizes)
    assert max(map(len, _blocks(graph))) <= 16


@pytest.mark.slow
def test_a_gate_is_no_block() -> None:
    for blocks in (_blocks(load("keras:EfficientNetB0").graph),):
        assert all(len(block) > 6 for block in blocks)


@pytest.mark.slow
def test_blocks_of_keras_models_bear_the_names_that_their_layers_share() -> None:
    names = [section.name for section in _sections(outline(load("keras:ResNet50").graph)) if section.kind == "block"]
    assert names == [f"conv{s}_block{b}" for s, count in ((2, 3), (3, 4), (4, 6), (5, 3)) for b in range(1, count + 1)]
    names = [section.name for section in _sections(outline(load("keras:MobileNetV2").graph)) if section.kind == "block"]
    assert names == ["expanded_conv", *(f"block_{number}" for number in range(1, 17))]
