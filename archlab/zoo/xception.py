from __future__ import annotations

from archlab.blocks import xception_block
from archlab.dsl import Part, Stage
from archlab.ops import BatchNorm, Conv, Dense, GlobalAvgPool, Input, ReLU, SeparableConv
from archlab.zoo._registry import architecture


@architecture("F. Chollet, Xception: Deep Learning with Depthwise Separable Convolutions, CVPR 2017")
def xception(classes: int = 1000) -> Part:
    """Separable convolutions in fourteen blocks, twelve of them with shortcuts, in an entry, middle and exit flow."""
    return (
        Input(299, 299, 3)
        >> Stage(
            Conv(32, kernel=3, stride=2, padding="valid", bias=False) >> BatchNorm() >> ReLU()
            >> Conv(64, kernel=3, padding="valid", bias=False) >> BatchNorm() >> ReLU()
            >> xception_block((128, 128), first_relu=False)
            >> xception_block((256, 256))
            >> xception_block((728, 728)),
            name="entry",
        )
        >> Stage(xception_block((728, 728, 728), shrink=False) * 8, name="middle")
        >> Stage(
            xception_block((728, 1024))
            >> SeparableConv(1536, bias=False) >> BatchNorm() >> ReLU()
            >> SeparableConv(2048, bias=False) >> BatchNorm() >> ReLU(),
            name="exit",
        )
        >> GlobalAvgPool() >> Dense(classes, activation="softmax")
    )  # fmt: skip
