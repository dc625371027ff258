"""How much gradient the paths of each length carry through a residual net."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from math import comb, exp, log
from pathlib import Path

import numpy as np

from archlab.analysis._path_gradients import PathGradientRow, PathGradients
from archlab.analysis.measured._batch import prepare
from archlab.analysis.measured._input_gradient import InputGradient
from archlab.analysis.measured._keras_subject import keras_subject
from archlab.analysis.measured._loss import Given, Loss
from archlab.analysis.measured._subject import untold
from archlab.analysis.static.path_lengths import ResidualBlock, residual_blocks
from archlab.bridge import load_keras
from archlab.bridge.types import Tensor
from archlab.errors import UsageError
from archlab.graph import Graph
from archlab.sources import Reference, load

SEEDS = 1
BATCH = 8
SAMPLES = 10


def path_gradients(
    architecture: Reference,
    x: Tensor = None,
    y: Tensor = None,
    *,
    data: str | Path | None = None,
    loss: Given = None,
    seeds: int | Sequence[int] | None = None,
    batch: int = BATCH,
    samples: int = SAMPLES,
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
        batch: samples in a batch that is not given.
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
    if samples < 1:
        raise UsageError(f"each length needs at least one sample, got {samples}")
    what = keras_subject(load(architecture, input), seeds, SEEDS, loss, "the measurement of path gradients")
    graph = what.graph
    blocks = outermost(residual_blocks(graph))
    if not blocks:
        raise UsageError(f"{what.name or 'the net'} has no residual blocks: no shortcut is added to anything")
    (given,) = prepare(graph, x, y, data, batch, 1, what.loss, what.layers, what.channels_first)
    gradient = InputGradient(
        what.runnable, training, _target(graph, what.loss, given.y), _gates(graph, blocks)
    )  # fmt: skip
    labels = [array for array in given.y if array is not None]
    tell = progress or untold
    count = len(blocks)
    found: list[list[float]] = [[] for _ in range(count + 1)]
    whole: list[float] = []
    for seed, values in what.draws():

        def measured(gates: np.ndarray, values: list[object] = values) -> float:
            parts = gradient(given.x, values, [gates, *labels])
            size = sum(part.size for part in parts)
            return float(np.sqrt(sum(np.square(part).sum() for part in parts) / size)) * given.examples

        whole.append(measured(np.ones((count, 2), "float32")))
        for length in range(count + 1):
            found[length] += [measured(gates) for gates in drawn(count, length, samples, seed)]
            tell(f"length {length} of {count}" + (f", seed {seed}" if what.seeds else ""))
    lost = sum(not np.isfinite(value) for row in (*found, whole) for value in row)
    return PathGradients(
        blocks=count,
        lengths=_rows([[value for value in row if np.isfinite(value)] for row in found]),
        whole=float(np.mean(whole)),
        not_finite=lost,
        loss=what.loss.name,
        batch=given.examples,
        seeds=what.seeds,
        training=training,
        data=given.source,
        name=what.name,
    )


def outermost(blocks: Sequence[ResidualBlock]) -> tuple[ResidualBlock, ...]:
    """The blocks that stand in no other one."""
    return tuple(
        block
        for block in blocks
        if not any(other.fork <= block.fork and block.merge < other.merge for other in blocks)
    )  # fmt: skip


def drawn(count: int, length: int, samples: int, seed: int) -> Iterator[np.ndarray]:
    """Choices of so many of the blocks: (blocks, 2), how much passes back through the body and through the shortcut."""
    if comb(count, length) <= samples:
        chosen: Sequence[Sequence[int]] = list(combinations(range(count), length))
    else:
        rng = np.random.default_rng((seed, length))
        chosen = [rng.choice(count, length, replace=False).tolist() for _ in range(samples)]
    for each in chosen:
        gates = np.tile(np.array([0.0, 1.0], "float32"), (count, 1))
        gates[list(each)] = (1.0, 0.0)
        yield gates


def _gates(graph: Graph, blocks: Sequence[ResidualBlock]) -> Callable[[int, int, Tensor, list[Tensor]], Tensor]:
    """What passes into the merges unchanged, and back out of them as far as their gates are open."""
    numbers = {block.merge: number for number, block in enumerate(blocks)}
    shortcuts = {block.merge: graph.nodes[block.merge].inputs[block.shortcut] for block in blocks}
    tf, _ = load_keras()

    @tf.custom_gradient
    def gated(value: Tensor, gate: Tensor) -> Tensor:
        def back(gradient: Tensor) -> tuple[Tensor, None]:
            return gradient * tf.cast(gate, gradient.dtype), None

        return tf.identity(value), back

    def through(reader: int, source: int, value: Tensor, extra: list[Tensor]) -> Tensor:
        number = numbers.get(reader)
        return value if number is None else gated(value, extra[0][number, int(source == shortcuts[reader])])

    return through


def _target(graph: Graph, loss: Loss, labels: Sequence[object]) -> Callable[[list[Tensor], list[Tensor]], Tensor]:
    """The loss; labels are handed over where there are any."""

    def target(nodes: list[Tensor], extra: list[Tensor]) -> Tensor:
        tf, _ = load_keras()
        rest = iter(extra[1:])
        ends = [nodes[position] for position in graph.outputs]
        ends = [tf.cast(end, tf.float32) if end.dtype.size < 4 else end for end in ends]
        own = [None if label is None else next(rest) for label in labels]
        own = [
            tf.cast(label, end.dtype) if label is not None and label.dtype.is_floating else label
            for label, end in zip(own, ends, strict=True)
        ]
        return loss(own, ends)

    return target


def _rows(found: Sequence[Sequence[float]]) -> tuple[PathGradientRow, ...]:
    count = len(found) - 1
    means = [float(np.mean(row)) if row else 0.0 for row in found]
    # Logarithms hold numbers of paths that no floating-point number does.
    carried = [log(comb(count, length)) + log(mean) if mean > 0 else None for length, mean in enumerate(means)]
    top = max([value for value in carried if value is not None], default=None)
    sizes = [0.0 if value is None or top is None else exp(value - top) for value in carried]
    total = sum(sizes)
    rows: list[PathGradientRow] = []
    for length, (row, mean, size) in enumerate(zip(found, means, sizes, strict=True)):
        low, high = np.percentile(row, (25, 75)) if len(row) > 1 else (None, None)
        rows.append(
            PathGradientRow(
                length=length,
                sets=comb(count, length),
                gradient=mean,
                quartiles=None if low is None or high is None else (float(low), float(high)),
                share=size / total if total else None,
                path_share=comb(count, length) / 2**count,
                samples=len(row),
            )
        )
    return tuple(rows)
