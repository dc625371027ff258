"""Gradient flow: how strong the error signal is when it arrives at each layer, measured on the real Keras model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from archlab.algebra import Part
from archlab.analysis._flow import BlockFlow, GradientFlow, LayerFlow, WeightFlow
from archlab.analysis._trend import trend, verdict
from archlab.analysis.measured._batch import Batch, prepare
from archlab.analysis.measured._loss import Given, Loss, choose
from archlab.analysis.measured._probe import Probe, Run, rectified
from archlab.analysis.static import before_head, depths
from archlab.analysis.static._facts import gather
from archlab.analysis.static._photos import BATCH
from archlab.bridge import Runnable, build, live, load_keras
from archlab.errors import DesignError, UsageError
from archlab.graph import Graph, elements, is_known
from archlab.ops import Opaque

SEEDS = 3


def gradient_flow(
    architecture: Any,
    x: Any = None,
    y: Any = None,
    *,
    data: str | Path | None = None,
    loss: Given = None,
    seeds: int | Sequence[int] | None = None,
    batch: int = BATCH,
    batches: int = 1,
    training: bool = True,
    name: str = "",
    progress: Callable[[str], None] | None = None,
) -> GradientFlow:
    """Measure how signals and gradients flow through a part, a graph or a live Keras model.

    See `archlab.gradient_flow`, which takes references too.
    """
    if seeds is not None:
        chosen: tuple[int, ...] | None = tuple(range(seeds)) if isinstance(seeds, int) else tuple(seeds)
        if not chosen:
            raise UsageError("gradient flow needs at least one seed")
    else:
        chosen = None
    if batch < 1:
        raise UsageError(f"a batch needs at least one example, got {batch}")
    if batches < 1:
        raise UsageError(f"gradient flow needs at least one batch, got {batches}")
    model = None
    if isinstance(architecture, Part):
        graph = architecture.to_graph()
    elif isinstance(architecture, Graph):
        graph = architecture
    else:
        model = architecture
        graph = live(model).graph
    used = choose(graph, loss, model)
    given = prepare(graph, x, y, data, batch, batches, used)
    if model is None:
        chosen = tuple(range(SEEDS)) if chosen is None else chosen
        runnable = build(graph, seed=0, dtype="float32")
    elif chosen is None:
        runnable = live(model)
    else:
        runnable = _copy(model, graph)
    tell = progress or (lambda word: None)
    tell("built")
    measurement = _Measurement(runnable, used, given, chosen, training, name or graph.name, tell)
    found = measurement.flow()
    if (found.trend.silent or found.not_finite) and measurement.probe.precision in ("float32", ""):
        found = _again(measurement, found)
    return found


def _copy(model: Any, graph: Graph) -> Runnable:
    """A copy of a model whose kernels can be drawn anew; with fresh values of everything else."""
    if not any(isinstance(node.op, Opaque) for node in graph):
        return build(graph, seed=0)
    # A layer without a rule is copied by Keras, which draws with its global generator: that one's state is put back.
    _, keras = load_keras()
    generator = keras.src.random.seed_generator.global_seed_generator()
    state = generator.state.numpy()
    try:
        return live(keras.models.clone_model(model))
    finally:
        generator.state.assign(state)


def _again(measurement: _Measurement, found: GradientFlow) -> GradientFlow:
    """The same in float64, where a signal left what float32 holds, 1e-38 to 3e38: it still tells how strong it is."""
    old = measurement.probe.runnable
    try:
        wide = build(old.graph, seed=0, dtype="float64")
    except DesignError:
        return found
    if not _carry_over(old, wide):
        return found
    measurement.tell("measuring again in float64")
    again = measurement.on(wide).flow()
    silent, lost = found.trend.silent, found.not_finite
    fitted = replace(again.trend, silent=silent, verdict=verdict(again.trend, silent, bool(lost)))
    return replace(again, trend=fitted, not_finite=lost)


def _carry_over(old: Runnable, new: Runnable) -> bool:
    """Give a copy the values of the original's weights; False where they do not fit."""
    for ours, theirs in zip(old.layers, new.layers, strict=True):
        mine, copied = list(getattr(ours, "weights", ())), list(getattr(theirs, "weights", ()))
        if [v.shape for v in mine] != [v.shape for v in copied]:
            return False
        for source, target in zip(mine, copied, strict=True):
            target.assign(source.numpy().astype("float64"))
    return True


