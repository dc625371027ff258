"""The batches that gradients are measured on: given arrays, photos from a folder, or synthetic ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from archlab.analysis.measured._loss import Loss, choose
from archlab.analysis.static import head_loss
from archlab.bridge import load_keras
from archlab.errors import DataError, UsageError
from archlab.graph import Graph, elements, format_shape, is_known
from archlab.ops import Embedding, Normalization, Rescaling

_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif")


class Batch(NamedTuple):
    """An array for each input, one for each output (None where it has no loss), and a word on where they come from."""

    x: tuple[Any, ...]
    y: tuple[Any, ...]
    source: str

    @property
    def examples(self) -> int:
        """How many there are."""
        return len(self.x[0])


def prepare(
    graph: Graph, x: Any, y: Any, data: str | Path | None, size: int, count: int = 1, loss: Loss | None = None
) -> list[Batch]:
    """The batches that were given or asked for: `count` of them.

    Raises:
        UsageError: arrays that do not fit the inputs or each other, or sizes that are not known or less than 1.
        DataError: the folder cannot be used.
    """
    if size < 1:
        raise UsageError(f"a batch needs at least one example, got {size}")
    loss = choose(graph, None) if loss is None else loss
    if x is not None:
        return given(graph, x, y, count, loss)
    if data is not None:
        return from_folder(graph, Path(data), size, count)
    return [synthetic(graph, size, seed, loss) for seed in range(count)]


def given(graph: Graph, x: Any, y: Any, count: int, loss: Loss) -> list[Batch]:
    """The arrays as they are, divided into so many batches."""
    inputs = _each(x, [graph.nodes[position].name for position in graph.inputs], "input")
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
        named = [graph.nodes[position].name for position in graph.outputs]
        labels = tuple(_each(y, named, "output", [function is None for function in loss.functions]))
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


def _each(values: Any, names: Sequence[str], what: str, optional: Sequence[bool] = ()) -> list[Any]:
    """An array for each input or output, of one array, a list of them, or a mapping by name."""
    if isinstance(values, Mapping):
        missing = [name for name in names if name not in values]
        if missing:
            raise UsageError(f"there is nothing for the {what} {missing[0]!r}")
        values = [values[name] for name in names]
    elif len(names) == 1 and not (isinstance(values, list | tuple) and len(values) == 1 and np.ndim(values[0]) > 0):
        values = [values]
    if not isinstance(values, list | tuple) or len(values) != len(names):
        raise UsageError(f"there are {len(names)} {what}s: give a list of as many arrays, or a mapping by name")
    skipped = optional or [False] * len(names)
    return [None if skip or value is None else np.asarray(value) for value, skip in zip(values, skipped, strict=True)]


def synthetic(graph: Graph, size: int, seed: int = 0, loss: Loss | None = None) -> Batch:
    """Images whose spectrum falls as 1/f, as that of photos does (Field 1987), in the range the net expects.

    Inputs of other ranks are normal; whole numbers for an embedding are drawn from its vocabulary.
    """
    rng = np.random.default_rng(seed)
    inputs = tuple(_synthetic_input(rng, graph, position, size) for position in graph.inputs)
    labels = _labels(rng, graph, choose(graph, None) if loss is None else loss, size)
    return Batch(inputs, labels, f"synthetic, seed {seed}")


def _synthetic_input(rng: np.random.Generator, graph: Graph, position: int, size: int) -> np.ndarray:
    shape = graph.nodes[position].shape
    if not is_known(shape):
        raise UsageError(f"a synthetic batch needs an input of known size, got {format_shape(shape)}: give --input")
    for reader in graph.consumers[position]:
        op = graph.nodes[reader].op
        if isinstance(op, Embedding):
            return rng.integers(0, op.vocabulary, (size, *shape))
    if "int" in graph.nodes[position].dtype:
        return rng.integers(0, 256 if len(shape) == 3 else 2, (size, *shape))
    if len(shape) != 3:
        return rng.standard_normal((size, *shape)).astype("float32")
    x = _images(rng, size, shape)
    # A net that scales its own input expects pixels; any other one numbers around 0.
    if any(isinstance(node.op, Rescaling | Normalization) for node in graph):
        x = np.clip(127.5 + 64 * x, 0, 255)
    return x.astype("float32")


def _images(rng: np.random.Generator, size: int, shape: tuple[Any, ...]) -> np.ndarray:
    height, width, _ = shape
    noise = np.fft.rfft2(rng.standard_normal((size, *shape)), axes=(1, 2))
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :])
    frequency[0, 0] = 1.0 / max(height, width)
    images = np.fft.irfft2(noise / frequency[None, :, :, None], s=(height, width), axes=(1, 2))
    images -= images.mean(axis=(1, 2), keepdims=True)
    return images / np.maximum(images.std(axis=(1, 2, 3), keepdims=True), 1e-12)


def _labels(rng: np.random.Generator, graph: Graph, loss: Loss, size: int) -> tuple[np.ndarray | None, ...]:
    """Labels that the loss of each output takes."""
    found: list[np.ndarray | None] = []
    for number, position in enumerate(graph.outputs):
        shape = graph.nodes[position].shape
        name = loss.names[number].lower().replace("_", "")
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


def from_folder(graph: Graph, folder: Path, size: int, count: int = 1) -> list[Batch]:
    """Photos from a folder of class folders (or of a `train` folder with such), resized, classes taking turns.

    Raises:
        DataError: the folder is missing, or holds no class folders with photos that can be read.
        UsageError: the head does not have a unit for each class.
    """
    tf, _ = load_keras()
    shape = graph.nodes[graph.inputs[0]].shape
    if len(graph.inputs) != 1 or len(shape) != 3 or None in shape:
        raise UsageError(f"photos need one input of known height and width, got {format_shape(shape)}: give --input")
    if not folder.is_dir():
        raise DataError(f"no folder {folder}")
    root = folder / "train" if (folder / "train").is_dir() else folder
    classes = sorted(child for child in root.iterdir() if child.is_dir() and not child.name.startswith("."))
    photos = [sorted(p for p in one.iterdir() if p.suffix.lower() in _SUFFIXES) for one in classes]
    if len(classes) < 2 or not all(photos):
        raise DataError(f"{root} needs a folder of photos for each class, such as {root / 'cats'} and {root / 'dogs'}")
    loss = head_loss(graph)
    units = graph.nodes[graph.outputs[0]].shape[-1] or 0
    if loss == "mean_squared_error" or (len(classes) > 2 if loss == "binary_crossentropy" else len(classes) > units):
        raise UsageError(f"{folder} has {len(classes)} classes, and the head has {units} unit(s) for {loss}")
    x: list[Any] = []
    y: list[int] = []
    turn = 0
    while len(x) < size * count and any(photos):
        label = turn % len(classes)
        turn += 1
        if not photos[label]:
            continue
        path = photos[label].pop(0)
        try:
            image = tf.io.decode_image(path.read_bytes(), channels=shape[-1], expand_animations=False)
        except tf.errors.InvalidArgumentError:
            continue
        x.append(tf.image.resize(image, shape[:2]).numpy())
        y.append(label)
    if not x:
        raise DataError(f"no photo in {root} can be read")
    labels = np.array(y, dtype="float32")[:, None] if loss == "binary_crossentropy" else np.array(y)
    pixels = np.stack(x).astype("float32")
    source = f"{len(x)} photos from {folder}"
    starts = range(0, len(x), size)
    return [Batch((pixels[at : at + size],), (labels[at : at + size],), source) for at in starts][:count]
