"""Names of nodes and their scopes, from those that exporters give: they keep the modules that a call was made in."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from archlab.graph import Scope
from archlab.onnx_bridge._file import Operator
from archlab.text import one_line

_GENERIC = re.compile(r"(n|node|op|node_\w+)_?\d*")
"""Names that say nothing of what they name."""
_DEEPEST = 24
_LONGEST = 80


class Place(NamedTuple):
    """Where an operator stands: the path of its module, which may be none, and what it is called there."""

    module: tuple[str, ...]
    name: str


def place_of(operator: Operator, stored: Sequence[str]) -> Place:
    """Where an operator stands, by its name, by what the exporter noted beside it, or by its weights' names.

    `/layer1/layer1.0/conv1/Conv` is `layer1/0/conv1`: PyTorch's exporter repeats the list's name in its items.
    """
    kind = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", operator.kind).lower()
    kernel = _module_of(stored)
    if operator.modules or operator.noted:
        path = _steps(operator.modules)
        if kernel and len(kernel) >= len(path) and kernel[: len(path) - 1] == path[:-1]:
            path = kernel  # folded into a convolution, batch normalization left its own name there
        return Place(path, kind)
    given = operator.name.split(";")[0].strip("/").split("/")
    if len(given) > 1:
        return Place(_steps(given[:-1]), kind)
    if kernel:
        return Place(kernel, kind)
    generic = operator.kind.lower() in given[0].lower() or _GENERIC.fullmatch(given[0])
    return Place((), kind if generic else _clean(given[0]))


def _module_of(stored: Sequence[str]) -> tuple[str, ...]:
    """The module that weights belong to, `layer1.0.conv1.weight`."""
    for name in stored:
        steps = name.split(".")
        if len(steps) > 1 and steps[-1] in ("weight", "bias", "kernel", "gamma", "scale") and len(steps) <= _DEEPEST:
            return tuple(map(_clean, steps[:-1]))
    return ()


def _steps(given: Sequence[str]) -> tuple[str, ...]:
    """The path of nested modules, each without what the one around it says already."""
    path: list[str] = []
    around = ""
    for each in given[:_DEEPEST]:
        own = each.removeprefix(f"{around}.") if around else each
        path += [_clean(step) for step in own.split(".") if step]
        around = each
    return tuple(path[:_DEEPEST])


def _clean(name: str) -> str:
    """A name without slashes or line ends, and not endless."""
    return one_line(name).replace("/", "_")[:_LONGEST] or "_"


class Names:
    """Names that are each given once, and scopes, for operators that stand at these places."""

    def __init__(self, places: Sequence[Place]) -> None:
        self._counts = Counter(place.module for place in places)
        self._children: dict[tuple[str, ...], set[str]] = defaultdict(set)
        for module in self._counts:
            for depth in range(len(module)):
                self._children[module[:depth]].add(module[depth])
        self._scopes: dict[tuple[str, ...], Scope] = {}
        self._used: Counter[str] = Counter()
        self._taken: set[str] = set()

    def of(self, place: Place) -> tuple[str, Scope | None]:
        """The name of a node, and the scope that it stands in."""
        module = place.module
        if module and self._counts[module] == 1 and module not in self._children:
            # A module of one call is that layer.
            return self.free("/".join(module)), self._scope(module[:-1])
        return self.free("/".join((*module, place.name))), self._scope(module)

    def free(self, name: str) -> str:
        """That name, with a number behind it where it has been given before."""
        count = self._used[name] = self._used[name] + 1
        found = name if count == 1 else f"{name}_{count}"
        if found in self._taken:
            return self.free(name)
        self._taken.add(found)
        return found

    def _scope(self, module: tuple[str, ...]) -> Scope | None:
        if not module:
            return None
        if module not in self._scopes:
            self._scopes[module] = Scope("/".join(module), self._kind(module), self._scope(module[:-1]))
        return self._scopes[module]

    def _is_list(self, module: tuple[str, ...]) -> bool:
        """Whether it holds nothing but numbered modules that hold some themselves: a row of blocks."""
        inner = self._children.get(module, set())
        return (
            bool(inner)
            and not self._counts[module]
            and all(each.isdigit() and self._children.get((*module, each)) for each in inner)
        )

    def _kind(self, module: tuple[str, ...]) -> str:
        """Whether it is a stage, a row of blocks, or a block."""
        if not self._is_list(module):
            return "block"
        rows = any(self._is_list((*module, each)) for each in self._children[module])
        return "block" if rows else "stage"
