"""Shattering: how the gradient with respect to the input decorrelates as the input moves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from archlab.analysis._correlation import CorrelationRow, GradientCorrelation
from archlab.analysis.measured._batch import prepare
from archlab.analysis.measured._input_gradient import InputGradient
from archlab.analysis.measured._keras_subject import keras_subject
from archlab.analysis.measured._subject import untold
from archlab.bridge import load_keras
from archlab.bridge.types import Tensor
from archlab.errors import UsageError
from archlab.graph import format_shape, is_known
from archlab.sources import Reference, load

SEEDS = 5


def gradient_correlation(
    architecture: Reference,
    x: Tensor = None,
    *,
    data: str | Path | None = None,
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
    if points < 2:
        raise UsageError(f"a line needs at least two points, its ends, got {points}")
    if paths < 1:
        raise UsageError(f"there must be at least one line, got {paths}")
    if not 0 < reach <= 1:
        raise UsageError(f"the reach is a share of the way to the other input, above 0 and at most 1, got {reach!r}")
    what = keras_subject(load(architecture, input), seeds, SEEDS, None, "the measurement of gradient correlation")
    graph = what.graph
    for position in graph.outputs:
        if not is_known(graph.nodes[position].shape):
            raise UsageError(
                f"the output's size is not known, {format_shape(graph.nodes[position].shape)}: give input="
            )
    (batch,) = prepare(graph, x, None, data, 2 * paths, 1, what.loss, what.layers, what.channels_first)
    if batch.examples % 2:
        raise UsageError(f"lines run between pairs of inputs, and {batch.examples} are no pairs")
    lines = batch.examples // 2
    gradient = InputGradient(what.runnable, training, _target(graph.outputs))
    if len(gradient.watched) < len(batch.x):
        raise UsageError("no line leads from one input to another where one of them holds whole numbers")
    way = np.linspace(0.0, reach, points)
    inputs = [_lines(array.astype("float64"), way) for array in batch.x]
    apart = np.concatenate([(array[1::2] - array[::2]).reshape(lines, -1) for array in map(_wide, batch.x)], axis=1)
    distance = float(np.sqrt((apart**2).mean()))
    tell = progress or untold
    curves: list[np.ndarray] = []
    silent = 0
    for seed, values in what.draws(None if training else [part.reshape(-1, *part.shape[2:]) for part in inputs]):
        rng = np.random.default_rng(seed)
        units = [_signs(rng, lines, *graph.nodes[position].shape) for position in graph.outputs]
        each = _signs(rng, lines, points)
        # Where batch normalization takes its statistics from the batch, all lines share them; else one after another.
        groups = [slice(0, lines)] if training else [slice(line, line + 1) for line in range(lines)]
        for group in groups:
            own = each[group].reshape(-1)
            repeated = [np.repeat(sign[group], points, axis=0) for sign in units]
            found = gradient(
                [part[group].reshape(-1, *part.shape[2:]) for part in inputs], values, [own, *repeated]
            )  # fmt: skip
            flat = np.concatenate([part.reshape(len(own), -1) for part in found], axis=1) * own[:, None]
            for line in flat.reshape(-1, points, flat.shape[1]):
                curve = _correlations(line)
                if curve is None:
                    silent += 1
                else:
                    curves.append(curve)
        tell(f"seed {seed}" if what.seeds else "measured")
    return GradientCorrelation(
        rows=_rows(curves, distance * way),
        lines=lines,
        points=points,
        silent=silent,
        seeds=what.seeds,
        training=training,
        data=batch.source,
        name=what.name,
    )


def _target(outputs: tuple[int, ...]) -> Callable[[list[Tensor], list[Tensor]], Tensor]:
    """All outputs of all points added, with the signs of the points and of the units."""

    def target(nodes: list[Tensor], extra: list[Tensor]) -> Tensor:
        tf, _ = load_keras()
        own, *units = extra
        total = 0.0
        for position, sign in zip(outputs, units, strict=True):
            value = nodes[position]
            value = tf.cast(value, tf.float32) if value.dtype.size < 4 or not value.dtype.is_floating else value
            added = tf.reduce_sum(value * tf.cast(sign, value.dtype), axis=list(range(1, value.shape.rank)))
            total += tf.cast(tf.reduce_sum(added * tf.cast(own, value.dtype)), tf.float64)
        return total

    return target


def _wide(array: np.ndarray) -> np.ndarray:
    return array.astype("float64")


def _lines(ends: np.ndarray, way: np.ndarray) -> np.ndarray:
    """The points between each pair of inputs: lines × points × the input's own shape."""
    start, stop = ends[::2][:, None], ends[1::2][:, None]
    along = way.reshape(1, -1, *[1] * (ends.ndim - 1))
    return (1 - along) * start + along * stop


def _signs(rng: np.random.Generator, *shape: Any) -> np.ndarray:
    return rng.choice((-1.0, 1.0), shape)


def _correlations(gradients: np.ndarray) -> np.ndarray | None:
    """The correlation by how many points two gradients of a line lie apart; None where one is not defined."""
    largest = np.abs(gradients).max()
    if not np.isfinite(largest) or largest == 0:
        return None
    scaled = gradients / largest
    products = scaled @ scaled.T
    squares = np.diag(products)
    count = len(squares)
    found: list[float] = []
    for apart in range(count):
        scale = np.sqrt(squares[: count - apart].sum() * squares[apart:].sum())
        if scale == 0:
            return None
        found.append(np.diagonal(products, apart).sum() / scale)
    return np.array(found)


def _rows(curves: list[np.ndarray], distances: np.ndarray) -> tuple[CorrelationRow, ...]:
    if not curves:
        return ()
    values = np.array(curves)
    low, high = np.percentile(values, (25, 75), axis=0)
    return tuple(
        CorrelationRow(
            float(distance), float(mean), (float(low[i]), float(high[i])) if len(curves) > 1 else None
        )
        for i, (distance, mean) in enumerate(zip(distances, values.mean(axis=0), strict=True))
    )  # fmt: skip
