from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from archlab.errors import SourceError, UnknownNameError, UsageError, did_you_mean
from archlab.files import read_text
from archlab.text import shown
from archlab.training.recipes._recipe import Recipe, read_fields

_PACKAGE = "archlab.training.recipes"
LARGEST = 2**16
"""Bytes of a recipe file. The built-in ones have some hundred."""


def names() -> tuple[str, ...]:
    """The built-in recipes."""
    return tuple(sorted(f.name.removesuffix(".yaml") for f in files(_PACKAGE).iterdir() if f.name.endswith(".yaml")))


def recipe(name: str | Path | Recipe) -> Recipe:
    """A built-in recipe by name, or a recipe from a YAML file.

    A file is a mapping of the fields of `Recipe`. `base` names the recipe that it extends.

    Raises:
        UnknownNameError: no recipe has that name; the message names the closest.
        SourceError: the file cannot be read, or is not a recipe.

    >>> recipe("lecture").optimizer
    'rmsprop'
    """
    return name if isinstance(name, Recipe) else _load(name, ())


def _load(name: str | Path, children: tuple[str, ...]) -> Recipe:
    """Load a recipe; `children` are the files that extend it."""
    text = str(name)
    if Path(text).suffix in (".yaml", ".yml"):
        path = Path(text)
        try:
            return _from_yaml(read_text(path, LARGEST), str(path), children)
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise SourceError(f"recipe {path} cannot be read: {reason.lower()}") from None
    if text not in names():
        raise UnknownNameError(f"no recipe named {text!r}: {did_you_mean(text, names())}, or name a .yaml file")
    return _from_yaml(files(_PACKAGE).joinpath(f"{text}.yaml").read_text(encoding="utf-8"), text, children)


def _from_yaml(text: str, where: str, children: tuple[str, ...]) -> Recipe:
    if where in children:
        raise SourceError(f"{where}: circular base")
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise SourceError(f"{where}: invalid YAML: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise SourceError(f"{where}: nested too deeply") from None
    except ValueError as error:  # a date that there is not, a number of more digits than Python reads
        raise SourceError(f"{where}: invalid YAML: {error}") from None
    if not isinstance(data, Mapping):
        raise SourceError(f"{where}: a recipe is a mapping of fields, such as epochs: 20")
    settings = dict(data)
    try:
        base = settings.pop("base", None)
        if not isinstance(base, str | None):
            raise SourceError(f"{where}: base must be the name of a recipe or a file, got {shown(base)}")
        start = (
            Recipe(Path(where).stem)
            if base is None
            else replace(_load(base, (*children, where)), name=Path(where).stem)
        )
        return start.with_settings(read_fields(settings))
    except (UsageError, UnknownNameError) as error:
        raise SourceError(f"{where}: {error}") from None


def to_yaml(recipe: Recipe) -> str:
    """A recipe as YAML, which `recipe` reads."""
    return yaml.safe_dump(_plain(recipe.to_dict()), sort_keys=False, allow_unicode=True)


def _plain(value: object) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    return value
