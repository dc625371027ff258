"""What differs between two layers that are the same one: what was edited, and what merely follows from before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from archlab.analysis.static import Analysis
from archlab.diffing._layers import kind_of
from archlab.ops import Activation, Op
from archlab.units import format_sizes


@dataclass(frozen=True)
class Change:
    """One thing about a layer that differs: an argument by its name, its `kind`, what it `reads`, the `channels in`."""

    what: str
    before: Any
    after: Any

    def __str__(self) -> str:
        before, after = _said(self.before), _said(self.after)
        if self.what == "reads" and not (self.before and self.after):
            return f"also reads {after}" if self.after else f"no longer reads {before}"
        return f"{before} → {after}" if self.what == "kind" else f"{self.what} {before} → {after}"

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {"what": self.what, "before": _plain(self.before), "after": _plain(self.after)}


def _said(value: Any) -> str:
    """A value as it is read: switches are on or off, sizes have × between them."""
    if value is None or value == ():
        return "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, tuple):
        if all(size is None or (isinstance(size, int) and not isinstance(size, bool)) for size in value):
            return format_sizes(value)
        return ", ".join(str(each) for each in value)
    text = str(value)
    return text if len(text) <= 40 else f"{text[:39]}…"


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def edits(ours: Analysis, i: int, theirs: Analysis, j: int) -> tuple[Change, ...]:
    """What was edited in the layer itself: its kind, its arguments, its precision, whether it is frozen."""
    one, other = ours.graph.nodes[i], theirs.graph.nodes[j]
    was, now = kind_of(one.op), kind_of(other.op)
    found: list[Change] = []
    if (was.type, was.title) != (now.type, now.title):
        found.append(Change("kind", _word(one.op), _word(other.op)))
    shared = [name for name in was.named if name in now.named]
    found += [Change(name, was.named[name], now.named[name]) for name in shared if was.named[name] != now.named[name]]
    if one.dtype != other.dtype and "dtype" not in shared:
        found.append(Change("dtype", one.dtype, other.dtype))
    frozen = _frozen(ours, i), _frozen(theirs, j)
    if None not in frozen and frozen[0] != frozen[1]:
        found.append(Change("frozen", *frozen))
    return tuple(found)


def _word(op: Op) -> str:
    """What a kind is called: of an activation by name, that name."""
    return op.function if isinstance(op, Activation) else op.title


def _frozen(analysis: Analysis, position: int) -> bool | None:
    """Whether none of its weights is trained; None where there are none."""
    row = analysis.params.layers[position]
    return row.trainable == 0 if row.total else None


def follows(ours: Analysis, i: int, theirs: Analysis, j: int) -> tuple[Change, ...]:
    """What is different about a layer because something else is what comes in."""
    one, other = ours.graph.nodes[i], theirs.graph.nodes[j]
    was, now = ours.graph.input_shapes(one), theirs.graph.input_shapes(other)
    if was == now:
        return ()
    if len(was) != len(now):
        return (Change("inputs", len(was), len(now)),)
    before, after = next(pair for pair in zip(was, now, strict=True) if pair[0] != pair[1])
    if len(before) != len(after) or len(before) == 1:
        return (Change("input", before, after),)
    found: list[Change] = []
    if before[-1] != after[-1]:
        found.append(Change("channels in", before[-1], after[-1]))
    if before[:-1] != after[:-1]:
        found.append(Change("size in", before[:-1], after[:-1]))
    return tuple(found)


def unexplained(ours: Analysis, i: int, theirs: Analysis, j: int) -> tuple[Change, ...]:
    """What comes out or is learned, where nothing says why: of a layer whose arguments are not known."""
    one, other = ours.graph.nodes[i], theirs.graph.nodes[j]
    found: list[Change] = []
    if one.shape != other.shape:
        found.append(Change("output", one.shape, other.shape))
    was, now = ours.params.layers[i], theirs.params.layers[j]
    if was.total != now.total:
        found.append(Change("parameters", was.total, now.total))
    return tuple(found)
