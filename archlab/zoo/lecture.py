"""The lecture's two models, and the residual one without its shortcuts, at any depth."""

from __future__ import annotations

from archlab.blocks import Kind, Norm, separable_residual
from archlab.dsl import Part, Pyramid, Residual, Sequence
from archlab.errors import ArgumentError
from archlab.ops import (
    Conv,
    Dense,
    Dropout,
    Flatten,
    GlobalAvgPool,
    Input,
    MaxPool,
    RandomFlip,
    RandomRotation,
    RandomZoom,
    Rescaling,
)
from archlab.zoo._registry import architecture

_LECTURE = "D. Zwick, CS-6580 Lecture 12, Architecture Patterns, Weber State University"
_AUGMENTATION = RandomFlip("horizontal") >> RandomRotation(0.1) >> RandomZoom(0.2)


def _image(augmentation: bool) -> Part:
    augment = _AUGMENTATION if augmentation else Sequence()
    return Sequence.of(Input(180, 180, 3), augment, Rescaling(1 / 255))


def _classifier(classes: int) -> Dense:
    if classes < 2:
        raise ArgumentError(f"classes must be a whole number of at least 2, got {classes}")
    return Dense(1, activation="sigmoid") if classes == 2 else Dense(classes, activation="softmax")


@architecture(_LECTURE)
def baseline(width: int = 32, augmentation: bool = False, classes: int = 2) -> Part:
    """The lecture's plain convnet: five convolutions with ReLU, four max-pooling layers, one dense unit.

    Args:
        width: filters of the first convolution; the later ones have 2, 4, 8 and 8 times as many.
        augmentation: random flips, rotations and zooms of the images during training.
        classes: two are one sigmoid unit, as in the lecture; more are softmax units, one each.
    """
    net = _image(augmentation)
    for times in (1, 2, 4, 8):
        net = net >> Conv(width * times, kernel=3, padding="valid", activation="relu") >> MaxPool(2, padding="valid")
    net = net >> Conv(width * 8, kernel=3, padding="valid", activation="relu")
    return net >> Flatten() >> _classifier(classes)


@architecture(_LECTURE)
def residual(
    depth: int = 12,
    width: int = 32,
    normalization: Norm = "batch",
    conv: Kind = "separable",
    initializer: str = "glorot_uniform",
    augmentation: bool = False,
    classes: int = 2,
) -> Part:
    """The lecture's pyramid of separable convolutions with batch normalization and shortcuts.

    Args:
        depth: convolutions on the longest path, plus the dense unit: 2 + 2 × the number of blocks. The lecture's has
            12. Deeper nets have more blocks in each of the five stages, those after the first without a maximum;
            shallower ones have fewer stages.
        width: of the first stage; doubles at every stage.
        normalization: 'batch', 'layer', 'group' or 'none'. Without one the convolutions have biases.
        conv: 'separable', or 'ordinary' for full convolutions.
        initializer: of every kernel before the head.
        augmentation: random flips, rotations and zooms of the images during training.
        classes: two are one sigmoid unit, as in the lecture; more are softmax units, one each.
    """
    blocks = (depth - 2) // 2
    if blocks < 1 or depth % 2:
        near = max(4, depth - depth % 2)
        raise ArgumentError(f"depth must be an even number of at least 4 (2 + 2 × blocks), got {depth}: try {near}")
    if width < 1:
        raise ArgumentError(f"width must be a whole number of at least 1, got {width}")
    stages = min(5, blocks)
    widths = tuple(width * 2**stage for stage in range(stages))
    block = separable_residual(normalization, conv, initializer)
    if blocks > stages:
        repeats = tuple(blocks // stages + (stage < blocks % stages) for stage in range(stages))
        pyramid = Pyramid(
            block, widths, repeats, then=separable_residual(normalization, conv, initializer, shrink=False)
        )
    else:
        pyramid = Pyramid(block, widths)
    return (
        _image(augmentation)
        >> Conv(width, kernel=5, padding="valid", bias=normalization == "none", initializer=initializer)
        >> pyramid
        >> GlobalAvgPool()
        >> Dropout(0.5)
        >> _classifier(classes)
    )


@architecture(_LECTURE)
def plain(
    depth: int = 12,
    width: int = 32,
    normalization: Norm = "batch",
    conv: Kind = "separable",
    initializer: str = "glorot_uniform",
    augmentation: bool = False,
    classes: int = 2,
) -> Part:
    """The residual net's blocks without their shortcuts: what the lecture says stops training when it is deep.

    Takes the same arguments as `residual`.
    """
    return residual(depth, width, normalization, conv, initializer, augmentation, classes).without(Residual)
