from __future__ import annotations

from archlab.blocks import depthwise_separable, inverted_residual
from archlab.dsl import Part, Stage
from archlab.ops import Activation, BatchNorm, Conv, Dense, Dropout, GlobalAvgPool, Input, ReLU, Reshape
from archlab.zoo._registry import architecture


@architecture("A. Howard et al., MobileNets: Efficient Convolutional Neural Networks for Mobile Vision, 2017")
def mobilenet_v1(classes: int = 1000) -> Part:
    """Thirteen depthwise separable blocks, width and resolution multipliers 1."""
    stem = Conv(32, kernel=3, stride=2, bias=False) >> BatchNorm() >> ReLU(6.0)
    shrink, keep = depthwise_separable(stride=2), depthwise_separable()
    return (
        Input(224, 224, 3)
        >> stem
        >> Stage(keep, width=64)
        >> Stage(shrink >> keep, width=128)
        >> Stage(shrink >> keep, width=256)
        >> Stage(shrink >> keep * 5, width=512)
        >> Stage(shrink >> keep, width=1024)
        >> GlobalAvgPool(keepdims=True)
        >> Dropout(1e-3)
        >> Conv(classes, kernel=1, bias=True)
        >> Reshape(classes)
        >> Activation("softmax")
    )


@architecture("M. Sandler et al., MobileNetV2: Inverted Residuals and Linear Bottlenecks, CVPR 2018")
def mobilenet_v2(classes: int = 1000) -> Part:
    """Seventeen inverted residual blocks, width multiplier 1 (table 2)."""
    norm = BatchNorm(momentum=0.999)
    net = Input(224, 224, 3) >> Conv(32, kernel=3, stride=2, bias=False) >> norm >> ReLU(6.0)
    rows = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
    for expand, width, repeats, stride in rows:
        # A block has a shortcut only where it changes neither the size nor the width, never a projection.
        first = inverted_residual(stride, expand, shortcut=False)
        net = net >> Stage(first >> inverted_residual(1, expand) * (repeats - 1), width)
    return (
        net
        >> Conv(1280, kernel=1, bias=False)
        >> norm
        >> ReLU(6.0)
        >> GlobalAvgPool()
        >> Dense(classes, activation="softmax")
    )
