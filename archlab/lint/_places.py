"""Where in which file an architecture stands, and its layers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from archlab.errors import ArchlabError
from archlab.files import is_file
from archlab.lint._mend import Tracing
from archlab.sources import load


@dataclass(frozen=True)
class Place:
    """A file, and lines of it.

    Attributes:
        file: its path; '' of an architecture that stands in none.
        line: where the architecture begins.
        layers: the line of each layer, where the file says it.
    """

    file: str = ""
    line: int | None = None
    layers: Mapping[str, int] = field(default_factory=dict[str, int])

    def line_of(self, layer: str) -> int | None:
        """The line of a layer, or else of the architecture."""
        return self.layers.get(layer, self.line)


def place_of(reference: str) -> Place:
    """Where an architecture stands that is named by a file: `net.yaml`, `model.keras`, `file.py:function`."""
    file, _, name = reference.partition(":")
    if not is_file(Path(file)):
        return Place()
    if file.endswith((".yaml", ".yml")):
        return Place(file, 1, _lines(reference))
    if file.endswith(".py"):
        return Place(file, _definition(Path(file), name.partition(":")[0]))
    return Place(file, 1)


def _lines(reference: str) -> dict[str, int]:
    """The line of each layer of an architecture file."""
    try:
        found = load(reference)
        tracing = Tracing()
        if found.tree is not None:
            found.tree.lower(tracing, None)
    except ArchlabError:
        return {}
    lines = found.lines
    named = zip(tracing.nodes, tracing.parts, strict=False)
    return {node.name: lines[id(part)] for node, part in named if id(part) in lines}


def _definition(path: Path, name: str) -> int:
    """The line on which a name is defined."""
    pattern = re.compile(rf"(def|class)\s+{re.escape(name)}\b|{re.escape(name)}\s*[:=]")
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
        if pattern.match(line):
            return number
    return 1
