"""A search as a report: the Pareto front of a family within bounds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from archlab.analysis.fitting import Candidate, Fit
from archlab.report._cells import count, exact, share, size
from archlab.report._parts import Align, Cell, Prose, Report, Table
from archlab.report.latency import seconds
from archlab.units import format_exact

if TYPE_CHECKING:
    from archlab.charts import Chart

_LABELS: Mapping[str, tuple[str, Callable[[Any], Cell]]] = {
    "params": ("parameters", count),
    "macs": ("MACs", count),
    "flops": ("FLOPs", count),
    "training_flops": ("FLOPs of a step", count),
    "saved_activations": ("saved activations", size),
    "depth": ("depth", lambda number: exact(int(number))),
    "receptive_field": ("receptive field", lambda number: Cell(f"{number:.0f} px", number)),
    "time_inference": ("inference", seconds),
}


def fit_report(found: Fit) -> Report:
    """The front, an architecture a row."""
    table = _table("Pareto front", found.front, found)
    lines = [
        f"{format_exact(found.candidates)} architectures, of which {format_exact(found.kept)} keep the bounds; "
        f"{len(found.front)} of those that no other one beats in {_aims(found)} are shown."
    ]
    if found.untrainable:
        lines.append(f"{found.untrainable} were left out: they are forecast not to train.")
    return Report((table, Prose("", tuple(lines))))


def scale_report(name: str, base: Mapping[str, float], found: Candidate) -> Report:
    """An architecture beside what it was scaled from."""
    rows: list[Sequence[Cell | str]] = []
    for measure, (label, write) in _LABELS.items():
        before, after = base[measure], found.values[measure]
        rows.append((label, write(before), write(after), Cell(f"{after / before:.2f}×" if before else "–")))
    rows.append(("widths", "", _list(found.widths), ""))
    rows.append(("blocks", "", _list(found.repeats), ""))
    align: tuple[Align, ...] = ("left", "right", "right", "right")
    records = [{"name": name, **found.to_dict()}]
    return Report((Table(f"{name}, scaled", ("", "before", "after", ""), rows, align, records),))


def _aims(found: Fit) -> str:
    words = {"min": "fewer", "max": "more"}
    aims = [f"{words[way]} {_LABELS[name][0]}" for name, way in found.objectives.items()]
    return " and ".join(aims)


def _table(title: str, front: Sequence[Candidate], found: Fit) -> Table:
    asked = [*found.objectives, *[each.measure for each in found.bounds], "receptive_field", "time_inference"]
    measures = list(dict.fromkeys(asked))
    rows: list[Sequence[Cell | str]] = []
    for each in front:
        cells = [_LABELS[name][1](each.values[name]) for name in measures]
        kernel = [str(each.kernel)] if each.kernel else []
        rows.append((_list(each.widths), _list(each.repeats), *kernel, *cells, *[share(p) for p in each.forecast]))
    kernels = ("kernel",) if any(each.kernel for each in front) else ()
    labels = [_LABELS[name][0] for name in measures]
    columns = ("widths", "blocks", *kernels, *labels, "trains: SGD", "Adam")
    align: tuple[Align, ...] = ("left", "left", *("right" for _ in columns[2:]))
    return Table(title, columns, rows, align, [each.to_dict() for each in front], essential=4)


def _list(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))


def front_chart(found: Fit) -> Chart:
    """The front as a scatter chart over its first two objectives, an `altair` chart."""
    from archlab.charts import Spot, scatter  # Altair takes half a second to load

    one, other = (list(found.objectives) * 2)[:2]
    spots = [
        Spot(each.values[one], each.values[other], f"{_list(each.widths)}; {_list(each.repeats)}")
        for each in found.front
    ]
    return scatter(spots, _LABELS[one][0], _LABELS[other][0])
