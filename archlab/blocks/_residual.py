from __future__ import annotations

from archlab.blocks._classic import Kind, Norm, convolution, normalization
from archlab.dsl import Block, Residual, Sequence
from archlab.ops import WIDTH, BatchNorm, Conv, MaxPool, ReLU, SeparableConv


def preactivation_unit(norm: Norm = "batch", conv: Kind = "separable", initializer: str = "glorot_uniform") -> Sequence:
    """Normalization, ReLU, convolution, in this order (He et al. 2016b, 'Identity mappings', section 4.1).

    The convolution has a bias only where nothing normalizes.

    >>> preactivation_unit()
    BatchNorm() >> ReLU() >> SeparableConv(bias=False)
    """
    layer = convolution(conv, bias=norm == "none", initializer=initializer)
    return Sequence.of(normalization(norm), ReLU(), layer)


def separable_residual(
    norm: Norm = "batch", conv: Kind = "separable", initializer: str = "glorot_uniform", shrink: bool = True
) -> Residual:
    """The lecture's block: two units and, where it shrinks, a maximum over 3 × 3 with stride 2, with a shortcut.

    >>> separable_residual()
    Residual((BatchNorm() >> ReLU() >> SeparableConv(bias=False)) * 2 >> MaxPool(3, stride=2))
    """
    units = preactivation_unit(norm, conv, initializer) * 2
    return Residual(units >> MaxPool(3, stride=2) if shrink else units)


def bottleneck(stride: int = 1, project: bool = False, epsilon: float = 1.001e-5) -> Block:
    """1 × 1 to the stage's width, 3 × 3, 1 × 1 to four times the width (He et al. 2016, section 4.1, figure 5).

    The stride stands in the first 1 × 1, as in the paper and in Keras (torchvision has it in the 3 × 3).

    >>> from archlab import Input, Stage, analyze
    >>> analyze(Input(56, 56, 256) >> Stage(bottleneck(), width=64)).params.total
    71552
    """
    norm = BatchNorm(epsilon=epsilon)
    body = (
        Conv(kernel=1, stride=stride, bias=True) >> norm >> ReLU()
        >> Conv(kernel=3, bias=True) >> norm >> ReLU()
        >> Conv(WIDTH * 4, kernel=1, bias=True) >> norm
    )  # fmt: skip
    shortcut = Conv(WIDTH * 4, kernel=1, stride=stride, bias=True) >> norm if project else None
    return Block(Residual(body, shortcut) >> ReLU())


def xception_block(widths: tuple[int, ...], shrink: bool = True, first_relu: bool = True) -> Block:
    """ReLU and separable convolution in turn, with a shortcut (Chollet 2017, figure 5).

    A block that shrinks ends in a maximum over 3 × 3 with stride 2 and projects its shortcut.
    """
    body = Sequence()
    for position, width in enumerate(widths):
        relu = ReLU() if position or first_relu else Sequence()
        body = body >> relu >> SeparableConv(width, bias=False) >> BatchNorm()
    if not shrink:
        return Block(Residual(body))
    shortcut = Conv(widths[-1], kernel=1, stride=2, bias=False) >> BatchNorm()
    return Block(Residual(body >> MaxPool(3, stride=2), shortcut))
