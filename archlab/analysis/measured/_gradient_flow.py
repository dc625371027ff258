"""Gradient flow: how strong the error signal is when it arrives at each layer, measured on the real Keras model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from archlab.algebra import Part
from archlab.analysis._flow import GradientFlow, LayerFlow, WeightFlow
from archlab.analysis._trend import trend, verdict
from archlab.analysis.measured._batch import Batch, prepare
from archlab.analysis.measured._probe import Probe, Run
from archlab.analysis.static import depths
from archlab.analysis.static._facts import gather
from archlab.analysis.static._head import before_head
from archlab.analysis.static._photos import BATCH
from archlab.errors import UsageError
from archlab.graph import Graph, elements, is_known

SEEDS = 3


def gradient_flow(
    architecture: Part | Graph,
    x: Any = None,
    y: Any = None,
    *,
    data: str | Path | None = None,
    loss: str | Callable[..., Any] | None = None,
    seeds: int | Sequence[int] = SEEDS,
    batch: int = BATCH,
    progress: Callable[[str], None] | None = None,
) -> GradientFlow:
    """Measure how gradients flow through an architecture at initialization, in training mode.

    The Keras model is built and traced once; for each seed its kernels are drawn anew in place and one batch is run
    forward and backward.

    Args:
        architecture: a part, or a graph.
        x: a batch of inputs, (examples, height, width, channels).
        y: its labels; synthetic ones where x is given alone.
        data: instead of x and y, a folder of class folders with photos. Without either, a seeded synthetic batch.
        loss: a Keras loss by name, or a function of (y, output). By default the one that goes with the head.
        seeds: how many initializations, or which.
        batch: examples, where the batch is not given.
        progress: called with a word on every step done.

    Raises:
        DesignError: the architecture does not add up.
        DataError: the folder cannot be used.
        UsageError: a batch cannot be made for this input, or the labels do not fit the head.

    >>> from archlab import Conv, Dense, GlobalAvgPool, Input, ReLU
    >>> net = Input(16, 16, 3) >> (Conv(8) >> ReLU()) * 4 >> GlobalAvgPool() >> Dense(1, activation="sigmoid")
    >>> flow = gradient_flow(net, seeds=2)
    >>> [layer.depth for layer in flow.layers], flow.verdict
    ([1, 2, 3, 4, 5], 'level')
    """
    graph = architecture if isinstance(architecture, Graph) else architecture.to_graph()
    chosen = tuple(range(seeds)) if isinstance(seeds, int) else tuple(seeds)
    if not chosen:
        raise UsageError("gradient flow needs at least one seed")
    if batch < 1:
        raise UsageError(f"a batch needs at least one example, got {batch}")
    used = prepare(graph, x, y, data, batch)
    tell = progress or (lambda word: None)
    probe = Probe(graph, used, loss)
    tell("built")
    runs: list[Run] = []
    for seed in chosen:
        runs.append(probe.run(seed))
        tell(f"seed {seed}")
    found = _summary(graph, used, loss, chosen, probe, runs)
    if found.trend.silent or found.not_finite:
        # Beyond what float32 holds, 1e-38 to 3e38, float64 still tells how strong the signal is: 1e-308 to 2e308.
        tell("measuring again in float64")
        probe = Probe(graph, used, loss, "float64")
        runs = [probe.run(seed) for seed in chosen]
        silent, lost = found.trend.silent, found.not_finite
        found = _summary(graph, used, loss, chosen, probe, runs)
        found = replace(
            found, trend=replace(found.trend, silent=silent, verdict=verdict(found.trend, silent, bool(lost)))
        )
        found = replace(found, not_finite=lost)
    return found


def _summary(
    graph: Graph,
    batch: Batch,
    loss: str | Callable[..., Any] | None,
    seeds: tuple[int, ...],
    probe: Probe,
    runs: list[Run],
) -> GradientFlow:
    depth = depths(graph)
    facts = gather(graph)
    gradients = np.array([run.gradients for run in runs])
    outputs = np.array([run.outputs for run in runs])
    norms = np.array([run.norms for run in runs])
    body = before_head(graph)
    layers: list[LayerFlow] = []
    start = 0
    for row, (position, variables) in enumerate(zip(probe.positions, probe.variables, strict=True)):
        node = graph.nodes[position]
        own = slice(start, start + len(variables))
        start += len(variables)
        weights = tuple(
            WeightFlow(variable.name, _middle(gradients[:, own][:, i]), float(np.median(norms[:, own][:, i])))
            for i, variable in enumerate(variables)
        )
        # A layer's norm is over all its weights together: those without a gradient add nothing.
        together = _together(gradients[:, own])
        kernels = [i for i, variable in enumerate(variables) if any(variable is k for k in probe.kernels[position])]
        norm = float(np.median(np.sqrt((norms[:, own] ** 2).sum(axis=1))))
        gradient = _middle(together)
        layers.append(
            LayerFlow(
                name=node.name,
                depth=depth[position],
                kernel=facts[position].kernel,
                body=body[position],
                weight_gradient_norm=gradient,
                output_gradient_rms=_middle(outputs[:, row]),
                kernel_gradient_norm=_middle(_together(gradients[:, own][:, kernels])) if kernels else None,
                weight_norm=norm,
                ratio=gradient / norm if gradient is not None and norm > 0 else None,
                weight_gradient_norm_quartiles=_quartiles(together),
                output_gradient_rms_quartiles=_quartiles(outputs[:, row]),
                weights=weights,
            )
        )
    rows = [i for i, layer in enumerate(layers) if layer.kernel and layer.body]
    fits = trend(
        [layers[i].depth for i in rows],
        [elements(shape) if is_known(shape := graph.nodes[probe.positions[i]].shape) else None for i in rows],
        [[None if np.isnan(value) else float(value) for value in run[rows]] for run in outputs],
    )
    named = batch.loss if loss is None else loss if isinstance(loss, str) else getattr(loss, "__name__", "custom")
    losses = tuple(run.loss for run in runs)
    # NaN marks a layer without a gradient, unless the loss itself is lost.
    finite = bool(np.isfinite(losses).all())
    lost = tuple(
        layer.name for layer, seen in zip(layers, outputs.T, strict=True) if not finite or bool(np.isinf(seen).any())
    )
    return GradientFlow(batch.source, named, probe.examples, probe.precision, seeds, losses, tuple(layers), fits, lost)


def _together(norms: np.ndarray) -> np.ndarray:
    """The norm over several weights together, for each seed; NaN where no gradient reaches any of them."""
    squares = norms**2
    return np.where(np.isnan(squares).all(axis=1), np.nan, np.sqrt(np.nansum(squares, axis=1)))


def _middle(values: np.ndarray) -> float | None:
    known = [float(value) for value in values if not np.isnan(value)]
    return median(known) if known else None


def _quartiles(values: np.ndarray) -> tuple[float, float] | None:
    known = values[~np.isnan(values)]
    if len(known) < 2:
        return None
    low, high = np.percentile(known, (25, 75))
    return float(low), float(high)
