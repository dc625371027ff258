"""Random architectures: trees that add up, grown part by part from every operation there is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from archlab import (
    CHANNELS,
    ELU,
    WIDTH,
    Activation,
    Add,
    AlphaDropout,
    Average,
    AvgPool,
    BatchNorm,
    Block,
    Cell,
    Concatenate,
    Conv,
    ConvTranspose,
    Crop,
    Dense,
    DepthwiseConv,
    Dropout,
    Flatten,
    GaussianDropout,
    GaussianNoise,
    GlobalAvgPool,
    GlobalMaxPool,
    GroupNorm,
    Identity,
    Input,
    LayerNorm,
    LeakyReLU,
    Maximum,
    MaxPool,
    Minimum,
    Multiply,
    Normalization,
    Parallel,
    Part,
    Permute,
    PReLU,
    Pyramid,
    RandomBrightness,
    RandomContrast,
    RandomCrop,
    RandomFlip,
    RandomRotation,
    RandomTranslation,
    RandomZoom,
    ReLU,
    Rescaling,
    Reshape,
    Residual,
    Resizing,
    SeparableConv,
    Sequence,
    Softmax,
    SpatialDropout,
    Stage,
    Subtract,
    Upsample,
    Zero,
    ZeroPad,
)
from archlab.errors import DesignError
from archlab.ops import Arithmetic

Draw = Callable[[st.SearchStrategy], Any]
PADDING = st.sampled_from(("same", "valid"))
SMALL = st.integers(1, 3)
FLAG = st.booleans()
ACTIVATIONS = st.sampled_from((None, "relu", "sigmoid", "gelu"))


def _sizes(axes: int, low: int, high: int) -> st.SearchStrategy:
    """A number for all axes, or one for each."""
    each = st.integers(low, high)
    return st.one_of(each, st.tuples(*[each] * axes))


@st.composite
def _strides(draw: Draw, axes: int) -> tuple:
    """Stride and dilation, of which only one may be above 1."""
    if draw(FLAG):
        return draw(st.integers(1, 3)), 1
    return 1, draw(_sizes(axes, 1, 3))


@st.composite
def convolutions(draw: Draw, axes: int = 2, widths: st.SearchStrategy | None = None) -> Part:
    """A convolution of any kind."""
    width = draw(widths or st.sampled_from((1, 2, 4, 6, CHANNELS, CHANNELS * 2)))
    common = {
        "kernel": draw(_sizes(axes, 1, 4)),
        "padding": draw(PADDING),
        "bias": draw(st.sampled_from((None, True, False))),
    }
    common["stride"], common["dilation"] = draw(_strides(axes))
    kinds = ["conv", "grouped", "transpose"] + (["separable", "depthwise"] if axes < 3 else [])
    kind = draw(st.sampled_from(kinds))
    activation = draw(ACTIVATIONS)
    if kind == "conv":
        return Conv(width, activation=activation, **common)
    if kind == "grouped":
        return Conv(CHANNELS * 2, groups=2, **common)
    if kind == "separable":
        return SeparableConv(width, multiplier=draw(st.integers(1, 2)), activation=activation, **common)
    if kind == "depthwise":
        return DepthwiseConv(multiplier=draw(st.integers(1, 2)), activation=activation, **common)
    if draw(FLAG):
        extra = draw(st.integers(0, 1))
        common |= {"stride": 2, "dilation": 1, "output_padding": extra}
    return ConvTranspose(width, **common)


@st.composite
def pools(draw: Draw, axes: int = 2) -> Part:
    """A maximum or a mean over a sliding window."""
    kind = draw(st.sampled_from((MaxPool, AvgPool)))
    return kind(draw(_sizes(axes, 1, 3)), stride=draw(st.sampled_from((None, 1, 2))), padding=draw(PADDING))


@st.composite
def arrangements(draw: Draw, axes: int = 2) -> Part:
    """Padding, cropping and enlarging."""
    margins = st.one_of(st.integers(0, 2), st.tuples(*[st.tuples(st.integers(0, 2), st.integers(0, 2))] * axes))
    kind = draw(st.sampled_from(("pad", "crop", "up", "permute", "identity")))
    if kind == "pad":
        return ZeroPad(draw(margins))
    if kind == "crop":
        return Crop(draw(margins))
    if kind == "up":
        smooth = axes == 2 and draw(FLAG)
        return Upsample(draw(_sizes(axes, 1, 3)), interpolation="bilinear" if smooth else "nearest")
    if kind == "permute":
        return Permute(*draw(st.permutations(range(1, axes + 1))), axes + 1)
    return Identity()


def elementwise(axes: int = 2) -> st.SearchStrategy:
    """Everything that leaves the shape alone."""
    shared = tuple(range(1, axes + 1))
    return st.sampled_from(
        (
            BatchNorm(), BatchNorm(center=False, scale=False), LayerNorm(), GroupNorm(groups=1), GroupNorm(groups=2),
            ReLU(), ReLU(6.0), LeakyReLU(), ELU(), Softmax(), PReLU(shared_axes=shared), PReLU(),
            Activation("tanh"), Activation("gelu"), Activation("hard_sigmoid"), Activation("silu"),
            Arithmetic(2.0, 1.0), Dropout(0.3), SpatialDropout(0.2), AlphaDropout(0.1), GaussianDropout(0.2),
            GaussianNoise(0.1), Dense(4),
        )
    )  # fmt: skip


def augmentations() -> st.SearchStrategy:
    """What works on photos only: two axes."""
    return st.sampled_from(
        (
            Rescaling(1 / 255), Rescaling(2.0, -1.0), Normalization(), Normalization(0.5, 2.0),
            RandomFlip("horizontal"), RandomRotation(0.1), RandomZoom(0.2), RandomTranslation(0.1, 0.1),
            RandomContrast(0.2), RandomBrightness(0.2), RandomCrop(9, 8), Resizing(13, 12), Resizing(7, 20, "nearest"),
        )
    )  # fmt: skip


@st.composite
def blocks(draw: Draw) -> Part:
    """Residuals, parallel branches, stages and pyramids of smaller parts."""
    open_width = st.sampled_from((None, WIDTH, WIDTH * 2, 4))
    body = draw(
        st.sampled_from(
            (
                Conv(CHANNELS, kernel=3) >> BatchNorm() >> ReLU(),
                Conv(CHANNELS * 2, kernel=3, stride=2) >> ReLU() >> Conv(CHANNELS, kernel=1),
                Conv(6, kernel=3) >> MaxPool(3, stride=2),
                Residual(Conv(CHANNELS, kernel=1)),
            )
        )
    )
    kind = draw(
        st.sampled_from(("residual", "gate", "parallel", "merge", "merge", "stage", "pyramid", "block", "cell"))
    )
    if kind == "residual":
        return Residual(body)
    if kind == "cell":
        return draw(cells())
    if kind == "gate":
        gate = GlobalAvgPool(keepdims=True) >> Dense(CHANNELS, activation="sigmoid")
        return Block(Parallel(Sequence(), gate, merge=Multiply()))
    if kind == "parallel":
        return Parallel(Conv(2, kernel=draw(SMALL)), Sequence(), AvgPool(3, stride=1), merge=Concatenate())
    if kind == "merge":
        merge = draw(st.sampled_from((Add(), Average(), Maximum(), Minimum(), Multiply(), Subtract())))
        return Parallel(Conv(CHANNELS, kernel=draw(SMALL)), Identity(), merge=merge)
    convolution = Conv(draw(open_width), kernel=3)
    if kind == "stage":
        return Stage(Block(convolution >> ReLU()) * draw(SMALL), width=4)
    if kind == "pyramid":
        return Pyramid(convolution >> AvgPool(2), widths=(2, 4), repeats=draw(st.integers(1, 2)))
    return Block(body >> ReLU(), name=draw(st.sampled_from(("", "named"))))


@st.composite
def cells(draw: Draw) -> Part:
    """Cells of three or four nodes, some of whose edges are zeros, or that something else leads past."""
    keeps = (
        Identity(), Identity(), Sequence(), Zero(), Zero(), ReLU(), BatchNorm(),
        Conv(CHANNELS, kernel=3), ReLU() >> Conv(CHANNELS, kernel=1, bias=False) >> BatchNorm(),
    )  # fmt: skip
    last = draw(st.integers(2, 3))
    pairs = [(source, target) for target in range(1, last + 1) for source in range(target)]
    needed = {draw(st.sampled_from([pair for pair in pairs if pair[1] == target])) for target in range(1, last + 1)}
    kept = [pair for pair in pairs if pair in needed or draw(FLAG)]
    merge = draw(st.sampled_from((Add(), Add(), Add(), Average(), Maximum(), Concatenate())))
    edges = [(*pair, draw(st.sampled_from(keeps))) for pair in draw(st.permutations(kept))]
    return Cell(*edges, merge=merge)


HEADS = (
    Sequence(),
    GlobalAvgPool(),
    GlobalMaxPool(),
    GlobalMaxPool(keepdims=True) >> Flatten(),
    Flatten() >> Dense(3, activation="softmax"),
    GlobalAvgPool(keepdims=True) >> Conv(3, kernel=1) >> Reshape(3) >> Activation("sigmoid"),
    Flatten() >> Reshape(1, 1, -1),
)


def grown(net: Part, part: Part) -> Part:
    """The net with the part behind it, if that adds up and stays small; else the net as it was."""
    longer = net >> part
    try:
        shape = longer.to_graph().nodes[-1].shape
    except DesignError:
        return net
    return longer if all(size is None or size <= 64 for size in shape) else net


@st.composite
def architectures(draw: Draw, most: int = 7) -> Part:
    """A whole architecture on one, two or (mostly) three axes with channels, of any operation."""
    axes = draw(st.sampled_from((2, 2, 2, 2, 1, 3)))
    sides = st.integers(7, 24) if axes < 3 else st.integers(5, 9)
    net: Part = Input(*[draw(sides) for _ in range(axes)], draw(st.sampled_from((1, 2, 3, 4))))
    kinds = [convolutions(axes), pools(axes), arrangements(axes), elementwise(axes), blocks(), blocks()]
    if axes == 2:
        net = grown(net, draw(augmentations()))
    for _ in range(draw(st.integers(1, most))):
        net = grown(net, draw(draw(st.sampled_from(kinds))))
    net = grown(net, draw(st.sampled_from(HEADS)))
    # Older versions of Keras refuse a model whose output is its input.
    return net >> Identity() if isinstance(net, Input) else net


@st.composite
def looking(draw: Draw, most: int = 5) -> Part:
    """An architecture of windows alone, linear and small enough that its fields lie inside a large input."""
    net: Part = Input(draw(st.integers(60, 75)), draw(st.integers(60, 75)), 1)
    for _ in range(draw(st.integers(1, most))):
        kind = draw(
            st.sampled_from(
                ("conv", "conv", "pool", "transpose", "up", "pad", "crop", "residual", "parallel", "permute")
            )
        )
        stride, dilation = draw(_strides(2))
        sliding = {"kernel": draw(_sizes(2, 1, 4)), "padding": draw(PADDING), "bias": False}
        part: Part
        if kind == "conv":
            part = Conv(1, stride=min(stride, 2), dilation=dilation, **sliding)
        elif kind == "pool":
            part = AvgPool(draw(_sizes(2, 1, 3)), stride=draw(st.integers(1, 2)), padding=draw(PADDING))
        elif kind == "transpose":
            part = ConvTranspose(1, stride=draw(st.integers(1, 3)), **sliding)
        elif kind == "up":
            part = Upsample(draw(_sizes(2, 1, 3)), interpolation=draw(st.sampled_from(("nearest", "bilinear"))))
        elif kind == "pad":
            part = ZeroPad(((draw(SMALL), draw(SMALL) - 1), (draw(SMALL) - 1, draw(SMALL))))
        elif kind == "crop":
            part = Crop(((draw(SMALL), draw(SMALL) - 1), (draw(SMALL) - 1, draw(SMALL))))
        elif kind == "permute":
            part = Permute(2, 1, 3)
        elif kind == "residual":
            body = Conv(1, bias=False, **{k: v for k, v in sliding.items() if k == "kernel"})
            part = Residual(
                draw(st.sampled_from((body, body >> AvgPool(3, stride=2), body >> Conv(1, stride=2, bias=False))))
            )
        else:
            other = Conv(1, kernel=draw(SMALL), dilation=draw(SMALL), bias=False)
            part = Parallel(
                Conv(1, kernel=draw(_sizes(2, 1, 4)), bias=False),
                other,
                merge=draw(st.sampled_from((Add(), Average(), Concatenate()))),
            )
        net = grown_wide(net, part)
    return net >> Identity() if isinstance(net, Input) else net


def grown_wide(net: Part, part: Part) -> Part:
    """The net with the part behind it, if that adds up and leaves something to look at."""
    longer = net >> part
    try:
        height, width, _ = longer.to_graph().nodes[-1].shape
    except DesignError:
        return net
    assert height is not None and width is not None
    return longer if min(height, width) >= 4 and max(height, width) <= 160 else net
