"""A known edit is found as exactly that edit."""

from __future__ import annotations

import time
from itertools import permutations

import pytest

from archlab import (
    Activation,
    Add,
    BatchNorm,
    Block,
    Concatenate,
    Conv,
    Dense,
    Dropout,
    GlobalAvgPool,
    Graph,
    GraphDiff,
    Input,
    LayerNorm,
    MaxPool,
    Node,
    Parallel,
    Part,
    Pyramid,
    ReLU,
    Residual,
    SeparableConv,
    Sequence,
    Softmax,
    Subtract,
    compare,
    diff,
    load,
)
from archlab.analysis import State
from archlab.diffing import _branches
from archlab.errors import DesignError, UnknownNameError
from archlab.graph import Builder

UNIT = Conv(bias=False) >> BatchNorm() >> ReLU()
NET = Input(32, 32, 3) >> Pyramid(UNIT * 2 >> MaxPool(), widths=(16, 32, 64)) >> GlobalAvgPool() >> Dense(10)


def lecture() -> Part:
    tree = load("residual").tree
    assert tree is not None
    return tree


def edits(found: GraphDiff) -> list[str]:
    return [f"{row.name}: {change}" for row in found for change in row.edits]


def test_batch_normalization_taken_out() -> None:
    found = diff("residual", lecture().without(BatchNorm))
    assert {row.layer.op for row in found.removed} == {"BatchNorm"} and len(found.removed) == 10
    assert not found.added and not found.changed
    assert sum(row.params for row in found) == -6016


def test_a_bias_that_comes_back_without_normalization_is_a_change() -> None:
    net = Input(32, 32, 3) >> (Conv(8) >> BatchNorm() >> ReLU()) * 3 >> Dense(1)
    found = diff(net, net.without(BatchNorm))
    assert [row.layer.op for row in found.removed] == ["BatchNorm"] * 3
    assert edits(found) == [f"{name}: bias off → on" for name in ("conv", "conv_2", "conv_3")]
    assert [row.params for row in found.changed] == [8, 8, 8] and len(found.edited) == 3


def test_shortcuts_taken_out() -> None:
    found = diff("residual", lecture().without(Residual))
    assert sorted(row.name.rpartition("/")[2] for row in found.removed) == ["add"] * 5 + ["shortcut"] * 5
    assert not found.added and not found.changed


def test_another_kind_of_convolution_is_a_change_of_kind_and_of_nothing_else() -> None:
    found = diff("residual", lecture().replace(SeparableConv, Conv))
    assert not found.added and not found.removed
    assert {str(change) for row in found for change in row.edits} == {"SeparableConv → Conv"}
    assert len(found.changed) == len(found.edited) == 10


@pytest.mark.parametrize(
    ("deeper", "blocks"),
    [
        ("resnet101", {"stage3": range(7, 24)}),
        ("resnet152", {"stage2": range(5, 9), "stage3": range(7, 37)}),
    ],
)
def test_a_deeper_stage_is_its_further_blocks(deeper: str, blocks: dict[str, range]) -> None:
    found = diff("resnet50", deeper)
    assert not found.removed and not found.changed
    expected = [f"{stage}/block{number}" for stage, numbers in blocks.items() for number in numbers]
    assert [row.layer.block for row in found.added] == [name for name in expected for _ in range(10)]
    folds = [fold for fold in found.folds if fold.mark == "added"]
    assert [block for fold in folds for block in fold.blocks] == expected and len(folds) == len(blocks)


@pytest.mark.parametrize(("name", "keras"), [("resnet50", "ResNet50"), ("xception", "Xception")])
def test_a_model_of_keras_is_the_one_of_the_zoo(name: str, keras: str) -> None:
    # Other names, other orders of merges, padding that has no effect: none of it is a difference.
    found = diff(name, f"keras:{keras}")
    assert found.identical, str(found)


