from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from archlab.errors import SourceError, UsageError, did_you_mean
from archlab.experiments._plan import Candidate, Plan, RecipeVariant, Resources, folder_name, split_reference
from archlab.files import read_text
from archlab.notation._nodes import LARGEST, Nodes
from archlab.parsing import read_bytes

_KEYS = ("name", "data", "architectures", "recipes", "seeds", "set", "output", "retries", "resources")


def read_plan(path: str | Path) -> Plan:
    """Read the plan of an experiment from a YAML file.

    Paths in it are relative to the file. Only `architectures` is required. Defaults: the recipe `lecture`, the seeds 0,
    1 and 2, the data `shapes`, the output `runs/NAME` beside the plan.

    Raises:
        SourceError: names the file, the line and column, and the closest valid choice.
    """
    file = Path(path)
    try:
        text = read_text(file, 4 * LARGEST)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not a text file"
        raise SourceError(f"{path} cannot be read, {reason.lower()}") from None
    reader = _Reader(str(path), file.resolve().parent)
    root = reader.root(text)
    if root is None:
        raise SourceError(f"{path}: empty: write at least 'architectures: [residual, baseline]'")
    return reader.plan(root, file.stem)


@dataclass
class _Reader(Nodes):
    """Converts YAML nodes to a plan."""

    folder: Path
    found: dict[str, Any] = field(default_factory=dict)

    def plan(self, root: yaml.Node, stem: str) -> Plan:
        self.found = self.mapping(root, "the plan", _KEYS)
        if "architectures" not in self.found:
            raise self.wrong(
                root, "there is no key 'architectures': a list of references, such as [residual, baseline]"
            )
        name = self.text(self.found["name"], "name") if "name" in self.found else stem
        shared = self.settings(self.found["set"], "set") if "set" in self.found else {}
        output = self.text(self.found["output"], "output") if "output" in self.found else f"runs/{folder_name(name)}"
        optional: dict[str, Any] = {}
        for key in ("seeds", "retries", "resources"):
            if key in self.found:
                optional[key] = getattr(self, key)(self.found[key])
        recipes = self.items("recipes") if "recipes" in self.found else ()
        variants = tuple(self.variant(*item, shared) for item in recipes)
        candidates = tuple(self.candidate(*item) for item in self.items("architectures"))
        try:
            return Plan(
                name=name,
                architectures=candidates,
                recipes=variants or (RecipeVariant("lecture", "lecture", shared),),
                data=self.data(self.found["data"]) if "data" in self.found else "shapes",
                output=self.folder / Path(output).expanduser(),
                **optional,
            )
        except UsageError as error:
            where = "" if str(error).startswith(self.file) else f"{self.file}: "
            raise SourceError(f"{where}{error}") from None

    def mapping(self, node: yaml.Node, place: str, known: tuple[str, ...]) -> dict[str, Any]:
        """The values of a mapping, after a check of its keys."""
        self.plain(node, place)
        if not isinstance(node, yaml.MappingNode):
            raise self.wrong(node, f"{place} must be a mapping with {', '.join(known)}, got {self.shown(node)}")
        found: dict[str, Any] = {}
        for key, key_node, value in self.pairs(node, place):
            if key not in known:
                raise self.wrong(key_node, f"{place} has no key {key!r}: {did_you_mean(key, known)}")
            found[key] = value
        return found

    def items(self, key: str) -> list[tuple[yaml.Node, str]]:
        """The nodes of a list, each with its path."""
        node = self.found[key]
        self.plain(node, key)
        if not isinstance(node, yaml.SequenceNode) or not node.value:
            got = "an empty one" if isinstance(node, yaml.SequenceNode) else self.shown(node)
            raise self.wrong(node, f"{key} must be a list of at least one, got {got}")
        return [(item, f"{key}[{number}]") for number, item in enumerate(node.value, start=1)]

    def candidate(self, node: yaml.Node, place: str) -> Candidate:
        where = self.at(node.start_mark)
        if isinstance(node, yaml.ScalarNode):
            reference = self.text(node, place)
            return Candidate(self.default_name(reference), self.absolute(reference), where)
        found = self.mapping(node, place, ("name", "reference"))
        if "reference" not in found:
            raise self.wrong(node, f"{place} needs a reference, such as 'reference: residual'")
        reference = self.text(found["reference"], f"{place}.reference")
        name = self.text(found["name"], f"{place}.name") if "name" in found else self.default_name(reference)
        return Candidate(name, self.absolute(reference), self.at(found["reference"].start_mark))

    def variant(self, node: yaml.Node, place: str, shared: dict[str, Any]) -> RecipeVariant:
        where = self.at(node.start_mark)
        if isinstance(node, yaml.ScalarNode):
            base = self.text(node, place)
            return RecipeVariant(self.default_name(base), self.absolute(base), shared, where)
        found = self.mapping(node, place, ("name", "base", "set"))
        base = self.text(found["base"], f"{place}.base") if "base" in found else "lecture"
        name = self.text(found["name"], f"{place}.name") if "name" in found else self.default_name(base)
        own = self.settings(found["set"], f"{place}.set") if "set" in found else {}
        return RecipeVariant(name, self.absolute(base), shared | own, where)

    def settings(self, node: yaml.Node, place: str) -> dict[str, Any]:
        """Recipe fields; lists and mappings may only hold single values, as sizes do."""
        self.plain(node, place)
        if not isinstance(node, yaml.MappingNode):
            raise self.wrong(node, f"{place} must be a mapping such as {{epochs: 3}}, got {self.shown(node)}")
        return {key: self.setting(value, f"{place}.{key}") for key, _, value in self.pairs(node, place)}

    def setting(self, node: yaml.Node, place: str) -> Any:
        self.plain(node, place)
        if isinstance(node, yaml.SequenceNode):
            return [self.scalar(item, place) for item in node.value]
        if isinstance(node, yaml.MappingNode):
            return {self.scalar(key, place): self.scalar(value, place) for key, value in node.value}
        return self.scalar(node, place)

    def seeds(self, node: yaml.Node) -> tuple[int, ...]:
        if isinstance(node, yaml.SequenceNode):
            return tuple(self.whole(item, place, 0, 2**32 - 1) for item, place in self.items("seeds"))
        return tuple(range(self.whole(node, "seeds", 1, 1000)))

    def retries(self, node: yaml.Node) -> int:
        return self.whole(node, "retries", 0, 100)

    def resources(self, node: yaml.Node) -> Resources:
        found = self.mapping(node, "resources", ("cpus", "gpus", "memory"))
        amounts = {key: self.amount(value, f"resources.{key}") for key, value in found.items() if key != "memory"}
        return Resources(**amounts, memory=self.memory(found["memory"]) if "memory" in found else None)

    def amount(self, node: yaml.Node, place: str) -> float:
        value = self.scalar(node, place)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 10_000:
            raise self.wrong(node, f"{place} must be a number such as 1 or 0.5, got {self.shown(node)}")
        return value

    def memory(self, node: yaml.Node) -> int:
        value = self.scalar(node, "resources.memory")
        try:
            return read_bytes(f"{value}B" if isinstance(value, int) else str(value), "")
        except UsageError:
            said = f"resources.memory must be an amount such as 4 GiB, got {self.shown(node)}"
            raise self.wrong(node, said) from None

    def whole(self, node: yaml.Node, place: str, low: int, high: int) -> int:
        value = self.scalar(node, place)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self.wrong(node, f"{place} must be an integer from {low} to {high:,}, got {self.shown(node)}")
        return value

    # Paths are relative to the plan's folder.

    def data(self, node: yaml.Node) -> str:
        text = self.text(node, "data")
        return text if re.match(r"shapes(:|$)", text) else str(self.folder / Path(text).expanduser())

    def absolute(self, reference: str) -> str:
        """A reference with its file as an absolute path; a name is unchanged."""
        file, rest = split_reference(reference)
        return f"{self.folder / Path(file).expanduser()}{rest}" if file else reference

    def default_name(self, reference: str) -> str:
        """The default name of a reference: of a file, its name without folder and suffix."""
        file, rest = split_reference(reference)
        return f"{Path(file).stem}{rest}" if file else reference
