"""The networks of the grid, by family: drawn at random within a family, always the same ones.

What decides whether a network trains is drawn: depth, width, activation, initializer, normalization, residual
connections, pooling, the range of the input, and the head. Maps are small, so that two processors suffice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any, NamedTuple

from archlab import (
    Activation,
    Add,
    AvgPool,
    BatchNorm,
    Block,
    Concatenate,
    Conv,
    Dense,
    DepthwiseConv,
    Dropout,
    Flatten,
    GlobalAvgPool,
    GlobalMaxPool,
    Graph,
    GroupNorm,
    Identity,
    Input,
    LayerNorm,
    MaxPool,
    Multiply,
    Parallel,
    ReLU,
    Rescaling,
    Residual,
    SeparableConv,
    analyze,
)
from archlab.dsl import Sequence
from archlab.graph import Part
from archlab.zoo.lecture import plain, residual

HELD_OUT = ("dense", "mobile", "inception", "gated", "bottleneck")
"""Families that nothing is fitted to."""

_INITIALIZERS = ("glorot_uniform", "he_normal", "lecun_normal", "orthogonal", "random_normal")
_SMOOTH = (
    "tanh",
    "sigmoid",
    "elu",
    "selu",
    "gelu",
    "silu",
    "leaky_relu",
    "softplus",
    "hard_sigmoid",
    "softsign",
    "relu6",
    "mish",
)


_MOST_MACS = 1_500_000
"""Of one image: a network takes half a minute on one processor."""


class Net(NamedTuple):
    """One network, and how it is trained.

    Attributes:
        name: of it, once in the grid.
        family: of networks that are drawn alike.
        graph: makes it.
        images: 'photos' or 'shapes'.
        regime: 'plain', or 'careful': a linear warm-up over 50 steps, and gradients clipped to norm 1.
    """

    name: str
    family: str
    graph: Callable[[], Graph]
    images: str = "photos"
    regime: str = "plain"


def grid() -> list[Net]:
    """All of them, the families in turn, so that what is done of it is always of all families."""
    columns = [list(_drawn(family, draw)) for family, draw in _FAMILIES.items()]
    rows = [[column[i] for column in columns if i < len(column)] for i in range(max(map(len, columns)))]
    return [net for row in rows for net in row]


def _drawn(family: str, draw: Callable[[Random], tuple[str, Part]], count: int = 15) -> Iterator[Net]:
    rng, names = Random(family), set[str]()
    while len(names) < count:
        name, part = draw(rng)
        number = len(names)
        images = "shapes" if number % 6 == 4 else "photos"
        regime = "careful" if number % 6 == 2 else "plain"
        if name not in names and (analyze(part).compute.macs or 0) <= _MOST_MACS:
            names.add(name)
            yield Net(f"{family}: {name}", family, part.to_graph, images, regime)


def _act(name: str) -> Part:
    return ReLU() if name == "relu" else Activation(name)


def _norm(name: str) -> Part:
    return {"none": Identity(), "BN": BatchNorm(), "LN": LayerNorm(), "GN": GroupNorm(groups=2)}[name]


def _gain(scale: float) -> Any:
    config = {"scale": scale, "mode": "fan_in", "distribution": "untruncated_normal"}
    return {"class_name": "VarianceScaling", "config": config}


def _stem(
    width: int,
    initializer: Any = "he_normal",
    size: int = 32,
    scale: float = 1 / 255,
    offset: float = 0.0,
    side: int = 8,
) -> Part:
    """Pixels, scaled, and a convolution whose maps have this side."""
    stride = size // side
    return (
        Input(size, size, 3)
        >> Rescaling(scale, offset)
        >> Conv(width, kernel=5, stride=stride, initializer=initializer)
    )


def _head() -> Part:
    return GlobalAvgPool() >> Dense(1, activation="sigmoid")


def _unit(width: int, initializer: Any, activation: str = "relu", norm: str = "none", before: bool = False) -> Part:
    """A convolution with normalization and activation: behind it, or `before` it."""
    conv = Conv(width, initializer=initializer, bias=norm == "none")
    parts = (_norm(norm), _act(activation), conv) if before else (conv, _norm(norm), _act(activation))
    return Sequence.of(*(part for part in parts if not isinstance(part, Identity)))


def _plain(rng: Random) -> tuple[str, Part]:
    init, width = rng.choice(_INITIALIZERS), rng.choice((4, 8, 16, 32))
    depth, size = rng.choice((3, 6, 10, 15, 20, 28, 38)), rng.choice((32, 32, 64))
    net = _stem(width, init, size) >> _unit(width, init) * depth >> _head()
    return f"{depth} layers, width {width}, {init}, {size} px", net


def _activation(rng: Random) -> tuple[str, Part]:
    act, init = rng.choice(_SMOOTH), rng.choice(_INITIALIZERS[:4])
    depth, width = rng.choice((3, 6, 10, 16, 24)), rng.choice((8, 8, 24))
    net = _stem(width, init) >> _unit(width, init, act) * depth >> _head()
    return f"{depth} layers of {act}, width {width}, {init}", net


def _normalized(rng: Random) -> tuple[str, Part]:
    norm, before = rng.choice(("BN", "BN", "LN", "GN")), rng.random() < 0.3
    act, init = rng.choice(("relu", "relu", "silu", "tanh", "elu")), rng.choice(_INITIALIZERS[:2])
    depth, width = rng.choice((6, 12, 20, 30, 44)), rng.choice((8, 8, 16))
    net = _stem(width, init) >> _unit(width, init, act, norm, before) * depth >> _head()
    return f"{depth} layers, {norm} {'before' if before else 'behind'}, {act}, width {width}, {init}", net


def _residual(rng: Random) -> tuple[str, Part]:
    norm, init = rng.choice(("none", "BN", "LN")), rng.choice(_INITIALIZERS[:4])
    kind, width = rng.choice(("pre", "post", "plain")), rng.choice((8, 8, 16))
    depth, act = rng.choice((4, 8, 14, 22)), rng.choice(("relu", "relu", "silu", "tanh"))
    if kind == "post":
        unit = Sequence.of(
            *(part for part in (Conv(width, initializer=init), _norm(norm)) if not isinstance(part, Identity))
        )
        block = Residual(_unit(width, init, act, norm) >> unit) >> _act(act)
    else:
        block = Residual(_unit(width, init, act, norm, kind == "pre") * 2)
    net = _stem(width, init) >> block * (depth // 2) >> _head()
    return f"{depth // 2} blocks ({kind}), {norm}, {act}, width {width}, {init}", net


def _pyramid(rng: Random) -> tuple[str, Part]:
    init, norm, act = (
        rng.choice(_INITIALIZERS),
        rng.choice(("none", "none", "BN")),
        rng.choice(("relu", "relu", "elu", "tanh")),
    )
    pool, width, per = rng.choice(("max", "avg")), rng.choice((8, 16)), rng.choice((1, 2, 3))
    hidden, depth = rng.choice((16, 64)), rng.choice((0, 1, 2, 4))
    net: Part = _stem(width, init, side=16)
    for stage in range(3):
        net = net >> _unit(width * 2**stage, init, act, norm) * per >> (MaxPool(2) if pool == "max" else AvgPool(2))
    net = net >> Flatten() >> Dense(hidden, activation=act) * depth >> Dense(1, activation="sigmoid")
    return f"3 × {per} from {width}, {pool}, {norm}, {act}, {init}, {depth} dense of {hidden}", net


def _range(rng: Random) -> tuple[str, Part]:
    scale, offset = rng.choice(
        (
            (1.0, 0.0),
            (1 / 255, 0.0),
            (1 / 127.5, -1.0),
            (1 / 255**2, 0.0),
            (10 / 255, 0.0),
            (1 / 255, 5.0),
            (0.2, -25.0),
        )
    )
    norm, init = rng.choice(("none", "none", "none", "BN", "LN")), rng.choice(("he_normal", "glorot_uniform"))
    depth, flat = rng.choice((3, 6, 10, 16)), rng.random() < 0.3
    head = Flatten() >> Dense(1, activation="sigmoid") if flat else _head()
    net = _stem(8, init, scale=scale, offset=offset) >> _unit(8, init, norm=norm) * depth >> head
    return f"pixels × {scale:.2g} {offset:+.2g}, {depth} layers, {norm}, {init}{', flat' if flat else ''}", net


def _heads(rng: Random) -> tuple[str, Part]:
    init, body = rng.choice(("he_normal", "glorot_uniform")), rng.choice((3, 6))
    pool, pooled = rng.choice((("mean", GlobalAvgPool()), ("maximum", GlobalMaxPool()), ("flat", Flatten())))
    act, hidden = rng.choice(("relu", "tanh", "sigmoid", "selu")), rng.choice((4, 16, 64))
    layers, last = (
        rng.choice((0, 1, 2, 4, 8)),
        rng.choice(("sigmoid", "sigmoid", "sigmoid", "relu", "tanh", "large", "small", "softmax")),
    )
    end: Part = Dense(1, activation="sigmoid")
    if last in ("relu", "tanh"):
        end = Dense(1, activation=last) >> Activation("sigmoid")
    elif last in ("large", "small"):
        end = Dense(1, activation="sigmoid", initializer=_gain(400.0 if last == "large" else 1e-6))
    elif last == "softmax":
        end = Dense(2, activation="softmax") >> Dense(1, activation="sigmoid")
    net = _stem(8, init) >> _unit(8, init) * body >> pooled >> Dense(hidden, activation=act) * layers >> end
    return f"{body} layers, {init}, {pool}, {layers} dense of {hidden} ({act}), {last} at the end", net


def _gains(rng: Random) -> tuple[str, Part]:
    gain, depth = rng.choice((0.3, 0.7, 1.3, 1.7, 2.0, 2.4, 3.0, 5.0, 9.0)), rng.choice((4, 8, 14, 22, 32))
    act, norm = rng.choice(("relu", "relu", "tanh", "gelu")), rng.choice(("none", "none", "none", "BN"))
    short = rng.random() < 0.25
    unit = _unit(8, _gain(gain), act, norm)
    body = Residual(unit * 2) * (depth // 2) if short else unit * depth
    net = _stem(8, _gain(1.0)) >> body >> _head()
    return f"{depth} layers{' in residual blocks' if short else ''} of {act}, gain {gain}, {norm}", net


def _narrow(rng: Random) -> tuple[str, Part]:
    channels, times = rng.choice((1, 2, 3)), rng.choice((1, 2, 4))
    init, act, norm = (
        rng.choice(_INITIALIZERS[:4]),
        rng.choice(("relu", "relu", "tanh", "elu")),
        rng.choice(("none", "none", "BN")),
    )
    per = rng.choice((2, 4))
    waist = Conv(channels, kernel=1, initializer=init) >> _act(act)
    net = (
        _stem(8, init) >> (_unit(8, init, act, norm) * per >> waist) * times >> _unit(8, init, act, norm) * 2 >> _head()
    )
    return f"{times} × ({per} layers, then {channels} channels), {act}, {norm}, {init}", net


def _dense(rng: Random) -> tuple[str, Part]:
    norm, init = rng.choice(("none", "BN", "BN")), rng.choice(("he_normal", "glorot_uniform", "lecun_normal"))
    depth, growth, blocks = rng.choice((3, 6, 10)), rng.choice((4, 8)), rng.choice((1, 2, 3))
    grow = Parallel(Identity(), _unit(growth, init, norm=norm, before=True), merge=Concatenate())
    step = _unit(8, init, norm=norm, before=True) >> AvgPool(2)
    net = _stem(8, init) >> (grow * depth >> step) * blocks >> _head()
    return f"{blocks} × {depth} layers, growth {growth}, {norm}, {init}", net


def _mobile(rng: Random) -> tuple[str, Part]:
    norm, init = rng.choice(("none", "BN", "BN", "LN")), rng.choice(("he_normal", "glorot_uniform"))
    kind, depth, act = (
        rng.choice(("separable", "depthwise", "inverted")),
        rng.choice((3, 6, 12, 20)),
        rng.choice(("relu", "relu6", "silu")),
    )
    width = rng.choice((8, 16))
    conv, depthwise = Conv(width, kernel=1, initializer=init), DepthwiseConv(3, initializer=init)
    after = (_norm(norm), _act(act))
    if kind == "separable":
        layers: tuple[Part, ...] = (SeparableConv(width, initializer=init), *after)
    elif kind == "depthwise":
        layers = (depthwise, *after, conv, *after)
    else:
        layers = (Conv(width * 3, kernel=1, initializer=init), *after, depthwise, *after, conv, _norm(norm))
    unit: Part = Sequence.of(*(part for part in layers if not isinstance(part, Identity)))
    unit = Residual(unit) if kind == "inverted" else unit
    net = _stem(width, init) >> unit * depth >> _head()
    return f"{depth} {kind}, width {width}, {norm}, {act}, {init}", net


def _inception(rng: Random) -> tuple[str, Part]:
    norm, init, act = (
        rng.choice(("none", "none", "BN")),
        rng.choice(_INITIALIZERS[:3]),
        rng.choice(("relu", "relu", "elu")),
    )
    depth, merge = rng.choice((2, 4, 8, 12)), rng.choice(("concatenation", "sum"))

    def branch(kernel: int) -> Part:
        parts = (Conv(4 if merge == "concatenation" else 8, kernel=kernel, initializer=init), _norm(norm), _act(act))
        return Sequence.of(*(part for part in parts if not isinstance(part, Identity)))

    pooled = AvgPool(3, stride=1) >> branch(1)
    module = Parallel(
        branch(1), branch(1) >> branch(3), pooled, merge=Concatenate() if merge == "concatenation" else Add()
    )
    net = _stem(8, init) >> module * depth >> _head()
    return f"{depth} modules ({merge}), {norm}, {act}, {init}", net


def _gated(rng: Random) -> tuple[str, Part]:
    norm, init = rng.choice(("none", "BN")), rng.choice(("he_normal", "glorot_uniform"))
    depth, gate, short = rng.choice((2, 4, 8, 14)), rng.choice(("sigmoid", "hard_sigmoid", "tanh")), rng.random() < 0.4
    local = rng.random() < 0.5
    scale: Part = Conv(8, kernel=1, activation=gate)
    if not local:
        scale = GlobalAvgPool(keepdims=True) >> Conv(4, kernel=1, activation="relu") >> scale
    gated = _unit(8, init, norm=norm) >> Parallel(Identity(), scale, merge=Multiply())
    net = _stem(8, init) >> (Residual(gated) if short else gated) * depth >> _head()
    where = "every position" if local else "channels"
    return f"{depth} gates ({gate}) of {where}{', residual' if short else ''}, {norm}, {init}", net


def _bottleneck(rng: Random) -> tuple[str, Part]:
    norm, act = rng.choice(("BN", "BN", "none", "GN")), rng.choice(("relu", "silu"))
    init, blocks, drop = (
        rng.choice(("he_normal", "glorot_uniform", "orthogonal")),
        rng.choice((3, 6, 12)),
        rng.choice((0.0, 0.5)),
    )
    after = (_norm(norm), _act(act))
    last = (Conv(16, kernel=1, initializer=init), _norm(norm))
    parts = (Conv(4, kernel=1, initializer=init), *after, Conv(4, initializer=init), *after, *last)
    body = Sequence.of(*(part for part in parts if not isinstance(part, Identity)))
    head = GlobalAvgPool() >> Dropout(drop) >> Dense(1, activation="sigmoid") if drop else _head()
    net = _stem(16, init) >> Block(Residual(body) >> _act(act)) * blocks >> head
    return f"{blocks} blocks, {norm}, {act}, {init}{', dropout' if drop else ''}", net


def _lecture(rng: Random) -> tuple[str, Part]:
    name, depth = rng.choice(("plain", "residual")), rng.choice((6, 10, 14, 20, 32, 42))
    norm, conv = rng.choice(("batch", "none", "layer", "group")), rng.choice(("separable", "ordinary"))
    init, size = rng.choice(("glorot_uniform", "he_normal")), rng.choice((32, 32, 64))
    make = residual if name == "residual" else plain
    net = make(depth, 8, norm, conv, init).with_input(size, size, 3)
    return f"{name}, {depth} layers, {norm}, {conv}, {init}, {size} px", net


_FAMILIES: dict[str, Callable[[Random], tuple[str, Part]]] = {
    "plain": _plain,
    "dense": _dense,
    "activation": _activation,
    "mobile": _mobile,
    "normalized": _normalized,
    "inception": _inception,
    "residual": _residual,
    "gated": _gated,
    "pyramid": _pyramid,
    "bottleneck": _bottleneck,
    "range": _range,
    "heads": _heads,
    "gains": _gains,
    "narrow": _narrow,
    "lecture": _lecture,
}
