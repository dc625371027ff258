"""The window of an output unit, against the support of the gradient with respect to the input."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any, TypeAlias

import numpy as np

from archlab.bridge import load_keras
from archlab.bridge.types import Tensor
from archlab.graph import Shape, format_shape
from archlab.ops import Axis, Merged, Nothing, Permuted, Pointwise, Statistics, Whole, Window, Windows
from archlab.testing._outcomes import NotApplicable
from archlab.testing._subject import Subject

Unit: TypeAlias = tuple[int, ...]
Units: TypeAlias = frozenset[Unit]

_SPIKE = 3.0
_FAINT = {"float64": 1e-9, "float32": 1e-6}
"""Against the largest: what rounding leaves where a gradient cancels."""


def window(subject: Subject) -> str:
    """An output unit reads the input units of its window: those that its gradient reaches, edges included."""
    found = subject.op.window(*subject.inputs)
    if found is None:
        raise NotApplicable("it does not state its window")
    if not isinstance(found, Window):
        raise AssertionError(
            f"window() is {found!r}, and has to be one of Pointwise(), Nothing(), Whole(), Statistics(), Merged(), "
            "Permuted(order), Windows(axes)"
        )
    subject.needs_gradient()
    picked = list(_picked(subject.output[:-1], found))
    try:
        seen = _support(subject, picked, "float64")
    except Exception as error:
        # TensorFlow pools three axes in float32 at most.
        if "not in the list of allowed values" not in str(error):
            raise
        seen = _support(subject, picked, "float32")
    if isinstance(found, Whole):
        _whole(subject, picked, seen)
        return "all of the input"
    for unit, supports in zip(picked, seen, strict=True):
        for shape, support in zip(subject.inputs, supports, strict=True):
            stated = _stated(found, unit, shape[:-1])
            if support != stated:
                raise AssertionError(
                    f"output unit {unit} is said to read {_listed(stated)} of the input, and its gradient "
                    f"reaches {_listed(support)}"
                )
    _unsized(subject, found)
    return _shown(found)


def _picked(sizes: Shape, found: Window) -> Iterator[Unit]:
    """Output units at the edges and in the middle, a period of them where units take turns."""
    axes: list[list[int]] = []
    for number, size in enumerate(sizes):
        period = len(found.axes[number].taps) if isinstance(found, Windows) and number < len(found.axes) else 1
        middle = (size or 1) // 2
        wanted = [0, *range(middle, middle + max(2, min(period, 4))), (size or 1) - 1]
        axes.append(sorted({unit for unit in wanted if unit < (size or 1)}))
    if len(axes) < 3:
        yield from product(*axes)
        return
    longest = max(map(len, axes))
    yield from (tuple(units[i % len(units)] for units in axes) for i in range(longest))


def _support(subject: Subject, units: Sequence[Unit], dtype: str) -> list[list[Units]]:
    """For each output unit, and each input, the input units that its gradient reaches for some input.

    Each sample has one unit that stands out, so that a maximum finds every one; weights are positive and sum to one,
    so that nothing cancels, nothing saturates and no unit is dead.
    """
    tf, _ = load_keras()
    built = subject.runnable(dtype=dtype)
    for weight in built.model.trainable_weights:
        shape = tuple(weight.shape)
        weight.assign(np.full(shape, 1 / max(1, int(np.prod(shape[:-1])))) if len(shape) > 1 else np.ones(shape))
    rng = np.random.default_rng(0)
    positions = max(int(np.prod(shape[:-1])) for shape in subject.inputs)
    batches: list[Tensor] = []
    for shape in subject.inputs:
        x = rng.uniform(0.1, 1.0, (positions, *shape))
        # One position of its own for each sample.
        flat = x.reshape(positions, -1, shape[-1])
        here = np.arange(positions) % flat.shape[1]
        flat[np.arange(positions), here] += _SPIKE * rng.uniform(0.5, 1.0, (positions, shape[-1]))
        batches.append(tf.constant(x, dtype))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(batches)
        made = built.run(batches, training=False)[built.graph.outputs[0]]
        if (shape := tuple(made.shape[1:])) != subject.output:
            raise NotApplicable(
                f"at inference Keras's layer makes {format_shape(shape)}, not {format_shape(subject.output)}"
            )
        # Channels may sum to a constant, as behind a softmax: each counts differently.
        channels = tf.constant(rng.uniform(0.5, 1.5, made.shape[-1]), made.dtype)
        sums = [tf.reduce_sum(made[(slice(None), *unit)] * channels) for unit in units]
    found: list[list[Units]] = []
    for one in sums:
        moved = tape.gradient(one, batches)
        if all(each is None for each in moved):
            raise NotApplicable("no gradient flows back to the input")
        found.append([_places(each, _FAINT[dtype]) for each in moved])
    return found


def _places(moved: Tensor, faint: float) -> Units:
    if moved is None:
        return frozenset()
    size = np.abs(moved.numpy()).max(axis=(0, -1))
    return frozenset(tuple(map(int, place)) for place in np.argwhere(size > faint * size.max()))


def _stated(found: Window, unit: Unit, sizes: Shape) -> Units:
    """The input units that the window names, those inside of the input."""
    sides = [size or 1 for size in sizes]
    if isinstance(found, Nothing):
        return frozenset()
    if isinstance(found, Statistics):
        return frozenset(product(*map(range, sides)))
    if isinstance(found, Pointwise | Merged):
        if len(unit) != len(sides):
            return frozenset()
        return _inside([tuple(unit)], [*map(range, sides)]) if isinstance(found, Pointwise) else _stretched(unit, sides)
    if isinstance(found, Permuted):
        place = dict(zip(found.order, unit, strict=True))
        return _inside([tuple(place[axis] for axis in range(len(sides)))], [*map(range, sides)])
    assert isinstance(found, Windows)
    axes = [_read(axis, q) for axis, q in zip(found.axes, unit, strict=True)]
    return _inside(product(*axes), [*map(range, sides)])


def _stretched(unit: Unit, sides: Sequence[int]) -> Units:
    """The same place; of a side of 1, which is stretched to that of the others, its only one."""
    return frozenset({tuple(0 if side == 1 else q for q, side in zip(unit, sides, strict=True))})


def _inside(units: Any, sides: Sequence[range]) -> Units:
    return frozenset(unit for unit in units if all(q in side for q, side in zip(unit, sides, strict=True)))


def _read(axis: Axis, unit: int) -> list[int]:
    q, r = divmod(unit, len(axis.taps))
    return [q * axis.stride + tap for tap in axis.taps[r]]


def _whole(subject: Subject, units: Sequence[Unit], seen: Sequence[Sequence[Units]]) -> None:
    """All units together may read all of the input, and are no sliding window."""
    sizes = [int(np.prod(shape[:-1])) for shape in subject.inputs]
    if any(len(support) == size for supports in seen for support, size in zip(supports, sizes, strict=True)):
        return
    # Of a window that slides the first input unit moves along each axis with the output unit, and with nothing else.
    firsts = {unit: tuple(min(axis) for axis in zip(*supports[0], strict=True)) for unit, supports in
              zip(units, seen, strict=True) if supports[0]}  # fmt: skip
    if len(firsts) < 2 or len(subject.output) != len(subject.inputs[0]):
        return
    for axis in range(len(subject.output) - 1):
        along: dict[int, int] = {}
        if any(along.setdefault(unit[axis], first[axis]) != first[axis] for unit, first in firsts.items()):
            return
        if len(set(along.values())) == 1:
            return
    middle = max((supports[0] for supports in seen), key=len)
    raise AssertionError(f"a unit is said to read all of the input, and its gradient reaches {_listed(middle)} at most")


def _unsized(subject: Subject, found: Window) -> None:
    """At unknown sizes the window is the same, or the same but for a shift where that depends on a size, or unknown."""
    unknown = tuple((*(None,) * (len(shape) - 1), shape[-1]) for shape in subject.inputs)
    if not isinstance(found, Windows):
        return
    other = subject.op.window(*unknown)
    if other is None:
        return
    if not isinstance(other, Windows):
        raise AssertionError(
            f"at unknown sizes the window is {_shown(other)}, and at {subject.inputs[0]} {_shown(found)}"
        )
    for mine, known in zip(other.axes, found.axes, strict=True):
        shifted = [[tap - min(taps, default=0) for tap in taps] for taps in mine.taps]
        expected = [[tap - min(taps, default=0) for tap in taps] for taps in known.taps]
        same = mine.stride == known.stride and (
            list(map(list, mine.taps)) == list(map(list, known.taps)) if mine.placed else shifted == expected
        )
        if not same:
            raise AssertionError(
                f"at unknown sizes an axis is {mine}, and at known sizes {known}: expected the same, or placed=False"
            )


def _listed(units: Units) -> str:
    """How many units, and from where to where."""
    if not units:
        return "no unit"
    if units == {()}:
        return "all of it"
    low = tuple(min(axis) for axis in zip(*units, strict=True))
    high = tuple(max(axis) for axis in zip(*units, strict=True))
    return f"unit {low}" if len(units) == 1 else f"{len(units)} units from {low} to {high}"


def _shown(found: Window) -> str:
    if isinstance(found, Windows):
        spans = [max((max(taps) - min(taps) + 1 for taps in axis.taps if len(taps)), default=0) for axis in found.axes]
        strides = {axis.stride for axis in found.axes}
        return f"{' × '.join(map(str, spans))}, stride {' × '.join(map(str, sorted(strides)))}"
    if isinstance(found, Permuted):
        return "the same unit, the axes in another order"
    if isinstance(found, Nothing):
        return "no unit"
    if isinstance(found, Statistics):
        return "the unit at the same place, scaled by statistics of all"
    return "the unit at the same place" + (" in every input" if isinstance(found, Merged) else "")
