"""What differs between two architectures, as a report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from archlab.analysis import QUANTITIES
from archlab.diffing._changes import Change
from archlab.diffing._fold import Fold
from archlab.diffing._matched import MatchedGraphs
from archlab.diffing._row import LayerFacts, Row
from archlab.report import change
from archlab.report._cells import cell
from archlab.report._parts import Line, Listing, Part, Prose, Report, Table
from archlab.units import format_count, format_exact, format_sides

_COLUMNS = tuple(QUANTITIES[name].heading for name in ("params", "macs", "receptive_field"))


def diff_report(diff: MatchedGraphs, all: bool = False) -> Report:
    """A difference as a report: the numbers of the two, how many layers of each kind of change, and the layers.

    `all` lists every layer, those that are the same too.
    """
    parts: list[Part] = [_numbers(diff), Prose("", tuple(_sentences(diff)))]
    lines = tuple(_every(diff) if all else _folded(diff))
    if all or not diff.identical:
        parts.append(Listing("", _COLUMNS, lines, tuple(record(row) for row in diff)))
    return Report(tuple(parts))


def signed(text: str, value: float | None) -> str:
    """A change with its sign, given how its size is written; nothing where there is no change."""
    if value is None:
        return "?"
    return "" if not value else f"{'+' if value > 0 else '−'}{text}"


def _size(sizes: Sequence[int] | None) -> str:
    return "–" if sizes is None else format_sides(sizes)


def _numbers(diff: MatchedGraphs) -> Table:
    totals = {QUANTITIES[name]: values for name, values in diff.totals.items()}
    labels = {quantity.label for quantity in totals}
    rows = [
        [
            f"  {quantity.short}" if quantity.parent in labels else quantity.label,
            *[cell(value, quantity.unit, brief=False) for value in (was, now)],
            change(was, now) or "",
        ]
        for quantity, (was, now) in totals.items()
    ]
    columns = ("", diff.before.name, diff.after.name, "change")
    hints = {quantity.label: quantity.explanation for quantity in totals}
    return Table("", columns, rows, ("left", "right", "right", "right"), stack=True, hints=hints)


def _layers(count: int) -> str:
    return "1 layer" if count == 1 else f"{count:,} layers"


def _sentences(diff: MatchedGraphs) -> Iterator[str]:
    if diff.identical:
        renamed = sum(row.before is not None and row.before.name != row.name for row in diff)
        names = f", {renamed:,} of them under other names" if renamed else ""
        yield f"No difference: {_layers(len(diff))} the same{names}."
        return
    counts = {
        "added (+)": len(diff.added),
        "removed (−)": len(diff.removed),
        "changed (~)": len(diff.edited),
        "changed only by what comes in (·)": len(diff.following),
        "the same": len(diff.kept),
    }
    said = [f"{count:,} {what}" for what, count in counts.items() if count]
    yield f"Layers: {', '.join(said)}."
    if repeated := repeated_edits(diff):
        yield f"Changed alike: {'; '.join(repeated)}."
    unknown = [row.name for row in diff if row.layer.params is None or _has_no_rule(row.layer)]
    if unknown:
        more = f" and {len(unknown) - 3} more" if len(unknown) > 3 else ""
        yield f"Without a rule: {', '.join(unknown[:3])}{more}. Totals marked ≥ are lower bounds."


def repeated_edits(diff: MatchedGraphs) -> list[str]:
    """What was changed alike in several layers, in words, that of the most layers first.

    A stride or a padding is said of layers with the same kernel: which convolution of a block strides, differs between
    collections that name their networks alike.
    """
    found: Counter[tuple[str, str]] = Counter()
    for row in diff.edited:
        for edit in row.edits:
            if edit.what != "reads":
                found[str(edit), _kind_of(edit, row, diff)] += 1
    by_edit: dict[str, list[str]] = {}
    for (edit, kind), count in found.most_common():
        if count > 1:
            by_edit.setdefault(edit, []).append(f"{count:,} {kind}")
    return [f"{edit} in {_listed(kinds)}" for edit, kinds in by_edit.items()]


_OF_WINDOWS = ("stride", "padding", "kernel")


def _kind_of(edit: Change, row: Row, diff: MatchedGraphs) -> str:
    """The kind of a layer, with the size of its window where that matters: 'Conv of 1 × 1'."""
    if edit.what not in _OF_WINDOWS:
        return "layers" if edit.what == "kind" else row.layer.op
    assert row.after is not None
    graph = diff.after.analysis.graph
    node = graph.nodes[row.after.position]
    axes = len(node.shape) - 1
    weights = node.op.weights(*graph.input_shapes(node)) or ()
    sizes = [weight.shape[:axes] for weight in weights if weight.role == "kernel"]
    return f"{row.layer.op} of {' × '.join(map(str, sizes[0]))}" if sizes and axes else row.layer.op


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _has_no_rule(layer: LayerFacts) -> bool:
    return layer.macs is None and None not in layer.output


def _folded(diff: MatchedGraphs) -> Iterator[Line]:
    heading = ("", "")
    for fold in diff.folds:
        rows = [diff.rows[i] for i in fold.rows]
        if fold.mark == "kept":
            yield Line(f"… {_layers(len(rows))} the same", "same")
            continue
        layer = rows[0].layer
        # Whole blocks are named in their own line.
        place = (layer.stage, "") if fold.blocks else (layer.stage, layer.block)
        if place != heading and not (fold.blocks and not layer.stage):
            yield Line(place[1] or place[0] or _outside(diff, fold.rows[0]))
            heading = place
        if fold.blocks:
            yield _blocks(fold, rows, place)
        elif len(rows) > 1:
            yield Line(f"{_layers(len(rows))} that only meet other shapes", "follows", _cells(rows, False))
        else:
            yield _line(rows[0], place, brief=True)


def _every(diff: MatchedGraphs) -> Iterator[Line]:
    heading = ("", "")
    for number, row in enumerate(diff):
        place = row.layer.stage, row.layer.block
        if place != heading:
            yield Line(place[1] or place[0] or _outside(diff, number))
            heading = place
        yield _line(row, place)


def _outside(diff: MatchedGraphs, number: int) -> str:
    """What stands outside every stage and block: behind the last it is the head."""
    return "between" if any(row.layer.stage or row.layer.block for row in diff.rows[number:]) else "head"


def _line(row: Row, place: tuple[str, str], brief: bool = False) -> Line:
    """One layer: its name without that of the heading above it, its code, and what changed.

    A brief one leaves out what comes in differently where the layer itself was changed too.
    """
    name = _short(row.name, place)
    was = row.before and _short(row.before.name, place)
    text = name
    if row.mark in ("added", "removed"):
        text = _coded(row.layer, name)
    elif was != name:
        text = f"{name} (was {was})"
    notes = [", ".join(map(str, row.edits))] if row.edits else []
    if row.follows and not (brief and row.edits):
        notes.append(f"because of what comes in: {', '.join(map(str, row.follows))}")
    sign: Any = {"kept": "same", "changed": "changed" if row.edited else "follows"}.get(row.mark, row.mark)
    return Line(text, sign, _cells([row]), tuple(notes))


def _short(name: str, place: tuple[str, str]) -> str:
    for scope in reversed(place):
        if scope and name.startswith(f"{scope}/"):
            return name[len(scope) + 1 :]
    return name


def _coded(layer: LayerFacts, name: str) -> str:
    """A name with what makes the layer: the arguments alone where the name says the kind."""
    code = layer.code.removeprefix(layer.op) if not layer.named else f" {layer.code}"
    return name + code.removesuffix("()")


def _blocks(fold: Fold, rows: Sequence[Row], place: tuple[str, str]) -> Line:
    """Blocks that are new or gone as a whole; those alike as one."""
    each = len(rows) // len(fold.blocks)
    kinds = Counter(row.layer.op for row in rows[:each])
    made = ", ".join(f"{kind} {count}" if count > 1 else kind for kind, count in kinds.items())
    first, last = _short(fold.blocks[0], place), _short(fold.blocks[-1], place)
    if len(fold.blocks) == 1:
        text = f"{first}: {_layers(each)} ({made})"
    else:
        text = f"{first} … {last}: {len(fold.blocks)} blocks of {_layers(each)} ({made})"
    return Line(text, "added" if fold.mark == "added" else "removed", _cells(rows))


def _cells(rows: Sequence[Row], field: bool = True) -> tuple[str, str, str]:
    """The changes of some layers together, and what the last of them sees."""
    params = sum(row.params for row in rows)
    macs = None if any(row.macs is None for row in rows) else sum(row.macs or 0 for row in rows)
    sees = _sees(rows[-1]) if field else ""
    return signed(format_exact(abs(params)), params), signed(format_count(abs(macs or 0)), macs), sees


def _sees(row: Row) -> str:
    was, now = (None if layer is None else _field(layer) for layer in (row.before, row.after))
    if was is None or now is None or was == now:
        return was or "" if now is None else now
    return f"{was} → {now}"


def _field(layer: LayerFacts) -> str:
    if layer.receptive_field is None:
        return "all" if layer.whole else "–"
    return _size(layer.receptive_field)


def record(row: Row) -> dict[str, object]:
    """A row for machines: numbers unformatted, changes as words."""
    was, now = row.before, row.after
    sizes = [
        None if side is None or side.receptive_field is None else "x".join(map(str, side.receptive_field))
        for side in (was, now)
    ]
    return {
        "mark": row.mark,
        "before": was and was.name,
        "after": now and now.name,
        "op": row.layer.op,
        "stage": row.layer.stage,
        "block": row.layer.block,
        "edited": row.edited,
        "edits": "; ".join(map(str, row.edits)),
        "follows": "; ".join(map(str, row.follows)),
        "params": row.params,
        "macs": row.macs,
        "flops": row.flops,
        "receptive_field_before": sizes[0],
        "receptive_field_after": sizes[1],
    }