def test_more_filters_and_what_follows_from_them() -> None:
    wide = Input(32, 32, 3) >> Conv(24) >> ReLU() >> Conv(16) >> ReLU() >> GlobalAvgPool() >> Dense(2)
    found = diff(wide.replace(Conv(24), Conv(8)), wide)
    assert edits(found) == ["conv: filters 8 → 24"]
    follows = [row for row in found.changed if not row.edited]
    assert [(row.name, [str(change) for change in row.follows]) for row in follows] == [
        ("relu", ["channels in 8 → 24"]),
        ("conv_2", ["channels in 8 → 24"]),
    ]
    assert [row.params for row in follows] == [0, 9 * 16 * 16]


def test_a_layer_put_into_every_block() -> None:
    found = diff(NET, NET.replace(ReLU, lambda relu: relu >> Dropout(0.1)))
    assert [row.layer.op for row in found.added] == ["Dropout"] * 6
    assert not found.removed and not found.changed


def test_one_more_repetition_is_one_run_of_layers() -> None:
    wider = Input(32, 32, 3) >> Conv(16) >> UNIT.replace(Conv(bias=False), Conv(16, bias=False)) * 3 >> Dense(10)
    deeper = Input(32, 32, 3) >> Conv(16) >> UNIT.replace(Conv(bias=False), Conv(16, bias=False)) * 4 >> Dense(10)
    found = diff(wider, deeper)
    positions = [number for number, row in enumerate(found) if row.mark == "added"]
    assert positions == list(range(positions[0], positions[0] + 3))
    assert [row.layer.op for row in found.added] == ["Conv", "BatchNorm", "ReLU"]
    assert not found.removed and not found.changed


def test_another_input_changes_no_layer_itself() -> None:
    found = diff(NET, NET.with_input(64, 48, 3))
    assert edits(found) == ["input: shape 32 × 32 × 3 → 64 × 48 × 3"]
    assert not found.added and not found.removed
    assert {str(change) for change in found.rows[1].follows} == {"size in 32 × 32 → 64 × 48"}


def test_the_order_of_branches_does_not_hide_that_they_are_the_same() -> None:
    short, long = Conv(8, kernel=1), Conv(8, kernel=1, bias=False) >> BatchNorm() >> ReLU() >> Conv(8)
    one, other = (
        Input(16, 16, 8) >> Parallel(*branches, merge=Add()) >> ReLU() for branches in ((short, long), (long, short))
    )
    assert diff(one, other).identical
    # Along the channels the order matters, and is a difference of the connections alone.
    found = diff(one.replace(Parallel, stacked), other.replace(Parallel, stacked))
    assert [(row.layer.op, [change.what for change in row.edits]) for row in found.changed] == [
        ("Concatenate", ["order of inputs"])
    ]


def test_a_tower_is_not_taken_for_a_part_of_another() -> None:
    unit = Conv(8) >> ReLU()
    one, other = (
        Input(16, 16, 8) >> Parallel(*towers, merge=Add()) >> ReLU()
        for towers in ((unit * 2, unit * 5), (unit * 5, unit * 2))
    )
    assert diff(one, other).identical


def test_branches_of_one_length_are_the_same_in_any_order() -> None:
    branches = [Conv(8, kernel=kernel) >> BatchNorm() >> ReLU() for kernel in (1, 3, 5)]
    one = Input(16, 16, 8) >> Parallel(*branches, merge=Add()) >> ReLU()
    for order in ((1, 2, 0), (2, 1, 0), (2, 0, 1)):
        other = Input(16, 16, 8) >> Parallel(*[branches[i] for i in order], merge=Add()) >> ReLU()
        found = diff(one, other)
        assert found.identical, str(found)
        assert all(link.tail < link.head for link in found.links)


def test_layers_that_are_new_stand_together_where_they_can() -> None:
    before = Input(16, 16, 8) >> Conv(8) >> ReLU() >> ReLU() >> Dense(2)
    after = Input(16, 16, 8) >> Conv(8) >> ReLU() >> Conv(8, kernel=1) >> ReLU() >> ReLU() >> Dense(2)
    found = diff(before, after)
    places = [number for number, row in enumerate(found) if row.mark == "added"]
    assert len(places) == 2 and places[1] == places[0] + 1 and len(found.kept) == len(before.to_graph())


