"""What differs between two layers that are the same one: what was edited, and what merely follows from before it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from archlab.analysis import Analysis
from archlab.bridge import unstated
from archlab.diffing._layers import kind_of
from archlab.units import format_sizes


@dataclass(frozen=True)
class Change:
    """One thing about a layer that differs: an argument by its name, its `kind`, what it `reads`, the `channels in`."""

    what: str
    before: Any
    after: object

    def __str__(self) -> str:
        before, after = _said(self.before), _said(self.after)
        if self.what == "reads" and not (self.before and self.after):
            return f"also reads {after}" if self.after else f"no longer reads {before}"
        return f"{before} → {after}" if self.what == "kind" else f"{self.what} {before} → {after}"

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {"what": self.what, "before": _plain(self.before), "after": _plain(self.after)}


def _said(value: object) -> str:
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
    if text.startswith('{"class_name"'):
        described = json.loads(text)
        told = [_said(each) for each in described.get("config", {}).values() if each is not None]
        return f"{described['class_name']}({', '.join(told)})"
    return text if len(text) <= 40 else f"{text[:39]}…"


def _plain(value: object) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def edits(ours: Analysis, i: int, theirs: Analysis, j: int) -> tuple[Change, ...]:
    """What was edited in the layer itself: its kind, its arguments, its precision, whether it is frozen."""
    one, other = ours.graph.nodes[i], theirs.graph.nodes[j]
    kind, kind_now = kind_of(one.op), kind_of(other.op)
    found: list[Change] = []
    if (kind.type, kind.title) != (kind_now.type, kind_now.title):
        found.append(Change("kind", one.op.specific_title, other.op.specific_title))
    shared = [name for name in kind.named if name in kind_now.named]
    pairs = [(name, kind.named[name], kind_now.named[name]) for name in shared]
    found += [Change(name, before, after) for name, before, after in pairs if before != after]
    if one.dtype != other.dtype and "dtype" not in shared:
        found.append(Change("dtype", one.dtype, other.dtype))
    frozen = _frozen(ours, i), _frozen(theirs, j)
    if None not in frozen and frozen[0] != frozen[1]:
        found.append(Change("frozen", *frozen))
    was, now = ours.params.layers[i], theirs.params.layers[j]
    if frozen[0] == frozen[1] and was.total == now.total and was.trainable != now.trainable:
        found.append(Change("trained parameters", was.trainable, now.trainable))
    if one.settings is not None and other.settings is not None:
        found += _settings(unstated(ours.graph)[i], unstated(theirs.graph)[j])
    return tuple(found)


def _settings(was: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[Change, ...]:
    """What two Keras layers were told besides what their operations state: initial values, regularizers, flags."""
    names = [name for name in dict.fromkeys([*was, *now]) if name not in ("trainable", "dtype")]
    said = [(name, _named(was.get(name, _DEFAULT)), _named(now.get(name, _DEFAULT))) for name in names]
    return tuple([Change(name, before, after) for name, before, after in said if before != after])


_DEFAULT = "default"
"""Where only one of two layers was told anything."""


def _named(value: Any) -> Any:
    """An object that Keras has serialized by its class and what it was told."""
    if not isinstance(value, dict) or "class_name" not in value:
        return value
    told = ", ".join(
        [f"{name}={_named(each)}" for name, each in (value.get("config") or {}).items() if each is not None]
    )
    return f"{value['class_name']}({told})"


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
