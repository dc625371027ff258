"""The time of a forward pass and of a training step, layer by layer."""

from __future__ import annotations

from pathlib import Path

from archlab.analysis.cost._device import BYTES, Device
from archlab.analysis.cost._device import device as find_device
from archlab.analysis.cost._times import BOUNDS, Latency, LayerTime
from archlab.analysis.cost._work import Work, jobs
from archlab.analysis.static._facts import gather, reached
from archlab.errors import DesignError, UsageError, did_you_mean
from archlab.graph import Graph, is_known
from archlab.sources import Architecture, Reference, load


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

    def seconds(work: Work, training: bool) -> dict[str, float]:
        return machine.seconds(work, batch, training=training, precision=precision, threads=threads)

    for node, facts, infers, trains in zip(
        graph.nodes, gather(graph), jobs(graph, False), jobs(graph, True), strict=True
    ):
        if not infers.known:
            unknown.append(node.name)
            layers.append(LayerTime(node.name, None, None))
            continue
        times = [seconds(work, False) for work in infers.work]
        parts = {bound: sum(each[bound] for each in times) for bound in BOUNDS}
        step = 0.0
        for work in trains.work:
            whole = sum(seconds(work, True).values())
            # Where no gradient is asked for with respect to the input, a third of the arithmetic is not done.
            asked = any(flows[source] for source in node.inputs)
            if not asked:
                once = sum(seconds(work, False).values())
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
