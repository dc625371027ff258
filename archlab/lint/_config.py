"""What a project says of its lint and its budgets: `[tool.archlab]` in pyproject.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from archlab.errors import UsageError, did_you_mean
from archlab.files import is_file

_LISTS = ("select", "ignore", "rules", "metrics")
_TEXTS = ("loss", "task", "optimizer", "fail-on", "severity", "input-range")
_NUMBERS = ("learning-rate",)
_PER_LAYER = "per-layer-ignores"


@dataclass(frozen=True)
class Config:
    """The settings of a project.

    Attributes:
        path: of the file; None where there is none.
        lint: options of `archlab lint` by name: lists, texts and numbers.
        layers: by pattern of a layer's name, the codes that are not reported there.
        models: by reference, the limits of `archlab check`, such as {'max-params': '1M'}.
    """

    path: Path | None = None
    lint: Mapping[str, object] = field(default_factory=dict[str, object])
    layers: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, "tuple[str, ...]"])
    models: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, "Mapping[str, str]"])

    def listed(self, name: str) -> tuple[str, ...]:
        """A list."""
        return cast("tuple[str, ...]", self.lint.get(name, ()))

    def text(self, name: str) -> str | None:
        """A text."""
        return cast("str | None", self.lint.get(name))

    def number(self, name: str) -> float | None:
        """A number."""
        return cast("float | None", self.lint.get(name))


def find_config(folder: Path | None = None) -> Config:
    """The settings in the closest pyproject.toml, in a folder or above it, that has a table [tool.archlab].

    Raises:
        UsageError: it is no TOML, or a setting is unknown or of the wrong kind; names the closest.
    """
    start = (folder or Path.cwd()).resolve()
    for each in (start, *start.parents):
        path = each / "pyproject.toml"
        if is_file(path):
            found = read_config(path)
            if found is not None:
                return found
    return Config()


def read_config(path: Path) -> Config | None:
    """The settings in a pyproject.toml; None where it has none.

    Raises:
        UsageError: it is no TOML, or a setting is unknown or of the wrong kind.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from None
    tool = data.get("tool")
    own = tool.get("archlab") if isinstance(tool, dict) else None
    if own is None:
        return None
    table = _table(path, "tool.archlab", own, ("lint", "models"))
    lint = _table(
        path, "tool.archlab.lint", table.get("lint", {}), (*_LISTS, *_TEXTS, *_NUMBERS, _PER_LAYER)
    )  # fmt: skip
    options: dict[str, object] = {}
    for name, value in lint.items():
        where = f"tool.archlab.lint.{name}"
        if name in _LISTS:
            options[name] = _texts(path, where, value)
        elif name in _TEXTS:
            if not isinstance(value, str):
                raise UsageError(f"{path}: {where} must be a text, got {value!r}")
            options[name] = value
        elif name in _NUMBERS:
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise UsageError(f"{path}: {where} must be a number, got {value!r}")
            options[name] = float(value)
    layers = _table(path, f"tool.archlab.lint.{_PER_LAYER}", lint.get(_PER_LAYER, {}))
    models = _table(path, "tool.archlab.models", table.get("models", {}))
    return Config(
        path,
        options,
        {name: _texts(path, name, codes) for name, codes in layers.items()},
        {name: _limits(path, name, limits) for name, limits in models.items()},
    )


def _table(path: Path, where: str, value: object, known: Sequence[str] = ()) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise UsageError(f"{path}: [{where}] must be a table, got {value!r}")
    table = cast("dict[str, object]", value)
    for name in table:
        if known and name not in known:
            raise UsageError(f"{path}: [{where}] has no {name!r}: {did_you_mean(name, known)}")
    return table


def _texts(path: Path, where: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in cast("list[object]", value)):
        raise UsageError(f"{path}: {where} must be a list of texts, got {value!r}")
    return tuple(cast("list[str]", value))


def _limits(path: Path, name: str, value: object) -> Mapping[str, str]:
    table = _table(path, f'tool.archlab.models."{name}"', value)
    for key, limit in table.items():
        switch = isinstance(limit, bool)
        if switch != (key == "lint") or not isinstance(limit, str | int | float):
            kind = "true or false" if key == "lint" else "a number or a text such as '300M'"
            raise UsageError(f"{path}: {key} of {name} must be {kind}, got {limit!r}")
    return {key: str(limit) for key, limit in table.items()}
