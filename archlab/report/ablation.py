"""An ablation as a report: the variants, and what each pattern contributes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from archlab.analysis.ablation import MEASURES, Ablation
from archlab.errors import UsageError
from archlab.report._cells import count, share, size, slope
from archlab.report._parts import Align, Cell, Part, Prose, Report, Table
from archlab.report.latency import seconds

if TYPE_CHECKING:
    from archlab.charts import Chart

_LABELS: Mapping[str, tuple[str, Callable[[Any], Cell]]] = {
    "params": ("parameters", count),
    "macs": ("MACs", count),
    "flops": ("FLOPs", count),
    "saved_activations": ("saved activations", size),
    "peak_activations": ("peak activations", size),
    "training_memory": ("memory of a step", size),
    "time_inference": ("inference", seconds),
    "time_training_step": ("training step", seconds),
    "slope": ("slope, predicted", lambda number: slope(number, 3)),
    "forecast_sgd": ("trains: SGD", share),
    "forecast_adam": ("trains: Adam", share),
}
_IN_VARIANTS = ("params", "macs", "training_memory", "time_training_step", "slope", "forecast_sgd", "forecast_adam")


def ablation_report(found: Ablation) -> Report:
    """The variants; then by measure what each pattern contributes, and all of them."""
    parts: list[Part] = [_variants(found)]
    if found.contributions:
        parts.append(_contributions(found))
    lines = [
        f"Time and memory of a batch of {found.batch}; time on {found.device.name}"
        + ("." if found.device.calibrated else ", a profile written by hand, not calibrated.")
    ]
    if found.contributions:
        lines.append(
            "A contribution is the mean of what the pattern changes over all orders of adding the patterns (Shapley "
            "1953): contributions add up to the difference from the architecture without any of them."
        )
    lines += [f"{name} cannot be built: {why}" for name, why in found.impossible]
    return Report((*parts, Prose("", tuple(lines))))


def _variants(found: Ablation) -> Table:
    measured = any(each.measured for each in found.variants)
    rows: list[Sequence[Cell | str]] = []
    for each in found.variants:
        cells = [_LABELS[name][1](each.values[name]) for name in _IN_VARIANTS]
        extra = [slope(each.measured.slope, 3) if each.measured else Cell("–")] if measured else []
        rows.append((_short(each.name), *cells, each.verdict, *extra))
    labels = [_LABELS[name][0] for name in _IN_VARIANTS]
    columns = ("variant", *labels, "verdict", *(("slope, measured",) if measured else ()))
    right: tuple[Align, ...] = ("right",) * len(labels)
    align: tuple[Align, ...] = ("left", *right, "left", *(("right",) if measured else ()))
    records = [each.to_dict() for each in found.variants]
    return Table("Variants", columns, rows, align, records, essential=3)


def _short(name: str) -> str:
    for long, short in (
        ("residual connections", "residual"),
        ("separable convolutions", "separable"),
        (" and ", ", "),
    ):
        name = name.replace(long, short)
    return name


def _contributions(found: Ablation) -> Table:
    rows: list[Sequence[Cell | str]] = []
    records: list[Mapping[str, object]] = []
    for name in MEASURES:
        parts = found.contributions.get(name)
        if parts is None:
            continue
        label, write = _LABELS[name]
        whole = found.difference(name)
        rows.append((label, *[_signed(write, each) for each in parts.values()], _signed(write, whole)))
        records.append({"measure": name, **parts, "all": whole})
    columns = ("", *[_short(each) for each in found.patterns], "all")
    align: tuple[Align, ...] = ("left", *["right" for _ in found.patterns], "right")
    return Table("What each pattern adds", columns, rows, align, records)


def _signed(write: Callable[[Any], Cell], number: float) -> Cell:
    """A difference with its sign; a slope has its own."""
    text = write(abs(number)).text.lstrip("+")
    return Cell(f"{'−' if number < 0 else '+'}{text}" if number else "0", number)


def contributions_chart(found: Ablation) -> Chart:
    """The contributions as shares of the largest value that a variant has, an `altair` chart.

    Raises:
        UsageError: the architecture has no patterns.
    """
    from archlab.charts import Contribution, contributions  # Altair takes half a second to load

    if not found.contributions:
        raise UsageError(f"{found.architecture.name} has no patterns whose contributions could be drawn")
    parts: list[Contribution] = []
    for name, values in found.contributions.items():
        label, write = _LABELS[name]
        largest = max(abs(each.values[name] or 0.0) for each in found.variants if each.removed is not None)
        if largest:
            parts += [
                Contribution(label, pattern, number / largest, f"{label}: {pattern} {_signed(write, number).text}")
                for pattern, number in values.items()
            ]
    return contributions(parts, "contribution, of the largest value of any combination")
