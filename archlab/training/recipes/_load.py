from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from archlab.errors import SourceError, UnknownNameError, UsageError, did_you_mean
from archlab.training.recipes._recipe import Recipe, read_fields

LARGEST = 2**16
"""Bytes of a recipe's file. Ours have some hundred."""


def names() -> tuple[str, ...]:
    """The recipes that need no file."""
    return tuple(sorted(f.name.removesuffix(".yaml") for f in files(__package__).iterdir() if f.name.endswith(".yaml")))


def recipe(name: str | Path | Recipe) -> Recipe:
    """A recipe by its name, or from a YAML file of one's own.

    A file holds a mapping of the fields of `Recipe`; with `base` it begins as another recipe.

    Raises:
        UnknownNameError: no recipe has that name; names the closest.
        SourceError: the file cannot be read, or says something a recipe does not.

    >>> recipe("lecture").optimizer
    'rmsprop'
    """
    return name if isinstance(name, Recipe) else _found(name, ())


def _found(name: str | Path, behind: tuple[str, ...]) -> Recipe:
    """`behind` are the files that begin as this recipe."""
    text = str(name)
    if Path(text).suffix in (".yaml", ".yml"):
        path = Path(text)
        try:
            if path.stat().st_size > LARGEST:
                raise SourceError(f"{path} is larger than {LARGEST:,} bytes: a recipe is not")
            return _from_yaml(path.read_text(encoding="utf-8"), str(path), behind)
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise SourceError(f"recipe {path} cannot be read: {reason.lower()}") from None
    if text not in names():
        raise UnknownNameError(f"no recipe named {text!r}: {did_you_mean(text, names())}, or name a .yaml file")
    return _from_yaml(files(__package__).joinpath(f"{text}.yaml").read_text(encoding="utf-8"), text, behind)


def _from_yaml(text: str, where: str, behind: tuple[str, ...]) -> Recipe:
    if where in behind:
        raise SourceError(f"{where}: it begins as itself, by way of its base")
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise SourceError(f"{where}: this is no YAML: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise SourceError(f"{where}: it is nested too deeply") from None
    if not isinstance(data, Mapping):
        raise SourceError(f"{where}: a recipe is a mapping of settings, such as epochs: 20")
    settings = dict(data)
    try:
        base = settings.pop("base", None)
        start = (
            Recipe(Path(where).stem)
            if base is None
            else replace(_found(str(base), (*behind, where)), name=Path(where).stem)
        )
        return start.with_settings(read_fields(settings))
    except (UsageError, UnknownNameError) as error:
        raise SourceError(f"{where}: {error}") from None


def to_yaml(made: Recipe) -> str:
    """The YAML text of a recipe, which `recipe` reads."""
    return yaml.safe_dump(_plain(made.to_dict()), sort_keys=False, allow_unicode=True)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    return value
