"""Composition, values, names, and every error on its whole text."""

from __future__ import annotations

import pytest
from hypothesis import given

import archlab
from archlab import (
    CHANNELS,
    WIDTH,
    Add,
    BatchNorm,
    Block,
    Conv,
    Dense,
    Dropout,
    GlobalAvgPool,
    Input,
    MaxPool,
    Multiply,
    Parallel,
    Part,
    Pyramid,
    ReLU,
    Repeat,
    Residual,
    SeparableConv,
    Sequence,
    Stage,
    load,
)
from archlab.analysis.static.outline import groups
from archlab.errors import ArchlabError, ArgumentError, DesignError
from tests.strategies import architectures

UNIT = BatchNorm() >> ReLU() >> SeparableConv(kernel=3, bias=False)
LECTURE = Residual(UNIT * 2 >> MaxPool(3, stride=2))


@given(architectures())
def test_repr_is_the_code_that_makes_it(net: Part) -> None:
    again = eval(repr(net), {**vars(archlab.ops), **vars(archlab)})
    assert again == net
    assert hash(again) == hash(net)
    assert repr(again) == repr(net)


@given(architectures())
def test_the_same_tree_gives_the_same_graph(net: Part) -> None:
    assert net.to_graph().nodes == net.to_graph().nodes


@pytest.mark.parametrize("name", ["baseline", "residual:augmentation=true", "plain:depth=20", "resnet50", "vgg16",
                                  "xception", "mobilenet_v1", "mobilenet_v2"])  # fmt: skip
def test_the_zoo_is_written_back_as_code(name: str) -> None:
    tree = load(name).tree
    assert eval(repr(tree), {**vars(archlab.ops), **vars(archlab)}) == tree


def test_the_lectures_net_as_the_readme_has_it() -> None:
    net = (
        Input(180, 180, 3)
        >> archlab.Rescaling(1 / 255)
        >> Conv(32, kernel=5, padding="valid", bias=False)
        >> Pyramid(LECTURE, widths=(32, 64, 128, 256, 512))
        >> GlobalAvgPool()
        >> Dropout(0.5)
        >> Dense(1, activation="sigmoid")
    )
    assert net == load("residual").tree
    assert net.without(Residual) == load("plain").tree


def test_composing_changes_nothing_that_is_composed() -> None:
    first, second = Conv(8) >> ReLU(), Conv(16)
    before = repr(first), repr(second)
    _ = first >> second, first * 3, first.without(ReLU), Residual(first)
    assert (repr(first), repr(second)) == before
    with pytest.raises(AttributeError):
        first.parts = ()  # pyright: ignore[reportAttributeAccessIssue]


def test_sequences_are_flat_and_equal_however_they_are_bracketed() -> None:
    a, b, c = Conv(1), ReLU(), Conv(2)
    assert (a >> b) >> c == a >> (b >> c)
    assert (a >> b >> c).parts == (a, b, c)
    assert a >> Sequence() == Sequence((a,))
    assert 2 * a == a * 2 == Repeat(a, 2)


