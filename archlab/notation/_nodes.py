from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from archlab.errors import SourceError
from archlab.text import printable

LARGEST = 2**19
"""Characters. The YAML of a network of a thousand layers, each written out, has a tenth of it."""
TAGS = tuple(f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float", "str", "seq", "map"))


@dataclass
class Nodes:
    """Reads YAML as nodes that know where they stand, and makes nothing of them but plain values."""

    file: str

    def root(self, text: str) -> yaml.Node | None:
        """The node that a text is; None of an empty one.

        Raises:
            SourceError: invalid or too large YAML.
        """
        if len(text) > LARGEST:
            raise SourceError(f"{self.file or 'the text'} has {len(text):,} characters, more than {LARGEST:,}: refused")
        try:
            return yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            said = " ".join(filter(None, (error.context, error.problem)))
            raise SourceError(f"{self.at(mark)}: invalid YAML: {said}") from None
        except yaml.YAMLError as error:
            raise SourceError(f"{self.at(None)}: invalid YAML: {' '.join(str(error).split())}") from None
        except RecursionError:
            raise SourceError(f"{self.at(None)}: it is nested too deeply") from None

    def at(self, mark: yaml.Mark | None) -> str:
        """A place in the text, as errors name it."""
        place = f"{mark.line + 1}:{mark.column + 1}" if mark else ""
        if self.file:
            return f"{self.file}:{place}" if place else self.file
        return f"line {place}" if place else "the text"

    def wrong(self, node: yaml.Node, message: str) -> SourceError:
        """What is wrong with a node, and where it stands."""
        return SourceError(f"{self.at(node.start_mark)}: {message}")

    def pairs(self, node: yaml.Node, place: str) -> Iterator[tuple[str, yaml.Node, yaml.Node]]:
        """Each key of a mapping, as text and as a node, and its value."""
        seen: set[str] = set()
        for key_node, value_node in node.value:
            key = self.scalar(key_node, place) if isinstance(key_node, yaml.ScalarNode) else None
            if not isinstance(key, str):
                raise self.wrong(key_node, f"{place}: a key must be text, got {self.shown(key_node)}")
            if key in seen:
                raise self.wrong(key_node, f"{place} has {key!r} twice")
            seen.add(key)
            yield key, key_node, value_node

    def text(self, node: yaml.Node, place: str) -> str:
        """A text."""
        value = self.scalar(node, place)
        if not isinstance(value, str):
            raise self.wrong(node, f"{place} must be text, got {self.shown(node)}")
        return value

    def scalar(self, node: yaml.Node, place: str) -> Any:
        """A single value: a text, a number, true, false or nothing."""
        self.plain(node, place)
        if not isinstance(node, yaml.ScalarNode):
            raise self.wrong(node, f"{place} must be a single value, got {self.shown(node)}")
        try:
            value = yaml.SafeLoader("").construct_object(node)
            if isinstance(value, str):
                value.encode()  # half of a character, which `"\uD800"` writes, could not be written again
            return value
        except (ValueError, yaml.YAMLError):
            raise self.wrong(node, f"{place}: {self.shown(node)} cannot be read as a value") from None

    def is_null(self, node: object) -> bool:
        """Whether nothing was written."""
        return isinstance(node, yaml.ScalarNode) and node.tag == TAGS[0]

    def plain(self, node: yaml.Node, place: str) -> None:
        """Refuse a tag: it would make an object of some program's own."""
        if node.tag not in TAGS:
            raise self.wrong(node, f"{place}: the tag {node.tag.replace('tag:yaml.org,2002:', '!!')} is not allowed")

    def shown(self, node: object) -> str:
        """What was written, short enough for one line."""
        if isinstance(node, yaml.ScalarNode):
            text = printable(node.value) if node.style is None else repr(node.value)
            return text if 0 < len(text) <= 40 else f"{text[:40]}…" if text else "nothing"
        return f"a list of {len(node.value)}" if isinstance(node, yaml.SequenceNode) else "a mapping"
