"""Limits on quantities, and comparison with a baseline: what keeps a network from growing unseen."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite
from pathlib import Path
from typing import Literal, TypeAlias, cast

from archlab.analysis import QUANTITIES, Quantity, Result, Value
from archlab.analysis.quantities import Subject
from archlab.errors import SourceError, UnknownNameError, UsageError, did_you_mean
from archlab.files import read_text, reason_of
from archlab.units import BYTES

Side: TypeAlias = Literal["max", "min"]
_MOST_LAYERS = 3
_NUMBER = re.compile(r"(?P<number>[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?)\s*(?P<unit>[A-Za-z]*)")
_PREFIXES = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}


@dataclass(frozen=True)
class Limit:
    """A limit on a quantity: at most, or at least."""

    side: Side
    quantity: Quantity
    number: float
    written: str

    @property
    def option(self) -> str:
        """As it is typed."""
        return f"--{self.side}-{self.quantity.option} {self.written}"


@dataclass(frozen=True)
class Spent:
    """A layer, and how much of a quantity it takes."""

    layer: str
    text: str
    share: float | None


@dataclass(frozen=True)
class Verdict:
    """A limit, and what the architecture has of it.

    Attributes:
        name: of the architecture.
        label: of the quantity.
        value: as it is written.
        limit: as it is written: '≤ 1.00 M', or '12.3 M in the baseline'.
        kept: whether it is kept.
        message: all of it in a sentence.
        layers: those that take most of it, where it is not kept.
    """

    name: str
    label: str
    value: str
    limit: str
    kept: bool
    message: str
    layers: tuple[Spent, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """As plain data."""
        return {
            "architecture": self.name,
            "quantity": self.label,
            "value": self.value,
            "limit": self.limit,
            "kept": self.kept,
            "message": self.message,
            "layers": [{"layer": each.layer, "value": each.text, "share": each.share} for each in self.layers],
        }


def limited() -> tuple[Quantity, ...]:
    """Quantities that can be limited: those of whole architectures that are numbers."""
    return tuple(each for each in QUANTITIES.of_wholes() if each.unit.write is not str and each.name != "input")


def read_limit(option: str, text: str) -> Limit:
    """A limit as it is typed: 'max-params' and '1M'.

    Raises:
        UsageError: there is no such quantity, or the number is none.

    >>> read_limit("max-macs", "300M").number, read_limit("max-memory", "64MiB").number
    (300000000.0, 67108864.0)
    """
    side, _, name = option.removeprefix("--").partition("-")
    quantity = QUANTITIES.named(name)
    if side not in ("max", "min") or quantity is None or quantity not in limited():
        known = [f"{each}-{quantity.option}" for each in ("max", "min") for quantity in limited()]
        raise UsageError(f"no limit {option!r}: {did_you_mean(option, known)}")
    match = _NUMBER.fullmatch(text.strip())
    number = None if match is None else _scaled(float(match["number"]), match["unit"], quantity)
    if number is None or not isfinite(number):
        example = "64MiB" if quantity.unit is BYTES else "300M"
        raise UsageError(f"--{side}-{name} {text}: expected a number, such as {example}")
    return Limit("max" if side == "max" else "min", quantity, number, text.strip())


def _scaled(number: float, unit: str, quantity: Quantity) -> float | None:
    """The number with its prefix: of 1,000, or with an `i` of 1,024; bytes, pixels and nothing may follow."""
    ends = "b" if quantity.unit is BYTES else quantity.unit.name
    word = unit.lower().removesuffix(ends) if ends else unit.lower()
    base = 1024 if word.endswith("i") else 1000
    power = _PREFIXES.get(word.removesuffix("i"))
    return None if power is None or (base == 1024 and not power) else number * base**power


def check_limits(result: Result, limits: Iterable[Limit]) -> list[Verdict]:
    """What an architecture has of each limited quantity, and whether that is within the limit.

    A number that is a lower bound, for layers have no rule, cannot keep a limit from above: neither can one that is not
    known.
    """
    return [_judged(result, limit) for limit in limits]


def _judged(result: Result, limit: Limit) -> Verdict:
    quantity = limit.quantity
    value = quantity.whole(result) if quantity.whole else Value(None)
    text = value.text(quantity.unit)
    number = _extreme(value, limit.side)
    sign = "≤" if limit.side == "max" else "≥"
    written = f"{sign} {limit.written}"
    if number is None:
        return Verdict(result.name, quantity.label, text, written, False, f"{quantity.label} is not known: {text}.")
    kept = number <= limit.number if limit.side == "max" else number >= limit.number
    uncertain = kept and limit.side == "max" and text.startswith("≥")
    spent = () if kept or limit.side == "min" else most_spent(result, quantity)
    if uncertain:
        return Verdict(result.name, quantity.label, text, written, False, f"{quantity.label} is a lower bound: {text}.")
    over = abs(number / limit.number - 1) if limit.number and isfinite(number) else inf
    by = f", {over:.0%}".replace("%", " %") if isfinite(over) else ""
    message = f"{quantity.label}: {text}" + (
        "" if kept else f"{by} {'above' if limit.side == 'max' else 'below'} the limit"
    )
    return Verdict(result.name, quantity.label, text, written, kept, f"{message} ({written}).", spent)


def _extreme(value: Value, side: Side) -> float | None:
    """The number that a limit is compared with: of several axes the one that breaks it first."""
    if isinstance(value.number, tuple):
        known = [float(each) for each in value.number if each is not None]
        return (max if side == "max" else min)(known) if len(known) == len(value.number) else None
    return value.rank


def most_spent(result: Subject, quantity: Quantity, most: int = _MOST_LAYERS) -> tuple[Spent, ...]:
    """The layers that take most of a quantity, with their share of the whole."""
    values = quantity.layers(result) if quantity.layers else None
    if not values or quantity.combine == "last":
        return ()
    rows = [
        (value.number, node.name)
        for node, value in zip(result.analysis.graph.nodes, values, strict=True)
        if isinstance(value.number, int | float) and value.number > 0
    ]
    total = sum(float(number) for number, _ in rows) if quantity.combine == "sum" else None
    return tuple(
        Spent(name, quantity.unit.text(number), float(number) / total if total else None)
        for number, name in sorted(rows, key=lambda row: -row[0])[:most]
    )


_LARGEST = 2**27
"""Bytes of a baseline that is read."""


def read_baseline(path: str | Path) -> Mapping[str, Mapping[str, object]]:
    """Architectures by name, from what `archlab compare --static --output main.json` wrote.

    Raises:
        SourceError: the file cannot be read, or holds no comparison.
    """
    try:
        data = json.loads(read_text(Path(path), _LARGEST))
    except FileNotFoundError:
        raise SourceError(f"no file {path}: write it with archlab compare MODEL --static --output {path}") from None
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {reason_of(error)}") from None
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{path} cannot be read: {error}") from None
    listed = data.get("architectures") if isinstance(data, dict) else None
    if not isinstance(listed, list) or not all(isinstance(each, dict) and "name" in each for each in listed):
        raise SourceError(f"{path} holds no comparison: write it with archlab compare MODEL --static --output {path}")
    return {str(each["name"]): each for each in listed}


def check_baseline(
    result: Result, baseline: Mapping[str, Mapping[str, object]], tolerance: float, quantities: Sequence[Quantity] = ()
) -> list[Verdict]:
    """Quantities of which less is better, and by how much each differs from the baseline.

    Args:
        result: the architecture, which the baseline has by its name or its reference, or else as its only one.
        baseline: architectures by name.
        tolerance: the share by which a quantity may grow.
        quantities: those compared, by default all of which less is better.

    Raises:
        UnknownNameError: the baseline has several architectures, and none of this name.
    """
    before = baseline.get(result.name) or (next(iter(baseline.values())) if len(baseline) == 1 else None)
    if before is None:
        raise UnknownNameError(f"the baseline has no {result.name!r}: {did_you_mean(result.name, baseline)}")
    found: list[Verdict] = []
    for quantity in quantities or [each for each in limited() if each.better == "lower" and each.path]:
        old = _at(before, quantity.path)
        value = quantity.whole(result) if quantity.whole else Value(None)
        number = value.rank
        if not isinstance(old, int | float) or number is None:
            continue
        change = number / old - 1 if old else (0.0 if not number else inf)
        kept = change <= tolerance
        by = f"{change:+.1%}".replace("%", " %").replace("-", "−") if isfinite(change) else f"from 0 to {number:g}"
        message = (
            f"{quantity.label} {by} against the baseline: {quantity.unit.text(old)} → {value.text(quantity.unit)}."
        )
        spent = () if kept else most_spent(result, quantity)
        was = f"{quantity.unit.text(old)} before"
        found.append(Verdict(result.name, quantity.label, value.text(quantity.unit), was, kept, message, spent))
    return found


def _at(data: Mapping[str, object], path: str) -> object:
    value: object = data
    for key in path.split("."):
        value = cast("dict[str, object]", value).get(key) if isinstance(value, dict) else None
    return value
