"""The memory of a training step as a report: what takes it, when, and what would save some."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import get_args

from archlab.analysis import State, Value
from archlab.analysis.cost import TrainingMemory, What
from archlab.analysis.static.outline import groups
from archlab.report._cells import cell, exact, share, size
from archlab.report._parts import Align, Cell, Part, Prose, Report, Table
from archlab.units import BYTES, format_bytes

_SMALL_PRINT = (
    "Tensors of one training step of a compiled Keras model on a CPU; the interpreter and the libraries take "
    "0.5 to 0.7 GiB more."
)


def memory_report(
    names: Sequence[str], found: Sequence[TrainingMemory], limit: int | None = None, timeline: bool = False
) -> Report:
    """What takes the bytes of the peak, a column for each architecture; the largest batch; what would save some.

    Args:
        names: of the architectures.
        found: their memory, all with the same batch, optimizer and precision.
        limit: bytes that the largest batch is asked for.
        timeline: whether to show the peak of every stage, forward and backward.
    """
    parts: list[Part] = [_peaks(names, found, limit)]
    if timeline:
        parts += [_stages(name, each) for name, each in zip(names, found, strict=True)]
    parts += [_savings(name if len(names) > 1 else "", each) for name, each in zip(names, found, strict=True)]
    lines = [_SMALL_PRINT]
    lines += [
        f"{name}: a lower bound: {len(each.unknown)} layers without a rule, such as {each.unknown[0]}."
        for name, each in zip(names, found, strict=True)
        if each.unknown
    ]
    return Report((*parts, Prose("", tuple(lines))))


def _peaks(names: Sequence[str], found: Sequence[TrainingMemory], limit: int | None) -> Table:
    rows: list[tuple[Cell | str, ...]] = [("peak", *[_bound(each, each.peak) for each in found])]
    rows.append(("  reached at", *[f"{each.peak_at.layer}, {each.peak_at.phase}" for each in found]))
    for what in get_args(What):
        if any(each.parts.get(what) for each in found):
            rows.append((f"  {what}", *[size(each.parts.get(what, 0)) for each in found]))
    for name in found[0].weights_by_precision:
        rows.append((f"weights in {name}", *[size(each.weights_by_precision[name]) for each in found]))
    if limit is not None:
        rows.append((f"largest batch in {format_bytes(limit)}", *[exact(each.largest_batch(limit)) for each in found]))
    first = found[0]
    how = f"batch {first.batch}, {first.optimizer}, {first.precision}"
    if first.recompute:
        how += ", recomputation by block"
    align: tuple[Align, ...] = ("left", *["right" for _ in names])
    records: list[Mapping[str, object]] = [
        {
            "name": name,
            "batch": each.batch,
            "optimizer": each.optimizer,
            "precision": each.precision,
            "peak": each.peak,
            **({"largest_batch": each.largest_batch(limit)} if limit is not None else {}),
            **{what.replace(" ", "_"): each.parts.get(what, 0) for what in get_args(What)},
        }
        for name, each in zip(names, found, strict=True)
    ]
    return Table(f"Memory of a training step ({how})", ("", *names), rows, align, records, stack=True)


def _bound(found: TrainingMemory, number: int) -> Cell:
    return cell(Value(number, State.LOWER_BOUND if found.unknown else State.COUNTED), BYTES, brief=False)


def _stages(name: str, found: TrainingMemory) -> Table:
    members = groups(found.graph, "stage")
    stage_of = {found.graph.nodes[each].name: stage for stage, every in members.items() for each in every}
    peaks: dict[tuple[str, str], int] = {}
    for moment in found.timeline:
        phase = "forward" if moment.phase == "forward" else "backward"
        key = stage_of[moment.layer], phase
        peaks[key] = max(peaks.get(key, 0), moment.bytes)
    phases = ("forward", "backward")
    rows = [(stage, *[size(peaks.get((stage, phase))) for phase in phases]) for stage in members]
    records = [
        {"name": name, "stage": stage, **{phase: peaks.get((stage, phase)) for phase in phases}} for stage in members
    ]
    title = f"{name}: most live bytes by stage"
    return Table(title, ("stage", "forward", "backward"), rows, ("left", "right", "right"), records)


def _savings(name: str, found: TrainingMemory) -> Table:
    rows = [
        (each.change, size(each.peak), share(each.saved / found.peak) if each.saved else Cell("–", 0.0))
        for each in found.savings
    ]
    title = f"{name}: what would save memory" if name else "What would save memory"
    records = [each._asdict() | {"name": name} for each in found.savings]
    return Table(title, ("", "peak", "saved"), rows, ("left", "right", "right"), records)
