"""The instruments of gradient flow beyond its curve: how gradients decorrelate, which paths carry them, and from where.

Each takes whatever names an architecture, as `archlab.gradient_flow` does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from archlab.analysis import static
from archlab.analysis.static import PathLengths
from archlab.sources import Reference, load, load_measurable

if TYPE_CHECKING:
    from archlab.analysis._correlation import GradientCorrelation
    from archlab.analysis._field import EffectiveReceptiveField
    from archlab.analysis._path_gradients import PathGradients

__all__ = ["effective_receptive_field", "gradient_correlation", "path_gradients", "path_lengths"]


def path_lengths(architecture: Reference, by: Literal["blocks", "layers"] = "blocks") -> PathLengths:
    """Count the paths from the input to the output by their length, exactly, without building anything.

    A residual block is a choice of two ways, so n of them in a row are 2ⁿ paths, of which as many as the binomial
    coefficient (n over k) go through k bodies (Veit et al. 2016, 'Residual Networks Behave Like Ensembles of Relatively
    Shallow Networks', section 3). Any graph is counted: branches, concatenations, gates (a product is reached through
    each of its factors).

    Args:
        architecture: a part, a graph, a live Keras model, or a reference such as 'resnet152'.
        by: what a length counts: 'blocks', residual blocks whose body the path goes through, as in the paper; or
            'layers', layers with a kernel on it, as depth does.

    Raises:
        UnknownNameError: the reference names nothing.
        DesignError: the architecture does not add up.
        UsageError: `by` is neither.

    >>> from archlab import path_lengths
    >>> paths = path_lengths("resnet152")
    >>> paths.blocks, paths.total == 2**50, paths[25], paths.mean
    (50, True, 126410606437752, 25.0)
    >>> paths.quantile(0.025), paths.quantile(0.975)
    (18, 32)
    """
    found = load(architecture)
    return static.path_lengths(found.graph, by, found.name)


def path_gradients(
    architecture: Reference,
    x: Any = None,
    y: Any = None,
    *,
    data: Any = None,
    loss: Any = None,
    seeds: int | Sequence[int] | None = None,
    batch: int = 8,
    samples: int = 10,
    training: bool = True,
    input: Sequence[int | None] | None = None,
    progress: Callable[[str], None] | None = None,
) -> PathGradients:
    """Measure how much gradient the paths of each length carry through the blocks of a residual net.

    For every length k, sets of k blocks are drawn. The loss's gradient is passed back through the bodies of those
    blocks alone and through the shortcuts of all others; its Euclidean norm at the input is the gradient of a path of
    that length. Times the number of such sets, (n over k), it is what all paths of the length carry (Veit et al. 2016,
    section 5). The forward pass is the whole net's in every case. The norms of paths are added as in the paper, where
    the gradients themselves would partly cancel.

    A block within a block's body is a part of that body. Lengths that have no more sets than `samples` are measured in
    full.

    Args:
        architecture: a part, a graph, a live Keras model (measured as it is and left so), or a reference.
        x: a batch of inputs; for several inputs a list, or a mapping by name.
        y: its labels; synthetic ones where x is given alone.
        data: instead of x and y, a folder of class folders with photos. Without either, a seeded synthetic batch.
        loss: as for `gradient_flow`.
        seeds: how many initializations, or which: one for architectures. None measures a live model as it is.
        batch: examples in a batch that is not given.
        samples: sets of blocks drawn for each length: each is one pass.
        training: whether layers act as in training or as at inference.
        input: another input shape, (height, width) or (height, width, channels).
        progress: called with a word on every step done.

    Raises:
        DesignError: the architecture does not add up.
        UsageError: there are no residual blocks, or a batch cannot be made.

    >>> from archlab import Conv, Dense, GlobalAvgPool, Input, ReLU, Residual, path_gradients
    >>> block = Residual((Conv(8) >> ReLU()) * 2)
    >>> found = path_gradients(Input(8, 8, 3) >> Conv(8) >> block * 6 >> GlobalAvgPool() >> Dense(1), batch=4)
    >>> found.blocks, [row.sets for row in found.lengths], found.effective_length < 3
    (6, [1, 6, 15, 20, 15, 6, 1], True)
    """
    from archlab.analysis import measured  # loads TensorFlow, which no static analysis needs

    what, name = load_measurable(architecture, input)
    return measured.path_gradients(
        what,
        x,
        y,
        data=data,
        loss=loss,
        seeds=seeds,
        batch=batch,
        samples=samples,
        training=training,
        name=name,
        progress=progress,
    )


def gradient_correlation(
    architecture: Reference,
    x: Any = None,
    *,
    data: Any = None,
    seeds: int | Sequence[int] | None = None,
    paths: int = 4,
    points: int = 17,
    reach: float = 1.0,
    training: bool = False,
    input: Sequence[int | None] | None = None,
    progress: Callable[[str], None] | None = None,
) -> GradientCorrelation:
    """Measure how fast the gradient with respect to the input changes as the input does: how far it is shattered.

    Inputs are taken along straight lines between two of them. At each point the gradient of the output with respect to
    the input is measured, and the correlation of any two gradients of a line is set against their distance: the mean
    product over the mean square, no mean taken off (at initialization it is 0, and the gradient of a linear net, the
    same everywhere, has correlation 1). Where an output has several units, they are added with random signs, the same
    along a line.

    In wide nets of ReLUs whose units are active for half of the inputs and for a quarter of the pairs, the correlation
    of two different inputs is 2⁻ᴸ for a chain of L layers, (3/4)ᴸ with a shortcut around each, and falls only as 1/√L
    where batch normalization stands in each body (Balduzzi et al. 2017, 'The Shattered Gradients Problem', theorems 1
    to 3).

    Args:
        architecture: a part, a graph, a live Keras model (measured as it is and left so), or a reference.
        x: the ends of the lines: inputs 0 and 1 are the first line's, 2 and 3 the second's; for several inputs a list,
            or a mapping by name.
        data: instead of x a folder of class folders with photos. Without either, seeded synthetic inputs.
        seeds: how many initializations, or which: five for architectures. None measures a live model as it is.
        paths: lines between inputs that are not given.
        points: on each line, its ends included.
        reach: how far the lines go, as a share of the way to the other input: 0.05 looks at near neighbours.
        training: whether layers act as in training or as at inference. At inference batch normalization has, under each
            seed, the statistics of all points of all lines, held fixed. In training the points act on one another
            through these statistics; each gets a random sign, which is taken off its gradient again, so that the
            gradients of others add noise alone.
        input: another input shape, (height, width) or (height, width, channels).
        progress: called with a word on every step done.

    Raises:
        DesignError: the architecture does not add up.
        UsageError: inputs cannot be made, or are no pairs; or they are whole numbers.

    >>> from archlab import Dense, Input, ReLU, Residual, gradient_correlation
    >>> unit = Dense(100, initializer="he_normal") >> ReLU()
    >>> deep, residual = Input(100) >> unit * 16 >> Dense(1), Input(100) >> Residual(unit) * 16 >> Dense(1)
    >>> one, other = gradient_correlation(deep, seeds=2), gradient_correlation(residual, seeds=2)
    >>> one.ends < other.ends
    True
    """
    from archlab.analysis import measured

    what, name = load_measurable(architecture, input)
    return measured.gradient_correlation(
        what,
        x,
        data=data,
        seeds=seeds,
        paths=paths,
        points=points,
        reach=reach,
        training=training,
        name=name,
        progress=progress,
    )


def effective_receptive_field(
    architecture: Reference,
    layer: str | None = None,
    x: Any = None,
    *,
    data: Any = None,
    seeds: int | Sequence[int] | None = None,
    batch: int = 4,
    quantity: Literal["magnitude", "energy"] = "magnitude",
    training: bool = False,
    input: Sequence[int | None] | None = None,
    progress: Callable[[str], None] | None = None,
) -> EffectiveReceptiveField:
    """Measure which pixels move the central unit of a layer, and by how much: its effective receptive field.

    The unit's channels are added with random signs, drawn for each seed and input (all ones would let opposite channels
    cancel), and the sum's gradient is taken with respect to the input. Each gradient's absolute values, added over the
    input's channels and divided by their sum, are averaged over seeds and inputs (Luo et al. 2016, 'Understanding the
    Effective Receptive Field in Deep Convolutional Neural Networks', section 2).

    n linear 3 × 3 convolutions with uniform weights have a standard deviation of √(2n/3) pixels along each axis. Under
    random weights it is the squares that spread so (`quantity='energy'`): the magnitude, their root, is a Gaussian
    wider by √2.

    Args:
        architecture: a part, a graph, a live Keras model (measured as it is and left so), or a reference.
        layer: the name of a layer whose units have a place; unless given, the last one.
        x: a batch of inputs; for several inputs a list, or a mapping by name.
        data: instead of x a folder of class folders with photos. Without either, a seeded synthetic batch.
        seeds: how many initializations, or which: five for architectures. None measures a live model as it is.
        batch: examples in a batch that is not given.
        quantity: 'magnitude', or 'energy', its square.
        training: whether layers act as in training or as at inference. At inference batch normalization has, under each
            seed, the statistics of the batch, held fixed. In training these tie every pixel of every example to the
            unit, if weakly.
        input: another input shape, (height, width) or (height, width, channels): a field that the image cuts off is
            measured in full on a larger one.
        progress: called with a word on every step done.

    Raises:
        DesignError: the architecture does not add up.
        UnknownNameError: there is no such layer.
        UsageError: the layer's units have no place, or a batch cannot be made.

    >>> from archlab import Conv, Input, effective_receptive_field
    >>> ones = '{"class_name": "Ones", "config": {}}'
    >>> field = effective_receptive_field(Input(41, 41, 1) >> Conv(1, initializer=ones) * 12, seeds=1, batch=1)
    >>> field.theoretical, [round(sigma, 3) for sigma in field.sigma]
    ((25, 25), [2.828, 2.828])
    """
    from archlab.analysis import measured

    what, name = load_measurable(architecture, input)
    return measured.effective_receptive_field(
        what,
        layer,
        x,
        data=data,
        seeds=seeds,
        batch=batch,
        quantity=quantity,
        training=training,
        name=name,
        progress=progress,
    )
