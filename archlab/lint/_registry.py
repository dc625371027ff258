"""Where rules come from: the files of `archlab.lint.rules`, packages that bring some, and files of one's own."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from types import ModuleType

from archlab.errors import SourceError
from archlab.files import is_file
from archlab.lint import rules as own
from archlab.lint._rule import Rule, Rules

GROUP = "archlab.rules"
"""The entry points by which a package brings rules: each names a module, or a rule in one."""


@cache
def own_rules() -> Rules:
    """The rules of `archlab.lint.rules`, one a file."""
    found = Rules()
    for module in pkgutil.iter_modules(own.__path__):
        if not module.name.startswith("_"):
            for rule in rules_in(importlib.import_module(f"{own.__name__}.{module.name}")):
                found.add(rule)
    return found


@cache
def all_rules() -> Rules:
    """The rules of archlab and those that installed packages bring.

    Raises:
        SourceError: a package's rules cannot be loaded.
    """
    from importlib.metadata import entry_points

    found = Rules(own_rules().values())
    for entry in entry_points(group=GROUP):
        try:
            value = entry.load()
        except Exception as error:  # whatever another package raises
            raise SourceError(f"the rules {entry.name} of {entry.value}: {type(error).__name__}: {error}") from error
        for rule in rules_in(value) if isinstance(value, ModuleType) else [value]:
            found.add(rule)
    return found


def with_files(paths: Iterable[str | Path]) -> Rules:
    """All rules, and those of some Python files besides.

    Raises:
        SourceError: a file is missing, cannot be run, or holds no rule.
    """
    found = Rules(all_rules().values())
    for path in map(Path, paths):
        if not is_file(path):
            raise SourceError(f"no file {path}")
        spec = importlib.util.spec_from_file_location(f"archlab_rules_{path.stem}", path)
        if spec is None or spec.loader is None:
            raise SourceError(f"{path} is not a Python file")
        module = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except Exception as error:  # whatever the file raises
            raise SourceError(f"{path}: {type(error).__name__}: {error}") from error
        rules = rules_in(module)
        if not rules:
            raise SourceError(f"{path} holds no rule: RULE = Rule('X101', 'my-rule', 'warning', check)")
        for rule in rules:
            found.add(rule)
    return found


def rules_in(module: ModuleType) -> list[Rule]:
    """The rules that a module holds."""
    return [value for value in vars(module).values() if isinstance(value, Rule)]
