"""The networks that were trained first: to find out which statistics tell what trains."""

from __future__ import annotations

from collections.abc import Iterator

from archlab import (
    Activation,
    BatchNorm,
    Conv,
    Dense,
    Flatten,
    GlobalAvgPool,
    GroupNorm,
    Input,
    LayerNorm,
    MaxPool,
    ReLU,
    Rescaling,
    Residual,
)
from archlab.dsl import Sequence
from archlab.graph import Part
from archlab.zoo.lecture import plain, residual

_HEAD = GlobalAvgPool() >> Dense(1, activation="sigmoid")
_NORMS = {"BN": BatchNorm(), "LN": LayerNorm(), "GN": GroupNorm(groups=2)}
_INITIALIZERS = {"he": "he_normal", "glorot": "glorot_uniform", "lecun": "lecun_normal", "orthogonal": "orthogonal"}


def first_nets() -> Iterator[tuple[str, str, Part]]:
    """The name of each, its family and itself, for images of 32 × 32."""
    yield from _of_the_lecture()
    yield from _chains()
    yield from _heads()


def _of_the_lecture() -> Iterator[tuple[str, str, Part]]:
    def made(make, depth: int, *words: str, name: str = "") -> tuple[str, str, Part]:
        norm = {"BN": "batch", "LN": "layer", "GN": "group"}.get(words[-1], "none")
        init = next((_INITIALIZERS[word] for word in words if word in _INITIALIZERS), "glorot_uniform")
        net = make(depth, 8, norm, "separable" if "sep" in words else "ordinary", init).with_input(32, 32, 3)
        return " ".join((f"{name}{make.__name__}{depth}", *words)), "lecture", net

    for depth in (6, 12, 20, 30, 50):
        yield made(plain, depth, "glorot")
    for depth in (12, 30, 50, 80):
        yield made(plain, depth, "he")
    yield made(plain, 20, "lecun")
    yield made(plain, 20, "orthogonal")
    for depth in (12, 30, 50):
        yield made(plain, depth, "BN")
    for depth in (6, 12, 20):
        yield made(plain, depth, "sep")
    for depth in (20, 50, 80):
        yield made(plain, depth, "sep", "BN")
    yield made(plain, 30, "LN")
    yield made(plain, 50, "GN")
    yield made(residual, 30, "he")
    yield made(residual, 50, "glorot")
    yield made(residual, 30, "BN")
    yield made(residual, 80, "sep", "BN")
    yield made(residual, 50, "sep")
    for depth, *words in ((8, "sep"), (40, "sep", "BN"), (24, "he"), (40, "he")):
        yield made(plain, depth, *words, name="v ")
    yield made(residual, 20, "orthogonal", name="v ")


def _stem(initializer: str = "he_normal", stride: int = 2, scale: float = 1 / 255) -> Part:
    return Input(32, 32, 3) >> Rescaling(scale) >> Conv(8, kernel=5, stride=stride, initializer=initializer)


def _chain(depth: int, activation: str, initializer: str, norm: str = "", short: bool = False) -> Part:
    act = ReLU() if activation == "relu" else Activation(activation)
    unit = Sequence.of(Conv(8, initializer=initializer), *([_NORMS[norm]] if norm else []), act)
    return _stem(initializer) >> (Residual(unit * 2) * (depth // 2) if short else unit * depth) >> _HEAD


def _chains() -> Iterator[tuple[str, str, Part]]:
    glorot, he = "glorot_uniform", "he_normal"
    for depth in (2, 4, 8):
        yield f"sigmoid{depth}", "activation", _chain(depth, "sigmoid", glorot)
    for depth in (10, 24, 48):
        yield f"tanh{depth}", "activation", _chain(depth, "tanh", glorot)
    yield "tanh24 orthogonal", "activation", _chain(24, "tanh", "orthogonal")
    yield "selu40 lecun", "activation", _chain(40, "selu", "lecun_normal")
    yield "gelu24 he", "activation", _chain(24, "gelu", he)
    yield "chain40 BN", "normalized", _chain(40, "relu", he, "BN")
    yield "chain64 BN", "normalized", _chain(64, "relu", he, "BN")
    yield "chain24 BN tanh", "normalized", _chain(24, "tanh", glorot, "BN")
    for depth in (16, 40):
        yield f"v chain{depth} he", "plain", _chain(depth, "relu", he)
    for depth in (10, 24, 32):
        yield f"v chain{depth} glorot", "plain", _chain(depth, "relu", glorot)
    for depth in (10, 24, 32, 52):
        yield f"v chain{depth} BN", "normalized", _chain(depth, "relu", glorot, "BN")
    yield "v chain24 elu he", "activation", _chain(24, "elu", he)
    yield "v chain16 tanh lecun", "activation", _chain(16, "tanh", "lecun_normal")
    yield "v chain32 elu glorot", "activation", _chain(32, "elu", glorot)
    for depth in (1, 3, 6):
        yield f"v sigmoid{depth}", "activation", _chain(depth, "sigmoid", glorot)
    for depth in (6, 12):
        yield f"v chain{depth} random_normal", "plain", _chain(depth, "relu", "random_normal")
    yield "v residual chain40 none he", "residual", _chain(40, "relu", he, short=True)
    yield "v residual chain40 BN", "residual", _chain(40, "relu", he, "BN", short=True)
    for depth in (12, 32):
        yield f"v chain{depth} GN", "normalized", _chain(depth, "relu", he, "GN")
    yield "v chain16 LN", "normalized", _chain(16, "relu", he, "LN")
    yield "v chain24 BN swish", "normalized", _chain(24, "silu", he, "BN")
    yield "v chain12 swish glorot", "activation", _chain(12, "silu", glorot)


def _heads() -> Iterator[tuple[str, str, Part]]:
    def units(count: int, channels: int = 8) -> Part:
        return (Conv(channels, initializer="he_normal") >> ReLU()) * count

    def waist(channels: int) -> Part:
        return Conv(channels, kernel=1) >> ReLU()

    pooled = _stem() >> units(6) >> GlobalAvgPool()
    end = Dense(1, activation="sigmoid")
    yield "head: softmax over 1 unit", "heads", pooled >> Dense(1, activation="softmax")
    yield "head: relu before sigmoid, dead", "heads", pooled >> Dense(1, activation="relu") >> Activation("sigmoid")
    yield "head: dense 1 relu x3", "heads", pooled >> Dense(1, activation="relu") * 2 >> end
    yield "head: sigmoid mid layer x2", "heads", pooled >> Dense(16, activation="sigmoid") * 2 >> end
    yield "head: flatten, pixels 0-255", "range", _stem(scale=1.0) >> units(6) >> Flatten() >> end
    yield "GAP, pixels 0-255", "range", _stem(scale=1.0) >> units(10) >> _HEAD
    yield "bottleneck: 1 channel", "narrow", _stem() >> units(3) >> waist(1) >> units(3) >> _HEAD
    yield "v bottleneck 2 channels x2", "narrow", _stem() >> (units(2) >> waist(2)) * 2 >> units(2) >> _HEAD
    yield "vgg-like flatten", "pyramid", (
        _stem(stride=1) >> (units(2) >> MaxPool(2)) * 3 >> Flatten() >> Dense(32, activation="relu") >> end
    )  # fmt: skip
    few = _stem() >> units(4) >> GlobalAvgPool()
    yield "v head tanh 64x3", "heads", few >> Dense(64, activation="tanh") * 3 >> end
    yield "v head relu 32x6", "heads", few >> Dense(32, activation="relu") * 6 >> end
