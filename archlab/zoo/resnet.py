from __future__ import annotations

from archlab.blocks import bottleneck
from archlab.dsl import Part, Stage
from archlab.ops import BatchNorm, Conv, Dense, GlobalAvgPool, Input, MaxPool, ReLU, ZeroPad
from archlab.zoo._registry import architecture

_PAPER = "K. He, X. Zhang, S. Ren, J. Sun, Deep Residual Learning for Image Recognition, CVPR 2016"


def _resnet(blocks: tuple[int, int, int, int], classes: int) -> Part:
    # Padding, biases and epsilon as in keras.applications, so that its weights fit.
    net = (
        Input(224, 224, 3) >> ZeroPad(3) >> Conv(64, kernel=7, stride=2, padding="valid", bias=True)
        >> BatchNorm(epsilon=1.001e-5) >> ReLU() >> ZeroPad(1) >> MaxPool(3, stride=2, padding="valid")
    )  # fmt: skip
    for stage, repeats in enumerate(blocks):
        first = bottleneck(stride=2 if stage else 1, project=True)
        net = net >> Stage(first >> bottleneck() * (repeats - 1), width=64 * 2**stage)
    return net >> GlobalAvgPool() >> Dense(classes, activation="softmax")


@architecture(_PAPER)
def resnet50(classes: int = 1000) -> Part:
    """Sixteen bottleneck blocks with shortcuts in four stages."""
    return _resnet((3, 4, 6, 3), classes)


@architecture(_PAPER)
def resnet101(classes: int = 1000) -> Part:
    """Thirty-three bottleneck blocks with shortcuts in four stages."""
    return _resnet((3, 4, 23, 3), classes)


@architecture(_PAPER)
def resnet152(classes: int = 1000) -> Part:
    """Fifty bottleneck blocks with shortcuts in four stages."""
    return _resnet((3, 8, 36, 3), classes)
