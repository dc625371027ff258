"""One architecture layer by layer, by block or by stage; and the list of the zoo."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

from archlab.analysis import Analysis, Quantity, State, Value, analyze
from archlab.analysis._layers import joined, plain, record
from archlab.analysis.quantities import QUANTITIES, Counted, Place, Subject
from archlab.analysis.static.outline import groups
from archlab.report._cells import cell, exact, shape, share
from archlab.report._parts import Align, Cell, Prose, Report, Table
from archlab.sources import Architecture, load
from archlab.zoo import Entry

By: TypeAlias = Literal["layer", "block", "stage"]
Records: TypeAlias = tuple[dict[str, object], ...]
Columns: TypeAlias = Mapping[Quantity, Sequence[Value]]


def layers_report(
    architecture: Architecture, analysis: Analysis, by: By = "layer", shares: bool = False
) -> tuple[Report, Records]:
    """An architecture with its numbers, a row a layer, block or stage; and the rows as plain data.

    Args:
        architecture: what it is called, and its paper.
        analysis: its numbers.
        by: what a row is.
        shares: whether each number that adds up is followed by its share of the total.
    """
    title = f"{architecture.name}: {architecture.paper}" if architecture.paper else architecture.name
    table = layers_table(Counted(analysis), by, shares=shares)
    return Report((Prose("", (title,)), table)), tuple(table.records)


def layers_table(subject: Subject, by: By = "layer", place: Place | None = None, shares: bool = False) -> Table:
    """Every layer, block or stage with the values of all quantities that stand in such a table."""
    graph = subject.analysis.graph
    where: Place = place or ("layers" if by == "layer" else "groups")
    if by == "layer":
        rows: list[list[Cell | str]] = [[node.name, Cell(node.op.title), shape(node.shape)] for node in graph]
        values = _of_layers(subject, {*QUANTITIES.at(where), *_recorded()})
        columns, recorded = (
            {quantity: values[quantity] for quantity in wanted if quantity in values}
            for wanted in (QUANTITIES.at(where), _recorded())
        )
        records = tuple(
            record(node, {quantity: values[number] for quantity, values in recorded.items()})
            for number, node in enumerate(graph)
        )
    else:
        members = groups(graph, by)
        last = {name: graph.nodes[inside[-1]].shape for name, inside in members.items()}
        rows = [[name, exact(len(inside)), shape(last[name])] for name, inside in members.items()]
        columns = _of_groups(subject, by, where)
        records = _group_records(_of_groups(subject, by, None), members, last)
    heads: list[tuple[str, Align, str]] = [
        (by, "left", ""),
        ("kind", "left", "") if by == "layer" else ("layers", "right", "how many it holds"),
        ("output", "left", "its shape for one sample, channels last" if by == "layer" else "of its last layer"),
    ]
    total: list[Cell | str] = ["total", "", ""]
    for quantity, values in sorted(columns.items(), key=lambda column: not column[0].leading):
        whole = _whole(quantity, subject)
        heads.append((quantity.heading, "right", quantity.explanation))
        total.append("" if whole is None else cell(whole, quantity.unit))
        for row, value in zip(rows, values, strict=True):
            row.append(cell(value, quantity.unit))
        if shares and quantity.combine == "sum":
            heads.append(("share", "right", f"of all {quantity.label}"))
            total.append("")
            for row, entry, value in zip(rows, records, values, strict=True):
                part = _share(value, whole)
                row.append(part)
                entry[f"{quantity.field}_share"] = part.number
    return Table(
        "",
        [title for title, _, _ in heads],
        [*rows, total],
        [align for _, align, _ in heads],
        records,
        essential=2 if by == "layer" else 1,
        totals=1,
        hints={title: hint for title, _, hint in heads if hint},
    )


def _recorded() -> tuple[Quantity, ...]:
    return tuple(quantity for quantity in QUANTITIES.of_layers() if quantity.counted)


def _of_layers(subject: Subject, wanted: Iterable[Quantity]) -> Columns:
    found = {quantity: quantity.layers(subject) for quantity in wanted if quantity.layers}
    return {quantity: values for quantity, values in found.items() if values is not None}


def _of_groups(subject: Subject, by: By, place: Place | None) -> Columns:
    wanted = _recorded() if place is None else QUANTITIES.at(place)
    found = {quantity: quantity.groups(subject, by) for quantity in wanted}
    return {quantity: tuple(values.values()) for quantity, values in found.items() if values is not None}


def _group_records(columns: Columns, members: Mapping[str, Any], last: Mapping[str, Any]) -> Records:
    records: list[dict[str, Any]] = []
    for number, (name, inside) in enumerate(members.items()):
        values = {quantity: each[number] for quantity, each in columns.items()}
        states = [value.state for quantity, value in values.items() if quantity.combine == "sum"]
        records.append(
            {"name": name, "layers": len(inside), "output": joined(last[name])}
            | {quantity.field: plain(value) for quantity, value in values.items()}
            | {"state": max(states, default=State.COUNTED).name.lower()}
        )
    return tuple(records)


def _whole(quantity: Quantity, subject: Subject) -> Value | None:
    return quantity.whole(subject) if quantity.whole else None


def _share(value: Value, whole: Value | None) -> Cell:
    if whole is None or not whole.rank or value.rank is None or value.state is State.UNSIZED:
        return Cell("–")
    return share(value.rank / whole.rank) if value.rank else Cell("–", 0.0)


def zoo_report(entries: Mapping[str, Entry]) -> tuple[Report, Records]:
    """Every architecture of the zoo with its size and its paper; and the rows as plain data."""
    wanted = QUANTITIES.at("list")
    rows: list[list[Cell | str]] = []
    records: list[dict[str, Any]] = []
    for name, entry in entries.items():
        subject = Counted(analyze(load(name)))
        values = {quantity: quantity.whole(subject) for quantity in wanted if quantity.whole}
        rows.append([name, *[cell(value, quantity.unit) for quantity, value in values.items()], entry.summary])
        records.append(
            {"name": name}
            | {quantity.name: plain(value) for quantity, value in values.items()}
            | {
                "summary": entry.summary,
                "arguments": " ".join(f"{key}={parameter.default}" for key, parameter in entry.arguments.items()),
                "paper": entry.paper,
            }
        )
    align: list[Align] = ["left", *["right" for _ in wanted], "left"]
    columns = ("name", *[quantity.heading for quantity in wanted], "what it is")
    hints = {quantity.heading: quantity.explanation for quantity in wanted}
    table = Table("", columns, rows, align, records, fold=True, hints=hints)
    return Report((table,)), tuple(table.records)
