"""Gradient flow: how strong the activation gradient is at each layer, measured on the real model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np

from archlab.analysis._flow import BlockFlow, GradientFlow, LayerFlow, WeightFlow
from archlab.analysis._trend import trend
from archlab.analysis.measured._blocks import block_members
from archlab.analysis.measured._loss import Given
from archlab.analysis.measured._probe import rectified
from archlab.analysis.measured._subject import Subject, loaded, subject, untold
from archlab.analysis.static import before_head, depths, on_longest_path
from archlab.analysis.static._facts import gather
from archlab.analysis.static._photos import BATCH
from archlab.bridge.types import Tensor
from archlab.errors import UsageError
from archlab.graph import elements, is_known
from archlab.probes import Batch, Run, SignalProbe
from archlab.sources import Reference

SEEDS = 3


def gradient_flow(
    architecture: Reference,
    x: Tensor = None,
    y: Tensor = None,
    *,
    data: str | Path | None = None,
    loss: Given = None,
    seeds: int | Sequence[int] | None = None,
    batch: int = BATCH,
    batches: int = 1,
    training: bool = True,
    input: Sequence[int | None] | None = None,
    progress: Callable[[str], None] | None = None,
) -> GradientFlow:
    """Measure how signals and gradients flow through an architecture, layer by layer and block by block.

    A live Keras model is measured as it is, trained or not, and left exactly as it is: weights, statistics, optimizer,
    random state. Given `seeds`, a copy is measured under so many initializations, as architectures always are. So is a
    PyTorch module, by autograd: x and y are then tensors or arrays with the channels first, and `seeds` draws every
    layer by its `reset_parameters`, or makes the module anew where the code that made it is known.

    Args:
        architecture: a part, a graph, a live Keras model (compiled or not), or a reference such as 'residual'.
        x: a batch of inputs, (samples, height, width, channels); for several inputs a list, or a mapping by name.
        y: its labels, for several outputs a list or a mapping by name; synthetic ones where x is given alone.
        data: instead of x and y, a folder of class folders with photos. Without either, a seeded synthetic batch.
        loss: a Keras loss, its name, or a function of (y, output); a list or a mapping by name for several outputs.
            Of a PyTorch module a loss of PyTorch, its name, or a function of (output, y).
            Unless given, the one the model was compiled with; else the one that goes with the head. Penalties that
            layers add (regularization) are left out.
        seeds: how many initializations, or which: three for architectures. None measures a live model as it is.
        batch: samples in a batch that is not given.
        batches: how many batches; x and y are divided into so many.
        training: whether layers act as in training (dropout, statistics of the batch) or as at inference.
        input: another input shape, (height, width) or (height, width, channels).
        progress: called with a word on every step done.

    Raises:
        DesignError: the architecture does not add up.
        DataError: the folder cannot be used.
        UsageError: a batch cannot be made for this input, or the labels or the loss do not fit the head.

    >>> from archlab import Conv, Dense, GlobalAvgPool, Input, ReLU
    >>> net = Input(16, 16, 3) >> (Conv(8) >> ReLU()) * 4 >> GlobalAvgPool() >> Dense(1, activation="sigmoid")
    >>> flow = gradient_flow(net, seeds=2)
    >>> [layer.depth for layer in flow.layers], flow.verdict
    ([1, 2, 3, 4, 5], 'stable')
    """
    if batches < 1:
        raise UsageError(f"gradient flow needs at least one batch, got {batches}")
    what = subject(loaded(architecture, x, input), seeds, SEEDS, loss, "gradient flow", training, y)
    given = what.batches(x, y, data, batch, batches)
    tell = progress or untold
    probe = what.probe
    tell("built")
    found = _measured(what, probe, given, what.name, tell)
    if (found.trend.silent or found.not_finite) and probe.precision in ("float32", ""):
        # A signal left what float32 holds, 1e-38 to 3e38: in float64 it still tells how strong it is.
        wide = what.in_float64()
        if wide is not None:
            tell("measuring again in float64")
            again = _measured(wide, wide.probe, given, found.name, tell)
            if not found.not_finite and again.trend.silent == found.trend.silent:
                # The zeros are the model's own: float32 lost nothing, and is what the model runs in.
                return found
            # What float32 made infinite is an explosion; its zeros are answered by the slope in float64.
            judged = "exploding" if found.not_finite else again.trend.verdict
            fitted = replace(again.trend, silent=found.trend.silent, verdict=judged)
            found = replace(
                again,
                trend=fitted,
                not_finite=found.not_finite,
                model_precision=found.model_precision,
                dead_seeds=again.dead_seeds,
            )  # fmt: skip
    return found


def _measured(
    what: Subject, probe: SignalProbe, batches: Sequence[Batch], name: str, tell: Callable[[str], None]
) -> GradientFlow:
    """All runs of one model: every batch under every seed, or under the weights as they are."""
    runs: list[Run] = []
    for seed, values in what.draws():
        runs += [probe.run(batch, values) for batch in batches]
        tell(f"seed {seed}" if what.seeds else "measured")
    return summary(probe, runs, batches, what.seeds, what.weights, name)


def summary(
    probe: SignalProbe, runs: Sequence[Run], batches: Sequence[Batch], seeds: tuple[int, ...], weights: str, name: str
) -> GradientFlow:
    """What the runs of a probe amount to, layer by layer and block by block; `weights` says which they were."""
    graph = probe.graph
    table = _Table(probe, runs)
    layers = table.layers()
    curve = [i for i, layer in enumerate(layers) if layer.kernel and layer.body]
    signals = table.outputs[:, : len(layers)]
    fits = trend(
        [layers[i].depth for i in curve],
        [
            elements(shape) if is_known(shape := graph.nodes[probe.rows[i].position].shape) else None
            for i in curve
        ],
        [[None if np.isnan(value) else float(value) for value in run[curve]] for run in signals],
    )  # fmt: skip
    losses = tuple(run.loss for run in runs)
    # NaN marks a layer without a gradient, unless the loss itself is lost.
    finite = bool(np.isfinite(losses).all())
    lost = tuple(
        layer.name for layer, seen in zip(layers, signals.T, strict=True) if not finite or bool(np.isinf(seen).any())
    )
    if not finite:
        fits = replace(fits, verdict="exploding")
    precision = probe.precision or "float32"
    return GradientFlow(
        data=batches[0].source,
        loss=probe.loss.name,
        batch=batches[0].examples,
        precision=precision,
        seeds=seeds,
        losses=losses,
        layers=layers,
        trend=fits,
        not_finite=lost,
        blocks=table.blocks(layers),
        batches=len(batches),
        training=probe.training,
        name=name,
        weights=weights,
        model_precision=precision,
        dead_seeds=_dead_seeds(table, layers, seeds, len(batches)),
    )


def _dead_seeds(
    table: _Table, layers: Sequence[LayerFlow], seeds: tuple[int, ...], batches: int
) -> tuple[int, ...]:  # fmt: skip
    """The seeds under which every gradient before the last layer with a kernel is exactly zero, on every batch."""
    last = max((i for i, layer in enumerate(layers) if layer.kernel), default=0)
    before = sum(len(layer.weights) for layer in layers[:last])
    if not before or not seeds:
        return ()
    zero = np.nan_to_num(table.gradients[:, :before]).max(axis=1) == 0
    return tuple(seed for seed, dead in zip(seeds, zero.reshape(len(seeds), batches), strict=True) if dead.all())


class _Table:
    """The figures of all runs: a row for each run, a column for each weight or node."""

    def __init__(self, probe: SignalProbe, runs: Sequence[Run]) -> None:
        self.probe = probe
        self.gradients = np.array([run.gradients for run in runs])
        self.norms = np.array([run.norms for run in runs])
        self.outputs = np.array([run.outputs for run in runs])
        self.rms = np.array([run.rms for run in runs])
        self.means = np.array([run.means for run in runs])
        self.dead = np.array([run.dead for run in runs])

    def layers(self) -> tuple[LayerFlow, ...]:
        graph, facts, depth = self.probe.graph, gather(self.probe.graph), depths(self.probe.graph)
        body, longest = before_head(graph), on_longest_path(graph)
        found: list[LayerFlow] = []
        start = 0
        for number, row in enumerate(self.probe.rows):
            own = list(range(start, start + len(row.variables)))
            start += len(row.variables)
            weights = tuple(
                WeightFlow(variable.name, _middle(self.gradients[:, i]), float(np.median(self.norms[:, i])))
                for i, variable in zip(own, row.variables, strict=True)
            )
            kernels = [i for i, is_kernel in zip(own, row.kernels, strict=True) if is_kernel]
            relu = rectified(graph, row.position)
            found.append(
                LayerFlow(
                    name=graph.nodes[row.position].name,
                    depth=depth[row.position],
                    kernel=facts[row.position].kernel or any(row.kernels),
                    body=body[row.position],
                    **self._of_weights(own, kernels),
                    **self._of_output(number),
                    weights=weights,
                    dead_share=None if relu is None else _middle(self.dead[:, self.probe.relus.index(relu)]),
                    frozen=row.frozen,
                    longest_path=longest[row.position],
                )
            )
        return tuple(found)

    def blocks(self, layers: Sequence[LayerFlow]) -> tuple[BlockFlow, ...]:
        graph, depth = self.probe.graph, depths(self.probe.graph)
        found: list[BlockFlow] = []
        for name, members in block_members(graph).items():
            own: list[int] = []
            kernels: list[int] = []
            inside: list[str] = []
            start = 0
            for row, layer in zip(self.probe.rows, layers, strict=True):
                if row.position in members:
                    inside.append(layer.name)
                    own.extend(range(start, start + len(row.variables)))
                    kernels.extend(start + i for i, is_kernel in enumerate(row.kernels) if is_kernel)
                start += len(row.variables)
            if inside:
                end = members[-1]
                found.append(
                    BlockFlow(
                        name=name,
                        depth=depth[end],
                        layers=tuple(inside),
                        **self._of_weights(own, kernels),
                        **self._of_output(self.probe.seen.index(end)),
                    )
                )
        return tuple(found)

    def _of_weights(self, own: Sequence[int], kernels: Sequence[int]) -> dict[str, Tensor]:
        # A norm is over all weights together: those without a gradient add nothing.
        together = _together(self.gradients[:, own])
        gradient = _middle(together)
        norm = float(np.median(np.sqrt((self.norms[:, own] ** 2).sum(axis=1))))
        return {
            "weight_gradient_norm": gradient,
            "kernel_gradient_norm": _middle(_together(self.gradients[:, kernels])) if kernels else None,
            "weight_norm": norm,
            "ratio": gradient / norm if gradient is not None and norm > 0 else None,
            "weight_gradient_norm_quartiles": _quartiles(together),
        }

    def _of_output(self, column: int) -> dict[str, Tensor]:
        return {
            "activation_gradient_rms": _middle(self.outputs[:, column]),
            "activation_gradient_rms_quartiles": _quartiles(self.outputs[:, column]),
            "activation_rms": _middle(self.rms[:, column]),
            "activation_mean": _middle(self.means[:, column]),
            "activation_rms_quartiles": _quartiles(self.rms[:, column]),
        }


def _together(norms: np.ndarray) -> np.ndarray:
    """The norm over several weights together, for each run; NaN where no gradient reaches any of them."""
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
