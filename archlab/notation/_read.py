from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import NoneType
from typing import Any, NamedTuple

import yaml

from archlab.dsl import Pyramid
from archlab.errors import ArgumentError, SourceError, did_you_mean
from archlab.graph import MOST_NODES, Part, Repeat, Sequence
from archlab.notation._arguments import (
    arguments_of,
    choices,
    expected,
    is_part,
    is_tuple,
    items,
    part_kinds,
)
from archlab.notation._nodes import LARGEST as LARGEST
from archlab.notation._nodes import Nodes
from archlab.ops import Width

_KEYS = ("name", "paper", "blocks", "architecture")
_WIDTH = re.compile(r"(WIDTH|CHANNELS)(?: *\* *([0-9]{1,9}))?(?: *// *([0-9]{1,9}))?")
_FRACTION = re.compile(r"(-?[0-9.eE+-]+) */ *([0-9.eE+-]+)")


class Document(NamedTuple):
    """What an architecture file says."""

    tree: Part
    name: str
    paper: str
    lines: Mapping[int, int]
    """The line of each part, by its `id`."""


def from_yaml(text: str, file: str = "") -> Part:
    """The architecture that a YAML text describes: what `to_yaml` writes, and what people write by hand.

    A part is its name (`ReLU`), or its name with arguments (`Conv: {filters: 32, kernel: 5}`), the first of which needs
    no name (`Conv: 32`). A list is a sequence. Under `blocks` stand parts with names of their own.

    Args:
        text: a list of parts, or a mapping with `architecture` and, if wanted, `name`, `paper` and `blocks`.
        file: the name of the file for error messages.

    Raises:
        SourceError: names the file, the line and column, the key, and the closest valid choice.

    >>> from_yaml("[{Input: [32, 32, 3]}, {Conv: {filters: 8, kernel: 5}}, ReLU]")
    Input(32, 32, 3) >> Conv(8, kernel=5) >> ReLU()
    >>> from_yaml("- Conv: {kernal: 5}", file="net.yaml")
    Traceback (most recent call last):
    archlab.errors.SourceError: net.yaml:1:10: architecture[1].Conv has no argument 'kernal': did you mean kernel?
    """
    return read_document(text, file).tree


def read_document(text: str, file: str = "") -> Document:
    """A YAML text with all that it says; see `from_yaml`."""
    reader = _Reader(file)
    root = reader.root(text)
    if root is None:
        raise SourceError(f"{reader.at(None)}: it is empty: write a list of parts, beginning with Input")
    try:
        return reader.document(root)
    except RecursionError:
        raise SourceError(f"{reader.at(None)}: it is nested too deeply") from None


