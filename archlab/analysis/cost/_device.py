"""Devices: the rates that times are predicted from, measured by `archlab calibrate` or written by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import ClassVar, TypeVar

from archlab.analysis._record import Record
from archlab.analysis.cost._work import FEATURES, Kind, Work, features
from archlab.errors import SourceError, UnknownNameError, did_you_mean
from archlab.files import cache_folder

DEVICE_FILE = "device.json"
BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}


@dataclass(frozen=True)
class Rate(Record):
    """The seconds that each feature of an operation takes; they add up.

    Attributes:
        kind: of the operation.
        training: whether it is a training step's, forward and backward; else inference.
        precision: of the numbers.
        threads: that compute it.
        seconds: for each of `FEATURES`.
        median_error: of the fit, over the operations that were measured; None where none were.
    """

    what: ClassVar[str] = "rate of a device"

    kind: str
    training: bool
    precision: str
    threads: int
    seconds: tuple[float, ...]
    median_error: float | None = None


@dataclass(frozen=True)
class Whole(Record):
    """What a layer takes more in a network than by itself, where its numbers and weights wait in a cache.

    Attributes:
        training: whether it is of a training step; else of inference.
        precision: of the numbers.
        threads: that compute it.
        factor: on the seconds of the layer by itself.
        operation: seconds for each operation.
        weight: seconds for each byte of weights.
        moved: seconds for each byte read and written.
        median_error: of the fit, over the networks that were measured.
    """

    what: ClassVar[str] = "networks on a device"

    training: bool
    precision: str
    threads: int
    factor: float = 1.0
    operation: float = 0.0
    weight: float = 0.0
    moved: float = 0.0
    median_error: float | None = None


@dataclass(frozen=True)
class Device(Record):
    """What a machine computes with, and how fast.

    Attributes:
        name: of the device.
        processor: as it calls itself.
        calibrated: whether its rates were measured; else they follow from `peak` and `bandwidth` alone.
        peak: floating-point operations a second in float32, all threads together.
        bandwidth: bytes a second to and from memory, all threads together.
        launch: seconds that starting an operation takes.
        call: seconds that calling a compiled function takes.
        caches: bytes of the second-level cache and of the last.
        threads: most that were measured.
        rates: measured ones, of layers by themselves.
        wholes: what layers take more in networks, as measured.
        versions: of what they were measured with.
        source: where numbers written by hand are from.
        measured: operations measured.
    """

    what: ClassVar[str] = "device of archlab"

    name: str
    processor: str = ""
    calibrated: bool = False
    peak: float = 0.0
    bandwidth: float = 0.0
    launch: float = 0.0
    call: float = 0.0
    caches: tuple[int, ...] = (1 << 20, 32 << 20)
    threads: int = 1
    rates: tuple[Rate, ...] = ()
    wholes: tuple[Whole, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict[str, str])
    source: str = ""
    measured: int = 0

    def seconds(self, work: Work, batch: int, *, training: bool, precision: str, threads: int) -> dict[str, float]:
        """The seconds of an operation by what bounds it: 'overhead', 'compute' and 'memory'. They add up."""
        number = BYTES[precision]
        values = features(work, batch, number, self.caches)
        rate = self._rate(work.kind, training, precision, threads)
        if rate is None:
            passes = 3 if training and work.kind != "update" else 1
            compute = passes * values[1] * 2 / self.peak
            memory = passes * (values[3] + values[6]) / self.bandwidth
            # A roofline: what takes longer hides the other (Williams et al. 2009).
            bound = {"compute": compute, "memory": 0.0} if compute > memory else {"compute": 0.0, "memory": memory}
            return {"overhead": passes * self.launch, **bound}
        launch, mac, patch, *moved = (value * each for value, each in zip(values, rate.seconds, strict=True))
        whole = self._whole(training, precision, threads)
        return {
            "overhead": whole.factor * launch + whole.operation,
            "compute": whole.factor * (mac + patch),
            "memory": whole.factor * sum(moved) + whole.moved * values[3] + whole.weight * values[6],
        }

    def _rate(self, kind: str, training: bool, precision: str, threads: int) -> Rate | None:
        fitting = [each for each in self.rates if each.training == training and each.precision == precision]
        near = [each for each in fitting if each.kind == kind] or [
            each for each in fitting if each.kind == "elementwise"
        ]
        return _nearest(near, threads)

    def _whole(self, training: bool, precision: str, threads: int) -> Whole:
        fitting = [each for each in self.wholes if each.training == training and each.precision == precision]
        return _nearest(fitting, threads) or Whole(training, precision, threads)

    def roof(self, precision: str, threads: int) -> tuple[float, float]:
        """The most floating-point operations and bytes a second that an operation reaches."""
        if not self.rates:
            return self.peak, self.bandwidth
        found = [self._rate(kind, False, precision, threads) for kind in kinds() if kind != "update"]
        rates = [each.seconds for each in found if each]
        macs = [each[1] + each[2] / 9 for each in rates if each[1]]
        moved = [each[3] for each in rates if each[3]]
        return 2 / min(macs, default=1e-11), 1 / min(moved, default=1e-10)

    def covers(self, precision: str) -> bool:
        """Whether it has rates in a precision, or needs none."""
        return not self.calibrated or any(each.precision == precision for each in self.rates)


Measured = TypeVar("Measured", Rate, Whole)


def _nearest(found: Sequence[Measured], threads: int) -> Measured | None:
    """What was measured on as many threads; of threads that were not measured, the nearest fewer."""
    fewer = [each for each in found if each.threads <= threads]
    return max(fewer, key=lambda each: each.threads) if fewer else next(iter(found), None)


def _written(name: str, processor: str, tflops: float, gb: float, launch: float, source: str) -> Device:
    return Device(name, processor, peak=tflops * 1e12, bandwidth=gb * 1e9, launch=launch, call=launch, source=source)


SHIPPED: Mapping[str, Device] = {
    each.name: each
    for each in (
        _written("cpu", "two cores of a server with AVX2", 0.15, 20.0, 1e-5, "2 cores × 2.45 GHz × 32 FLOPs a cycle"),
        _written("raspberry-pi-4", "Broadcom BCM2711", 0.048, 4.0, 2e-5, "4 cores × 1.5 GHz × 8 FLOPs a cycle; LPDDR4"),
        _written("t4", "NVIDIA T4", 8.1, 320.0, 8e-6, "NVIDIA T4 datasheet (2019)"),
        _written("v100", "NVIDIA V100 SXM2", 15.7, 900.0, 8e-6, "NVIDIA V100 datasheet (2020)"),
        _written("a100", "NVIDIA A100 40 GB", 19.5, 1555.0, 8e-6, "NVIDIA A100 datasheet (2020), without tensor cores"),
        _written("rtx3090", "NVIDIA GeForce RTX 3090", 35.6, 936.0, 8e-6, "NVIDIA Ampere GA102 whitepaper (2021)"),
    )
}  # fmt: skip
"""Devices written by hand from their makers' numbers, not calibrated: they rank better than they time."""