class _Measurement:
    """All runs of one model: every batch under every seed, or under the weights as they are."""

    def __init__(
        self,
        runnable: Runnable,
        loss: Loss,
        batches: Sequence[Batch],
        seeds: tuple[int, ...] | None,
        training: bool,
        name: str,
        tell: Callable[[str], None],
    ) -> None:
        self.runnable, self.loss, self.batches, self.seeds = runnable, loss, batches, seeds
        self.training, self.name, self.tell = training, name, tell
        self.probe = Probe(runnable, loss, training, [each[-1] for each in block_members(runnable.graph).values()])

    def flow(self) -> GradientFlow:
        runs: list[Run] = []
        for seed in (None,) if self.seeds is None else self.seeds:
            values = self.probe.current() if seed is None else self.probe.drawn(seed)
            for batch in self.batches:
                runs.append(self.probe.run(batch, values))
            self.tell("measured" if seed is None else f"seed {seed}")
        return summary(self.probe, runs, self.batches, self.seeds or (), self.name)

    def on(self, runnable: Runnable) -> _Measurement:
        """The same measurement of another copy of the model."""
        return _Measurement(runnable, self.loss, self.batches, self.seeds, self.training, self.name, self.tell)


def block_members(graph: Graph) -> dict[str, tuple[int, ...]]:
    """The nodes of each block by its name, in order; the last one is where it ends."""
    found: dict[str, list[int]] = {}
    for position, node in enumerate(graph):
        scope = node.scope and node.scope.outermost("block")
        if scope:
            found.setdefault(scope.path, []).append(position)
    return {path: tuple(members) for path, members in found.items()}


def summary(
    probe: Probe, runs: Sequence[Run], batches: Sequence[Batch], seeds: tuple[int, ...], name: str
) -> GradientFlow:
    """What the runs of a probe amount to, layer by layer and block by block."""
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
        fits = replace(fits, verdict=verdict(fits, fits.silent, True))
    return GradientFlow(
        data=batches[0].source,
        loss=probe.loss.name,
        batch=batches[0].examples,
        precision=probe.precision or "float32",
        seeds=seeds,
        losses=losses,
        layers=layers,
        trend=fits,
        not_finite=lost,
        blocks=table.blocks(layers),
        batches=len(batches),
        training=probe.training,
        name=name,
    )


class _Table:
    """The figures of all runs: a row for each run, a column for each weight or node."""

    def __init__(self, probe: Probe, runs: Sequence[Run]) -> None:
        self.probe = probe
        self.gradients = np.array([run.gradients for run in runs])
        self.norms = np.array([run.norms for run in runs])
        self.outputs = np.array([run.outputs for run in runs])
        self.rms = np.array([run.rms for run in runs])
        self.means = np.array([run.means for run in runs])
        self.dead = np.array([run.dead for run in runs])

    def layers(self) -> tuple[LayerFlow, ...]:
        graph, facts, depth = self.probe.graph, gather(self.probe.graph), depths(self.probe.graph)
        body = before_head(graph)
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

    def _of_weights(self, own: Sequence[int], kernels: Sequence[int]) -> dict[str, Any]:
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

    def _of_output(self, column: int) -> dict[str, Any]:
        return {
            "output_gradient_rms": _middle(self.outputs[:, column]),
            "output_gradient_rms_quartiles": _quartiles(self.outputs[:, column]),
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
