"""The batch that gradients are measured on: given arrays, photos from a folder, or a synthetic batch."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from archlab.analysis.static._head import head_loss
from archlab.bridge import load_keras
from archlab.errors import DataError, UsageError
from archlab.graph import Graph, elements, format_shape, is_known
from archlab.ops import Normalization, Rescaling

_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif")


class Batch(NamedTuple):
    """Inputs and labels, the loss that goes with the head, and a word on where they come from."""

    x: Any
    y: Any
    loss: str
    source: str


def prepare(graph: Graph, x: Any, y: Any, data: str | Path | None, size: int) -> Batch:
    """The batch that was given or asked for."""
    if x is None:
        return synthetic(graph, size) if data is None else from_folder(graph, Path(data), size)
    shape = graph.nodes[graph.inputs[0]].shape
    x = np.asarray(x)
    if x.ndim != len(shape) + 1 or any(n not in (None, m) for n, m in zip(shape, x.shape[1:], strict=True)):
        raise UsageError(f"x must be a batch of {format_shape(shape)}, got {format_shape(x.shape)}")
    loss = head_loss(graph)
    if y is None:
        return Batch(x, _labels(np.random.default_rng(0), graph, loss, len(x)), loss, "given, with synthetic labels")
    if len(y) != len(x):
        raise UsageError(f"{len(x)} inputs and {len(y)} labels do not match")
    return Batch(x, np.asarray(y), loss, "given")


def synthetic(graph: Graph, size: int, seed: int = 0) -> Batch:
    """Images whose spectrum falls as 1/f, as that of photos does (Field 1987), in the range the net expects."""
    rng = np.random.default_rng(seed)
    shape = graph.nodes[graph.inputs[0]].shape
    if len(graph.inputs) != 1 or not is_known(shape):
        raise UsageError(f"a synthetic batch needs one input of known size, got {format_shape(shape)}: give --input")
    if len(shape) == 3:
        x = _images(rng, size, shape)
        # A net that scales its own input expects pixels; any other one numbers around 0.
        if any(isinstance(node.op, Rescaling | Normalization) for node in graph):
            x = np.clip(127.5 + 64 * x, 0, 255)
    else:
        x = rng.standard_normal((size, *shape))
    loss = head_loss(graph)
    return Batch(x.astype("float32"), _labels(rng, graph, loss, size), loss, f"synthetic, seed {seed}")


def _images(rng: np.random.Generator, size: int, shape: tuple[Any, ...]) -> np.ndarray:
    height, width, _ = shape
    noise = np.fft.rfft2(rng.standard_normal((size, *shape)), axes=(1, 2))
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :])
    frequency[0, 0] = 1.0 / max(height, width)
    images = np.fft.irfft2(noise / frequency[None, :, :, None], s=(height, width), axes=(1, 2))
    images -= images.mean(axis=(1, 2), keepdims=True)
    return images / np.maximum(images.std(axis=(1, 2, 3), keepdims=True), 1e-12)


def _labels(rng: np.random.Generator, graph: Graph, loss: str, size: int) -> np.ndarray:
    shape = graph.nodes[graph.outputs[0]].shape
    if not is_known(shape):
        raise UsageError(f"the output's size is not known, {format_shape(shape)}: give --input")
    if loss == "sparse_categorical_crossentropy":
        return rng.integers(0, shape[-1], (size, *shape[:-1]))
    if loss == "binary_crossentropy":
        # As many of each class as there can be.
        return rng.permuted(np.arange(size * elements(shape)) % 2).reshape(size, *shape).astype("float32")
    return rng.standard_normal((size, *shape)).astype("float32")


def from_folder(graph: Graph, folder: Path, size: int) -> Batch:
    """Photos from a folder of class folders (or of a `train` folder with such), resized, classes taking turns.

    Raises:
        DataError: the folder is missing, or holds no class folders with photos that can be read.
        UsageError: the head does not have a unit for each class.
    """
    tf, _ = load_keras()
    shape = graph.nodes[graph.inputs[0]].shape
    if len(shape) != 3 or None in shape:
        raise UsageError(f"photos need an input of known height and width, got {format_shape(shape)}: give --input")
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
    while len(x) < size and any(photos):
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
    return Batch(np.stack(x).astype("float32"), labels, loss, f"{len(x)} photos from {folder}")
