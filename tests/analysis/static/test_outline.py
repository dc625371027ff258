"""Stages and blocks: whatever the graph, each layer is in one place; and where nothing names them they are found."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archlab import (
    ELU,
    Activation,
    BatchNorm,
    Concatenate,
    Conv,
    Dense,
    GlobalAvgPool,
    Graph,
    GroupNorm,
    Identity,
    Input,
    LayerNorm,
    LeakyReLU,
    MaxPool,
    Multiply,
    Parallel,
    Part,
    PReLU,
    ReLU,
    Residual,
    Softmax,
    load,
)
from archlab.analysis.static.outline import Section, Unit, chained, outline, positions
from archlab.graph import Node
from archlab.units import ACTIVATION_FLOPS
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


def test_a_named_block_of_many_layers_is_not_a_block_in_a_block() -> None:
    net = Input(8, 8, 4) >> Residual((ReLU() >> Conv(4) >> BatchNorm()) * 5) >> Residual((ReLU() >> Conv(4)) * 7)
    assert _blocks(net.to_graph()) == [tuple(range(1, 17)), tuple(range(17, 32))]
    cells = _blocks(load("nas201").graph)
    assert len(set(cells)) == len(cells) == 17


_NAMED = tuple(Activation(name) for name in ACTIVATION_FLOPS if name not in ("linear", "prelu"))
_ACTIVATIONS = (ReLU(), LeakyReLU(), ELU(), PReLU((1, 2)), Softmax(), *_NAMED)
_NORMALIZATIONS = (BatchNorm(), LayerNorm(), GroupNorm(4))


@pytest.mark.parametrize("activation", _ACTIVATIONS, ids=repr)
@pytest.mark.parametrize("norm", _NORMALIZATIONS, ids=repr)
def test_units_that_repeat_are_blocks_whatever_their_activation_and_normalization(norm: Part, activation: Part) -> None:
    unit = norm >> activation >> Conv(8)
    graph = _bare((Input(16, 16, 3) >> Conv(8) >> unit * 8 >> GlobalAvgPool() >> Dense(2)).to_graph())
    assert _blocks(graph) == [(1 + 3 * i, 2 + 3 * i, 3 + 3 * i) for i in range(8)]


@pytest.mark.parametrize("activation", _ACTIVATIONS, ids=repr)
def test_any_activation_behind_a_sum_is_the_blocks(activation: Part) -> None:
    block = Residual(Conv(8) >> BatchNorm()) >> activation
    graph = _bare((Input(16, 16, 3) >> Conv(8) >> block * 3 >> GlobalAvgPool() >> Dense(2)).to_graph())
    assert _blocks(graph) == [(2, 3, 4, 5), (6, 7, 8, 9), (10, 11, 12, 13)]


@pytest.mark.parametrize("activation", _ACTIVATIONS, ids=repr)
@pytest.mark.parametrize("norm", _NORMALIZATIONS, ids=repr)
def test_any_normalization_and_activation_before_the_paths_part_are_the_blocks(norm: Part, activation: Part) -> None:
    block = norm >> activation >> Residual(Conv(8) >> BatchNorm() >> ReLU() >> Conv(8))
    graph = _bare((Input(16, 16, 3) >> Conv(8) >> block * 2 >> GlobalAvgPool() >> Dense(2)).to_graph())
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


def _growing(layers: int, behind: bool, tail: int) -> Graph:
    """Layers that each read a list of all before, which grows in front or behind; and layers on one path."""
    x = Node("x0", Input(8, 8, 4), (), (8, 8, 4))
    nodes, held = [x], [0]
    for number in range(layers):
        source = held[0]
        if len(held) > 1:
            shapes = [nodes[each].shape for each in held]
            op = Concatenate()
            nodes.append(Node(f"list{number}", op, tuple(held), op.output(*shapes), layer=f"list{number}"))
            source = len(nodes) - 1
        for step in range(tail + 1):
            op = Conv(4, bias=True) if step == tail else ReLU()
            shape = op.output(nodes[source].shape)
            nodes.append(Node(f"x{number}_{step}", op, (source,), shape, layer=f"x{number}_{step}"))
            source = len(nodes) - 1
        held = [*held, source] if behind else [source, *held]
    return Graph(tuple(nodes), (len(nodes) - 1,))


@given(st.integers(3, 9), st.booleans(), st.integers(0, 2))
def test_a_list_that_grows_is_a_chain_of_concatenations(layers: int, behind: bool, tail: int) -> None:
    graph = _growing(layers, behind, tail)
    made = chained(graph)
    merges = [node for node in made if isinstance(node.op, Concatenate)]
    assert all(len(node.inputs) == 2 for node in merges) and len(merges) == layers - 1
    # Every channel of a concatenation is still the same: the lists, written out, have not changed.
    for ours, theirs in zip(graph, made, strict=True):
        assert _written_out(made, theirs) == _written_out(graph, ours)
        assert (ours.name, ours.shape) == (theirs.name, theirs.shape)


def _written_out(graph: Graph, node: Node) -> list[str]:
    if not isinstance(node.op, Concatenate):
        return [node.name]
    return [name for source in node.inputs for name in _written_out(graph, graph.nodes[source])]


@pytest.mark.parametrize("branches", [2, 8, 32])
def test_a_unit_of_many_equal_branches_is_one_block(branches: int) -> None:
    # ResNeXt (Xie et al. 2017, figure 3b): split, transformed, merged.
    branch = Conv(4, kernel=1, bias=False) >> BatchNorm() >> ReLU() >> Conv(4, bias=False) >> BatchNorm() >> ReLU()
    split = Parallel(*[branch] * branches, merge=Concatenate())
    unit = Residual(split >> Conv(16, kernel=1, bias=False) >> BatchNorm()) >> ReLU()
    graph = _bare((Input(16, 16, 3) >> Conv(16) >> unit * 3 >> GlobalAvgPool() >> Dense(2)).to_graph())
    blocks = [unit for unit in outline(graph) if isinstance(unit, Section)]
    assert [block.kind for block in blocks] == ["block"] * 3
    assert len({len(block.nodes) for block in blocks}) == 1


@pytest.mark.slow
@pytest.mark.parametrize("size", [None, 224])
def test_gates_of_squeeze_and_excite_are_cut_by_no_block(size: int | None) -> None:
    """Howard et al. 2019, table 2: eleven bneck blocks on maps of 56, 28, 14 and 7 from an image of 224."""
    graph = load("keras:MobileNetV3Small", input=None if size is None else (size, size)).graph
    blocks = [section for section in _sections(outline(graph)) if section.kind == "block"]
    assert [block.name for block in blocks] == ["expanded_conv", *[f"expanded_conv_{i}" for i in range(1, 11)]]
    held = [len(section.parts) for section in _stages(graph)]
    assert held == [1, 2, 5, 3]
    names = [graph.nodes[block.nodes[0]].name.startswith(block.name) for block in blocks]
    assert all(names)
    for gate in (node.name for node in graph if node.op.merge == "product"):
        block = next(each for each in blocks if graph.position(gate) in each.nodes)
        assert set(graph[gate].inputs) <= set(block.nodes), gate


def test_a_gate_is_not_a_stage() -> None:
    gate = Parallel(Identity(), GlobalAvgPool(keepdims=True) >> Conv(2, 1) >> ReLU() >> Conv(8, 1), merge=Multiply())
    unit = Conv(8) >> BatchNorm() >> ReLU() >> gate >> Conv(8, 1) >> BatchNorm()
    net = Input(32, 32, 8) >> unit * 3 >> MaxPool() >> unit * 3 >> GlobalAvgPool() >> Dense(2)
    graph = _bare(net.to_graph())
    for stage in _stages(graph):
        assert graph.nodes[stage.nodes[-1]].shape[:2] in ((32, 32), (16, 16))
    for position, node in enumerate(graph):
        if node.op.merge == "product":
            inside = [block for block in _blocks(graph) if position in block]
            assert all(set(node.inputs) & set(block) for block in inside)
            assert all(source in block for block in inside for source in node.inputs[1:])
