"""The batches that gradients are measured on: given arrays, images of a data set, or synthetic ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import numpy as np

from archlab.analysis.measured._loss import Names, choose
from archlab.analysis.static import head_loss
from archlab.analysis.static._photos import normalized
from archlab.bridge.types import Layer, Tensor
from archlab.data import check_source, read_samples
from archlab.errors import UsageError
from archlab.graph import Graph, Shape, elements, format_shape, is_known
from archlab.ops import Normalization, Op
from archlab.probes import Batch, LossFacts


def prepare(
    graph: Graph,
    x: object,
    y: object,
    data: str | Path | None,
    size: int,
    count: int = 1,
    loss: LossFacts | None = None,
    layers: Sequence[Layer] = (),
    channels_first: bool = False,
) -> list[Batch]:
    """The batches that were given or asked for: `count` of them. `layers` are those of a live model, one a node.

    Of a model with channels before the other axes (`channels_first`) arrays are given as it takes them.

    Raises:
        UsageError: arrays that do not fit the inputs or each other, or sizes that are not known or less than 1.
        DataError: the data set cannot be used.
    """
    if size < 1:
        raise UsageError(f"a batch needs at least one example, got {size}")
    loss = choose(graph, None) if loss is None else loss
    if x is not None:
        return given(graph, x, y, count, loss, channels_first)
    if data is not None:
        return from_data(graph, data, size, count)
    return [synthetic(graph, size, seed, loss, layers) for seed in range(count)]


def given(graph: Graph, x: Tensor, y: Tensor, count: int, loss: LossFacts, channels_first: bool = False) -> list[Batch]:
    """The arrays as they are, divided into so many batches."""
    inputs = _each(x, loss.inputs, "input")
    if channels_first:
        # In a graph they stand behind.
        inputs = [np.moveaxis(array, 1, -1) if array.ndim > 3 else array for array in inputs]
    for position, array in zip(graph.inputs, inputs, strict=True):
        shape = graph.nodes[position].shape
        if array.ndim != len(shape) + 1 or any(n not in (None, m) for n, m in zip(shape, array.shape[1:], strict=True)):
            raise UsageError(f"x must be a batch of {format_shape(shape)}, got {format_shape(array.shape)}")
    examples = len(inputs[0])
    if any(len(array) != examples for array in inputs):
        raise UsageError(f"the inputs have {' and '.join(str(len(array)) for array in inputs)} examples")
    if not examples:
        raise UsageError("x holds no examples")
    source = "given"
    if y is None:
        labels = _labels(np.random.default_rng(0), graph, loss, examples)
        source = "given, with synthetic labels"
    else:
        without = [function is None for function in loss.functions]
        each = _each(y, loss.outputs, "output", without)
        labels = tuple(
            _fitting(array, graph.nodes[position].shape) for array, position in zip(each, graph.outputs, strict=True)
        )
    for array in labels:
        if array is not None and len(array) != examples:
            raise UsageError(f"{examples} inputs and {len(array)} labels do not match")
    if not 1 <= count <= examples:
        raise UsageError(f"{examples} examples cannot be divided into {count} batches")
    edges = [round(number * examples / count) for number in range(count + 1)]
    return [
        Batch(
            tuple(array[start:stop] for array in inputs),
            tuple(None if array is None else array[start:stop] for array in labels),
            source,
        )
        for start, stop in pairwise(edges)
    ]


def _fitting(labels: Tensor, shape: Shape) -> Tensor:
    """Labels of shape (N,) for an output of (N, 1), and the other way round, as Keras takes them in `fit`."""
    if labels is None:
        return None
    if labels.ndim == len(shape) and shape[-1:] == (1,):
        return labels[..., None]
    return labels[..., 0] if labels.ndim == len(shape) + 2 and labels.shape[-1] == 1 else labels


def _each(values: Any, names: Sequence[Names], what: str, optional: Sequence[bool] = ()) -> list[Tensor]:
    """An array for each input or output, of one array, a list of them, or a mapping by name."""
    each: list[Any] = [values]
    if isinstance(values, Mapping):
        named = cast("Mapping[str, Any]", values)
        each = [next((named[name] for name in own if name in named), None) for own in names]
        for own, value, skip in zip(names, each, optional or [False] * len(names), strict=True):
            if value is None and not skip:
                raise UsageError(f"there is nothing for the {what} {own[0]!r}")
    elif isinstance(values, list | tuple):
        listed = list(cast("Sequence[Any]", values))
        # Where there is one input, a list may be its batch, written as numbers.
        if len(names) > 1 or (len(listed) == 1 and np.ndim(listed[0]) > 0):
            each = listed
    if len(each) != len(names):
        raise UsageError(f"there are {len(names)} {what}s: give a list of as many arrays, or a mapping by name")
    skipped = optional or [False] * len(names)
    return [None if skip or value is None else np.asarray(value) for value, skip in zip(each, skipped, strict=True)]


def synthetic(
    graph: Graph, size: int, seed: int = 0, loss: LossFacts | None = None, layers: Sequence[Layer] = ()
) -> Batch:  # fmt: skip
    """Images whose spectrum falls as 1/f, as that of photos does (Field 1987), in the range the net expects.

    Inputs of other ranks are normal; whole numbers for an embedding are drawn from its vocabulary.
    """
    rng = np.random.default_rng(seed)
    inputs = tuple(_synthetic_input(rng, graph, position, size, layers) for position in graph.inputs)
    labels = _labels(rng, graph, choose(graph, None) if loss is None else loss, size)
    return Batch(inputs, labels, f"synthetic, seed {seed}")


def _synthetic_input(
    rng: np.random.Generator, graph: Graph, position: int, size: int, layers: Sequence[Layer]
) -> np.ndarray:
    shape = graph.nodes[position].shape
    if not is_known(shape):
        raise UsageError(f"a synthetic batch needs an input of known size, got {format_shape(shape)}: give --input")
    for reader in graph.consumers[position]:
        op = graph.nodes[reader].op
        if op.vocabulary_size is not None:
            return rng.integers(0, op.vocabulary_size, (size, *shape))
    if "int" in graph.nodes[position].dtype:
        return rng.integers(0, 256 if len(shape) == 3 else 2, (size, *shape))
    x = _images(rng, size, shape) if len(shape) == 3 else rng.standard_normal((size, *shape))
    at = normalized(graph, position)
    if at is not None:
        mean, variance = _statistics(graph.nodes[at].op, layers[at] if layers else None)
        return (mean + np.sqrt(variance) * x).astype("float32")
    if len(shape) != 3:
        return x.astype("float32")
    # A net that scales its own input expects pixels; any other one numbers around 0.
    if any(node.op.rescales_input for node in graph):
        x = np.clip(127.5 + 64 * x, 0, 255)
    return x.astype("float32")


def _statistics(op: Op, layer: Layer) -> tuple[np.ndarray, np.ndarray]:
    """The mean and variance of the input that a normalization expects: what the layer was adapted to, if it was."""
    if layer is not None:
        return np.asarray(layer.mean), np.asarray(layer.variance)
    assert isinstance(op, Normalization)
    means, variances = op.statistics
    return np.array(means), np.array(variances)


def _images(rng: np.random.Generator, size: int, shape: tuple[Any, ...]) -> np.ndarray:
    height, width, _ = shape
    noise = np.fft.rfft2(rng.standard_normal((size, *shape)), axes=(1, 2))
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :])
    frequency[0, 0] = 1.0 / max(height, width)
    images = np.fft.irfft2(noise / frequency[None, :, :, None], s=(height, width), axes=(1, 2))
    images -= images.mean(axis=(1, 2), keepdims=True)
    return images / np.maximum(images.std(axis=(1, 2, 3), keepdims=True), 1e-12)


def _labels(rng: np.random.Generator, graph: Graph, loss: LossFacts, size: int) -> tuple[np.ndarray | None, ...]:
    """Labels that the loss of each output takes."""
    found: list[np.ndarray | None] = []
    for number, position in enumerate(graph.outputs):
        shape = graph.nodes[position].shape
        name = loss.kinds[number].lower().replace("_", "")
        if loss.functions[number] is None:
            found.append(None)
            continue
        if not is_known(shape):
            raise UsageError(f"the output's size is not known, {format_shape(shape)}: give --input")
        if name.startswith("sparsecategorical"):
            found.append(rng.integers(0, shape[-1], (size, *shape[:-1])))
        elif name.startswith(("categorical", "kldivergence", "kullback")):
            found.append(np.eye(shape[-1], dtype="float32")[rng.integers(0, shape[-1], (size, *shape[:-1]))])
        elif name.startswith(("binary", "hinge", "squaredhinge")) or head_loss(graph, number) == "binary_crossentropy":
            # As many of each class as there can be.
            labels = rng.permuted(np.arange(size * elements(shape)) % 2)
            found.append(labels.reshape(size, *shape).astype("float32"))
        else:
            found.append(rng.standard_normal((size, *shape)).astype("float32"))
    return tuple(found)


def from_data(graph: Graph, source: str | Path, size: int, count: int = 1) -> list[Batch]:
    """Training images of a data set, resized, classes taking turns; see `archlab.data.read_samples`.

    Raises:
        DataError: the data set cannot be used.
        UsageError: the head does not have a unit for each class, or the input is not one image.
    """
    shape = graph.nodes[graph.inputs[0]].shape
    if len(graph.inputs) != 1 or len(shape) != 3 or None in shape:
        raise UsageError(f"images need one input of known height and width, got {format_shape(shape)}: give --input")
    check_source(source)
    height, width, channels = (size or 0 for size in shape)
    samples = read_samples(source, (height, width), channels, count=size * count)
    loss, classes = head_loss(graph), len(samples.classes)
    units = graph.nodes[graph.outputs[0]].shape[-1] or 0
    if loss == "mean_squared_error" or (classes > 2 if loss == "binary_crossentropy" else classes > units):
        raise UsageError(f"{source} has {classes} classes, and the head has {units} unit(s) for {loss}")
    binary = loss == "binary_crossentropy"
    labels = samples.labels.astype("float32")[:, None] if binary else samples.labels
    about = f"{len(labels)} images from {source}"
    if samples.skipped:
        first = samples.skipped[0]
        about += f"; {len(samples.skipped)} skipped, such as {first.name}: {first.reason}"
    starts = range(0, len(labels), size)
    return [Batch((samples.pixels[at : at + size],), (labels[at : at + size],), about) for at in starts][:count]
