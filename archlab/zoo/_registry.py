from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from archlab.dsl import Part
from archlab.errors import ArgumentError, UnknownNameError, UsageError, did_you_mean
from archlab.parsing import read_bool


@dataclass(frozen=True)
class Entry:
    """An architecture of the zoo: a function that builds it, and where it comes from."""

    name: str
    build: Callable[..., Part]
    paper: str

    @property
    def summary(self) -> str:
        """The first line of the function's docstring."""
        return (inspect.getdoc(self.build) or "").splitlines()[0]

    @property
    def arguments(self) -> Mapping[str, inspect.Parameter]:
        """The arguments it takes, all of them with defaults."""
        return inspect.signature(self.build, eval_str=True).parameters

    @property
    def text(self) -> str | None:
        """The first argument, if that is text: it may be given without its name. Else None."""
        first = next(iter(self.arguments.values()), None)
        return first.name if first is not None and isinstance(first.default, str) else None

    def call(self, arguments: Mapping[str, str]) -> Part:
        """Build it with arguments as they were typed.

        Raises:
            UnknownNameError: there is no such argument; names the closest.
            UsageError: the text does not read as the argument's type.
            ArgumentError: the architecture refuses the value.
        """
        values: dict[str, Any] = {}
        for name, text in arguments.items():
            if name not in self.arguments:
                raise UnknownNameError(f"{self.name} has no argument {name!r}: {did_you_mean(name, self.arguments)}")
            values[name] = read_value(text, self.arguments[name], f"{self.name}:{name}")
        try:
            return self.build(**values)
        except ArgumentError as error:
            raise error.at(self.name) from None


def _may_be_none(parameter: inspect.Parameter) -> bool:
    """Whether its annotation says so, or there is none that could say otherwise."""
    said = parameter.annotation
    return said is inspect.Parameter.empty or "None" in str(said) or "Optional" in str(said)


def read_value(text: str, parameter: inspect.Parameter, where: str) -> Any:
    """The value that a text stands for, by the type of the argument's default.

    Raises:
        UsageError: the text does not read as that type.
    """
    kind = type(parameter.default)
    if kind not in (bool, int, float, str):
        # No default to go by: what reads as a number, a list, a tuple, None, True or False is one.
        try:
            return ast.literal_eval({"none": "None", "true": "True", "false": "False"}.get(text.lower(), text))
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return text
    if kind is not bool and text == "None" and _may_be_none(parameter):
        return None
    if kind is bool:
        if (switch := read_bool(text)) is not None:
            return switch
        raise UsageError(f"{where} must be true or false, got {text!r}")
    try:
        return kind(text)
    except ValueError:
        names = {int: "a whole number", float: "a number"}
        raise UsageError(f"{where} must be {names.get(kind, kind.__name__)}, got {text!r}") from None


_entries: dict[str, Entry] = {}


def architecture(paper: str, name: str = "") -> Callable[[Callable[..., Part]], Callable[..., Part]]:
    """Put a function that builds an architecture into the zoo, under its own name by default another."""

    def enter(build: Callable[..., Part]) -> Callable[..., Part]:
        key = name or build.__name__
        _entries[key] = Entry(key, build, paper)
        return build

    return enter


@cache
def _import_all() -> None:
    package = importlib.import_module("archlab.zoo")
    for module in pkgutil.iter_modules(package.__path__):
        if not module.name.startswith("_"):
            importlib.import_module(f"archlab.zoo.{module.name}")


def entries() -> Mapping[str, Entry]:
    """Every architecture of the zoo by name: all that the modules of this package, and others, have entered so far."""
    _import_all()
    return dict(sorted(_entries.items()))


def _folded(name: str) -> str:
    return re.sub(r"[\s_-]", "", name).lower()


def find(name: str) -> Entry:
    """The architecture of that name; case, dashes and underscores do not matter."""
    for key, entry in entries().items():
        if _folded(key) == _folded(name):
            return entry
    if "=" in name:
        raise UnknownNameError(f"no architecture named {name!r}: arguments follow the name and a colon: NAME:{name}")
    raise UnknownNameError(f"no architecture named {name!r}: {did_you_mean(name, entries())}")
