from __future__ import annotations

from archlab.dsl import Block, Part, Residual, Sequence
from archlab.ops import CHANNELS, BatchNorm, Conv, DepthwiseConv, ReLU, ZeroPad


def depthwise_separable(stride: int = 1) -> Block:
    """A depthwise 3 × 3 and a 1 × 1, each normalized, with ReLU6 (Howard et al. 2017, section 3.1, figure 3)."""
    # Keras pads behind only where it strides, which is 'same' padding at even sizes and not at odd ones.
    pad = ZeroPad(((0, 1), (0, 1))) if stride > 1 else Sequence()
    spatial = DepthwiseConv(3, stride=stride, padding="valid" if stride > 1 else "same", bias=False)
    return Block(Sequence.of(pad, spatial, BatchNorm(), ReLU(6.0), Conv(kernel=1, bias=False), BatchNorm(), ReLU(6.0)))


def inverted_residual(stride: int = 1, expand: int = 6, shortcut: bool = True) -> Block:
    """Widen by `expand`, depthwise 3 × 3, narrow without activation (Sandler et al. 2018, section 3.3, figure 3).

    >>> from archlab import Input, Stage
    >>> (Input(56, 56, 24) >> Stage(inverted_residual(), width=24)).to_graph()["stage1/block1/conv"].shape
    (56, 56, 144)
    """
    norm = BatchNorm(momentum=0.999)
    widen: Part = Conv(CHANNELS * expand, kernel=1, bias=False) >> norm >> ReLU(6.0) if expand > 1 else Sequence()
    body = Sequence.of(
        widen, DepthwiseConv(3, stride=stride, bias=False), norm, ReLU(6.0), Conv(kernel=1, bias=False), norm
    )
    return Block(Residual(body) if shortcut else body)