@dataclass
class _Reader(Nodes):
    """Makes parts of YAML's nodes, and knows where each one stands."""

    blocks: dict[str, Part] = field(default_factory=dict)
    lines: dict[int, int] = field(default_factory=dict)
    layers: dict[int, int] = field(default_factory=dict)
    """How many layers each part becomes, by its `id`."""
    read: dict[int, Part | None] = field(default_factory=dict)
    """The part of each YAML node that has been read, by its `id`: an alias is its anchor's node. None: being read."""

    # The document.

    def document(self, root: yaml.Node) -> Document:
        if not isinstance(root, yaml.MappingNode):
            return Document(self.part(root, "architecture"), "", "", self.lines)
        found: dict[str, Any] = {}
        for key, key_node, node in self.pairs(root, "the file"):
            if key not in _KEYS:
                # A file may be one part; then its only key is that part's name.
                if len(root.value) == 1 and key in part_kinds():
                    return Document(self.part(root, "architecture"), "", "", self.lines)
                raise self.wrong(key_node, f"the file has no key {key!r}: {did_you_mean(key, _KEYS)}")
            found[key] = node
        if "architecture" not in found:
            raise self.wrong(root, "there is no key 'architecture': a list of parts, beginning with Input")
        if "blocks" in found:
            self.define(found["blocks"])
        tree = self.part(found["architecture"], "architecture")
        name, paper = (self.text(found[key], key) if key in found else "" for key in ("name", "paper"))
        return Document(tree, name, paper, self.lines)

    def define(self, node: yaml.Node) -> None:
        if not isinstance(node, yaml.MappingNode):
            raise self.wrong(node, "blocks must be a mapping of names to parts")
        for key, key_node, value in self.pairs(node, "blocks"):
            if key in part_kinds():
                raise self.wrong(key_node, f"blocks.{key}: {key} is the name of a part already")
            self.blocks[key] = self.part(value, f"blocks.{key}")

    # Parts.

    def part(self, node: yaml.Node, place: str) -> Part:
        if id(node) in self.read:
            part = self.read[id(node)]
            if part is None:
                raise self.wrong(node, f"{place} stands inside itself")
            return part
        self.read[id(node)] = None
        part = self.read[id(node)] = self.anew(node, place)
        return part

    def anew(self, node: yaml.Node, place: str) -> Part:
        self.plain(node, place)
        if isinstance(node, yaml.SequenceNode):
            parts = [self.part(item, f"{place}[{number}]") for number, item in enumerate(node.value, start=1)]
            # Before they are put into one sequence: that alone may be more than fits into memory.
            self.check(node, place, sum(self.layers[id(part)] for part in parts))
            return self.known(node, place, Sequence.of(*parts))
        if isinstance(node, yaml.MappingNode):
            if len(node.value) != 1:
                keys = ", ".join(str(key.value) for key, _ in node.value)
                raise self.wrong(node, f"{place} must be one part, such as 'Conv: 32', got a mapping of {keys or '{}'}")
            [(name, key_node, value)] = self.pairs(node, place)
            return self.known(key_node, place, self.made(self.kind(name, key_node, place), node, value, place))
        name = self.scalar(node, place)
        if not isinstance(name, str):
            raise self.wrong(node, f"{place} must be a part such as ReLU, got {self.shown(node)}")
        if name in self.blocks:
            return self.blocks[name]
        return self.known(node, place, self.made(self.kind(name, node, place), node, None, place))

    def kind(self, name: str, node: yaml.Node, place: str) -> type[Part]:
        kinds = part_kinds()
        if name not in kinds:
            if name in self.blocks:
                raise self.wrong(node, f"{place}: the block {name!r} takes no arguments")
            choices = [*self.blocks, *kinds]
            raise self.wrong(node, f"{place}: no part named {name!r}: {did_you_mean(name, choices)}")
        return kinds[name]

    def made(self, kind: type[Part], node: yaml.Node, value: Any, place: str) -> Part:
        place = f"{place}.{kind.__name__}"
        known = arguments_of(kind)
        given: dict[str, Any] = {}
        nodes: dict[str, yaml.Node] = {}
        if value is None or self.is_null(value):
            pass
        elif isinstance(value, yaml.MappingNode) and not self.is_only_part(value, kind):
            self.plain(value, place)
            for key, key_node, inner in self.pairs(value, place):
                if key not in known:
                    hint = did_you_mean(key, known) if known else "it takes none"
                    raise self.wrong(key_node, f"{place} has no argument {key!r}: {hint}")
                nodes[key] = inner
                given[key] = self.value(inner, known[key].kinds, f"{place}.{key}")
        elif not known:
            raise self.wrong(value, f"{place} takes no arguments, got {self.shown(value)}")
        else:
            first = next(iter(known))
            given[first] = self.value(value, known[first].kinds, f"{place}.{first}")
        for key, argument in known.items():
            if argument.required and key not in given:
                raise self.wrong(node, f"{place} needs its argument {key!r}: {expected(argument.kinds)}")
        spread = [item for key, argument in known.items() if argument.spread for item in given.pop(key, ())]
        try:
            return kind(*spread, **given)
        except ArgumentError as error:
            # What a part says of an argument begins with the argument's name.
            about = nodes.get(str(error).split()[0], value or node)
            raise self.wrong(about, f"{place}: {error}") from None

    def is_only_part(self, value: Any, kind: type[Part]) -> bool:
        """Whether a mapping is the part that the first argument is, rather than arguments by name."""
        known = arguments_of(kind)
        return len(value.value) == 1 and value.value[0][0].value not in known and bool(
            known and any(is_part(kind) for kind in next(iter(known.values())).kinds)
        )  # fmt: skip

    def known(self, node: yaml.Node, place: str, part: Part) -> Part:
        """Remember where a part stands and how many layers it becomes."""
        self.lines[id(part)] = node.start_mark.line + 1
        self.layers[id(part)] = self.check(node, place, self.counted(part))
        return part

    def check(self, node: yaml.Node, place: str, layers: int) -> int:
        """Refuse more layers than any network has: a few lines can stand for billions."""
        if layers > MOST_NODES:
            raise self.wrong(node, f"{place} becomes {layers:,} layers, more than {MOST_NODES:,}: refused")
        return layers

    def counted(self, part: Part) -> int:
        inside = [self.layers.get(id(child), 1) for child in part.children]
        if isinstance(part, Repeat):
            return inside[0] * part.times
        if isinstance(part, Pyramid):
            repeats = part.repeats if isinstance(part.repeats, tuple) else (part.repeats,) * len(part.widths)
            return sum(inside[0] + inside[-1] * (n - 1) for n in repeats)
        return sum(inside) + (not isinstance(part, Sequence))

    # Values.

    def value(self, node: yaml.Node, kinds: tuple[Any, ...], place: str) -> Any:
        """A value of one of these kinds."""
        self.plain(node, place)
        if any(is_part(kind) for kind in kinds) and not (NoneType in kinds and self.is_null(node)):
            part = self.part(node, place)
            if not any(isinstance(part, kind) for kind in kinds if is_part(kind)):
                raise self.wrong(node, f"{place} must be an operation such as Add, got {part!r}")
            return part
        if isinstance(node, yaml.SequenceNode):
            for kind in kinds:
                inner = items(kind, len(node.value)) if is_tuple(kind) else None
                if inner is not None:
                    pairs = enumerate(zip(node.value, inner, strict=True), start=1)
                    return tuple(self.value(item, wanted, f"{place}[{number}]") for number, (item, wanted) in pairs)
        elif isinstance(node, yaml.ScalarNode):
            found = self.scalar(node, place)
            for kind in kinds:
                fits, value = _read(found, kind)
                if fits:
                    return value
            words = [word for kind in kinds for word in choices(kind)]
            if words and isinstance(found, str):
                raise self.wrong(node, f"{place}: {found!r} is not known: {did_you_mean(found, words)}")
        raise self.wrong(node, f"{place} must be {expected(kinds)}, got {self.shown(node)}")


def _read(found: object, kind: object) -> tuple[bool, Any]:
    """Whether a value is of a kind, and the value as that kind has it."""
    if kind is NoneType:
        return found is None, None
    if kind is bool or isinstance(found, bool):
        return kind is bool and isinstance(found, bool), found
    if kind is int:
        return isinstance(found, int), found
    if kind is float:
        return (True, found) if isinstance(found, int | float) else _as_number(found)
    if kind is Width and isinstance(found, str):
        match = _WIDTH.fullmatch(found.strip())
        if match:
            of = "CHANNELS" if match[1] == "CHANNELS" else "WIDTH"
            return True, Width(of, int(match[2] or 1), int(match[3] or 1))
        return False, None
    if kind is str:
        return isinstance(found, str), found
    return found in choices(kind), found


def _as_number(found: object) -> tuple[bool, Any]:
    """A number that YAML takes for text: a fraction, 1/255, or 1e-5, which YAML 1.1 wants as 1.0e-5."""
    if not isinstance(found, str):
        return False, None
    match = _FRACTION.fullmatch(found.strip())
    try:
        return True, float(match[1]) / float(match[2]) if match else float(found)
    except (ValueError, ZeroDivisionError):
        return False, None
