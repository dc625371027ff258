"""The time of a forward pass and of a training step, layer by layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from archlab.analysis.cost._device import BYTES, Device
from archlab.analysis.cost._device import device as find_device
from archlab.analysis.cost._work import Work, jobs
from archlab.analysis.static._facts import gather, reached
from archlab.analysis.static.outline import groups
from archlab.errors import DesignError, UsageError, did_you_mean
from archlab.graph import Graph, is_known
from archlab.shown import Printed
from archlab.sources import Architecture, Reference, load

BOUNDS = ("overhead", "compute", "memory")


class LayerTime(NamedTuple):
    """A layer's predicted time.

    Attributes:
        name: of the layer.
        inference: seconds of its forward pass; None where it has no rule.
        training_step: seconds of its forward and backward pass; None where it has no rule.
        bound: what takes most of its forward pass: 'overhead', 'compute' or 'memory'; '' where it takes no time.
        intensity: floating-point operations for each byte read or written.
        flops: floating-point operations of its forward pass, for the batch.
        fused: the layer whose operation computes it too; '' where it has its own.
        measured: seconds of its forward pass, where it was profiled.
    """

    name: str
    inference: float | None
    training_step: float | None
    bound: str = ""
    intensity: float = 0.0
    flops: int = 0
    fused: str = ""
    measured: float | None = None


class Timing(NamedTuple):
    """Repeated runs: the median and the quartiles, in seconds."""

    median: float
    low: float
    high: float
    runs: int


@dataclass(frozen=True)
class Latency(Printed):
    """The time of one architecture on one device.

    Attributes:
        architecture: what it is of.
        device: what its predictions are for.
        batch: samples in a batch.
        threads: that compute an operation.
        precision: of the numbers.
        layers: in order.
        measured_inference: of the real Keras model, where it was measured.
        measured_training_step: likewise.
        update: seconds that Adam takes to update the weights.
        unknown: layers without a rule, for which times are lower bounds.
    """

    architecture: Architecture
    device: Device
    batch: int
    threads: int
    precision: str
    layers: tuple[LayerTime, ...]
    update: float
    measured_inference: Timing | None = None
    measured_training_step: Timing | None = None
    unknown: tuple[str, ...] = ()

    @cached_property
    def inference(self) -> float:
        """Predicted seconds of a forward pass; without layers that have no rule."""
        return self.device.call + sum(each.inference or 0.0 for each in self.layers)

    @cached_property
    def training_step(self) -> float:
        """Predicted seconds of a training step under Adam: forward, backward and the update of the weights."""
        return self.device.call + self.update + sum(each.training_step or 0.0 for each in self.layers)

    def __getitem__(self, name: str) -> LayerTime:
        """The layer of that name.

        Raises:
            UnknownNameError: there is none; names the closest.
        """
        return self.layers[self.architecture.graph.position(name)]

    def by(self, kind: str) -> Mapping[str, float]:
        """The predicted seconds of the forward pass by 'stage' or 'block'."""
        return {
            name: sum(self.layers[each].inference or 0.0 for each in members)
            for name, members in groups(self.architecture.graph, kind).items()
        }

    @cached_property
    def bounds(self) -> Mapping[str, float]:
        """The predicted seconds of the forward pass by what bounds the layers."""
        return {bound: sum(each.inference or 0.0 for each in self.layers if each.bound == bound) for bound in BOUNDS}

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""

        def milliseconds(seconds: float | None) -> float | None:
            return None if seconds is None else 1000 * seconds

        def of(predicted: float, measured: Timing | None) -> dict[str, Any]:
            return {
                "predicted": milliseconds(predicted),
                "measured": measured and milliseconds(measured.median),
                "quartiles": measured and [milliseconds(measured.low), milliseconds(measured.high)],
            }

        return {
            "batch": self.batch,
            "threads": self.threads,
            "precision": self.precision,
            "device": self.device.name,
            "calibrated": self.device.calibrated,
            "lower_bound": bool(self.unknown),
            "unknown": list(self.unknown),
            "inference_ms": of(self.inference, self.measured_inference),
            "training_step_ms": of(self.training_step, self.measured_training_step),
            "layers": [
                {
                    "name": each.name,
                    "predicted_ms": milliseconds(each.inference),
                    "training_step_ms": milliseconds(each.training_step),
                    "measured_ms": milliseconds(each.measured),
                    "bound": each.bound or None,
                    "intensity": each.intensity,
                    "flops": each.flops,
                    "fused": each.fused or None,
                }
                for each in self.layers
            ],
        }


def latency(
    architecture: Reference,
    batch: int = 1,
    *,
    threads: int = 1,
    precision: str = "float32",
    device: str | Path | Device | None = None,
    measure: bool = False,
    training: bool = True,
) -> Latency:
    """Predict the time of a forward pass and of a training step; measure them too, where that is asked for.

    Args:
        architecture: whatever names one, as for `load`.
        batch: samples in a batch.
        threads: that compute an operation.
        precision: 'float32', or 'bfloat16' or 'float16' where the device has rates in it.
        device: the name of a shipped device, or a file of `archlab calibrate --export`. Default: this machine, as
            calibrated; the shipped 'cpu' where it was not.
        measure: build the Keras model and time it, in a process of its own with as many threads.
        training: whether to measure the training step too.

    Returns:
        Seconds, in all and layer by layer, and what bounds them.

    Raises:
        UsageError: the batch, the threads or the precision makes no sense.
        UnknownNameError: there is no such device.
        DesignError: the architecture does not add up, or its input size is not known.

    >>> found = latency("residual", device="t4")
    >>> found["conv"].bound, found.inference < 1e-3
    ('compute', True)
    """
    for what, number in (("batch", batch), ("threads", threads)):
        if isinstance(number, bool) or not isinstance(number, int) or number < 1:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise UsageError(f"{what}={number!r}: at least 1 is needed")
    if precision not in BYTES:
        raise UsageError(f"precision={precision!r}: {did_you_mean(str(precision), BYTES)}")
    machine = find_device(device)
    if not machine.covers(precision):
        known = sorted({each.precision for each in machine.rates})
        raise UsageError(f"precision={precision!r}: {machine.name} was calibrated in {', '.join(known)} only")
    found = load(architecture)
    predicted = _predicted(found, machine, batch, threads, precision)
    if not measure:
        return predicted
    from archlab.analysis.measured.timing import timed

    return timed(predicted, training)


def _predicted(found: Architecture, machine: Device, batch: int, threads: int, precision: str) -> Latency:
    graph = found.graph
    unsized = next((node.name for node in graph.nodes if not is_known(node.shape)), None)
    if unsized is not None:
        raise DesignError("a time needs a known input size, such as --input 96x96", unsized).within(found.name)
    layers: list[LayerTime] = []
    unknown: list[str] = []
    flows = reached(graph)
    settings: dict[str, Any] = {"precision": precision, "threads": threads}
    for node, facts, infers, trains in zip(
        graph.nodes, gather(graph), jobs(graph, False), jobs(graph, True), strict=True
    ):
        if not infers.known:
            unknown.append(node.name)
            layers.append(LayerTime(node.name, None, None))
            continue
        times = [machine.seconds(work, batch, training=False, **settings) for work in infers.work]
        parts = {bound: sum(each[bound] for each in times) for bound in BOUNDS}
        step = 0.0
        for work in trains.work:
            whole = sum(machine.seconds(work, batch, training=True, **settings).values())
            # Where no gradient is asked for with respect to the input, a third of the arithmetic is not done.
            asked = any(flows[source] for source in node.inputs)
            if not asked:
                once = sum(machine.seconds(work, batch, training=False, **settings).values())
                whole = 2 / 3 * whole if facts.trainable else min(whole, once)
            step += whole
        moved = sum(batch * each.moved + each.weights for each in infers.work) * BYTES[precision]
        flops = sum(batch * each.flops for each in infers.work)
        total = sum(parts.values())
        bound = max(parts, key=lambda each: parts[each]) if total else ""
        layers.append(LayerTime(node.name, total, step, bound, flops / moved if moved else 0.0, flops, infers.fused))
    return Latency(
        found,
        machine,
        batch,
        threads,
        precision,
        tuple(layers),
        _update(graph, machine, threads),
        unknown=tuple(unknown),
    )


def _update(graph: Graph, machine: Device, threads: int) -> float:
    """The seconds that Adam takes to update every weight, in float32."""
    total = 0.0
    for facts in gather(graph):
        for weight in facts.weights or ():
            if weight.trainable and not weight.shared:
                work = Work("update", 0, 0, 0, weight.size, 0)
                parts = machine.seconds(work, 1, training=True, precision="float32", threads=threads)
                total += sum(parts.values())
    return total
