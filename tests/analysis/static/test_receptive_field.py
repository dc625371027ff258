"""Receptive fields against the support of the input gradient, the Distill table, and cases worked out by hand."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from archlab import (
    Add,
    AvgPool,
    Concatenate,
    Conv,
    ConvTranspose,
    Crop,
    Dense,
    DepthwiseConv,
    Flatten,
    GlobalAvgPool,
    GroupNorm,
    Input,
    MaxPool,
    Multiply,
    Parallel,
    Part,
    Permute,
    Residual,
    SeparableConv,
    Sequence,
    Upsample,
    ZeroPad,
    analyze,
    load,
)
from archlab.analysis import QUANTITIES, State
from archlab.analysis.quantities import Counted
from archlab.analysis.static import receptive_field
from archlab.analysis.static.outline import groups
from archlab.errors import DesignError, UsageError
from archlab.graph import Shape
from archlab.ops import Embedding, Op
from tests.oracles import support
from tests.strategies import looking


def field(net: Part):
    return receptive_field(net.to_graph())


def inside(extent, units: int, image: int) -> list[int]:
    """Units whose field lies inside the image, and away from every edge that padding could have moved."""
    return [unit for unit in range(units) if (span := extent.span(unit)) and span[0] >= 0 and span[1] < image]


compared: list[set[str]] = []


@settings(max_examples=200, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(looking(), st.data())
def test_fields_are_the_support_of_the_input_gradient(net: Part, data: st.DataObject) -> None:
    graph = net.to_graph()
    found = receptive_field(graph)
    extents = found.seen[-1].extents
    image, out = graph.nodes[0].shape, graph.nodes[-1].shape
    axes = found.seen[-1].axes
    assert extents is not None
    if any(merge.offset is None for merge in found.misaligned):
        return  # strides that disagree have no field of one shape: reported, tested below
    if found.seen[-1].unknown:
        return
    # A period of the central units on both axes.
    picked = []
    for axis in range(2):
        fits = inside(extents[axis], out[axis] or 0, image[axes[axis]] or 0)
        middle = fits[len(fits) // 2 :][: len(extents[axis].spans)]
        if not middle:
            return
        picked.append(middle)
    longest = max(map(len, picked))
    units = [(picked[0][i % len(picked[0])], picked[1][i % len(picked[1])]) for i in range(longest)]
    units = units if len(units) <= 6 else data.draw(st.permutations(units))[:6]
    model = support.positive(net)
    for (row, column), seen in zip(units, support.seen(model, units), strict=True):
        assert seen == found.seen[-1].by_image((extents[0].span(row), extents[1].span(column))), (row, column)
    compared.append(support.kinds(net))


@settings(max_examples=100, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(looking(), st.data())
def test_pixels_are_the_support_of_the_input_gradient_at_every_border(net: Part, data: st.DataObject) -> None:
    graph = net.to_graph()
    found = receptive_field(graph)
    last, (height, width) = graph.nodes[-1], graph.nodes[-1].shape[:2]
    if found.seen[-1].unknown or not height or not width:
        return
    places = st.tuples(st.integers(0, height - 1), st.integers(0, width - 1))
    units = [(0, 0), (height - 1, width - 1), ((height - 1) // 2, (width - 1) // 2), data.draw(places)]
    pixels = [found.pixels(last.name, unit) for unit in units]
    assert pixels == support.seen(support.positive(net), units)
    assert found.layers[-1].clipped == tuple(b - a + 1 for a, b in pixels[2] or ((0, -1), (0, -1)))


def test_pixels_that_every_window_leaves_over_are_not_counted() -> None:
    # 15 → 7 → 3 → 1: the last pools leave pixels over, and the convolution behind reads padding alone besides.
    pools = [AvgPool(2, padding="valid")] * 3
    found = field(Input(15, 15, 1) >> Sequence(tuple(pools)) >> Conv(1, kernel=5))
    assert found.last is not None and found.last.clipped == (8, 8)
    assert found.pixels("conv", (0, 0)) == ((0, 7), (0, 7))
    with pytest.raises(UsageError, match=r"conv has no unit \(0, 1\): its map is \(1, 1, 1\)"):
        found.pixels("conv", (0, 1))
    with pytest.raises(UsageError, match="the units of flatten have no known place in the image"):
        field(Input(4, 4, 1) >> Flatten()).pixels("flatten", (0,))


@settings(max_examples=30)
@given(st.integers(1, 5), st.integers(1, 5), st.sampled_from(((0,), (1,), (0, 1))), st.integers(6, 16))
def test_a_gate_along_an_axis_moves_nothing(before: int, behind: int, axes: tuple[int, ...], size: int) -> None:
    # Coordinate attention (Hou et al. 2021): pooled along one axis, and stretched along it again.
    gates = [AvgPool((size, 1) if axis == 0 else (1, size)) >> Conv(4, kernel=1, activation="sigmoid") for axis in axes]
    start = Input(size, size, 4) >> Conv(4, kernel=before)
    gated = field(start >> Parallel(Sequence(), *gates, merge=Multiply()) >> Conv(4, kernel=behind)).last
    plain = field(start >> Conv(4, kernel=behind))
    assert gated is not None and plain.last is not None
    assert gated.whole
    assert (gated.size, gated.stride, gated.start) == (plain.last.size, plain.last.stride, plain.last.start)
    found = field(start >> Parallel(Sequence(), *gates, merge=Multiply()))
    assert (found.misaligned, found.gates) == ((), ("multiply",))


@dataclass(frozen=True, repr=False)
class Mystery(Op, abstract=True):
    """A layer without a rule, which makes a map of another size."""

    times: int = 1
    over: int = 1

    def output(self, *inputs: Shape) -> Shape:
        return (*[size and size * self.times // self.over for size in inputs[0][:-1]], inputs[0][-1])


@settings(max_examples=40)
@given(st.lists(st.sampled_from((1, 2)), max_size=3), st.integers(1, 4), st.integers(1, 4), st.integers(1, 3))
def test_a_layer_without_a_rule_leaves_a_lower_bound_and_no_stride(
    strides: list[int], times: int, over: int, behind: int
) -> None:
    body = Sequence(tuple(Conv(2, stride=stride) for stride in strides))
    before = Input(24, 24, 2) >> Conv(2) >> body
    net = before >> Mystery(times, over) >> Conv(2, kernel=3) * behind
    found, known = field(net), field(before)
    assert found.last is not None and known.last is not None and known.last.size is not None
    assert found.last.state is State.UNKNOWN
    # Whatever it does, units behind it see no less than one before it, where the map has kept its size a little more.
    grown = 2 * behind * max(known.last.stride or (1,)) if times == over else 0
    assert found.last.size == tuple(size + grown for size in known.last.size)
    subject = Counted(analyze(net))
    said = {name: QUANTITIES[name].whole for name in ("receptive_field", "stride", "start_offset", "covering")}
    states = {name: whole(subject).state for name, whole in said.items() if whole}
    assert states.pop("receptive_field") is State.LOWER_BOUND
    assert set(states.values()) == {State.UNKNOWN} or found.covering is not None


def test_a_layer_without_a_rule_on_one_branch_is_no_misalignment() -> None:
    found = field(Input(16, 16, 2) >> Residual(ZeroPad(((2, 0), (2, 0))) >> Mystery() >> Crop(((0, 2), (0, 2)))))
    assert found.misaligned == ()
    before = field(Input(17, 17, 2) >> Mystery() >> Residual(Conv(2, kernel=3) >> Conv(2, kernel=2)))
    # In front of both it moves both alike.
    assert [merge.name for merge in before.misaligned] == ["block1/add"]


def test_a_layer_without_a_rule_behind_the_maps_leaves_the_field_exact() -> None:
    found = field(Input(16, 16, 2) >> Conv(2) >> GlobalAvgPool() >> Mystery())
    assert found.last is not None and found.last.state is State.COUNTED
    assert found.unknown == ()


def test_at_least_a_hundred_were_compared_and_all_kinds_among_them() -> None:
    if not compared:
        pytest.skip("runs after the comparison with the gradient")
    assert len(compared) >= 100
    kinds = set().union(*compared)
    assert kinds >= {"Conv", "ConvTranspose", "AvgPool", "Upsample", "ZeroPad", "Crop", "Permute"}


@pytest.mark.parametrize(
    ("name", "size", "stride", "start", "misaligned"),
    [("baseline", 78, 16, 0, []), ("residual", 191, 32, -78, [1, 2, 4, 8])],
)
def test_the_lectures_models(name: str, size: int, stride: int, start: int, misaligned: list[int]) -> None:
    found = receptive_field(load(name).graph)
    assert found.last is not None
    assert found.last.size == (size, size)
    assert found.last.stride == (stride, stride)
    assert found.last.start == (start, start)
    assert [merge.offset for merge in found.misaligned] == [(offset, offset) for offset in misaligned]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["baseline", "residual"])
def test_the_lectures_models_seen_from_outside(name: str) -> None:
    # The size in numbers.md was measured at 400 × 400, where the field of a central unit lies inside the image.
    net = load(name, input=(400, 400)).tree
    assert net is not None
    body = Sequence(tuple(part for part in net.children if not isinstance(part, Flatten | GlobalAvgPool | Dense)))
    graph = body.to_graph()
    extents = receptive_field(graph).seen[-1].extents
    assert extents is not None
    unit = (graph.nodes[-1].shape[0] or 0) // 2
    (rows, columns) = support.seen(support.positive(body), [(unit, unit)])[0] or ((0, 0), (0, 0))
    assert rows == columns == extents[0].span(unit)


def test_shortcuts_are_aligned_where_every_size_is_odd() -> None:
    # 5 × 5 without padding leaves 161, then 81, 41, 21, 11.
    assert field(load("residual", input=(165, 165)).tree).misaligned == ()  # pyright: ignore[reportArgumentType]


# Size, effective stride and effective padding of Araujo et al., Distill 2019, and of Keras's own layers where its
# padding differs (ResNet pads explicitly).
@pytest.mark.parametrize(
    ("name", "input", "size", "padding"),
    [
        ("vgg16", 225, 212, 90),
        ("vgg16", 224, 212, 90),
        ("mobilenet_v1", 224, 315, 126),
        ("mobilenet_v1", 225, 315, 127),
        ("mobilenet_v2", 224, 491, 214),
        ("resnet50", 224, 483, 241),
        ("resnet101", 224, 1027, 513),
        ("resnet152", 224, 1507, 753),
    ],
)
def test_published_fields(name: str, input: int, size: int, padding: int) -> None:
    last = receptive_field(load(name, input=(input, input)).graph).last
    assert last is not None
    assert (last.size, last.stride, last.start) == ((size,) * 2, (32,) * 2, (-padding,) * 2)


@pytest.mark.parametrize(
    ("name", "size", "padding"), [("resnet50", 483, 239), ("resnet101", 1027, 511), ("resnet152", 1507, 751)]
)
def test_resnets_padded_as_in_the_paper(name: str, size: int, padding: int) -> None:
    # TF-Slim's, which the article measured, pads the 7 × 7 explicitly and the pool 'same': at 112 nothing in front,
    # where Keras pads one everywhere.
    tree = load(name).tree
    assert tree is not None
    net = tree.replace(ZeroPad(1), Sequence()).replace(MaxPool, lambda pool: MaxPool(pool.size, pool.stride, "same"))
    last = field(net).last
    assert last is not None
    assert (last.size, last.stride, last.start) == ((size,) * 2, (32,) * 2, (-padding,) * 2)


def test_vgg16_after_each_pool() -> None:
    found = receptive_field(load("vgg16").graph)
    pools = [row for row in found.layers if "max_pool" in row.name]
    assert [row.size for row in pools] == [(n, n) for n in (6, 16, 44, 100, 212)]
    assert [row.start for row in pools] == [(-n, -n) for n in (2, 6, 18, 42, 90)]


def test_resnet50_after_each_stage() -> None:
    graph = load("resnet50").graph
    found = receptive_field(graph)
    ends = [members[-1] for name, members in groups(graph, "stage").items() if name.startswith("stage")]
    assert [found.layers[end].size for end in ends] == [(n, n) for n in (35, 99, 291, 483)]


def test_xceptions_misaligned_merge_is_reported_and_its_size_given() -> None:
    found = receptive_field(load("xception").graph)
    assert found.last is not None and found.last.size == (1083, 1083)
    assert [merge.to_dict() for merge in found.misaligned] == [{"name": "entry/block2/add", "offset": [4, 4]}]


def test_an_unknown_size_leaves_size_and_stride_and_no_start() -> None:
    last = receptive_field(load("residual", input=(None, None)).graph).last
    assert last is not None
    assert (last.size, last.stride, last.start) == ((191, 191), (32, 32), (None, None))
    assert (last.coverage, last.clipped) == ((None, None), (None, None))
    # Whether the shortcuts are aligned depends on the size: neither yes nor no.
    found = receptive_field(load("residual", input=(None, None)).graph)
    assert (found.misaligned, len(found.undecided)) == ((), 5)


def test_padding_that_does_not_depend_on_the_size_keeps_the_start() -> None:
    last = field(Input(None, None, 3) >> Conv(4, kernel=5) >> Conv(4, kernel=3, stride=2, padding="valid")).last
    assert last is not None and last.start == (-2, -2)


def test_height_and_width_are_told_apart() -> None:
    last = field(Input(40, 50, 3) >> Conv(4, kernel=(3, 7), stride=(1, 2), padding="valid")).last
    assert last is not None
    assert (last.size, last.stride) == ((3, 7), (1, 2))


def test_a_field_that_leaves_the_image_is_given_whole_and_clipped() -> None:
    last = field(Input(20, 20, 3) >> Conv(4, kernel=15) >> Conv(4, kernel=15)).last
    assert last is not None
    assert (last.size, last.coverage) == ((29, 29), (1.0, 1.0))
    assert last.clipped == (20, 20)
    last = field(Input(20, 20, 3) >> Conv(4, kernel=19, stride=4)).last
    assert last is not None and last.size == (19, 19)
    # Units at 0, 4, …, 16: the third one looks at 2 + … : 8 − 7 to 8 + 11.
    assert last.clipped == (19, 19)


def test_the_first_layer_that_spans_the_image() -> None:
    net = Input(9, 9, 1) >> Conv(1, kernel=3) * 5
    assert field(net).covering == "conv_4"
    assert field(Input(9, None, 1) >> Conv(1, kernel=30)).covering is None


def test_upsampling_moves_by_fractions_of_a_pixel() -> None:
    last = field(Input(16, 16, 1) >> Upsample(2)).last
    assert last is not None
    assert (last.size, last.stride) == ((1, 1), (Fraction(1, 2), Fraction(1, 2)))
    last = field(Input(16, 16, 1) >> Upsample(2) >> Conv(1, kernel=3)).last
    assert last is not None and last.size == (2, 2)


def test_a_transposed_convolution_smaller_than_its_stride_leaves_units_that_see_nothing() -> None:
    found = field(Input(16, 16, 1) >> ConvTranspose(1, kernel=1, stride=2))
    extents = found.seen[-1].extents
    assert extents is not None and None in extents[0].spans
    assert extents[0].size == 1


def test_strides_that_disagree_are_reported_not_averaged() -> None:
    net = Input(12, 12, 1) >> Parallel(
        Conv(1, kernel=1, stride=2), Crop(3), merge=Add()
    )  # both are 6 × 6: one strides, the other crops
    found = field(net)
    assert [merge.to_dict() for merge in found.misaligned] == [
        {"name": "add", "offset": None, "strides": [[2, 2], [1, 1]]}
    ]


def test_a_gate_lets_every_unit_see_the_whole_image_and_is_left_out_of_the_size() -> None:
    gate = GlobalAvgPool(keepdims=True) >> Dense(4, activation="sigmoid")
    found = field(
        Input(32, 32, 4) >> Conv(4, kernel=3) >> Parallel(Sequence(), gate, merge=Multiply()) >> Conv(4, kernel=3)
    )
    assert found.last is not None
    assert (found.last.size, found.last.whole, found.gates) == ((5, 5), True, ("multiply",))
    statistics = field(Input(32, 32, 4) >> Conv(4, kernel=3) >> GroupNorm(groups=2))
    assert statistics.gates == ("group_norm",)


@pytest.mark.parametrize("head", [GlobalAvgPool(), Flatten(), GlobalAvgPool(keepdims=True) >> Conv(3, kernel=1)])
def test_after_the_head_units_see_everything_and_have_no_place(head: Part) -> None:
    found = field(Input(32, 32, 4) >> Conv(4, kernel=3) >> head)
    assert found.at == "conv"
    assert found.layers[-1].whole and found.layers[-1].size is None


def test_a_net_without_spatial_axes_has_no_field() -> None:
    found = field(Input(10) >> Dense(3))
    assert found.at is None and found.last is None
    assert found.to_dict()["size"] is None


def test_branches_of_equal_extent_at_different_places() -> None:
    # Padding in front shifts one branch by two pixels against the other.
    net = Input(32, 32, 1) >> Parallel(
        ZeroPad(((2, 0), (0, 0))) >> Conv(1, kernel=3) >> Crop(((0, 2), (0, 0))), Conv(1, kernel=3), merge=Concatenate()
    )
    found = field(net)
    assert found.last is not None and found.last.size == (5, 3)
    assert [merge.offset for merge in found.misaligned] == [(2, 0)]


def test_permuting_the_axes_takes_their_fields_along() -> None:
    last = field(Input(40, 50, 3) >> Conv(4, kernel=(3, 7), padding="valid") >> Permute(2, 1, 3)).last
    # In the order of the image's axes, whatever the map's are.
    assert last is not None and last.size == (3, 7)


def test_depthwise_separable_and_dilated_windows_count_as_their_extent() -> None:
    net = Input(64, 64, 2) >> DepthwiseConv(3) >> SeparableConv(4, kernel=3, dilation=2) >> AvgPool(2)
    last = field(net).last
    assert last is not None and last.size == (1 + 2 + 4 + 1, 8)


def test_a_residual_sees_the_larger_of_its_paths() -> None:
    last = field(Input(64, 64, 2) >> Residual(Conv(2, kernel=3) >> Conv(2, kernel=3))).last
    assert last is not None and last.size == (5, 5)


def test_a_window_of_another_kind_is_refused_in_one_line() -> None:
    class Told(Conv, abstract=True):
        def window(self, *inputs):
            return "pointwise"

    with pytest.raises(DesignError, match=r"told: the window of Told must be one of Pointwise\(\), .* got 'pointwise'"):
        receptive_field((Input(8, 8, 3) >> Told(4)).to_graph())


def test_words_on_several_axes_leave_the_field_unknown_by_name() -> None:
    net = Input(8, 4) >> Embedding(vocabulary=3, width=3) >> Conv(4) >> Conv(4) >> GlobalAvgPool() >> Dense(3)
    assert field(net).unknown == ("embedding",)
