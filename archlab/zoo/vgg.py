from __future__ import annotations

from archlab.blocks import conv_stack
from archlab.dsl import Part, Stage
from archlab.ops import Dense, Flatten, Input
from archlab.zoo._registry import architecture


@architecture(
    "K. Simonyan, A. Zisserman, Very Deep Convolutional Networks for Large-Scale Image Recognition, ICLR 2015"
)
def vgg16(classes: int = 1000) -> Part:
    """Thirteen 3 × 3 convolutions in five stages, and three dense layers (configuration D)."""
    net = Input(224, 224, 3)
    for depth, width in ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512)):
        net = net >> Stage(conv_stack(depth), width)
    return net >> Flatten() >> Dense(4096, activation="relu") * 2 >> Dense(classes, activation="softmax")