def test_a_chance_likeness_is_no_match() -> None:
    # Both have a ReLU, one on the image and one far from it among layers that the other does not have.
    deep = MaxPool(2) >> LayerNorm() >> ReLU() >> Softmax() >> MaxPool(2)
    found = diff(Input(32, 32, 8) >> ReLU() >> Dense(3), Input(32, 32, 8) >> MaxPool(2) >> Conv(24) >> deep >> Dense(3))
    assert [row.layer.op for row in found.removed] == ["ReLU"] and "ReLU" in [row.layer.op for row in found.added]
    beside = diff(Input(32, 32, 8) >> Conv(8) >> ReLU() >> Dense(3), Input(64, 64, 2) >> Conv(24) >> ReLU() >> Dense(3))
    assert "ReLU" in [row.layer.op for row in beside.changed]


def test_names_decide_which_of_equal_blocks_is_gone() -> None:
    block = Residual(Conv(8) >> BatchNorm() >> ReLU())
    names = ["first", "second", "third", "fourth"]
    whole = Sequence.of(Input(8, 8, 8), *[Block(block, name) for name in names])
    for gone in names:
        found = diff(whole, Sequence.of(Input(8, 8, 8), *[Block(block, name) for name in names if name != gone]))
        assert {row.layer.block for row in found.removed} == {gone} and len(found.removed) == 4
        assert not found.added and not found.changed


def test_of_equally_good_matchings_both_directions_take_the_same() -> None:
    one, other = Conv(8, kernel=1, bias=True), BatchNorm()
    pair = [Input(8, 8, 8) >> one >> other >> Dense(2), Input(8, 8, 8) >> other >> one >> Dense(2)]
    there, back = diff(*pair), diff(*reversed(pair))
    assert [row.layer.op for row in there.kept] == [row.layer.op for row in back.kept]
    assert [len(there.added), len(there.removed)] == [1, 1]


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_a_branch_that_moved_and_was_edited_is_that_edit(order: tuple[int, ...]) -> None:
    def branch(kernel: int, last: Part) -> Part:
        return Conv(8, kernel=kernel, bias=False) >> BatchNorm() >> last

    branches = [branch(kernel, ReLU()) for kernel in (1, 3, 5, 7)]
    edited = [*branches[:2], branch(5, Sequence()), branch(7, Activation("tanh"))]
    one = Input(16, 16, 8) >> Parallel(*branches, merge=Add()) >> ReLU()
    found = diff(one, Input(16, 16, 8) >> Parallel(*[edited[i] for i in order], merge=Add()) >> ReLU())
    assert [str(change) for row in found for change in row.edits] == ["ReLU → tanh"], str(found)
    assert [row.name for row in found.removed] == ["branch3/relu"] and not found.added
    assert all(link.tail < link.head for link in found.links)


def stacked(part: Parallel) -> Part:
    return Parallel(*part.branches, merge=Concatenate())


def test_what_is_read_from_elsewhere_is_said() -> None:
    def net(source: int) -> Graph:
        builder = Builder()
        at = [builder.add(Input(8, 8, 4))]
        for _ in range(3):
            at.append(builder.add(Conv(4, bias=True), (at[-1],)))
        at.append(builder.add(Subtract(), (at[3], at[source])))
        return builder.graph((at[-1],))

    found = diff(net(1), net(2))
    assert edits(found) == ["subtract: reads conv → conv_2"]
    assert [len(found.links_added), len(found.links_removed)] == [1, 1]
    assert len(found.kept) == 4


def test_frozen_and_narrow_layers_are_changed() -> None:
    graph = (Input(8, 8, 3) >> Conv(4, bias=True) >> ReLU()).to_graph()
    conv = graph["conv"]
    weights = tuple(weight._replace(trainable=False) for weight in conv.op.weights((8, 8, 3)))
    frozen = Node("conv", conv.op, conv.inputs, conv.shape, None, "conv", "float16", weights)
    other = Graph((graph.nodes[0], frozen, graph.nodes[2]), graph.outputs)
    assert edits(diff(graph, other)) == ["conv: dtype float32 → float16", "conv: frozen off → on"]


def test_architectures_with_nothing_in_common() -> None:
    found = diff(Input(8, 8, 3) >> Conv(8, kernel=1) >> ReLU(), Input(5) >> Dense(3))
    assert len(found.removed) + len(found.added) + 2 * (len(found.kept) + len(found.changed)) == 5
    assert not found.kept and "Conv" in [row.layer.op for row in found.removed]