def test_a_block_takes_the_width_of_the_stage_around_it() -> None:
    block = Conv() >> Conv(WIDTH * 4, kernel=1) >> Conv(WIDTH // 2, kernel=1)
    graph = (Input(8, 8, 3) >> Stage(block, 16) >> Stage(block, 32)).to_graph()
    assert [node.shape[-1] for node in graph] == [3, 16, 64, 8, 32, 128, 16]
    assert [part.filters for part in block.parts if isinstance(part, Conv)] == [None, WIDTH * 4, WIDTH // 2]


def test_a_width_may_be_that_of_what_comes_in() -> None:
    graph = (Input(8, 8, 3) >> Conv(CHANNELS * 6, kernel=1) >> Dense(CHANNELS // 2)).to_graph()
    assert [node.shape[-1] for node in graph] == [3, 18, 9]


def test_a_shortcut_is_the_identity_where_shapes_agree_and_a_projection_elsewhere() -> None:
    same = (Input(8, 8, 4) >> Residual(Conv(4))).to_graph()
    assert [node.name for node in same] == ["input", "block1/conv", "block1/add"]
    assert same["block1/add"].inputs == (1, 0)
    strided = (Input(9, 8, 4) >> Residual(Conv(6, stride=(2, 1)) >> MaxPool(2))).to_graph()
    assert strided["block1/shortcut"].op == Conv(6, kernel=1, stride=(4, 2), bias=False)
    assert strided["block1/shortcut"].shape == strided["block1/max_pool"].shape


def test_a_projection_of_an_unknown_size_has_the_bodys_strides() -> None:
    graph = (Input(None, None, 4) >> Residual(Conv(6, stride=2) >> Conv(6, stride=2))).to_graph()
    assert graph["block1/shortcut"].op.stride == 4


def test_a_shortcut_of_ones_own_and_another_merge() -> None:
    graph = (Input(8, 8, 4) >> Residual(Conv(4), shortcut=Conv(4, kernel=1), merge=Multiply())).to_graph()
    assert [node.name for node in graph] == ["input", "block1/conv", "block1/shortcut/conv", "block1/multiply"]


def test_names_of_stages_blocks_and_branches() -> None:
    net = (
        Input(8, 8, 4)
        >> Stage(Block(Residual(Conv(4)) >> ReLU()) * 2)
        >> Stage(Parallel(Conv(1), Sequence()), name="exit")
    )
    assert [node.name for node in net.to_graph()] == [
        "input", "stage1/block1/conv", "stage1/block1/add", "stage1/block1/relu",
        "stage1/block2/conv", "stage1/block2/add", "stage1/block2/relu", "exit/branch1/conv", "exit/concatenate",
    ]  # fmt: skip


def test_groups_of_nodes() -> None:
    graph = load("residual").graph
    assert list(groups(graph, "stage")) == ["stem", "stage1", "stage2", "stage3", "stage4", "stage5", "head"]
    assert sum(map(len, groups(graph, "block").values())) == len(graph)


def test_pyramids_repeat_and_follow_on() -> None:
    net = Input(16, 16, 3) >> Pyramid(LECTURE, widths=(4, 8), repeats=(1, 3), then=Residual(UNIT))
    shapes = {
        name: net.to_graph().nodes[members[-1]].shape for name, members in groups(net.to_graph(), "block").items()
    }
    assert shapes == {"stem": (16, 16, 3), "stage1/block1": (8, 8, 4), "stage2/block1": (4, 4, 8),
                      "stage2/block2": (4, 4, 8), "stage2/block3": (4, 4, 8)}  # fmt: skip


def test_without_keeps_the_body_of_a_residual_and_its_block() -> None:
    net = Stage(Residual(Conv(4) >> BatchNorm()), width=4)
    assert net.without(Residual) == Stage(Block(Conv(4) >> BatchNorm()), width=4)
    assert net.without(BatchNorm) == Stage(Residual(Conv(4)), width=4)
    assert net.without(Residual, Stage, Block, BatchNorm) == Block(Conv(4))
    assert Repeat(ReLU(), 3).without(ReLU) == Sequence()


def test_replace_carries_over_what_both_kinds_have() -> None:
    net = Residual(SeparableConv(None, kernel=5, bias=False, multiplier=2))
    assert net.replace(SeparableConv, Conv) == Residual(Conv(None, kernel=5, bias=False))
    assert net.replace(SeparableConv, ReLU()) == Residual(ReLU())
    assert (Conv(3) >> ReLU()).replace(ReLU(), lambda old: BatchNorm() >> old) == Conv(3) >> BatchNorm() >> ReLU()


def test_with_input() -> None:
    net = load("residual").tree
    assert net is not None
    assert net.with_input(96, 96, 3).to_graph()["conv"].shape == (92, 92, 32)
    with pytest.raises(DesignError, match="there is no Input"):
        Conv(3).with_input(8, 8, 3)


def build(net: Part) -> object:
    return net.to_graph()


PYRAMID = Input(44, 44, 3) >> Pyramid(
    Residual(Conv() >> MaxPool(3, stride=2), shortcut=Conv(kernel=1, bias=False)), widths=(8, 16, 32)
)
DEEP = Input(20, 20, 3) >> Pyramid(Block(Conv(padding="valid", kernel=5) >> MaxPool(2)), widths=(8, 16, 32))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: build(PYRAMID),
         "stage1/block1/add: cannot add (22, 22, 8) and (44, 44, 8): the shortcut's stride is 1 and the body's is 2"),
        (lambda: build(DEEP),
         "stage3/block1/conv: kernel 5 does not fit into (2, 2, 16): with padding='valid' no side may be smaller "
         "than 5"),
        (lambda: build(Input(9, 9, 3) >> Residual(Conv(3, padding="valid"))),
         "block1/add: cannot add (7, 7, 3) and (9, 9, 3): the body must keep the sizes that its strides leave ('same' "
         "padding does)"),
        (lambda: build(Input(9, 9, 3) >> Residual(GlobalAvgPool())),
         "block1/shortcut: no projection leads from (9, 9, 3) to (3,): give shortcut="),
        (lambda: build(Input(9, 9, 3) >> Conv(8, kernel=4, dilation=3, padding="valid")),
         "conv: kernel 4 with dilation 3 spans 10 and does not fit into (9, 9, 3): with padding='valid' no side may be "
         "smaller than 10"),
        (lambda: build(Input(9, 9, 3) >> Conv()),
         "conv: its width is open: give it one, Conv(64), or put it into a Stage or Pyramid"),
        (lambda: build(Input(9, 9, 3) >> Stage(Conv(WIDTH // 2), 7)),
         "stage1/conv: the width WIDTH // 2 of 7 is not a whole number"),
        (lambda: build(Input(9, 9, 3) >> Conv(4, groups=2)),
         "conv: 3 channels in and 4 out must both divide into groups=2"),
        (lambda: build(Input(9, 9, None) >> Conv(4)),
         "conv: its weights need a known number of channels, got (9, 9, ?)"),
        (lambda: build(Input(10) >> Conv(4)),
         "conv: Conv needs an input with spatial axes, such as (32, 32, 3), got (10,)"),
        (lambda: build(Input(9, 9, 3) >> Conv(4, kernel=(3, 3, 3))),
         "conv: kernel=(3, 3, 3) names 3 axes and the input has 2"),
        (lambda: build(Conv(4) >> ReLU()),
         "conv: nothing comes in: an architecture begins with Input(height, width, channels)"),
        (lambda: build(Residual(Conv(4))),
         "Residual needs something to come in: an architecture begins with Input(height, width, channels)"),
        (lambda: build(Input(9, 9, 3) >> Input(9, 9, 3)), "input_2: an Input stands only at the beginning"),
        (lambda: build(Input(9, 9, 3) >> Add()),
         "add: Add joins several paths: use Residual(body), or Parallel(..., merge=Add())"),
        (lambda: build(Input(9, 9, 3) >> Parallel(Conv(3), Conv(4), merge=Add())),
         "add: cannot add (9, 9, 3) and (9, 9, 4)"),
        (lambda: build(Input(4, 4, 3) >> archlab.Crop(2)), "crop: cropping 2 leaves nothing of (4, 4, 3)"),
        (lambda: build(Input(4, 4, 3) >> archlab.Reshape(5, -1)),
         "reshape: (4, 4, 3) has 48 elements, which cannot become (5, -1)"),
        (lambda: build(Input(4, 4, 3) >> archlab.GroupNorm(groups=2)),
         "group_norm: 3 channels cannot be divided into 2 groups"),
        (lambda: build(Sequence()), "an architecture begins with Input(height, width, channels)"),
        (lambda: Conv(32, kernal=3), "Conv has no argument 'kernal': did you mean kernel?"),
        (lambda: ReLU().__class__(maximum=3), "ReLU has no argument 'maximum': did you mean max_value?"),
        (lambda: Conv(-8), "filters must be a whole number of at least 1, got -8"),
        (lambda: Conv(8, kernel=0), "kernel must be a whole number of at least 1, got 0"),
        (lambda: Conv(8, stride=0), "stride must be a whole number of at least 1, got 0"),
        (lambda: Conv(8, stride=2, dilation=2), "stride=2 and dilation=2 cannot both be above 1"),
        (lambda: Conv(8, padding="smae"), "padding 'smae' is not known: did you mean same?"),
        (lambda: Conv(8, activation="rleu"), "activation 'rleu' is not known: did you mean relu or relu6 or prelu?"),
        (lambda: Dropout(1.5), "rate of Dropout must be at least 0 and below 1, got 1.5"),
        (lambda: Input(0, 0, 3), "a size of Input must be a whole number of at least 1, got 0"),
        (lambda: Input(), "Input needs a shape, such as Input(180, 180, 3)"),
        (lambda: Stage(Conv(), width=-3), "width of a Stage must be a whole number of at least 1, got -3"),
        (lambda: Pyramid(Conv(), widths=(8, -16)),
         "width 2 of a Pyramid must be a whole number of at least 1, got -16"),
        (lambda: Pyramid(Conv(), widths=()), "widths of a Pyramid must be a tuple of whole numbers, got ()"),
        (lambda: Pyramid(Conv(), widths=(8, 16), repeats=(1,)), "1 repeats do not match 2 widths"),
        (lambda: Parallel(Conv(3)), "Parallel needs at least two branches, got 1"),
        (lambda: Residual(3), "the body of a Residual must be a part, such as Conv(32) >> ReLU(), got 3"),
        (lambda: Conv(8) >> 3, ">> needs a part on its right, such as ReLU(), got 3"),
        (lambda: Conv(8) * -1, "* needs a whole number of repeats, 0 or more, got -1"),
        (lambda: archlab.Permute(1, 3), "Permute needs every axis from 1 once, got (1, 3)"),
        (lambda: archlab.Normalization(0.5), "Normalization takes mean and variance together, or neither"),
        (lambda: Dense(3, True, "relu", "x", "y"),
         "Dense: Dense.__init__() takes from 1 to 5 positional arguments but 6 were given"),
    ],
)  # fmt: skip
def test_errors_on_their_whole_text(make, message: str) -> None:
    with pytest.raises(ArchlabError) as caught:
        make()
    assert str(caught.value) == message


def test_an_unknown_argument_is_a_type_error_too() -> None:
    with pytest.raises(TypeError):
        Conv(32, kernal=3)  # pyright: ignore[reportCallIssue]
    assert issubclass(ArgumentError, ValueError)