def device_path() -> Path:
    """Where `archlab calibrate` keeps this machine."""
    return cache_folder() / DEVICE_FILE


def this_device() -> Device:
    """This machine if it was calibrated, else the shipped 'cpu'."""
    path = device_path()
    return _read(path, path.stat().st_mtime_ns) if path.is_file() else SHIPPED["cpu"]


@cache
def _read(path: Path, changed: int) -> Device:
    return Device.load(path)


def device(name: str | Path | Device | None = None) -> Device:
    """A device: by its name, from a file that `archlab calibrate --export` wrote, or this machine.

    Raises:
        UnknownNameError: there is neither such a device nor such a file; names the closest.
        SourceError: the file holds something else.

    >>> device("t4").processor
    'NVIDIA T4'
    """
    if name is None:
        return this_device()
    if isinstance(name, Device):
        return name
    if str(name) in SHIPPED:
        return SHIPPED[str(name)]
    if Path(name).suffix == ".json":
        found = Device.load(name)
        broken = next((each for each in found.rates if len(each.seconds) != len(FEATURES)), None)
        if broken:
            raise SourceError(f"{name}: a rate of {broken.kind} has {len(broken.seconds)} numbers, not {len(FEATURES)}")
        if not found.rates and not (found.peak > 0 and found.bandwidth > 0):
            raise SourceError(f"{name}: without rates, a device needs a peak and a bandwidth above 0")
        return found
    raise UnknownNameError(f"no device {str(name)!r}: {did_you_mean(str(name), SHIPPED)}, or give a .json file")


def kinds() -> tuple[Kind, ...]:
    """Every kind of operation."""
    from typing import get_args

    return get_args(Kind)
