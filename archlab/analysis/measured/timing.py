"""Times of real Keras models, in processes of their own."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

from archlab.analysis.cost._times import Latency, Timing
from archlab.analysis.measured.clock import FOUND, quantile
from archlab.errors import TrainingError, UsageError
from archlab.notation import write_yaml
from archlab.sources import Architecture


def timed(predicted: Latency, training: bool = True, seconds: float = 1.0) -> Latency:
    """The same with measured times: the Keras model is built and run in a process of its own.

    Raises:
        TrainingError: that process failed; with its last line.
    """
    found = times(predicted.architecture, [predicted.batch], predicted.threads, predicted.precision, training, seconds)
    by_what = {row["what"]: summary(row["times"]) for row in found}
    return replace(
        predicted,
        measured_inference=by_what["inference"],
        measured_training_step=by_what.get("training_step"),
    )


def times(
    architecture: Architecture, batches: Sequence[int], threads: int, precision: str, training: bool, seconds: float
) -> list[dict[str, Any]]:
    """Every run's seconds, by batch: 'inference', then 'training_step'."""
    graph = architecture.graph
    if len(graph.inputs) != 1:
        raise UsageError(f"{architecture.name} has {len(graph.inputs)} inputs: only models of one are timed")
    with tempfile.TemporaryDirectory() as folder:
        request = {
            "what": "model", "reference": _handed_over(architecture, Path(folder)), "precision": precision,
            "shape": list(graph.nodes[graph.inputs[0]].shape), "threads": threads, "batches": list(batches),
            "training": training, "seconds": seconds,
        }  # fmt: skip
        return list(asked(request))


def summary(times: Sequence[float]) -> Timing:
    """The median and the quartiles of repeated runs."""
    return Timing(median(times), quantile(times, 0.25), quantile(times, 0.75), len(times))


def _handed_over(architecture: Architecture, folder: Path) -> str:
    """What the other process can load it by."""
    if architecture.tree is not None:
        path = folder / "architecture.yaml"
        path.write_text(write_yaml(architecture.tree, architecture.name), encoding="utf-8")
        return str(path)
    if architecture.reference.startswith("keras:"):
        return architecture.reference
    path = folder / "model.keras"
    if architecture.model is None:
        raise UsageError(f"{architecture.name} has no Keras model that could be timed")
    architecture.model.save(path)
    return str(path)


def asked(request: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What the process of `clock` finds, one thing after the other.

    Raises:
        TrainingError: it failed; with its last line.
    """
    command = [sys.executable, "-m", "archlab.analysis.measured.clock"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin and process.stdout and process.stderr
        process.stdin.write(json.dumps(request).encode())
        process.stdin.close()
        try:
            for line in process.stdout:
                if line.startswith(FOUND.encode()):
                    yield json.loads(line[len(FOUND) :])
        except BaseException:
            process.kill()
            raise
        errors = process.stderr.read().decode(errors="replace").strip().splitlines()
        if process.wait():
            raise TrainingError(f"timing stopped: {errors[-1] if errors else 'its process ended'}")
