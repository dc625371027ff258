"""The effective receptive field: how the gradient of one unit is spread over the input."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from archlab.analysis._field import HELD, EffectiveReceptiveField
from archlab.analysis.measured._subject import Subject, loaded, subject, untold
from archlab.analysis.static import ReceptiveField, receptive_field
from archlab.bridge.types import Tensor
from archlab.errors import UsageError
from archlab.graph import format_shape, is_known
from archlab.probes import Batch
from archlab.sources import Reference

SEEDS = 5
BATCH = 4
Quantity = Literal["magnitude", "energy"]


def effective_receptive_field(
    architecture: Reference,
    layer: str | None = None,
    x: Tensor = None,
    *,
    data: str | Path | None = None,
    seeds: int | Sequence[int] | None = None,
    batch: int = BATCH,
    quantity: Quantity = "magnitude",
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
        layer: the name of a layer whose units have a place; by default, the last one.
        x: a batch of inputs; for several inputs a list, or a mapping by name.
        data: instead of x a folder of class folders with photos. Without either, a seeded synthetic batch.
        seeds: how many initializations, or which: five for architectures. None measures a live model as it is.
        batch: samples in a batch that is not given.
        quantity: 'magnitude', or 'energy', its square.
        training: whether layers act as in training or as at inference. At inference batch normalization has, under each
            seed, the statistics of the batch, held fixed. In training these tie every pixel of every sample to the
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
    if quantity not in ("magnitude", "energy"):
        raise UsageError(f"the quantity is 'magnitude' or 'energy', got {quantity!r}")
    what = subject(loaded(architecture, x, input), seeds, SEEDS, training=training)
    theory = receptive_field(what.graph)
    position = _layer(what, theory, layer)
    (given,) = what.batches(x, None, data, batch)
    tell = progress or untold
    measurement = _Measurement(what, theory, position, given, quantity, training, what.name, tell)
    found = measurement.field()
    if found.silent and measurement.precision == "float32":
        # Zero in float32 may be too small for it: then it is a field all the same.
        wide = what.in_float64()
        if wide is not None:
            tell("measuring again in float64")
            again = _Measurement(wide, theory, position, given, quantity, training, found.name, tell).field()
            found = replace(again, precision="float64") if again.silent < found.silent else found
    return found


def _layer(what: Subject, theory: ReceptiveField, layer: str | None) -> int:
    graph = what.graph
    if layer is None and theory.at is None:
        raise UsageError("no layer has units with a place: an effective receptive field needs an input such as images")
    position = graph.position(layer or theory.at or "")
    node, seen = graph.nodes[position], theory.seen[position]
    if len(node.shape) < 2 or (seen.extents is None and not seen.unknown):
        raise UsageError(
            f"the units of {node.name} have no place in the image, {format_shape(node.shape)}: "
            f"give a layer before the head, such as layer={theory.at!r}"
        )
    if not is_known(node.shape):
        raise UsageError(f"the size of {node.name} is not known, {format_shape(node.shape)}: give input=")
    return position


class _Measurement:
    """The gradients of one unit under every initialization and for every input, and what they amount to."""

    def __init__(
        self,
        what: Subject,
        theory: ReceptiveField,
        position: int,
        batch: Batch,
        quantity: Quantity,
        training: bool,
        name: str,
        tell: Callable[[str], None],
    ) -> None:
        self.what, self.theory, self.position, self.batch = what, theory, position, batch
        self.quantity, self.training, self.name, self.tell = quantity, training, name, tell
        shape = what.graph.nodes[position].shape
        self.unit = tuple(((size or 1) - 1) // 2 for size in shape[:-1])
        self.channels = shape[-1] or 1
        self.gradient = what.unit_gradient(position, self.unit)
        self.image, self.precision = self.gradient.image, self.gradient.precision

    def field(self) -> EffectiveReceptiveField:
        """The field, averaged over all runs that have a gradient."""
        total, runs, silent, lost = None, 0, 0, 0
        for seed, values in self.what.draws(None if self.training else self.batch.x):
            # Signs of their own for every seed and example: without them opposite channels would cancel.
            shape = (self.batch.examples, self.channels)
            signs = np.random.default_rng(seed).choice((-1.0, 1.0), shape)
            gradients = self.gradient(self.batch, values, signs)
            for one in gradients:
                runs += 1
                size = np.abs(one)
                largest = size.max()
                if not np.isfinite(largest):
                    lost += 1
                elif largest == 0:
                    silent += 1
                else:
                    size = size / largest  # before it is squared, which could leave what a number can hold
                    spread = (size if self.quantity == "magnitude" else size**2).sum(axis=-1)
                    spread /= spread.sum()
                    total = spread if total is None else total + spread
            self.tell(f"seed {seed}" if self.what.seeds else "measured")
        share = None if total is None else total / total.sum()
        seen = self.theory.seen[self.position]
        return EffectiveReceptiveField(
            layer=self.what.graph.nodes[self.position].name,
            quantity=self.quantity,
            image=tuple(int(size) for size in self.batch.x[self.image].shape[1:-1]),
            unit=self.unit,
            **_spread(share),
            box=self._box(),
            whole=seen.whole,
            runs=runs,
            silent=silent,
            not_finite=lost,
            seeds=self.what.seeds,
            training=self.training,
            precision=self.precision,
            data=self.batch.source,
            name=self.name,
        )

    def _box(self) -> tuple[tuple[int, int], ...] | None:
        """What the unit can see at most, where that is known."""
        seen = self.theory.seen[self.position]
        if seen.extents is None or seen.unknown or not all(extent.placed for extent in seen.extents):
            return None
        spans = [extent.span(unit) for extent, unit in zip(seen.extents, self.unit, strict=True)]
        found = [span for span in spans if span is not None]
        return seen.by_image(found) if len(found) == len(spans) else None


def _spread(share: np.ndarray | None) -> dict[str, Tensor]:
    """The figures of a field, of its shares."""
    if share is None:
        empty = dict.fromkeys(("centre", "sigma", "overlap", "radius", "area"))
        return {"share": (), **empty}
    places = np.indices(share.shape).astype("float64")
    centre = [float((place * share).sum()) for place in places]
    sigma = [float(np.sqrt((((place - c) ** 2) * share).sum())) for place, c in zip(places, centre, strict=True)]
    distance = np.sqrt(sum((place - c) ** 2 for place, c in zip(places, centre, strict=True)))
    order = np.argsort(distance, axis=None, kind="stable")
    held = np.cumsum(share.ravel()[order])
    # Rounding may leave the whole a little short of 1.
    radius = float(distance.ravel()[order][min(int(np.searchsorted(held, HELD)), held.size - 1)])
    strongest = np.cumsum(np.sort(share, axis=None)[::-1])
    gaussian = np.ones(share.shape)
    for place, c, s in zip(places, centre, sigma, strict=True):
        gaussian *= np.exp(-0.5 * ((place - c) / s) ** 2) if s > 0 else place == c
    mass = gaussian.sum()
    return {
        "share": _tuples(share),
        "centre": tuple(centre),
        "sigma": tuple(sigma),
        # Half the distance between two distributions is what does not lie on one another.
        "overlap": float(np.minimum(share, gaussian / mass).sum()) if mass > 0 else None,
        "radius": radius,
        "area": int(min(np.searchsorted(strongest, HELD) + 1, share.size)),
    }


def _tuples(values: Any) -> tuple[Any, ...]:
    return tuple(map(_tuples, values)) if values.ndim > 1 else tuple(values.tolist())
