from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from types import NoneType
from typing import Any, cast

import yaml

from archlab.errors import DesignError
from archlab.graph import Part, Repeat, Sequence
from archlab.notation._arguments import arguments_of, part_kinds
from archlab.ops import Op, Width

_LINE = 100


class _Inline(dict[str, object]):
    """A mapping that is written on the line it stands on."""


class _InlineList(list[object]):
    """A list that is written on the line it stands on."""


class _Dumper(yaml.SafeDumper):
    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        # Items of a list stand further right than the key they belong to.
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: object) -> bool:
        # What repeats is a named block; an anchor would only say it a second way.
        return True


def _inline_mapping(dumper: yaml.SafeDumper, data: _Inline) -> yaml.Node:
    return dumper.represent_mapping("tag:yaml.org,2002:map", data.items(), flow_style=True)


def _inline_list(dumper: yaml.SafeDumper, data: _InlineList) -> yaml.Node:
    return dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=True)


def _number(dumper: yaml.SafeDumper, value: float) -> yaml.Node:
    """A number as it would be written by hand: 1/255, where that is exactly what it is."""
    below = round(1 / value) if value and abs(value) < 1 else 0
    if below > 1 and 1 / below == value and len(repr(value)) > 8:
        return dumper.represent_scalar("tag:yaml.org,2002:str", f"1/{below}")
    return dumper.represent_float(value)


_Dumper.add_representer(_Inline, _inline_mapping)
_Dumper.add_representer(_InlineList, _inline_list)
_Dumper.add_representer(float, _number)


def write_yaml(architecture: Part, name: str = "", paper: str = "") -> str:
    """An architecture as YAML, which `from_yaml` reads back as the same architecture.

    A block that occurs several times is written once, under `blocks`, and used by its name.

    Args:
        architecture: any part; a whole architecture begins with `Input`.
        name: of the architecture.
        paper: where it comes from.

    Raises:
        DesignError: a part of a kind that is not registered under its name.
    """
    names = _names(architecture)
    document: dict[str, object] = {}
    if name:
        document["name"] = name
    if paper:
        document["paper"] = paper
    if names:
        document["blocks"] = {name: _Writer(names, part).written(part) for part, name in names.items()}
    document["architecture"] = _Writer(names).written(architecture)
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_LINE)


def _names(architecture: Part) -> dict[Part, str]:
    """The parts worth a name, those that occur several times, each before the ones that use it."""
    count: Counter[Part] = Counter()
    finished: list[Part] = []

    def visit(part: Part) -> None:
        count[part] += 1
        # What stands inside a part that has been seen is written with it, once.
        if count[part] == 1:
            for child in part.children:
                visit(child)
            finished.append(part)

    visit(architecture)
    labels: Counter[str] = Counter()
    names: dict[Part, str] = {}
    for part in finished:
        if count[part] > 1 and _is_block(part):
            label = "unit" if isinstance(part, Sequence) else type(part).__name__.lower()
            labels[label] += 1
            names[part] = label if labels[label] == 1 else f"{label}_{labels[label]}"
    return names


def _is_block(part: Part) -> bool:
    """Whether a part deserves a name: a block, or a run of layers. Naming less would only hide it."""
    if isinstance(part, Sequence):
        return sum(isinstance(each, Op) for each in part.parts) > 2
    return not isinstance(part, Op | Repeat)


@dataclass(frozen=True)
class _Writer:
    """Parts as plain data; those that have a name by their name, except the one being defined."""

    names: dict[Part, str]
    defining: Part | None = None

    def written(self, part: Part) -> Any:
        if part in self.names and part != self.defining:
            return self.names[part]
        if isinstance(part, Sequence):
            return [self.written(each) for each in part.parts]
        kind = type(part)
        if part_kinds().get(kind.__name__) is not kind:
            raise DesignError(f"{kind.__name__} cannot be written: no part is registered under that name")
        given = {
            key: value
            for key, argument in arguments_of(kind).items()
            for value in (getattr(part, key),)
            # 0 == False and 1 == True: those are different arguments.
            if not (type(value) is type(argument.default) and value == argument.default)
        }
        if not given:
            return kind.__name__
        first = next(iter(arguments_of(kind)))
        if given.keys() == {first} and given[first] is not None:
            return {kind.__name__: self.argument(kind, first, given[first])}
        values = {key: self.argument(kind, key, value) for key, value in given.items()}
        return {kind.__name__: values if part.children else _Inline(values)}

    def argument(self, kind: type[Part], key: str, value: Any) -> Any:
        written = self.value(value)
        if not isinstance(written, str | int | float | list | dict | NoneType):
            raise DesignError(
                f"{kind.__name__}: {key} cannot be written in YAML: a {type(value).__name__} is no number, text or list"
            )
        return written

    def value(self, value: Any) -> Any:
        if isinstance(value, Part):
            return self.written(value)
        if isinstance(value, Width):
            return repr(value)
        if isinstance(value, tuple):
            lines = value and all(isinstance(item, Part) or _is_edge(item) for item in value)
            return (list if lines else _InlineList)(self.value(item) for item in value)
        return value


def _is_edge(value: object) -> bool:
    """Whether a value is a list with a part among its items, which stands on a line of its own."""
    return isinstance(value, tuple) and any(isinstance(item, Part) for item in cast("tuple[object, ...]", value))
