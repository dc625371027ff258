"""The time of an architecture on a device, as data: predicted, and measured where it was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from archlab.analysis.cost._device import Device
from archlab.analysis.static.outline import groups
from archlab.shown import Printed
from archlab.sources import Architecture

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

    def to_dict(self) -> dict[str, object]:
        """As plain data."""

        def milliseconds(seconds: float | None) -> float | None:
            return None if seconds is None else 1000 * seconds

        def of(predicted: float, measured: Timing | None) -> dict[str, object]:
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
