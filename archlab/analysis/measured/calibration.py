"""The rates of this machine, from layers and networks that are timed in a process of their own."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from archlab.analysis.cost._device import Device, Rate, Whole, device_path
from archlab.analysis.cost._latency import latency
from archlab.analysis.cost._points import networks, points
from archlab.analysis.cost._work import FEATURES
from archlab.analysis.measured.timing import asked
from archlab.sources import Architecture, load

Floats: TypeAlias = NDArray[np.float64]
Note: TypeAlias = Callable[[str, int, int], None]
"""Called with what is done, how much of it and of how much."""


def calibrate(
    *, precisions: Sequence[str] = ("float32", "bfloat16"), note: Note | None = None, keep: bool = True
) -> Device:
    """Measure this machine: the rates of every kind of operation, on one thread and on all.

    Single layers are timed, forward and with their backward pass; for each kind the seconds of each feature are the
    least squares of relative errors, none of them negative. In a network a layer takes longer than by itself, as its
    numbers and weights do not wait in a cache: by how much, eight small networks say, timed as a whole.

    Args:
        precisions: 'float32', 'bfloat16'; in half precision fewer layers, on all threads.
        note: called with what is measured, how much of it is done and how much there is.
        keep: whether to keep it for this user, for `archlab.latency` to use.

    Raises:
        TrainingError: TensorFlow stopped.
    """
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    caches = _caches()
    plans = [("float32", threads, 1 if threads == 1 else 2) for threads in sorted({1, processors})]
    plans += [(precision, processors, 4) for precision in precisions if precision != "float32"]
    rates: list[Rate] = []
    together: list[tuple[str, int, list[dict[str, Any]]]] = []
    call, measured = 0.0, 0
    for precision, threads, every in plans:
        request = {"what": "calibration", "precision": precision, "threads": threads, "caches": caches, "every": every}
        rows: list[dict[str, Any]] = []
        total = 2 * sum(1 for _ in points(every)) + 5 + 3 * sum(1 for _ in networks())
        for row in asked(request):
            rows.append(row)
            if note:
                note(f"{precision}, {threads} {'threads' if threads > 1 else 'thread'}", len(rows), total)
        call = max(call, *[row["call"] for row in rows if "call" in row])
        measured += len(rows) - 1
        together.append((precision, threads, [row for row in rows if "network" in row]))
        rows = [row for row in rows if "kind" in row]
        rates += fitted(rows, precision, threads)
    found = Device(
        name=platform.node() or "this machine",
        processor=_processor(),
        calibrated=True,
        call=call,
        caches=caches,
        threads=processors,
        rates=tuple(rates),
        versions={name: version(name) for name in ("archlab", "tensorflow", "keras")},
        measured=measured,
    )
    found = replace(found, wholes=tuple(whole for each in together for whole in fitted_together(found, *each)))
    if keep:
        device_path().parent.mkdir(parents=True, exist_ok=True)
        found.save(device_path())
    return found


def fitted(rows: Sequence[Mapping[str, Any]], precision: str, threads: int) -> list[Rate]:
    """The rates of each kind of operation, from measured rows of features and seconds."""
    found: list[Rate] = []
    for kind, training in sorted({(row["kind"], row["training"]) for row in rows}):
        chosen = [row for row in rows if (row["kind"], row["training"]) == (kind, training)]
        seconds = np.array([row["seconds"] for row in chosen])
        values = np.array([row["features"] for row in chosen], float)
        rate = _least_relative(values, seconds)
        errors = np.abs(values @ rate / seconds - 1)
        found.append(Rate(kind, training, precision, threads, tuple(map(float, rate)), float(np.median(errors))))
    assert all(len(each.seconds) == len(FEATURES) for each in found)
    return found


def fitted_together(device: Device, precision: str, threads: int, rows: Sequence[Mapping[str, Any]]) -> list[Whole]:
    """What layers take more in networks than by themselves, from the measured seconds of networks.

    Args:
        device: with the rates of layers by themselves.
        precision: of the numbers.
        threads: that computed them.
        rows: the number of the network, the batch, whether it is a training step, and the seconds.
    """
    nets: list[Architecture] = [load(part) for part in networks()]
    found: list[Whole] = []
    for training in sorted({row["training"] for row in rows}):
        chosen = [row for row in rows if row["training"] == training]
        bare = Whole(training, precision, threads)
        columns: list[list[float]] = []
        for one in (bare, *[replace(bare, factor=0.0, **{name: 1.0}) for name in ("operation", "weight", "moved")]):
            # The time is a sum of these, each in its own unit.
            alone = replace(device, wholes=(one,), call=0.0)
            columns.append([_predicted(nets[int(row["network"])], alone, row, threads, precision) for row in chosen])
        seconds = np.array([max(row["seconds"] - device.call, 1e-6) for row in chosen])
        solution = _least_relative(np.array(columns, float).T, seconds)
        errors = np.abs(np.array(columns).T @ solution / seconds - 1)
        factor, operation, weight, moved = map(float, solution)
        error = float(np.median(errors))
        found.append(Whole(training, precision, threads, factor, operation, weight, moved, error))
    return found


def _predicted(net: Architecture, device: Device, row: Mapping[str, Any], threads: int, precision: str) -> float:
    made = latency(net, row["batch"], threads=threads, precision=precision, device=device)
    return made.training_step if row["training"] else made.inference


def _least_relative(values: Floats, seconds: Floats) -> Floats:
    """Factors of the columns, none negative, with which they add up to the seconds: least squares, relative."""
    from scipy import optimize  # pyright: ignore[reportMissingTypeStubs]

    solve = cast("Callable[[Floats, Floats], tuple[Floats, float]]", cast("Any", optimize).nnls)
    # Of what takes less than ten microseconds it is the clock that is measured.
    weights = 1 / np.maximum(seconds, 1e-5)
    scale = values.max(axis=0)
    scale[scale == 0] = 1
    solution, _ = solve(values / scale * weights[:, None], seconds * weights)
    return solution / scale


def _caches() -> tuple[int, ...]:
    """Bytes of the second-level cache and of the last, as Linux tells; else those of a common server."""
    sizes: dict[int, int] = {}
    for folder in Path("/sys/devices/system/cpu/cpu0/cache").glob("index*"):
        try:
            level, size = ((folder / name).read_text().strip() for name in ("level", "size"))
            sizes[int(level)] = int(size.rstrip("KM")) << (20 if size.endswith("M") else 10)
        except (OSError, ValueError):
            continue
    return (sizes.get(2, 1 << 20), max(sizes.get(3, 0), sizes.get(2, 0)) or 32 << 20)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