def test_unknown_sizes_leave_unknown_changes() -> None:
    net = Input(None, None, 3) >> Conv(8) >> ReLU()
    found = diff(net, net.replace(Conv(8), Conv(16)))
    assert [value.state for value in found.totals["macs"]] == [State.UNSIZED] * 2
    assert [row.macs for row in found] == [0, None, None]
    assert sum(row.params for row in found) == 8 * 28


def test_a_thousand_layers_take_seconds() -> None:
    pair = [load(f"residual:depth={depth},width=4").graph for depth in (250, 290)]
    for graph in pair:
        assert len(graph) > 800
    start = time.perf_counter()
    found = diff(*pair)
    assert time.perf_counter() - start < 20  # a second or less here; what explodes takes hours
    assert not found.removed and len(found.added) == len(pair[1]) - len(pair[0])


def test_wrong_names_and_designs_are_named() -> None:
    with pytest.raises(UnknownNameError, match="did you mean residual"):
        diff("residul", "residual")
    with pytest.raises(DesignError, match=r"^architecture: conv: "):
        diff("residual", Input(2, 2, 3) >> Conv(8, kernel=3, padding="valid"))


def test_names_are_kept_apart_and_totals_are_those_of_the_analyses() -> None:
    found = diff("residual", "residual")
    assert (found.before.name, found.after.name) == ("residual", "residual (2)")
    assert not found and [value.number for value in found.totals["params"]] == [721_857] * 2
    assert [value.plain for value in diff("baseline", "residual").totals["receptive_field"]] == [[78, 78], [191, 191]]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_branches_that_part_again_are_found_wherever_they_moved(order: tuple[int, ...]) -> None:
    def branch(kernel: int) -> Part:
        return BatchNorm() >> Residual(Conv(8, kernel=kernel) >> ReLU()) >> Conv(8, kernel=kernel)

    one = Input(16, 16, 8) >> Parallel(*[branch(kernel) for kernel in (1, 3, 5)], merge=Add())
    edited = [branch(1) >> Dropout(0.1), branch(3), branch(5)]
    found = diff(one, Input(16, 16, 8) >> Parallel(*[edited[i] for i in order], merge=Add()))
    assert [row.layer.op for row in found.added] == ["Dropout"]
    assert not found.removed and not found.changed, str(found)
    assert all(link.tail < link.head for link in found.links)


def test_what_is_changed_alike_is_said_once_in_words() -> None:
    before = Input(32, 32, 3) >> (Conv(8, kernel=1, stride=2) >> BatchNorm() >> Conv(8, bias=True)) * 2
    after = Input(32, 32, 3) >> (Conv(8, kernel=1) >> BatchNorm(epsilon=1e-5) >> Conv(8, stride=2, bias=False)) * 2
    text = str(diff(before, after))
    assert "Changed alike: stride 2 → 1 in 2 Conv of 1 × 1; " in text
    for words in (
        "stride 1 → 2 in 2 Conv of 3 × 3", "bias on → off in 2 Conv", "epsilon 0.001 → 1e-05 in 2 BatchNorm"
    ):  # fmt: skip
        assert words in " ".join(text.split())
    compared = " ".join(str(compare(before, after, static=True)).split())
    for words in ("bias on in 2 → 0 Conv", "stride 2 → 1 in 2 Conv of 1 × 1", "epsilon 0.001 → 1e-05 in 2 BatchNorm"):
        assert words in compared


def test_a_fork_of_hundreds_of_equal_branches_is_compared_in_bounded_work(monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[int] = []
    real = _branches.align
    monkeypatch.setattr(_branches, "align", lambda *given: counted.append(1) or real(*given))
    branches = Parallel(*[ReLU() >> Conv(4)] * 300, merge=Concatenate())
    one, other = (Input(8, 8, 3) >> branches >> Conv(width) for width in (4, 8))
    assert [str(edit) for row in diff(one, other).rows for edit in row.edits] == ["filters 4 → 8"]
    assert len(counted) <= _branches._MOST_PAIRS + 1
