"""The predicted signal, forward and back, against values sampled from the Keras layer."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np

from archlab.bridge import load_keras
from archlab.bridge.types import Tensor
from archlab.errors import DesignError
from archlab.graph import Shape
from archlab.ops import ErrorSignal, Signal
from archlab.signals.moments import lag_count
from archlab.testing._outcomes import NotApplicable
from archlab.testing._subject import Subject

BATCH = 8
_WIDE = 128
_DRAWS = 4
_ERRORS = 3
_SHARED = 0.75
_TOLERANCE = 0.2
"""A relative difference of mean squares: a prediction is that of a wide network; chance comes on top."""
_OF_WEIGHTS = 0.6
"""Of squared norms of weight gradients: rules count what a window loses at the edges of a map by its mean."""


def signal(subject: Subject) -> str:
    """The mean square of the output, of the error handed back, and of the weight gradients are those of samples."""
    if not subject.inputs:
        raise NotApplicable("nothing comes in")
    wide = subject
    if subject.op.keras(*subject.inputs) is not None:
        load_keras()
        wide = _widened(subject)
    came = tuple(_described(shape) for shape in wide.inputs)
    passed = wide.op.signal(came, wide.output)
    if passed is None:
        raise NotApplicable("it has no rule for signals")
    wide.needs_gradient()
    found = passed.output
    if found.size != wide.output[:-1] or found.channels != wide.output[-1]:
        raise AssertionError(
            f"signal() gives a map of {found.size} with {found.channels} channels, and output() says {wide.output}"
        )
    error = ErrorSignal(_table(len(found.same)), (0.0,) * len(found.same), (None,) * len(found.size))
    backs, squares = passed.back(error)
    if len(backs) != len(wide.inputs):
        raise AssertionError(f"back() gives an error for {len(backs)} inputs, and there are {len(wide.inputs)}")
    trainable = [weight.name for weight in wide.op.weights(*wide.inputs) or () if weight.trainable]
    if wide.op.weights(*wide.inputs) is not None and len(squares) != len(trainable):
        raise AssertionError(
            f"back() gives {len(squares)} weight gradients, and {len(trainable)} weights are trainable"
        )
    samples = _sampled(wide)
    _compare("the mean square of the output", found.square, samples.square)
    if abs(found.mean - samples.mean.mean()) > _TOLERANCE * samples.square.mean() ** 0.5:
        raise AssertionError(
            f"the mean of the output is predicted as {found.mean:.3g}, and sampled as {samples.mean.mean():.3g}"
        )
    for number, (back, sampled) in enumerate(zip(backs, samples.handed, strict=True), start=1):
        if back is not None and sampled is not None:
            _compare(f"the mean square of the gradient at input {number}", back.same[0], sampled)
    for name, predicted, sampled in zip(trainable, squares, samples.norms, strict=False):
        if predicted is not None:
            _compare(f"the squared norm of the gradient of {name}", predicted, sampled, _OF_WEIGHTS)
    return f"output {found.square:.3g}, gradient {' and '.join(f'{b.same[0]:.3g}' for b in backs if b)} (mean squares)"


def _compare(what: str, predicted: float, samples: np.ndarray, tolerance: float = _TOLERANCE) -> None:
    sampled = float(samples.mean())
    by_chance = 3 * float(samples.std()) / len(samples) ** 0.5
    if abs(predicted - sampled) > tolerance * max(abs(sampled), 1e-12) + by_chance:
        raise AssertionError(f"{what} is predicted as {predicted:.3g}, and sampled as {sampled:.3g}")


def _widened(subject: Subject) -> Subject:
    """The same layer with many channels, where it takes them: the prediction is that of a wide network."""
    try:
        wide = Subject(subject.given, tuple((*shape[:-1], _WIDE) for shape in subject.inputs))
    except DesignError:
        return subject
    try:
        # A layer that has a number for each channel may not say so before it runs.
        wide.runnable().run([np.ones((1, *shape), "float32") for shape in wide.inputs], training=False)
    except Exception:
        return subject
    return wide


def _described(shape: Shape) -> Signal:
    """What a prediction knows of the maps that are drawn below."""
    size: tuple[int, ...] = shape[:-1]  # pyright: ignore[reportAssignmentType]  # all sizes are known
    count = lag_count(size)
    return Signal(size, shape[-1] or 0, BATCH, 0.0, _table(count), (0.0,) * count, (None,) * len(size))


def _table(count: int) -> tuple[float, ...]:
    """The mean products of two positions: the same at every distance, so that nothing is read between two lags."""
    return (1.0, *(_SHARED,) * (count - 1))


def _drawn(rng: np.random.Generator, shape: Sequence[Any]) -> np.ndarray:
    """Maps of Gaussians of variance 1, of which all positions of a channel have a part in common."""
    *sizes, channels = shape
    own = rng.standard_normal((BATCH, *sizes, channels), "float32")
    common = rng.standard_normal((BATCH, *(1 for _ in sizes), channels), "float32")
    return np.float32((1 - _SHARED) ** 0.5) * own + np.float32(_SHARED**0.5) * common


class _Samples(NamedTuple):
    """Values, one for each draw."""

    square: np.ndarray
    """The output's mean square."""
    mean: np.ndarray
    handed: list[np.ndarray | None]
    """The mean square of the gradient at each input; None where none flows."""
    norms: list[np.ndarray]
    """The squared norm of the gradient of each trainable weight."""


def _sampled(subject: Subject) -> _Samples:
    """Draws of the weights, of what comes in and of the error, which knows nothing of the signal."""
    tf, keras = load_keras()
    outputs: list[tuple[float, float]] = []
    handed: list[list[Tensor]] = [[] for _ in subject.inputs]
    norms: dict[int, list[float]] = {}
    for seed in range(_DRAWS):
        keras.utils.set_random_seed(seed)
        built = subject.runnable(seed)
        rng = np.random.default_rng(seed)
        batch = [tf.constant(_drawn(rng, shape)) for shape in subject.inputs]
        variables = [weight.value for weight in built.model.trainable_weights]
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(batch)
            y = built.run(batch, training=True)[built.graph.outputs[0]]
        outputs.append((_mean_square(y), float(np.mean(y))))
        for _ in range(_ERRORS):
            error = tf.constant(_drawn(rng, y.shape[1:]))
            moved = tape.gradient(y, [*batch, *variables], output_gradients=error)
            for rows, each in zip(handed, moved, strict=False):
                rows.append(None if each is None else _mean_square(each))
            for number, each in enumerate(moved[len(batch) :]):
                # The loss is a mean over the batch, and an error its gradient times the batch size.
                each = tf.convert_to_tensor(each)
                norms.setdefault(number, []).append(_mean_square(each) * prod(each.shape) / BATCH**2)
    square, mean = np.asarray(outputs).T
    return _Samples(
        square,
        mean,
        [None if None in rows else np.asarray(rows) for rows in handed],
        [np.asarray(rows) for rows in norms.values()],
    )


def _mean_square(tensor: Tensor) -> float:
    return float(np.mean(np.square(tensor.numpy()), dtype="float64"))
